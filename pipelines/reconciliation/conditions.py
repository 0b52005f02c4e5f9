"""Conditions of the specification, evaluated on whole frames by DuckDB."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec


def flags(spec: DatabaseSpec, frame: pl.DataFrame, conditions: Mapping[str, str]) -> pl.DataFrame:
    """One Boolean column per condition (text of the specification), in the order of `frame`'s rows.

    Raises InputError naming the condition that cannot be evaluated, or whose answer is not yes or no.
    """
    if not conditions:
        return pl.DataFrame({"row": range(len(frame))}).select([])
    with duckdb.connect(":memory:") as connection:
        connection.register("rows", frame.with_row_index("_number").to_arrow())
        answers = [_answer(connection, spec.condition(text).sql, text, name) for name, text in conditions.items()]
    return pl.DataFrame(answers)


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, text: str, name: str) -> pl.Series:
    try:
        answer = connection.execute(f"select ({sql}) as answer from rows order by _number").pl()["answer"]
    except duckdb.Error:  # its message may quote a value
        raise InputError(f"The condition '{text}' cannot be evaluated: compare values of one type.") from None
    if answer.dtype != pl.Boolean:
        raise InputError(f"The condition '{text}' is neither true nor false: say a comparison.")
    return answer.alias(name)
