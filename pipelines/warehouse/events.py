"""The event tables in DuckDB: every row that arrived stays in a history, with receipt and line.

`contact_history` is all that was ever said; `contact`, what stands of it, is made by `settling.settle`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb
import polars as pl

from pipelines.sources.codelists import CODES, ORGANISATIONS
from pipelines.spec.event_tables import EVENT_TABLES
from pipelines.spec.register_layouts import TableLayout
from pipelines.spec.to_events import SEVERITIES, history_columns, reason, rules, typed_query
from pipelines.warehouse.database import in_row_groups

CREATE_COMPLAINTS = """
create table if not exists event_complaints (
    receipt_id varchar not null, line bigint not null, event varchar not null, variable varchar not null,
    rule varchar not null, severity varchar not null, reason varchar not null)
"""


@dataclass(frozen=True)
class Delivery:
    """Who says a batch: the receipt, the register's variant, and the day up to which the delivery knows."""

    receipt_id: str
    variant: str
    content_date: dt.date | None = None


def create_event_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """The history of every event, the complaints about its cells and the code lists; what is there stays."""
    connection.execute(CREATE_COMPLAINTS)
    for event in EVENT_TABLES:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in history_columns(event).items())
        connection.execute(f"create table if not exists {event}_history ({columns})")
    _create_empty(connection, "sks_codes", pl.DataFrame(schema=CODES))
    _create_empty(connection, "organisations", pl.DataFrame(schema=ORGANISATIONS))


def load_codes(connection: duckdb.DuckDBPyConnection, codes: pl.DataFrame, organisations: pl.DataFrame) -> None:
    """Take in the authorities' lists (sources.codelists) in place of those that were there."""
    for name, frame in (("sks_codes", codes), ("organisations", organisations)):
        connection.register("arrived", frame)
        connection.execute(f"delete from {name}")
        connection.execute(f"insert into {name} by name select * from arrived")
        connection.unregister("arrived")


def load(connection: duckdb.DuckDBPyConnection, table: TableLayout, rows: pl.DataFrame, delivery: Delivery) -> None:
    """Append a batch (`line` and event columns, see sources.registers) to its event's history; no row is lost."""
    connection.register("arrived", in_row_groups(rows))
    try:
        columns = {name: str(kind) for name, kind, *_ in connection.execute("describe arrived").fetchall()}
        connection.execute(f"create or replace temp table typed_arrived as {typed_query(table, 'arrived', columns)}")
        connection.execute(
            f"insert into {table.event}_history by name select * exclude (complaints), ? as variant, "
            "?::date as content_date, ? as receipt_id from typed_arrived",
            [delivery.variant, delivery.content_date, delivery.receipt_id],
        )
        _complain(connection, table, rules(table, columns), delivery)
    finally:
        connection.unregister("arrived")
        connection.execute("drop table if exists typed_arrived")


def _complain(
    connection: duckdb.DuckDBPyConnection, table: TableLayout, told: list[tuple[str, str]], delivery: Delivery
) -> None:
    """Tell of every cell of the batch that is not what it should be, never of its value."""
    said = pl.DataFrame(
        {
            "number": range(len(told)),
            "variable": [variable for variable, _ in told],
            "rule": [rule for _, rule in told],
            "severity": [SEVERITIES.get(rule, "error") for _, rule in told],
            "reason": [reason(table, variable, rule) for variable, rule in told],
        },
        schema_overrides={"number": pl.Int32},
    )
    connection.register("said", said)
    connection.execute(
        "insert into event_complaints select ?, line, ?, variable, rule, severity, reason from said join "
        "(select line, unnest(complaints) as number from typed_arrived where complaints is not null) using (number)",
        [delivery.receipt_id, table.event],
    )
    connection.unregister("said")


def _create_empty(connection: duckdb.DuckDBPyConnection, name: str, empty: pl.DataFrame) -> None:
    connection.register("arrived", empty)
    connection.execute(f"create table if not exists {name} as select * from arrived")
    connection.unregister("arrived")
