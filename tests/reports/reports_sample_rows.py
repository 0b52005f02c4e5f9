"""A region's rows with persons, and texts that would like to be more than text."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from reports_sample_said import CAUSES

from pipelines.reports.rows import RegionRows

PERSON = "0101701234"
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "http://example.org",
    "<img src=x onerror=alert(1)>",
    "{=1+1}",
    "\t=1+1",
    "javascript:alert(1)",
    '"><a href="x">y</a>',
)


def region_rows(results: Path, region: str, **changes: object) -> RegionRows:
    """Rows as the flow gives them: all regions' discrepancies of the results, with persons and lines."""
    frame = pl.read_parquet(results / "discrepancies.parquet").with_columns(
        person=pl.lit(PERSON),
        event_date=pl.lit("2026-01-05"),
        unit_name=pl.lit("Klinik ") + pl.col("unit"),
        cause_sentence=pl.col("cause_id").replace_strict(
            {c["cause_id"]: c["sentence"]["da"] for c in CAUSES}, default=None
        ),
        source_line_new=pl.lit("wsapi.csv, linje 12"),
        source_line_reported=pl.lit("kip.csv, linje 7"),
        shared=pl.lit(False),
        own_side=pl.lit(None, pl.String),
    )
    findings = pl.DataFrame(
        {
            "file": [f"wsapi_{region}.csv"] * 2,
            "line": [9, 3],
            "record_id": ["w1", "w2"],
            "person": [PERSON, None],
            "variable": ["lvef", None],
            "rule": ["lvef.range", "person.required"],
            "severity": ["warning", "error"],
            "reason": ["skal ligge fra 5 til 80", "skal udfyldes"],
        }
    )
    return RegionRows(frame.with_columns(**{name: pl.lit(value) for name, value in changes.items()}), findings)
