"""Receiving a file: its rows and its receipt in one transaction, or a receipt that says why not."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipelines.project import InputError
from pipelines.sources.batch import Batch, Refused, is_plain_name
from pipelines.sources.forms import Schemas, read_form
from pipelines.sources.kip_sas import DATA, catalogue_of
from pipelines.spec.model import REGISTERS, DatabaseSpec, SourceSchema
from pipelines.spec.to_duckdb import create_raw, create_typed, raw_columns
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.ledger import CREATE, CREATE_BROKEN, Receipt, seen, write
from pipelines.warehouse.releases import CREATE as CREATE_RELEASES


class Arrived(NamedTuple):
    """What a file holds; `catalogue` is the SAS catalogue beside it, which says what its codes mean."""

    content: bytes
    catalogue: bytes | None


UNSHOWN = "(filnavn tilbageholdt)"

CREATE_UNITS = (
    "create or replace table units (unit varchar, name varchar, hospital varchar, region varchar, "
    "valid_from date, valid_until date)"
)


def prepare(
    warehouse: Warehouse, spec: DatabaseSpec, sources: Iterable[str], units: Iterable[Mapping[str, str]] = ()
) -> None:
    """The tables that receive and conform write: ledger, raw and typed rows per source, reporting units.

    `sources` are those that give rows: the readable ones, and the register that a side is derived from. `units`
    are the specification's (read_units); an open end of their validity is filled in.
    """
    with warehouse.transaction():
        run = warehouse.connection.execute
        for statement in (CREATE, CREATE_BROKEN, CREATE_UNITS, CREATE_RELEASES):
            run(statement)
        for source in sources:
            run(create_raw(spec, source))
            run(create_typed(spec, source))
            _add_new_columns(warehouse, spec, f"raw_{source}")
        warehouse.insert("units", units_frame(units))


def readable(schemas: Schemas) -> list[str]:
    """The sources whose files can be read here: those that have a format, and are no register."""
    return sorted({source for source, _ in schemas} - set(REGISTERS))


def _add_new_columns(warehouse: Warehouse, spec: DatabaseSpec, table: str) -> None:
    """A new version of the specification may have more variables; rows of old are null there."""
    described = warehouse.connection.execute(f"describe {table}").fetchall()
    there = {name for name, *_ in described}
    for column in raw_columns(spec):
        if column not in there:
            warehouse.connection.execute(f'alter table {table} add column "{column}" varchar')


def units_frame(units: Iterable[Mapping[str, str]]) -> pl.DataFrame:
    """The reporting units with real dates; where an end is open, the first or last day there is."""
    names = ("unit", "name", "hospital", "region", "valid_from", "valid_until")
    rows = [[unit.get(name) or None for name in names] for unit in units]
    texts = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return texts.with_columns(
        pl.col("valid_from").str.to_date(strict=False).fill_null(dt.date(1, 1, 1)),
        pl.col("valid_until").str.to_date(strict=False).fill_null(dt.date(9999, 12, 31)),
    )


def receive(
    warehouse: Warehouse,
    spec: DatabaseSpec,
    schemas: Schemas,
    path: Path,
    source: str,
    region: str,
    received_at: dt.datetime,
) -> Receipt:
    """Take in one file that came on the channel of `source` and `region`.

    The same bytes on the same channel change nothing: under the same name their receipt is given again,
    under another one it says `duplicate`. A file that was refused is read again, since the
    specification may have learned its version meanwhile.
    """
    if source not in (known := readable(schemas)):
        raise InputError(f"{source} has no format in {spec.database}: its channels are {', '.join(known)}.")
    arrived = _arrived(path)
    receipt = _receipt(spec.database, source, region, path.name, arrived, received_at)
    before = seen(warehouse, receipt.receipt_id)
    if before and before.verdict != "refused":
        if before.file == receipt.file:
            return before
        reason = f"duplicate: Samme indhold som {before.file}, der er modtaget tidligere."
        return replace(before, file=receipt.file, received_at=received_at, verdict="duplicate",
                       rows_accepted=0, rows_quarantined=0, reason=reason)  # fmt: skip
    return _take_in(warehouse, spec, schemas, arrived, receipt, before)


def _take_in(
    warehouse: Warehouse,
    spec: DatabaseSpec,
    schemas: Schemas,
    arrived: Arrived,
    receipt: Receipt,
    before: Receipt | None,
) -> Receipt:
    try:
        batch = _read(arrived, schemas, receipt)
        raw = _raw_rows(batch, schemas[batch.source, batch.schema_version], receipt)
        receipt = _described(receipt, batch)
        _hold_units(warehouse, raw, receipt.region)
    except Refused as refused:
        refusal = replace(receipt, verdict="refused", reason=refused.reason, rows_accepted=0, rows_quarantined=0)
        if before and before.reason == refusal.reason:
            return before
        with warehouse.transaction():
            write(warehouse, refusal)
        return refusal
    with warehouse.transaction():
        warehouse.insert(f"raw_{receipt.source}", raw)
        warehouse.insert("broken_rows", batch.broken.with_columns(receipt_id=pl.lit(receipt.receipt_id)))
        write(warehouse, receipt)
    return receipt


def _read(arrived: Arrived, schemas: Schemas, receipt: Receipt) -> Batch:
    """The file's rows; who sent them is decided by the channel, and the envelope must say the same."""
    if receipt.file == UNSHOWN:
        raise Refused(
            "file_name",
            "Filnavnet må kun have bogstaver, tal og ._- og ikke ligne et CPR-nummer.",
            "The file name may only have letters, digits and ._- and not look like a CPR number.",
        )
    batch = read_form(receipt.source, arrived.content, schemas, arrived.catalogue)
    if batch.database not in (None, receipt.database):
        raise Refused("wrong_database", "Kuverten nævner en anden database.", "The envelope names another database.")
    if batch.region not in (None, receipt.region):
        raise _other_region()
    return batch


