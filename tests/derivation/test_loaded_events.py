"""Derivation reads the event tables as the warehouse makes them: the columns are there, in these types."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from event_rows import KINDS, event_spec

from pipelines.reconciliation.derive import derive
from pipelines.spec.derivation import Table
from pipelines.spec.event_views import views
from pipelines.warehouse.events import create_event_tables
from pipelines.warehouse.settling import settle

SHAPE = ["table", "id", "person", "contact_id", "course_id", "unit", "region", "starts", "ends", "code", "type",
         "parent", "number", "text", "receipt_id", "line"]  # fmt: skip


@pytest.fixture(scope="module")
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_event_tables(connection)
    settle(connection)
    return connection


@pytest.mark.parametrize("table", views())
def test_every_event_table_has_the_shape(warehouse: duckdb.DuckDBPyConnection, table: Table) -> None:
    described = warehouse.execute(f"describe {views()[table]}").fetchall()
    assert [name for name, *_ in described] == SHAPE
    types = {name: kind for name, kind, *_ in described}
    assert [types[name] for name in ("starts", "number", "line")] == ["TIMESTAMP", "DOUBLE", "BIGINT"]


@pytest.mark.parametrize("table", KINDS)
def test_the_rows_that_tests_draw_have_the_columns_of_the_warehouse(
    warehouse: duckdb.DuckDBPyConnection, table: str
) -> None:
    there = {name for name, *_ in warehouse.execute(f"describe {table}").fetchall()}
    assert set(KINDS[table]) <= there


def test_no_events_make_no_records(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = derive(warehouse, event_spec("{include: {contact: '*'}}", "v: {type: yes_no, from: {lab: {lab: X}}}"))
    assert found.records.is_empty() and found.evidence.is_empty()


def test_a_changed_person_number_is_one_person() -> None:
    connection = duckdb.connect()
    create_event_tables(connection)
    settle(connection)
    connection.execute(
        "insert into contact by name select 'k1' as contact_id, 'new' as person, timestamp '2026-03-01' as starts, "
        "'r' as receipt_id, 2 as line"
    )
    for number, died in (("old", dt.date(2026, 3, 9)), ("new", None)):
        connection.execute(
            "insert into person by name select ? as person, 'new' as current_person, ?::date as died, "
            "'r' as receipt_id, 3 as line", [number, died],
        )  # fmt: skip
    spec = event_spec("{include: {contact: '*'}}", "died: {type: date, from: {cpr: {person: died}}}")
    assert derive(connection, spec).records["died"].to_list() == [dt.date(2026, 3, 9)]
