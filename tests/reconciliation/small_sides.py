"""Small specifications and canonical frames drawn as tables, shared by the tests of this room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pipelines.spec.model import DatabaseSpec

LABEL = {"da": "Prøve"}
SAME_DAY = {"rule": "same day", "on": ["person", "unit", "day"]}
NEAR_DAY = {"rule": "near day", "on": ["person", "unit"], "within": {"day": "3 days"}}
OTHER_UNIT = {"rule": "other unit", "on": ["person", "region"], "within": {"day": 3}}
OTHER_REGION = {"rule": "other region", "on": ["person"], "within": {"day": 3}}
STAGES = (SAME_DAY, NEAR_DAY, OTHER_UNIT, OTHER_REGION)
TYPES = {"decimal": pl.Float64, "integer": pl.Int64, "date": pl.Date, "timestamp": pl.Datetime("us")}


def small_spec(variables: Mapping[str, Any] | None = None, **said: Any) -> DatabaseSpec:
    """A specification whose event date is `day`; it and the identity are all it has unless more is said."""
    columns = {"day": {"type": "date"}} | dict(variables or {})
    return DatabaseSpec.model_validate(
        {
            "database": "small", "title": LABEL, "official": False, "version": "1", "record": "one course",
            "event_date": "day", "person_number": "other", "match": STAGES,
            "variables": {name: {"label": LABEL, **column} for name, column in columns.items()},
        } | said
    )  # fmt: skip


def schema(spec: DatabaseSpec) -> dict[str, Any]:
    """The canonical frame's columns and types."""
    variables = {name: TYPES.get(variable.type, pl.String) for name, variable in spec.variables.items()}
    columns = dict.fromkeys(("record_id", "person", "unit", "region"), pl.String) | variables
    columns |= {f"{name}_missing": pl.String for name in variables}
    return columns | dict.fromkeys(spec.attributes, pl.String) | {"retracted": pl.Boolean}


def side(spec: DatabaseSpec, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """The canonical frame of rows that name only what they have."""
    return pl.DataFrame(list(rows), schema=schema(spec))


def drawn(spec: DatabaseSpec, table: str) -> pl.DataFrame:
    """A side drawn as a table: a line of column names, then a line a record; `-` is null, `03-09` a day of 2026."""
    names, *lines = (line.split() for line in table.strip().splitlines())
    kinds = schema(spec)
    rows = [{name: _cell(kinds[name], text) for name, text in zip(names, line, strict=True)} for line in lines]
    return side(spec, rows)


def _cell(kind: Any, text: str) -> Any:
    if text == "-":
        return None
    if kind == pl.Date:
        return dt.date.fromisoformat(f"2026-{text}")
    return {pl.Float64: float, pl.Int64: int}.get(kind, str)(text)
