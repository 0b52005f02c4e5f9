"""The delivery reports of the two courses, and how they are taken in."""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from pipelines.sources.fsiii import read_codes
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.ledger import Receipt
from pipelines.warehouse.municipal import receive_municipal
from pipelines.warehouse.registers import prepare_registers
from pipelines.warehouse.settling import settle

REPORTS = Path(__file__).parents[1] / "data" / "municipal"
CODES = read_codes(Path(__file__).parents[2] / "expectations" / "codes" / "fsiii.csv")
NAMES = {code.code: code.name for code in CODES.values()}
RECEIVED = dt.datetime(2022, 10, 1, 6)
SECTION_119 = sorted((REPORTS / "section_119").glob("*.json"))
SECTION_140 = sorted((REPORTS / "section_140").glob("*.json"))


def standing(files: Iterable[Path]) -> pl.DataFrame:
    """What stands after all the files arrived in this order, by begin, kind and id."""
    with in_memory() as warehouse:
        prepare_registers(warehouse)
        for path in files:
            assert receive_municipal(warehouse, CODES, path, RECEIVED).verdict == "accepted"
        settle(warehouse.connection)
        return warehouse.frame(
            "select person, kind, code, starts, ends, status, receipt_id, line from municipal "
            "order by starts nulls first, kind, municipal_id"
        )


def taken_in(path: Path) -> tuple[Receipt, pl.DataFrame, pl.DataFrame]:
    """One file's receipt, its events that stand, and the rows that are held back."""
    with in_memory() as warehouse:
        prepare_registers(warehouse)
        receipt = receive_municipal(warehouse, CODES, path, RECEIVED)
        settle(warehouse.connection)
        return (
            receipt,
            warehouse.frame("from municipal order by line"),
            warehouse.frame("from broken_rows order by line"),
        )


def changed(path: Path, folder: Path, line: int, **fields: object) -> Path:
    """A copy of a report whose entry on that line has other fields; None takes a field away."""
    lines = path.read_text("utf-8").split("\n")
    entry = json.loads(lines[line - 1].removesuffix(","))
    for name, value in fields.items():
        entry["resource"].pop(name, None)
        if value is not None:
            entry["resource"][name] = value
    lines[line - 1] = json.dumps(entry, ensure_ascii=False) + ("," if lines[line - 1].endswith(",") else "")
    copy = folder / path.name
    copy.write_text("\n".join(lines), "utf-8")
    return copy


def coded(code: str, system: str = "urn:oid:1.2.208.176.2.21") -> dict:
    return {"coding": [{"system": system, "code": code}]}
