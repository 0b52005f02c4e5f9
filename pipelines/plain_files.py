"""The two commands that work on plain files: no project, no key, nothing stored but the answer.

`validate FILE --spec SPEC` holds one file against a specification; `reconcile --reported OLD --new NEW`
holds two side by side and writes the contract files.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.explain.causes import explain
from pipelines.explain.sentences import Words
from pipelines.handover import gate as gates
from pipelines.project import InputError
from pipelines.reconciliation.reconcile import Reconciliation, reconcile
from pipelines.reports import publish
from pipelines.reports.country import country_report
from pipelines.reports.places import place_names
from pipelines.sources.plain import RefusedFile, read_file, read_plain
from pipelines.spec.constraints import constraints_of
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.reading import read_spec, read_units
from pipelines.validation.check import check
from pipelines.validation.plain import refusal_summary, validation_summary
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.plain_frames import canonical, typed

NO_FINDINGS = {
    "receipt_id": pl.String, "line": pl.Int64, "record_id": pl.String, "variable": pl.String,
    "rule": pl.String, "severity": pl.String, "reason": pl.String,
}  # fmt: skip


def validate_file(path: Path, spec_path: Path, source: str, reference_date: dt.date | None = None) -> dict[str, Any]:
    """The verdict on one plain file with every rule's counts and first lines, never a value."""
    spec = read_spec(spec_path)
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
    spec = read_spec(spec_path)
    publish.refuse_foreign(out)
    progress("læser filerne")
    sides = [_side(path, spec, spec_path) for path in (reported, new)]
    progress("sammenholder")
    found = reconcile(spec, *sides, reference_date)
    building = out.with_name(f".{out.name}.building")
    publish.start(building)
    try:
        summary = _write(building, spec, spec_path, found, (reported, new), previous, progress)
        publish.publish_folder(building, out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return summary


def _side(path: Path, spec: DatabaseSpec, spec_path: Path) -> pl.DataFrame:
    return canonical(spec, read_plain(path, spec), units=read_units(spec, spec_path.parent))


def _write(
    building: Path,
    spec: DatabaseSpec,
    spec_path: Path,
    found: Reconciliation,
    files: tuple[Path, Path],
    previous: Path | None,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    arrived = {"receipts": _receipts(spec, found, files), "findings": pl.DataFrame(schema=NO_FINDINGS)}
    publish.write_frames(building, arrived)
    publish.write_reconciliation(building, found, previous)
    progress("forklarer")
    names = place_names(spec, spec_path)
    explanation = explain(spec, found)
    publish.write_explanation(building, explanation, Words(spec, names.regions, names.units))
    summary = publish.write_summary(building, spec, found, explanation)
    if spec.gates:
        decision = gates.judge(spec, next(iter(spec.gates)), building, publish.evidence(building))
        publish.write_json(building / "gate.json", decision.contract())
    progress("skriver rapporten")
    (building / "report.html").write_text(country_report(spec, building, names), "utf-8")
    return summary


RECEIPT = {
    "receipt_id": pl.String, "file": pl.String, "sha256": pl.String, "source": pl.String, "region": pl.String,
    "schema_version": pl.String, "submission": pl.String, "received_at": pl.Datetime, "verdict": pl.String,
    "rows_in": pl.Int64, "rows_accepted": pl.Int64, "rows_quarantined": pl.Int64, "reason": pl.String,
}  # fmt: skip


def _receipts(spec: DatabaseSpec, found: Reconciliation, files: tuple[Path, Path]) -> pl.DataFrame:
    """What was read, in the columns of receipts.parquet; received as of the reference date."""
    counts, day = found.counts(), dt.datetime.combine(found.reference_date, dt.time())
    rows = []
    for path, side in zip(files, ("reported", "new"), strict=True):
        digest, n = hashlib.sha256(path.read_bytes()).hexdigest(), counts[side]
        source = getattr(spec.sides, side)
        rows.append((digest[:16], path.name, digest, source, None, None, None, day, "accepted", n, n, 0, None))
    return pl.DataFrame(rows, schema=RECEIPT, orient="row")
