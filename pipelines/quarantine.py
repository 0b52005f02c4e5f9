"""What is held back, and letting a row go after judgement. Shows ids, lines, rules and reasons, never a value."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import polars as pl

from pipelines import audit
from pipelines.project import InputError
from pipelines.redaction import PERSON, scrubbed
from pipelines.run import Run, opened
from pipelines.warehouse import releases
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.frames import load

ROW = re.compile("([0-9a-zA-Z_-]+):([0-9]{1,18})")
# Whose row it is, and who may speak of it, is not a matter of judgement.
OF_IDENTITY = {"record_id", "person"}
RULES_OF_IDENTITY = {"unit.region"}


def quarantined(run: Run) -> list[dict[str, Any]]:
    """The broken rules of every row that is held back, and of every row that was released, with who, when and why.

    A row that could not be read into fields has no record id. In order of receipt, line and rule.
    """
    with opened(run) as warehouse:
        found, persons = _held_and_released(warehouse), _persons(run, warehouse)
        told = found.join(releases.releases(warehouse), on=list(releases.OF_ROW), how="left", maintain_order="left")
    about = told.join(persons, on=["receipt_id", "line"], how="semi").select("receipt_id", "line").unique()
    behind = persons.join(about, on=["receipt_id", "line"], how="semi")["person"]
    audit.record(run.project, run.database, "quarantine", "what is held back", behind)
    return [row | {"record_id": scrubbed(row["record_id"] or "") or None} for row in told.to_dicts()]


def release(run: Run, row: str, by: str, why: str, at: dt.datetime) -> list[str]:
    """Let a row (`RECEIPT:LINE`) go although it breaks rules; the next run uses it. Gives back those rules.

    Raises InputError where the row is not held back, breaks a rule of identity, or the words hold a person number.
    """
    receipt_id, line = _named(row)
    _hold_said(by, "--by")
    _hold_said(why, "--why")
    with opened(run) as warehouse:
        broken = _held(warehouse).filter(receipt_id=receipt_id, line=line)
        rules = _releasable(broken, row)
        persons = _persons(run, warehouse).filter(receipt_id=receipt_id, line=line)["person"]
        audit.record(run.project, run.database, f"release {row}", f"{by}: {why}", persons)
        releases.release(warehouse, receipt_id, line, rules, by, why, at)
    return rules


def _releasable(broken: pl.DataFrame, row: str) -> list[str]:
    """The rules that the row breaks, if judgement may set them aside."""
    if broken.is_empty():
        raise InputError(f"The row {row} is not held back: `sammenhold quarantine` lists those that are.")
    identity = broken.filter(pl.col("variable").is_in(OF_IDENTITY) | pl.col("rule").is_in(RULES_OF_IDENTITY))
    if not identity.is_empty():
        raise InputError(
            f"The row {row} breaks {identity['rule'][0]}, a rule of identity: only the sender can put that right."
        )
    if broken["record_id"].null_count():
        raise InputError(f"The row {row} could not be read: only the sender can put that right.")
    return sorted(set(broken["rule"]))


def _held(warehouse: Warehouse) -> pl.DataFrame:
    return _held_and_released(warehouse).filter(~pl.col("released"))


def _held_and_released(warehouse: Warehouse) -> pl.DataFrame:
    """The findings that hold a row back or would, but for a release that was made since."""
    found = releases.judged(warehouse, load(warehouse, "findings").rename({"released": "_before"}))
    kept = found.filter((pl.col("severity") == "error") | pl.col("released") | pl.col("_before"))
    files = load(warehouse, "receipts").filter(pl.col("verdict") != "duplicate")
    named = kept.join(files.select("receipt_id", "file", "source", "region"), on="receipt_id", how="left")
    columns = ("receipt_id", "line", "record_id", "source", "region", "file", "variable", "rule", "reason")
    released = pl.col("released") | pl.col("_before")
    return named.select(*columns, released=released).sort("receipt_id", "line", "rule")


def _persons(run: Run, warehouse: Warehouse) -> pl.DataFrame:
    """Whose row each line is."""
    return pl.concat(warehouse.frame(f"select receipt_id, line, person from typed_{source}") for source in run.sources)


def _named(row: str) -> tuple[str, int]:
    said = ROW.fullmatch(row)
    if said is None:
        raise InputError("That names no row: write RECEIPT:LINE, as `sammenhold quarantine` lists them.")
    return said[1], int(said[2])


def _hold_said(text: str, option: str) -> None:
    if not text.strip():
        raise InputError(f"{option} says nothing: a release needs a name and a reason.")
    if PERSON.search(text):
        raise InputError(f"{option} holds a person number: say it without.")
