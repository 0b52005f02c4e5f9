"""The change of source: its beginning as volumes show it, and coverage allowing for what has not arrived yet."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from small_sides import side, small_spec

from pipelines.reconciliation.changeover import began, changeovers
from pipelines.reconciliation.lag import adjusted_coverage, arrived_within

DAY = dt.date(2026, 9, 30)


@pytest.mark.parametrize("rate", [3, 10, 60])
def test_a_planted_beginning_is_found_to_the_month(rate):
    random = np.random.default_rng(4)
    found = [
        began(np.concatenate([random.poisson(rate / 100, start), random.poisson(rate, 24 - start)])) - start
        for start in random.integers(3, 20, 200)
    ]
    assert np.mean(np.abs(found) <= 1) >= 0.97 and np.mean(np.array(found) == 0) >= 0.9


def test_no_beginning_is_found_where_there_is_none():
    random = np.random.default_rng(4)
    assert [began(random.poisson(12, 24)) for _ in range(200)] == [None] * 200
    assert began(np.zeros(12)) is began(np.array([5.0])) is None
    # A source that doubles has not begun.
    assert began(np.concatenate([np.full(12, 20.0), np.full(12, 40.0)])) is None


def every_month(letter: str, first: int, unit: str, n: int = 10) -> list[dict]:
    """n records a month at a unit, from month `first` of 2026 until August."""
    return [
        {"record_id": f"{letter}{unit}{month}-{i}", "person": f"p{i}", "unit": unit, "region": "r",
         "day": dt.date(2026, month, i + 1)}
        for month in range(first, 9) for i in range(n)
    ]  # fmt: skip


def test_what_data_say_is_held_against_what_the_specification_says():
    spec = small_spec(changeover={"r": {"new_from": dt.date(2026, 2, 1)}, "u2": {"new_from": dt.date(2026, 4, 1)}})
    reported = side(spec, every_month("R", 1, "u1") + every_month("R", 1, "u2"))
    new = side(spec, every_month("N", 3, "u1") + every_month("N", 4, "u2"))
    reported, new = (frame.group_by("region", "unit", "day").len("n") for frame in (reported, new))
    found = changeovers(spec, reported, new, DAY)
    assert found.select("unit", "new_from", "found_from", "agrees").rows() == [
        (None, "2026-02-01", "2026-03", False),
        ("u1", "2026-02-01", "2026-03", False),
        ("u2", "2026-04-01", "2026-04", True),
    ]
    assert found.select("reported", "new").row(1) == (70, 60)
    assert changeovers(spec, reported.reverse(), new.reverse(), DAY).equals(found)


def test_the_share_that_has_arrived_is_that_of_earlier_records():
    assert arrived_within(pl.Series([0, 1, 1, 10]), np.array([0, 1, 9, 10, 99])).tolist() == [0.25, 0.75, 0.75, 1, 1]


def lagging(completeness: float) -> tuple:
    """Sixty thousand typed records in twenty months; nine of ten also come, after 40 days on average."""
    random, n = np.random.default_rng(8), 60_000
    days = [DAY - dt.timedelta(days=int(age)) for age in random.integers(0, 600, n)]
    delay = random.exponential(40, n).astype(int)
    rows = [
        {"record_id": f"{i}", "person": f"p{i}", "unit": "u", "region": "r", "day": day} for i, day in enumerate(days)
    ]
    comes = random.random(n) < completeness
    there = [i for i in range(n) if comes[i] and days[i] + dt.timedelta(days=int(delay[i])) <= DAY]
    spec = small_spec()
    pairs = pl.DataFrame({"reported_id": [f"{i}" for i in there], "new_id": [f"{i}" for i in there]})
    delays = pl.DataFrame({"record_id": [f"{i}" for i in there], "days": delay[there]})
    return spec, side(spec, rows), side(spec, [rows[i] for i in there]), pairs, delays, DAY


def test_the_adjusted_figure_is_the_planted_one_where_the_raw_one_is_not():
    found = adjusted_coverage(*lagging(0.9)).filter(pl.col("region").is_null(), pl.col("period") >= "2026-05")
    raw, adjusted = (
        (found[name] * found["reported"]).sum() / found.filter(pl.col(name).is_not_null())["reported"].sum()
        for name in ("completeness_of_new", "completeness_of_new_adjusted")
    )
    assert raw < 0.75 and adjusted == pytest.approx(0.9, abs=0.01)
    assert found["arrived"].is_sorted(descending=True)


def test_nothing_is_adjusted_without_knowing_delays():
    spec, reported, new, pairs, delays, day = lagging(0.9)
    assert len(adjusted_coverage(spec, reported, new, pairs, None, day)) == 0
    assert len(adjusted_coverage(spec, reported, new, pairs, delays.head(50), day)) == 0
