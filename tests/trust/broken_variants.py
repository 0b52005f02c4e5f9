"""Deliberately broken variants of storing and publishing, of which each must fail what the real ones hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moments import Moments

from pipelines.reports import publish
from pipelines.warehouse.database import Warehouse

# Where a kill shows what a variant lacks.
SHOWN_AT = {
    "no transaction": "receive: before write",
    "acknowledged before it is kept": "conform: before conform",
    "no rename": "decide: between two files",
}


def put(variant: str | None, moments: Moments) -> None:
    """Break this process, for good."""
    kinds = (no_transaction, acknowledged_early, no_rename)
    if variant:
        dict(zip(SHOWN_AT, kinds, strict=True))[variant](moments)


def no_transaction(moments: Moments) -> None:
    @contextmanager
    def transaction(warehouse: Warehouse) -> Iterator[None]:
        yield

    Warehouse.transaction = transaction


def acknowledged_early(moments: Moments) -> None:
    """All would be kept together at the end, not file by file."""
    begun = set[int]()

    @contextmanager
    def transaction(warehouse: Warehouse) -> Iterator[None]:
        if id(warehouse) not in begun:
            begun.add(id(warehouse))
            warehouse.connection.execute("begin transaction")
        yield

    Warehouse.transaction = transaction


def no_rename(moments: Moments) -> None:
    def publish_folder(building: Path, out: Path) -> None:
        for path in sorted(building.rglob("*.*")):
            there = out / path.relative_to(building)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
            moments.reached("between two files")

    publish.publish_folder = publish_folder
