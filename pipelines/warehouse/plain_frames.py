"""Plain files in the shape of the typed layer and of the canonical frame, without anything stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import polars as pl

from pipelines.spec.model import DatabaseSpec
from pipelines.spec.to_duckdb import Notation, dated_variables, with_units
from pipelines.spec.to_duckdb import conform as conform_query
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.receiving import units_frame
from pipelines.warehouse.versions import canonical_columns

TYPES = {"decimal": pl.Float64, "integer": pl.Int64, "date": pl.Date, "timestamp": pl.Datetime("us")}


def canonical(
    spec: DatabaseSpec,
    frame: pl.DataFrame,
    notation: Notation = "iso",
    units: Iterable[Mapping[str, str]] = (),
) -> pl.DataFrame:
    """The canonical frame of a plain one (see sources.plain), in order of line, and its `line`.

    Columns that hold their variable's type already are passed on without a copy; a text that is neither
    a value nor a missing code becomes null. Codes are held side by side as they stand, with the blanks around them.
    """
    frame = frame.sort("line")
    kinds = dated_variables(spec)
    ready = [name for name in kinds if name != spec.event_date and _is_ready(frame, name, kinds[name])]
    columns = [*canonical_columns(spec), "line"]
    wanted = ", ".join(f'"{name}"' for name in columns)
    made = _conformed(spec, frame.drop(ready), notation, units, wanted, ("text", "code", "sks"))
    missing = {f"{name}_missing": _missing_code(frame, name) for name in ready if f"{name}_missing" in frame}
    return made.with_columns(frame.select(ready), **missing)


def typed(
    spec: DatabaseSpec,
    frame: pl.DataFrame,
    notation: Notation = "iso",
    units: Iterable[Mapping[str, str]] = (),
) -> pl.DataFrame:
    """The typed rows of a plain frame, as validation wants them: with _uncast, same_id and unit_region."""
    return _conformed(spec, frame, notation, units, "*")


def _conformed(
    spec: DatabaseSpec,
    frame: pl.DataFrame,
    notation: Notation,
    units: Iterable[Mapping[str, str]],
    wanted: str,
    as_it_stands: Collection[str] = ("text",),
) -> pl.DataFrame:
    """The wanted columns only: DuckDB leaves out the work that nobody asked for."""
    with in_memory() as memory, memory.registered(frame) as plain:
        described = memory.connection.execute(f"describe {plain}").fetchall()
        columns = {name: str(kind) for name, kind, *_ in described}
        memory.connection.register("units", units_frame(units))
        query = conform_query(spec, plain, columns, notation, as_it_stands=as_it_stands)
        query = with_units(spec, query, "units" if spec.units else None, copies=wanted == "*")
        return memory.frame(f"select {wanted} from ({query}) order by line")


def _is_ready(frame: pl.DataFrame, name: str, kind: str) -> bool:
    return name in frame.columns and frame.schema[name] == TYPES.get(kind)


def _missing_code(frame: pl.DataFrame, name: str) -> pl.Series:
    code = pl.col(f"{name}_missing").str.strip_chars(" ")
    return frame.select(pl.when(pl.col(name).is_null() & (code != "")).then(code)).to_series()
