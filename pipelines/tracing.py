"""From a discrepancy, a record, a cause or a figure back to the lines and files it came from.

Of a record that was derived also the event rows behind its values. Shows ids, files, lines and, of a
discrepancy, its two values; never a person number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import audit, flow
from pipelines.project import InputError
from pipelines.redaction import scrubbed
from pipelines.reports.runs import latest_run
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.frames import load

LINE = ("source", "region", "record_id", "file", "line", "submission", "sha256", "quarantined", "used")
EVENT = ("record_id", "variable", "table", "file", "line", "sha256")
EXAMPLES = 20  # discrepancies that a cause or figure shows one by one


@dataclass(frozen=True)
class Trail:
    """What an id is, the lines behind it (LINE), and the event rows behind derived values (EVENT)."""

    what: dict[str, Any]
    lines: tuple[dict[str, Any], ...]
    findings: tuple[dict[str, Any], ...] = ()
    events: tuple[dict[str, Any], ...] = ()

    def contract(self) -> dict[str, Any]:
        told = {"lines": list(self.lines), "findings": list(self.findings), "events": list(self.events)}
        return {"what": self.what} | told


@dataclass(frozen=True)
class Origins:
    """Every row that ever arrived (LINE), and every row that a derived value was read from (EVENT)."""

    rows: pl.DataFrame
    events: pl.DataFrame

    def lines(self, ids: Iterable[str | None]) -> tuple[dict[str, Any], ...]:
        wanted = [identity for identity in ids if identity]
        return tuple(self.rows.filter(pl.col("record_id").is_in(wanted)).select(LINE).to_dicts())

    def persons(self, trail: Trail) -> pl.Series:
        """Whose rows a trail shows."""
        shown = [line["record_id"] for line in trail.lines]
        return self.rows.filter(pl.col("record_id").is_in(shown))["person"].unique()

    def behind(self, values: pl.DataFrame) -> tuple[dict[str, Any], ...]:
        """The event rows of `values` (record_id, variable); of a null variable, all of the record."""
        whole = values.filter(pl.col("variable").is_null()).select("record_id")
        of_values = self.events.join(values.drop_nulls(), on=["record_id", "variable"], how="semi")
        of_records = self.events.join(whole, on="record_id", how="semi")
        return tuple(pl.concat([of_values, of_records]).unique().sort(EVENT, nulls_last=False).to_dicts())


def trace(run: flow.Run, wanted: str, why: str = "proof trail") -> Trail:
    """The trail of a discrepancy_id, pair_id, cause_id, record_id or figure (`agreement/lvef/nordjylland`).

    The reading and its purpose are entered in the audit log.
    """
    results = latest_run(run.project.results(run.database))
    with flow.opened(run) as warehouse:
        origins = Origins(_rows(run, warehouse), _events(run, warehouse))
    for look_up in (_discrepancy, _cause, _figure, _record):
        if trail := look_up(results, origins, wanted):
            audit.record(run.project, run.database, f"trace {scrubbed(wanted)}", why, origins.persons(trail))
            return trail
    raise InputError(
        f"Nothing is called '{wanted}' in {results.name}: give a discrepancy, pair, cause or record id, "
        "or a figure such as agreement/lvef/nordjylland."
    )


def _rows(run: flow.Run, warehouse: Warehouse) -> pl.DataFrame:
    """Every row that ever arrived, with its file; `used` where the comparison reads it.

    A record that was corrected has several rows, of which one is used; a held-back row is never used.
    """
    receipts = load(warehouse, "receipts").filter(pl.col("verdict") != "duplicate")
    rows = [
        warehouse.frame(
            f"select receipt_id, line, record_id, person, quarantined, '{source}' as source from typed_{source}"
        )
        for source in run.sources
    ]
    used = load(warehouse, "records").select("receipt_id", "line", used=pl.lit(True))
    return (
        pl.concat(rows)
        .join(receipts.select("receipt_id", "region", "file", "sha256", "submission"), on="receipt_id")
        .join(used, on=["receipt_id", "line"], how="left")
        .with_columns(pl.col("used").fill_null(False))
        .sort("source", "record_id", "file", "line")
    )


def _events(run: flow.Run, warehouse: Warehouse) -> pl.DataFrame:
    if not run.register:
        return pl.DataFrame(schema=dict.fromkeys(EVENT, pl.String))
    files = load(warehouse, "receipts").filter(pl.col("verdict") != "duplicate").select("receipt_id", "file", "sha256")
    return load(warehouse, "derivation").join(files, on="receipt_id").select(EVENT)


def _discrepancy(results: Path, origins: Origins, wanted: str) -> Trail | None:
    found = pl.read_parquet(results / "discrepancies.parquet").filter(
        (pl.col("discrepancy_id") == wanted) | (pl.col("pair_id") == wanted)
    )
    return _trail_of(found, origins, {"discrepancies": found.to_dicts()}) if len(found) else None


def _cause(results: Path, origins: Origins, wanted: str) -> Trail | None:
    told = json.loads((results / "causes.json").read_text("utf-8"))["causes"]
    cause = next((cause for cause in told if cause["cause_id"] == wanted), None)
    if cause is None:
        return None
    found = pl.read_parquet(results / "discrepancies.parquet").filter(cause_id=wanted)
    return _trail_of(found.head(EXAMPLES), origins, cause)


def _figure(results: Path, origins: Origins, wanted: str) -> Trail | None:
    """`agreement/<variable>[/<region>[/<unit>]]`: its counts, and the discrepancies that make it less than all."""
    kind, *rest = wanted.split("/")
    if kind != "agreement" or not rest:
        return None
    variable, region, unit = (*rest, None, None)[:3]
    place = {"variable": variable, "region": region, "unit": unit}
    same = [pl.col(name).eq_missing(pl.lit(value, pl.String)) for name, value in place.items()]
    rows = pl.read_parquet(results / "agreement.parquet").filter(*same, pl.col("period", "level").is_null())
    if rows.is_empty():
        return None
    asked = {name: value for name, value in place.items() if value}
    found = pl.read_parquet(results / "discrepancies.parquet").filter(**asked)
    return _trail_of(found.head(EXAMPLES), origins, rows.to_dicts()[0])


def _record(results: Path, origins: Origins, wanted: str) -> Trail | None:
    lines = origins.lines([wanted])
    if not lines:
        return None
    findings = pl.read_parquet(results / "findings.parquet").filter(record_id=wanted)
    found = pl.read_parquet(results / "discrepancies.parquet").filter(
        (pl.col("reported_id") == wanted) | (pl.col("new_id") == wanted)
    )
    whole = pl.DataFrame({"record_id": [wanted], "variable": [None]}, schema_overrides={"variable": pl.String})
    what = {"record_id": wanted, "discrepancies": found.to_dicts()}
    return Trail(what, lines, tuple(findings.to_dicts()), origins.behind(whole))


def _trail_of(found: pl.DataFrame, origins: Origins, what: dict[str, Any]) -> Trail:
    ids = [*found["reported_id"], *found["new_id"]]
    sides = [found.select("variable", record_id=f"{side}_id") for side in ("reported", "new")]
    values = pl.concat(sides).drop_nulls("record_id")
    return Trail(what, origins.lines(ids), events=origins.behind(values))
