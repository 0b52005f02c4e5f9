"""The ledger: what arrived, from whom, and what became of its rows. One receipt per file and channel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Literal

import polars as pl

from pipelines.warehouse.database import Warehouse

Verdict = Literal["accepted", "partly", "refused", "duplicate"]

# The row account stands in the database itself: no step can store a file whose rows do not add up.
CREATE = """
create table if not exists receipts (
    ordinal bigint not null, receipt_id varchar not null, database varchar not null, file varchar not null,
    sha256 varchar not null, source varchar not null, region varchar not null, schema_version varchar,
    submission varchar, sequence bigint, sent_at timestamp, received_at timestamp not null,
    verdict varchar not null check (verdict in ('accepted', 'partly', 'refused')),
    rows_in bigint not null, rows_accepted bigint not null, rows_quarantined bigint not null,
    reason varchar, conformed boolean not null default false,
    check (verdict = 'refused' or rows_in = rows_accepted + rows_quarantined))
"""
CREATE_BROKEN = """
create table if not exists broken_rows (
    receipt_id varchar not null, line bigint not null, rule varchar not null, reason varchar not null)
"""
PUBLISHED = (
    "receipt_id", "file", "sha256", "source", "region", "schema_version", "submission", "received_at",
    "verdict", "rows_in", "rows_accepted", "rows_quarantined", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Receipt:
    """A kvittering. `sequence` and `sent_at` (UTC) are the sender's, null where the format has none.

    verdict: accepted; partly (some rows are held back); refused (whole, with `reason`); duplicate
    (the same bytes came before on this channel: nothing was stored).
    """

    receipt_id: str
    database: str
    file: str
    sha256: str
    source: str
    region: str
    received_at: dt.datetime
    verdict: Verdict
    schema_version: str | None = None
    submission: str | None = None
    sequence: int | None = None
    sent_at: dt.datetime | None = None
    rows_in: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    reason: str | None = None


def seen(warehouse: Warehouse, receipt_id: str) -> Receipt | None:
    """The receipt with that id, where the ledger has one."""
    names = [field.name for field in fields(Receipt)]
    found = warehouse.connection.execute(
        f"select {', '.join(names)} from receipts where receipt_id = ?", [receipt_id]
    ).fetchone()
    return Receipt(**dict(zip(names, found, strict=True))) if found else None


def write(warehouse: Warehouse, receipt: Receipt) -> None:
    """Enter a receipt; one of a file that was refused before gives way. Called inside a transaction."""
    row = asdict(receipt)
    warehouse.connection.execute("delete from receipts where receipt_id = ?", [receipt.receipt_id])
    warehouse.connection.execute(
        f"insert into receipts (ordinal, {', '.join(row)}) "
        f"select coalesce(max(ordinal), 0) + 1, {', '.join('?' * len(row))} from receipts",
        list(row.values()),
    )


def recount(warehouse: Warehouse, source: str) -> None:
    """Bring the row accounts up to what validation holds back (typed rows marked `quarantined`)."""
    with warehouse.transaction():
        warehouse.connection.execute(
            f"""
            update receipts set rows_quarantined = held.n, rows_accepted = rows_in - held.n,
                verdict = case when held.n = 0 then 'accepted' else 'partly' end
            from (select receipt_id, count(distinct line) as n
                  from (select receipt_id, null as line from receipts
                        union all select receipt_id, line from broken_rows
                        union all select receipt_id, line from typed_{source} where quarantined)
                  group by receipt_id) held
            where held.receipt_id = receipts.receipt_id and source = ? and verdict <> 'refused'
            """,
            [source],
        )


def receipts(warehouse: Warehouse, duplicates: Iterable[Receipt] = ()) -> pl.DataFrame:
    """The ledger with the columns of receipts.parquet, in order of receipt; recognised duplicates last."""
    ledger = warehouse.frame(f"select {', '.join(PUBLISHED)} from receipts order by ordinal")
    again = [[getattr(receipt, name) for name in PUBLISHED] for receipt in duplicates]
    return pl.concat([ledger, pl.DataFrame(again, schema=ledger.schema, orient="row")])


def broken_findings(warehouse: Warehouse) -> pl.DataFrame:
    """Rows that could not be split into fields, with the columns of findings.parquet."""
    return warehouse.frame(
        "select receipt_id, line, null::varchar as record_id, null::varchar as variable, rule, "
        "'error' as severity, reason from broken_rows order by receipt_id, line"
    )
