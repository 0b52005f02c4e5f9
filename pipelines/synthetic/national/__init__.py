"""A year of the national registers in bulk, as Parquet in the registers' own layouts: for trials of speed.

Six million persons make 20 million contacts, 40 million diagnoses, 40 million procedures, 50 million laboratory
results and 80 million dispensed prescriptions. One population stands behind all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.project import InputError
from pipelines.synthetic.national.blocks import (
    Country,
    country,
    death_rows,
    hospital,
    laboratory,
    medicine,
    person_rows,
)

FEWEST = 500  # below, some disease has no person
PERSONS_A_BLOCK = 200_000


def national(out: Path, persons: int, year: int, seed: int) -> None:
    """Write a year of registers into the folder `out`, one Parquet file a table, in the order of time.

    Rows stand in blocks that are made one at a time (a block is one row group of a file), so that memory
    does not grow with the rows: about 100 bytes a person. The same arguments give the same bytes.
    """
    if persons < FEWEST:
        raise InputError(f"{persons} persons are too few for a country: say at least {FEWEST}.")
    out.mkdir(parents=True, exist_ok=True)
    land = country(persons, year, seed)
    writers: dict[str, pq.ParquetWriter] = {}
    try:
        for table, rows in _tables(land):
            if table not in writers:
                path = out / f"{table}_{year + 1}-03-31.parquet"
                writers[table] = pq.ParquetWriter(path, rows.schema, compression="zstd")
            writers[table].write_table(rows, row_group_size=max(1, rows.num_rows))
    finally:
        for writer in writers.values():
            writer.close()


def _tables(land: Country) -> Iterator[tuple[str, pa.Table]]:
    """Every block of every table, with the name of the register's table."""
    for low in range(0, len(land.people), PERSONS_A_BLOCK):
        yield "cpr_person", person_rows(land, low, min(low + PERSONS_A_BLOCK, len(land.people)))
    yield "t_dodsaarsag_2", death_rows(land)
    for block in range(land.blocks):
        yield from hospital(land, block).items()
        yield "lab_forsker", laboratory(land, block)
        yield "lmdb", medicine(land, block)
