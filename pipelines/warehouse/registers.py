"""Receiving a register's table: its rows among the events and its receipt in one transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from pipelines.project import InputError
from pipelines.sources.batch import Refused, is_plain_name
from pipelines.sources.registers import RegisterFile, open_register, sha256_of
from pipelines.spec.register_layouts import RegisterLayout
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.events import Delivery, create_event_tables, load
from pipelines.warehouse.ledger import CREATE, CREATE_BROKEN, Receipt, seen, write

NATIONAL = "national"
UNSHOWN = "(filnavn tilbageholdt)"
# `lpr_a_kontakt_2026-06-30.parquet`: the day up to which the delivery knows (indholdsdato).
CONTENT_DATE = re.compile(r"_([0-9]{4}-[0-9]{2}-[0-9]{2})(?=[_.]|$)")


def prepare_registers(warehouse: Warehouse) -> None:
    """The tables that a warehouse of registers needs: ledger and event tables."""
    with warehouse.transaction():
        for statement in (CREATE, CREATE_BROKEN):
            warehouse.connection.execute(statement)
        create_event_tables(warehouse.connection)


def receive_register(
    warehouse: Warehouse,
    layouts: Sequence[RegisterLayout],
    path: Path,
    received_at: dt.datetime,
    register: str | None = None,
) -> Receipt:
    """Take in one table of a register; the same bytes under the same name change nothing.

    The file's name begins with the table's and holds the delivery's content date. Columns that nobody agreed
    on are left out and named in the receipt. Refused whole: no such table, no content date, a needed column
    missing, a damaged file, or a table of another register than the one that is said to deliver.
    """
    receipt = _receipt(warehouse.database, path, register or "register", received_at)
    before = seen(warehouse, receipt.receipt_id)
    if before and before.verdict != "refused":
        return before
    try:
        return _take_in(warehouse, _opened(path, layouts, register), receipt)
    except Refused as refused:
        receipt = replace(receipt, verdict="refused", reason=refused.reason)
        with warehouse.transaction():
            write(warehouse, receipt)
        return receipt


def _opened(path: Path, layouts: Sequence[RegisterLayout], register: str | None) -> RegisterFile:
    """The file as a table of the register on whose channel it came."""
    file = open_register(path, layouts)
    if register not in (None, belongs_to := file.layout.register_name):
        raise Refused(
            "other_register",
            f"Filen er en tabel fra {belongs_to}, men er afleveret i mappen til {register}.",
            f"The file is a table of {belongs_to}, but was delivered in the folder of {register}.",
        )
    return file


def _take_in(warehouse: Warehouse, file: RegisterFile, receipt: Receipt) -> Receipt:
    delivery = Delivery(receipt.receipt_id, file.layout.variant, _content_date(file.path.name))
    accepted = held_back = 0
    with warehouse.transaction():
        for rows, broken in file.batches():
            load(warehouse.connection, file.table, rows, delivery)
            if broken.height:
                warehouse.insert("broken_rows", broken.with_columns(receipt_id=pl.lit(receipt.receipt_id)))
            accepted, held_back = accepted + rows.height, held_back + broken.height
        receipt = _described(receipt, file, accepted, held_back)
        write(warehouse, receipt)
    return receipt


def _described(receipt: Receipt, file: RegisterFile, accepted: int, held_back: int) -> Receipt:
    left_out = f"unknown_columns: Ukendte kolonner er holdt ude: {', '.join(file.unknown)}." if file.unknown else None
    return replace(
        receipt,
        source=file.layout.register_name,
        schema_version=file.layout.variant,
        verdict="partly" if held_back else "accepted",
        rows_in=accepted + held_back,
        rows_accepted=accepted,
        rows_quarantined=held_back,
        reason=left_out,
    )


def _receipt(database: str, path: Path, register: str, received_at: dt.datetime) -> Receipt:
    try:
        sha256 = sha256_of(path)
    except OSError:
        raise InputError(f"A file in {path.parent} cannot be read: see who may read it.") from None
    name = path.name if is_plain_name(CONTENT_DATE.sub("", path.name)) else UNSHOWN
    identity = "\0".join((database, register, NATIONAL, path.name, sha256))
    receipt_id = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return Receipt(receipt_id, database, name, sha256, register, NATIONAL, received_at, "accepted")


def _content_date(name: str) -> dt.date:
    """The content date in a file's name; without one nobody can say which of two deliveries is the later."""
    found = CONTENT_DATE.search(name)
    try:
        return dt.date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise Refused(
            "no_content_date",
            "Filnavnet mangler indholdsdatoen (som i lpr_a_kontakt_2026-06-30.parquet).",
            "The file's name lacks the content date (as in lpr_a_kontakt_2026-06-30.parquet).",
        ) from None
