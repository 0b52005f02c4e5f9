"""Receiving a municipal delivery report: its events among the others and its receipt in one transaction.

The reports come through one national gateway, whichever municipality sends them. What stands of them is made
by `settling.settle`: the latest report on each resource, without those that were entered in error.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from pipelines.project import InputError
from pipelines.sources.batch import Batch, Refused, is_plain_name
from pipelines.sources.fsiii import DANISH_TIME, MunicipalCode, read_fsiii
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.ledger import Receipt, seen, write
from pipelines.warehouse.registers import NATIONAL, UNSHOWN

APPEND = """
insert into municipal_history by name
select municipal_id, person, kind, code, starts::timestamp as starts, ends::timestamp as ends, status,
    action = 'delete' as deleted, 'gateway' as variant, $reported::timestamp as reported,
    $reported::date as content_date, $receipt_id as receipt_id, line
from incoming
"""


def receive_municipal(
    warehouse: Warehouse, codes: Mapping[str, MunicipalCode], path: Path, received_at: dt.datetime
) -> Receipt:
    """Take in one delivery report (see sources.fsiii); the same bytes under the same name change nothing.

    An entry that is no event is held back with its line and reason, the others are taken in. `warehouse` has
    the tables of `prepare_registers`.
    """
    try:
        content = path.read_bytes()
    except OSError:
        raise InputError(f"A file in {path.parent} cannot be read: see who may read it.") from None
    receipt = _receipt(warehouse.database, path.name, content, received_at)
    before = seen(warehouse, receipt.receipt_id)
    if before and before.verdict != "refused":
        return before
    try:
        return _take_in(warehouse, read_fsiii(content, codes), receipt)
    except Refused as refused:
        receipt = replace(receipt, verdict="refused", reason=refused.reason)
        with warehouse.transaction():
            write(warehouse, receipt)
        return receipt


def _take_in(warehouse: Warehouse, batch: Batch, receipt: Receipt) -> Receipt:
    sent_at = dt.datetime.fromisoformat(batch.sent_at).astimezone(DANISH_TIME).replace(tzinfo=None)
    receipt = replace(
        receipt,
        schema_version=batch.schema_version,
        verdict="partly" if batch.broken.height else "accepted",
        rows_in=batch.rows_in,
        rows_accepted=batch.rows.height,
        rows_quarantined=batch.broken.height,
    )
    with warehouse.transaction():
        with warehouse.registered(batch.rows):
            said = {"reported": sent_at, "receipt_id": receipt.receipt_id}
            warehouse.connection.execute(APPEND, said)
        if batch.broken.height:  # a report is small and there are many: most of the time goes to statements
            warehouse.insert("broken_rows", batch.broken.with_columns(receipt_id=pl.lit(receipt.receipt_id)))
        write(warehouse, receipt)
    return receipt


def _receipt(database: str, name: str, content: bytes, received_at: dt.datetime) -> Receipt:
    sha256 = hashlib.sha256(content).hexdigest()
    receipt_id = hashlib.sha256("\0".join((database, NATIONAL, name, sha256)).encode()).hexdigest()[:16]
    shown = name if is_plain_name(name) else UNSHOWN
    return Receipt(receipt_id, database, shown, sha256, "municipal", NATIONAL, received_at, "accepted")