def _receipt(database: str, source: str, region: str, name: str, arrived: Arrived, received_at: dt.datetime) -> Receipt:
    """An empty receipt. The same data under another catalogue say something else: that is another receipt."""
    sha256 = hashlib.sha256(arrived.content).hexdigest()
    shown = name if is_plain_name(name) else UNSHOWN
    catalogue = [hashlib.sha256(arrived.catalogue).hexdigest()] if arrived.catalogue else []
    identity = "\0".join((database, source, region, sha256, "" if shown == name else "unshown", *catalogue))
    receipt_id = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return Receipt(receipt_id, database, shown, sha256, source, region, received_at, "accepted")


def _described(receipt: Receipt, batch: Batch) -> Receipt:
    return replace(
        receipt,
        verdict="partly" if batch.broken.height else "accepted",
        schema_version=batch.schema_version,
        submission=batch.submission,
        sequence=batch.sequence,
        sent_at=_utc(batch.sent_at),
        rows_in=batch.rows_in,
        rows_accepted=batch.rows.height,
        rows_quarantined=batch.broken.height,
    )


def _raw_rows(batch: Batch, schema: SourceSchema, receipt: Receipt) -> pl.DataFrame:
    """The batch's rows under the specification's names, with what the file says about all of them."""
    names = {field: name for name, field in (schema.identity | schema.variables).items()}
    return batch.rows.rename(names).with_columns(
        receipt_id=pl.lit(receipt.receipt_id),
        sequence=pl.lit(batch.sequence, dtype=pl.Int64),
        submission=pl.lit(batch.submission, dtype=pl.String),
        source_file=pl.lit(receipt.file),
        schema_version=pl.lit(batch.schema_version),
    )


def _hold_units(warehouse: Warehouse, raw: pl.DataFrame, region: str) -> None:
    """Refused: all rows come from units of other regions, so that the file is on the wrong channel."""
    owners = warehouse.frame("select distinct unit, region as owner from units")
    sent = raw.filter(pl.col("action") != "delete").select(unit=pl.col("unit").str.strip_chars(" "))
    own = set(owners.filter(owner=region)["unit"])
    foreign = set(owners["unit"]) - own
    if sent.height and sent["unit"].is_in(list(foreign)).fill_null(False).all():
        raise _other_region()


def _other_region() -> Refused:
    return Refused(
        "other_region",
        "Filen kommer fra en anden region end den, der har afleveret den.",
        "The file comes from another region than the one that delivered it.",
    )


def _arrived(path: Path) -> Arrived:
    """A catalogue counts beside SAS data only, and not as a link, which may lead elsewhere."""
    content, beside = _bytes(path), catalogue_of(path)
    counts = content.startswith(DATA) and beside.is_file() and not beside.is_symlink()
    return Arrived(content, _bytes(beside) if counts else None)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise InputError(f"A file in {path.parent} cannot be read: see who may read it.") from None


def _utc(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC).replace(tzinfo=None) if text else None
