"""Typed rows from texts, and the naive meaning of the rules, one row at a time in plain Python."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from pipelines.spec.constraint_kinds import Constraint, Holds, Required
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.person_number import CPR, REPLACEMENT_CPR
from pipelines.spec.to_duckdb import conform, raw_columns, typed_columns, with_units

Row = Mapping[str, Any]
REFERENCE_DATE = dt.date(2026, 6, 30)
UNITS = """
    ('1301', 'hovedstaden', '1301', date '2000-01-01', date '9999-12-31'),
    ('6620', 'midtjylland', '6620', date '2000-01-01', date '2025-12-31')
"""


def typed(spec: DatabaseSpec, rows: Sequence[Row], channel_region: str | None = None) -> duckdb.DuckDBPyConnection:
    """A connection with the view `typed` over rows of text; a row's line is its place, from 2."""
    connection = duckdb.connect()
    names = [*raw_columns(spec), "channel_region"]
    line = {"receipt_id": pl.String, "line": pl.Int64, "action": pl.String, "sequence": pl.Int64}
    made = [
        {"receipt_id": "r1", "line": number, "channel_region": channel_region} | dict(row)
        for number, row in enumerate(rows, 2)
    ]
    frame = pl.DataFrame(made, schema=line | dict.fromkeys(names, pl.String))
    connection.register("arrived", frame.to_arrow())
    connection.execute("create table raw as from arrived")
    connection.execute(
        f"create table units as from (values {UNITS}) u(unit, region, hospital, valid_from, valid_until)"
    )
    columns = {
        name: str(kind)
        for name, kind in connection.execute("select column_name, column_type from (describe raw)").fetchall()
    }
    query = with_units(spec, conform(spec, "raw", columns), "units" if spec.units else None)
    connection.execute(f"create table typed as select *, false as quarantined from ({query}) order by line")
    return connection


def rows_of(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The typed rows as Python values."""
    found = connection.execute("from typed order by line")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def naive_findings(constraints: Iterable[Constraint], rows: Iterable[Row]) -> set[tuple[str, int]]:
    """(rule, line) of every broken rule."""
    return {(rule.id, row["line"]) for row in rows for rule in constraints if rule.violated(row)}


def naive_eligible(rule: Constraint, row: Row) -> bool:
    """Whether the row could break the rule at all."""
    person = row["person"] or ""
    match rule.kind:
        case "present":
            return True
        case "required":
            assert isinstance(rule, Required)
            return rule.only_if is None or rule.only_if.holds(row) is True
        case "condition":
            assert isinstance(rule, Holds)
            return rule.condition.holds(row) is not None
        case "castable":
            return row[rule.variable] is not None or row[f"{rule.variable}_uncast"]
        case "valid":
            return row[rule.variable] is not None and row[rule.event_date] is not None
        case "check_digit":
            return any(re.fullmatch(pattern, person) for pattern in (CPR, REPLACEMENT_CPR))
        case "region":
            return None not in (row["unit_region"], row["channel_region"])
    return row[rule.variable] is not None


def naive_same_id(spec: DatabaseSpec, rows: Sequence[Row]) -> list[int]:
    """How many rows each row gives way to: those of its id that differ, and earlier equal ones."""
    content = [name for name in typed_columns(spec) if name not in ("line", "source_file", "same_id")]

    def said(row: Row) -> list[Any]:
        return [row[name] for name in content]

    def count(place: int, row: Row) -> int:
        same = [(n, other) for n, other in enumerate(rows) if other["record_id"] == row["record_id"]]
        return sum(said(other) != said(row) or n < place for n, other in same)

    return [count(place, row) if row["record_id"] else 0 for place, row in enumerate(rows)]
