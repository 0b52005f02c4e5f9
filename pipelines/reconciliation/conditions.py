"""Conditions of the specification, evaluated on whole frames by DuckDB."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

from pipelines.spec.model import DatabaseSpec


def flags(spec: DatabaseSpec, frame: pl.DataFrame, conditions: Mapping[str, str]) -> pl.DataFrame:
    """One Boolean column per condition (text of the specification), in the order of `frame`'s rows."""
    if not conditions:
        return pl.DataFrame({"row": range(len(frame))}).select([])
    columns = ", ".join(f'({spec.condition(text).sql}) as "{name}"' for name, text in conditions.items())
    with duckdb.connect(":memory:", config={"enable_external_access": True}) as connection:
        connection.register("rows", frame.with_row_index("row_number_").to_arrow())
        return connection.execute(f"select {columns} from rows order by row_number_").pl()
