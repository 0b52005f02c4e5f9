"""The two commands that work on plain files: no project, no key, nothing stored but the answer.

`validate FILE --spec SPEC` holds one file against a specification; `reconcile --reported OLD --new NEW`
holds two side by side and writes the contract files.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import polars as pl

from pipelines.explain.causes import explain
from pipelines.explain.sentences import Words
from pipelines.handover import gate as gates
from pipelines.project import InputError
from pipelines.reconciliation.reconcile import Reconciliation, reconcile
from pipelines.reports import publish, runs
from pipelines.reports.country import country_report
from pipelines.reports.manifest import hold_if_sealed, seal
from pipelines.reports.places import place_names
from pipelines.reports.released import write_released
from pipelines.sources.plain import RefusedFile, read_file, read_plain
from pipelines.spec.constraint_kinds import Castable
from pipelines.spec.constraints import constraints_of
from pipelines.spec.model import DatabaseSpec, SourceName
from pipelines.spec.reading import read_spec, read_units
from pipelines.validation.check import check
from pipelines.validation.plain import refusal_summary, validation_summary
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.plain_frames import canonical, typed, typed_view

NO_FINDINGS = {
    "receipt_id": pl.String, "line": pl.Int64, "record_id": pl.String, "variable": pl.String,
    "rule": pl.String, "severity": pl.String, "reason": pl.String,
}  # fmt: skip


def validate_file(path: Path, spec_path: Path, source: str, reference_date: dt.date | None = None) -> dict[str, Any]:
    """The verdict on one plain file with every rule's counts and first lines, never a value."""
    spec = read_spec(spec_path)
    if source not in get_args(SourceName):
        raise InputError(f"There is no source '{source}': choose one of {', '.join(get_args(SourceName))}.")
    if not path.is_file():
        raise InputError(f"{path} cannot be read: name an existing CSV or Parquet file.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        plain = read_file(path, spec)
    except RefusedFile as refused:
        return refusal_summary(path.name, digest, str(refused))
    rows = typed(spec, plain.rows, units=read_units(spec, spec_path.parent))
    rules = constraints_of(spec, source, reference_date)
    with in_memory() as memory, memory.registered(rows) as table:
        validation = check(memory.connection, spec, table, rules)
    return validation_summary(validation, plain.name, digest, plain.broken)


def reconcile_files(
    spec_path: Path,
    reported: Path,
    new: Path,
    out: Path,
    reference_date: dt.date | None = None,
    previous: Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Hold two plain files side by side; `out` gets the contract files, all at once or not at all."""
    spec, out = read_spec(spec_path), out.resolve()
    publish.refuse_foreign(out)
    if previous:
        hold_if_sealed(previous)
    progress("læser filerne")
    sides = [_side(path, spec, spec_path) for path in (reported, new)]
    progress("sammenholder")
    found = reconcile(spec, *(side.readable for side in sides), reference_date, sides[1].held)
    building = out.with_name(f".{out.name}.building")
    publish.start(building)
    try:
        summary = _write(building, spec, spec_path, found, sides, previous, progress)
        seal(building)
        publish.publish_folder(building, out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return summary


@dataclass(frozen=True)
class Side:
    """One plain file: the records whose every cell can be read, those held back, and the findings that say why."""

    path: Path
    digest: str
    readable: pl.DataFrame
    held: pl.DataFrame
    findings: pl.DataFrame


def _side(path: Path, spec: DatabaseSpec, spec_path: Path) -> Side:
    """A cell that is neither a value nor a missing code must not pass for an empty one: its record is held back."""
    rows, units = read_plain(path, spec), read_units(spec, spec_path.parent)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    findings = _unreadable(spec, rows, units).with_columns(receipt_id=pl.lit(digest[:16]))
    frame = canonical(spec, rows, units=units)
    if findings.is_empty():
        return Side(path, digest, frame, frame.clear(), findings)
    is_held = pl.col("line").is_in(findings["line"].implode())
    return Side(path, digest, frame.filter(~is_held), frame.filter(is_held), findings)


def _unreadable(spec: DatabaseSpec, rows: pl.DataFrame, units: list[dict[str, str]]) -> pl.DataFrame:
    rules = [rule for rule in constraints_of(spec, spec.sides.new, None) if isinstance(rule, Castable)]
    if all(rows.schema.get(rule.variable, pl.Null) != pl.String for rule in rules):
        return pl.DataFrame(schema=NO_FINDINGS)
    with typed_view(spec, rows, units) as (connection, table):
        return check(connection, spec, table, rules).findings.cast(NO_FINDINGS)


def _write(
    building: Path,
    spec: DatabaseSpec,
    spec_path: Path,
    found: Reconciliation,
    sides: list[Side],
    previous: Path | None,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    findings = pl.concat(side.findings.select(list(NO_FINDINGS)) for side in sides)
    arrived = {"receipts": _receipts(spec, found, sides), "findings": findings}
    publish.write_frames(building, arrived)
    publish.write_reconciliation(building, found, previous)
    names = place_names(spec, spec_path)
    write_released(building, previous, spec.small_cells, names.successors, found.counts())
    progress("forklarer")
    explanation = explain(spec, found)
    publish.write_explanation(building, explanation, Words(spec, names.regions, names.units))
    summary = publish.write_summary(building, spec, found, explanation)
    if spec.gates:
        decision = gates.judge(spec, next(iter(spec.gates)), building, runs.evidence(building))
        publish.write_json(building / "gate.json", decision.contract())
    progress("skriver rapporten")
    (building / "report.html").write_text(country_report(spec, building, names), "utf-8")
    return summary


RECEIPT = {
    "receipt_id": pl.String, "file": pl.String, "sha256": pl.String, "source": pl.String, "region": pl.String,
    "schema_version": pl.String, "submission": pl.String, "received_at": pl.Datetime, "verdict": pl.String,
    "rows_in": pl.Int64, "rows_accepted": pl.Int64, "rows_quarantined": pl.Int64, "reason": pl.String,
}  # fmt: skip


def _receipts(spec: DatabaseSpec, found: Reconciliation, sides: list[Side]) -> pl.DataFrame:
    """What was read, in the columns of receipts.parquet; received as of the reference date."""
    day = dt.datetime.combine(found.reference_date, dt.time())
    rows = []
    for side, source in zip(sides, (spec.sides.reported, spec.sides.new), strict=True):
        n, held = len(side.readable), len(side.held)
        verdict = "partly" if held else "accepted"
        said = (side.digest[:16], side.path.name, side.digest, source, None, None, None, day)
        rows.append((*said, verdict, n + held, n, held, None))
    return pl.DataFrame(rows, schema=RECEIPT, orient="row")
