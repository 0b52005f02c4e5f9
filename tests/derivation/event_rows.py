"""Event tables drawn as text, and small specifications over them, shared by the tests of derivation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import duckdb
import yaml

from pipelines.reconciliation.derive import Derived, derive
from pipelines.spec.model import DatabaseSpec

# The columns that derivation reads, with their DuckDB types.
COLUMNS = {
    "contact": "contact_id course_id person unit region starts:timestamp ends:timestamp contact_type priority",
    "diagnosis": "contact_id person code type parent_code retracted:boolean",
    "procedure": "procedure_id contact_id course_id person code type parent_code starts:timestamp unit",
    "result": "contact_id person trigger_code code number:double text taken:timestamp",
    "lab": "person code number:double operator text taken:timestamp",
    "medicine": "person atc dispensed:date packages:double",
    "person": "person birth_date:date sex died:date emigrated:date current_person",
    "death": "person died:date cause",
    "municipal": "person kind code starts:timestamp ends:timestamp",
}
KINDS = {
    table: {name: kind or "varchar" for name, _, kind in (part.partition(":") for part in columns.split())}
    for table, columns in COLUMNS.items()
}
Row = dict[str, Any]


def drawn(table: str, text: str) -> list[Row]:
    """Rows of an event table drawn as a table: a line of column names, then a line a row; `-` is null.

    Dates are ISO; `2026-03-01T08:30` has a time. Receipt and line are the table's name and the row's number.
    """
    names, *lines = (line.split() for line in text.strip().splitlines())
    kinds = KINDS[table]
    rows = [{n: _cell(kinds[n], cell) for n, cell in zip(names, line, strict=True)} for line in lines]
    return [
        dict.fromkeys(kinds) | row | {"receipt_id": f"{table}-1", "line": number} for number, row in enumerate(rows, 2)
    ]


def _cell(kind: str, text: str) -> Any:
    if text == "-":
        return None
    readers = {
        "timestamp": dt.datetime.fromisoformat, "date": dt.date.fromisoformat, "double": float,
        "boolean": {"yes": True, "no": False}.__getitem__,
    }  # fmt: skip
    return readers.get(kind, str)(text)


def loaded(rows: Mapping[str, list[Row]]) -> duckdb.DuckDBPyConnection:
    """A database in memory with every event table; those without rows are empty."""
    connection = duckdb.connect()
    for table, kinds in KINDS.items():
        columns = {**kinds, "receipt_id": "varchar", "line": "bigint"}
        connection.execute(f"create table {table} ({', '.join(f'{n} {k}' for n, k in columns.items())})")
        if rows.get(table):
            marks = ", ".join("?" for _ in columns)
            connection.executemany(
                f"insert into {table} values ({marks})", [[row[name] for name in columns] for row in rows[table]]
            )
    return connection


def event_spec(population: str, variables: str = "{}", **said: Any) -> DatabaseSpec:
    """A specification of YAML: its population and its variables; the event date is `day`."""
    named = {name: {"label": {"da": "Prøve"}, **variable} for name, variable in yaml.safe_load(variables).items()}
    return DatabaseSpec.model_validate(
        {
            "database": "small", "title": {"da": "Prøve"}, "official": False, "version": "1", "record": "one course",
            "event_date": "day", "person_number": "other", "match": [{"rule": "same day", "on": ["person", "day"]}],
            "population": yaml.safe_load(population),
            "variables": {"day": {"label": {"da": "Dag"}, "type": "date"}, **named},
        } | said
    )  # fmt: skip


def derived(spec: DatabaseSpec, **tables: str) -> Derived:
    """What the specification makes of event tables drawn as text."""
    rows = {table: drawn(table, text) for table, text in tables.items()}
    with loaded(rows) as connection:
        return derive(connection, spec)


def ids(spec: DatabaseSpec, **tables: str) -> list[str]:
    """The records that come of it."""
    return derived(spec, **tables).records["record_id"].to_list()


def values(spec: DatabaseSpec, variable: str, **tables: str) -> list[Any]:
    """A variable of every record, in order of record id: the value, or `missing: <code>`, or None."""
    frame = derived(spec, **tables).records
    pairs = zip(frame[variable].to_list(), frame[f"{variable}_missing"].to_list(), strict=True)
    return [f"missing: {code}" if code is not None else value for value, code in pairs]
