"""Generated register files taken in as the warehouse takes them in, and what a specification derives of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from pipelines.sources.fsiii import read_codes
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.register_layouts import read_layouts
from pipelines.synthetic.reading import derived, nothing
from pipelines.warehouse.database import Warehouse, in_memory
from pipelines.warehouse.municipal import receive_municipal
from pipelines.warehouse.registers import prepare_registers, receive_register
from pipelines.warehouse.settling import settle

CODES = Path(__file__).parents[2] / "expectations" / "codes"
RECEIVED = dt.datetime(2026, 10, 1, 6)


@contextmanager
def taken_in(files: Mapping[str, bytes], folder: Path) -> Iterator[tuple[Warehouse, list]]:
    """A warehouse of the register files among `files`, settled, and their receipts."""
    layouts, codes = read_layouts(CODES / "registers"), read_codes(CODES / "fsiii.csv")
    with in_memory() as warehouse:
        prepare_registers(warehouse)
        receipts = []
        for path, content in sorted(files.items()):
            if path.startswith("registers/"):
                (file := folder / Path(path).name).write_bytes(content)
                receipts.append(
                    receive_municipal(warehouse, codes, file, RECEIVED)
                    if file.suffix == ".json"
                    else receive_register(warehouse, layouts, file, RECEIVED)
                )
        settle(warehouse.connection)
        yield warehouse, receipts


def compared(spec: DatabaseSpec, courses: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """For each derived variable: how many relevant values the register should say (n), and does (equal)."""
    both = courses.join(records, on="record_id", suffix="_derived")
    counts = [{"variable": name, **_counted(spec, name, both)} for name in derived(spec)]
    return pl.DataFrame(counts)


def _counted(spec: DatabaseSpec, name: str, both: pl.DataFrame) -> dict[str, int]:
    """A value must be said as it is; why a value is missing a register can only say by having no event."""
    relevant = both.filter(pl.col(name).is_not_null() | pl.col(f"{name}_missing").is_not_null())
    value, code = pl.col(f"{name}_derived"), pl.col(f"{name}_missing_derived")
    absent, absent_code = nothing(spec.variables[name])
    same = (pl.col(name) - value).abs() < 1e-6 if both.schema[name].is_float() else pl.col(name) == value
    as_nothing = value.eq_missing(pl.lit(absent, both.schema[name])) & code.eq_missing(pl.lit(absent_code, pl.String))
    equal = pl.when(pl.col(name).is_not_null()).then(same.fill_null(False)).otherwise(as_nothing)
    return {"n": relevant.height, "equal": int(relevant.select(equal.sum()).item())}


def share(counts: pl.DataFrame, *names: str) -> float:
    chosen = counts.filter(pl.col("variable").is_in(names)) if names else counts
    return chosen["equal"].sum() / chosen["n"].sum()
