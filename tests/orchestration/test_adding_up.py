"""The checks on the comparison and the gate catch what does not add up."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipelines.handover.gate import Condition, Decision
from pipelines.orchestration.checks import every_record_once, gate_passed, regions_add_up

COUNTS = {"reported": 3, "new": 2}
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def placed(folder: Path, pairs: list[tuple[str, str]], alone: list[str], outside: list[str]) -> Path:
    """A results folder where reported records stand in pairs, alone, or outside the comparison."""
    pl.DataFrame(pairs, schema=["reported_id", "new_id"], orient="row").write_parquet(folder / "pairs.parquet")
    for name, ids in (("unmatched", alone), ("not_comparable", outside)):
        frame = pl.DataFrame(
            {"side": ["reported"] * len(ids), "record_id": ids}, schema=dict.fromkeys(("side", "record_id"), pl.String)
        )
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


PAIRS = [("r1", "n1"), ("r2", "n2")]


def test_every_record_stands_once(tmp_path):
    assert every_record_once(placed(tmp_path, PAIRS, ["r3"], []), COUNTS).passed


@pytest.mark.parametrize(
    ("alone", "outside", "lost", "repeated"),
    [([], [], 1, 0), (["r3"], ["r3"], 0, 1), (["r2"], [], 1, 1)],
    ids=["lost", "twice", "one lost and one twice"],
)
def test_a_record_lost_or_standing_twice_is_caught(tmp_path, alone, outside, lost, repeated):
    found = every_record_once(placed(tmp_path, PAIRS, alone, outside), COUNTS)
    assert not found.passed and found.severity == ERROR
    assert (found.metadata["ingen steder"].value, found.metadata["flere steder"].value) == (lost, repeated)


def covered(folder: Path, country: int, regions: list[int]) -> Path:
    rows = [(None, None, None, country, 0, 0, country)] + [
        (f"region_{n}", None, None, both, 0, 0, both) for n, both in enumerate(regions)
    ]
    names = ["region", "unit", "period", "both", "only_reported", "only_new", "union"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(folder / "coverage.parquet")
    return folder


@pytest.mark.parametrize(
    ("regions", "passed", "severity"),
    [([6, 4], True, WARN), ([6, 3], False, WARN), ([6, 5], False, ERROR)],
    ids=["equal", "without a region", "more than the country"],
)
def test_regions_add_up_to_the_country(tmp_path, regions, passed, severity):
    found = regions_add_up(covered(tmp_path, 10, regions), threshold=5)
    assert (found.passed, found.severity) == (passed, severity)


@pytest.mark.parametrize(
    ("outcome", "passed", "severity"),
    [("passed", True, WARN), ("cannot_be_judged", False, WARN), ("not_passed", False, ERROR)],
)
def test_only_a_passed_gate_passes(outcome, passed, severity):
    condition = Condition("overlap", None, ">= 0.9", None, None, None, 0, outcome, "")
    found = gate_passed(Decision("first_data", outcome, (condition,), {}), "sætning")
    assert (found.passed, found.severity) == (passed, severity)
