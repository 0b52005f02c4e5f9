"""A side that is made of register events, kept as the rows of any other source are."""

from __future__ import annotations

import polars as pl

from pipelines.spec.model import DatabaseSpec
from pipelines.spec.to_duckdb import conform, create_typed, with_units
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.registers import NATIONAL


def keep_national(warehouse: Warehouse, receipts: pl.DataFrame, broken: pl.DataFrame) -> None:
    """The registers' receipts and unreadable rows that the side is read from, in place of earlier ones.

    They stand in the database's own ledger, so that its row accounts hold for all that it reads.
    """
    run = warehouse.connection.execute
    with warehouse.transaction():
        run(
            f"delete from broken_rows where receipt_id in (select receipt_id from receipts where region = '{NATIONAL}')"
        )
        run(f"delete from receipts where region = '{NATIONAL}'")
        (last,) = run("select coalesce(max(ordinal), 0) from receipts").fetchone()
        warehouse.insert("receipts", receipts.with_columns(pl.col("ordinal").rank("ordinal").cast(pl.Int64) + last))
        warehouse.insert("broken_rows", broken)


def keep_records(warehouse: Warehouse, spec: DatabaseSpec, source: str, records: pl.DataFrame) -> None:
    """typed_<source> anew from a canonical frame with receipt_id and line.

    The file and the layout of the event that made a record are its source_file and schema_version.
    """
    files = warehouse.frame("select receipt_id, file as source_file, schema_version from receipts")
    named = records.drop("source_file", "schema_version").join(files, on="receipt_id", how="left")
    with warehouse.transaction(), warehouse.registered(named.with_columns(action=pl.lit("create"))) as incoming:
        described = warehouse.connection.execute(f"describe {incoming}").fetchall()
        columns = {name: str(kind) for name, kind, *_ in described}
        typed = with_units(spec, conform(spec, incoming, columns), "units" if spec.units else None)
        warehouse.connection.execute(f"drop table if exists typed_{source}")
        warehouse.connection.execute(create_typed(spec, source))
        warehouse.connection.execute(f"insert into typed_{source} by name select * from ({typed}) order by record_id")
