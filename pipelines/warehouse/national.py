"""The national registers' own warehouse: one for all databases, written by one process, read by many.

Files arrive under inbox/registers/<register>/national/; the folder says which register delivers.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from pipelines.project import REGISTERS, InputError, Project
from pipelines.sources.arrivals import Arrival
from pipelines.sources.codelists import read_municipalities, read_organisations, read_shak, read_sks
from pipelines.sources.fsiii import MunicipalCode, read_codes
from pipelines.spec.register_layouts import RegisterLayout, read_layouts
from pipelines.warehouse.database import Warehouse, open_warehouse
from pipelines.warehouse.event_findings import event_findings
from pipelines.warehouse.events import load_codes
from pipelines.warehouse.frames import keep, load
from pipelines.warehouse.ledger import Receipt
from pipelines.warehouse.municipal import receive_municipal
from pipelines.warehouse.registers import NATIONAL, prepare_registers, receive_register
from pipelines.warehouse.settling import settle

MUNICIPAL = "municipal"
# What the tables of what stands were made from: the receipts and the code lists.
CREATE_SETTLED = "create table if not exists settled (receipts varchar not null, lists varchar not null)"
HOW = "lay its files under inbox/registers/{0}/national and run `sammenhold registers`"


@dataclass(frozen=True)
class CodeLists:
    """The lists that say how the registers' files are read and what their codes mean (expectations/codes)."""

    layouts: list[RegisterLayout]
    municipal: Mapping[str, MunicipalCode]
    frames: Mapping[str, pl.DataFrame]  # sks, organisations, shak, municipalities
    fingerprint: str

    @property
    def registers(self) -> list[str]:
        """Every register that has a layout, in alphabetical order."""
        return sorted({layout.register_name for layout in self.layouts} | {MUNICIPAL})


def read_code_lists(folder: Path) -> CodeLists:
    """The code lists in `folder`. Raises InputError where one is not there or is no such list."""
    readers = {
        "sks": ("skscomplete.txt", read_sks), "organisations": ("organisations.csv", read_organisations),
        "shak": ("shakcomplete.txt", read_shak), "municipalities": ("municipalities.csv", read_municipalities),
    }  # fmt: skip
    frames = {name: read(folder / file) for name, (file, read) in readers.items()}
    said = hashlib.sha256(b"".join((folder / file).read_bytes() for file, _ in readers.values()))
    return CodeLists(read_layouts(folder / "registers"), read_codes(folder / "fsiii.csv"), frames, said.hexdigest())


@contextmanager
def open_registers(project: Project) -> Iterator[Warehouse]:
    """The registers' warehouse to write in, with all its tables."""
    with open_warehouse(project, REGISTERS) as warehouse:
        prepare_registers(warehouse)
        warehouse.connection.execute(CREATE_SETTLED)
        yield warehouse


@contextmanager
def read_registers(project: Project, wanted: Collection[str]) -> Iterator[Warehouse]:
    """The registers' warehouse to read what stands of the `wanted` registers.

    Raises InputError where one of them has not delivered, or what arrived is not settled: a value that is
    absent because its register is would look like one that nobody measured.
    """
    if not project.warehouse(REGISTERS).is_file():
        raise InputError(f"No register has been received: for {min(wanted)}, {HOW.format(min(wanted))}.")
    with open_warehouse(project, REGISTERS, read_only=True) as warehouse:
        if not _is_whole(warehouse):
            raise InputError("The registers were received only in part: run `sammenhold registers` again.")
        delivered = warehouse.frame("select distinct source from receipts where verdict <> 'refused'")["source"]
        if absent := sorted(set(wanted) - set(delivered)):
            raise InputError(f"Nothing has been received from {', '.join(absent)}: {HOW.format(absent[0])}.")
        yield warehouse


def receive_national(warehouse: Warehouse, lists: CodeLists, arrival: Arrival, received_at: dt.datetime) -> Receipt:
    """Take in one file of the registers' inbox; the same file twice changes nothing."""
    if arrival.source not in lists.registers:
        raise InputError(
            f"inbox/registers/{arrival.source} is no register's folder: they are {', '.join(lists.registers)}."
        )
    if arrival.region != NATIONAL:
        raise InputError(f"Registers come nationally: lay the files of {arrival.source} in its folder {NATIONAL}.")
    if arrival.source == MUNICIPAL:
        return receive_municipal(warehouse, lists.municipal, arrival.path, received_at)
    return receive_register(warehouse, lists.layouts, arrival.path, received_at, arrival.source)


def settle_if_new(warehouse: Warehouse, lists: CodeLists) -> bool:
    """Make what stands, and its findings, anew where files or code lists have come; whether that was so.

    One transaction: whoever reads sees all of it or what stood before.
    """
    now = (_received(warehouse), lists.fingerprint)
    if _settled(warehouse) == now:
        return False
    run, frames = warehouse.connection.execute, lists.frames
    with warehouse.transaction():
        load_codes(warehouse.connection, frames["sks"], frames["organisations"])
        settle(warehouse.connection)
        keep(warehouse, "findings", event_findings(warehouse.connection))
        for name in ("shak", "municipalities"):
            keep(warehouse, name, frames[name])
        run("delete from settled")
        run("insert into settled values (?, ?)", now)
    return True


def receipts_of(warehouse: Warehouse, registers: Collection[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ledger's receipts of some registers, and the rows of them that could not be read."""
    wanted = "select * from receipts where source in (select unnest(?)) order by ordinal"
    receipts = warehouse.frame(wanted, [sorted(registers)]).with_columns(conformed=pl.lit(True))
    broken = warehouse.frame("from broken_rows").join(receipts, on="receipt_id", how="semi")
    return receipts, broken.sort(pl.all())


def findings_behind(warehouse: Warehouse, evidence: pl.DataFrame) -> pl.DataFrame:
    """The findings about the event rows that records came from, under those records' ids.

    A finding about an event holds no record back, whatever the register makes of it: it is a warning here.
    """
    rows = evidence.select("record_id", "receipt_id", "line").unique()
    found = load(warehouse, "findings").drop("record_id").join(rows, on=["receipt_id", "line"])
    told = found.with_columns(variable=pl.lit(None, pl.String), severity=pl.lit("warning")).unique()
    return told.sort("receipt_id", "line", "record_id", "rule", "reason")


def _is_whole(warehouse: Warehouse) -> bool:
    """Whether what stands is made from all that was received."""
    try:
        return _settled(warehouse)[:1] == (_received(warehouse),)
    except duckdb.CatalogException:  # killed before its tables were made
        return False


def _received(warehouse: Warehouse) -> str:
    """A hash of all that was taken in."""
    ids = warehouse.frame("select receipt_id from receipts where verdict <> 'refused' order by receipt_id")
    return hashlib.sha256(json.dumps(ids["receipt_id"].to_list()).encode()).hexdigest()


def _settled(warehouse: Warehouse) -> tuple[str, ...]:
    """What the tables of what stands were made from; nothing, where they are not made yet."""
    return warehouse.connection.execute("select receipts, lists from settled").fetchone() or ()
