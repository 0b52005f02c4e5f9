"""A gap in time is told as one, whatever else is missing there, and not as what comes late."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from planted_sides import REFERENCE, SPEC, agreeing, changed, explained, noisy_sides, spec_with, told
from rows_of_frame import rows_of

from pipelines.explain.causes import explain
from pipelines.explain.slices import best_slice
from pipelines.reconciliation.reconcile import reconcile


def first_told(gone: pl.Expr, seed: int, n: int = 9000):
    reported, new = noisy_sides(seed, n)
    return told(explained(reported, new.filter(~gone)))[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_gap_that_ends_before_the_reference_date_is_no_lag(seed):
    gap = {"from": "2026-08-20", "to": "2026-12-12"}  # of the last 180 days most are gone, but the youngest are there
    gone = (pl.col("region") == "nord") & pl.col("day").is_between(*map(dt.date.fromisoformat, gap.values()))
    kind, _, where, limits = first_told(gone, seed)
    assert (kind, where["region"]) == ("period_gap", "nord")
    assert all(abs((dt.date.fromisoformat(limits[end]) - dt.date.fromisoformat(gap[end])).days) <= 4 for end in gap)


@pytest.mark.parametrize("seed", range(4))
def test_the_last_weeks_of_a_region_are_a_gap_where_all_is_gone(seed):
    gone = (pl.col("region") == "syd") & (pl.col("day") >= dt.date(2026, 12, 8))
    kind, _, where, _ = first_told(gone, seed)
    assert (kind, where["region"]) == ("period_gap", "syd")
    assert set(where["period"]) == {"from"} and abs(dt.date.fromisoformat(where["period"]["from"]).day - 8) <= 4


@pytest.mark.parametrize("seed", range(4))
def test_twenty_records_of_which_none_has_come_are_no_lag(seed):
    """A lag costs less to say than a gap; but it is not what is seen where all is there to a day, and then nothing."""
    reported, new = noisy_sides(seed, 3800)
    gone = (pl.col("region") == "midt") & (pl.col("day") >= dt.date(2026, 12, 17))
    found = reconcile(SPEC, reported, new.filter(~gone), dt.date(2026, 12, 26))
    ((kind, _, where, _),) = told(explain(SPEC, found))
    assert (kind, where["region"], set(where["period"])) == ("period_gap", "midt", {"from"})


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_late_is_still_told_so(seed):
    reported, new = noisy_sides(seed, 9000)
    age = (pl.lit(REFERENCE) - pl.col("day")).dt.total_days()
    come = pl.Series(np.random.default_rng(seed).random(len(new))) < new.select((age / 60).clip(0, 1)).to_series()
    assert [kind for kind, *_ in told(explained(reported, new.filter(come)))] == ["late_arrival"]


@pytest.mark.parametrize("seed", range(6))
def test_an_interval_that_is_full_of_hits_is_found_beside_a_wider_one_that_gains_more(seed):
    """In one region a tenth is hit always, and all of it in the last days: the wide interval says too little."""
    rng = np.random.default_rng(seed)
    _, frame = agreeing(seed, 14_000)
    syd, last = frame["region"].to_numpy() == "syd", frame["day"].to_numpy() >= np.datetime64("2026-12-15")
    hits = (rng.random(len(frame)) < np.where(syd, 0.10, 0.02)) | (syd & last)
    place = best_slice(rows_of(frame, "day", ["region", "unit", "sex"]), np.ones(len(frame), bool), hits, 0.75)
    assert place.where["region"] == "syd" and set(place.where) == {"region", "period"}
    assert place.share > 0.9


@pytest.mark.parametrize("other", [1.0, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_days_that_one_region_lost_are_found_though_it_loses_no_more_than_others(seed, other):
    rng = np.random.default_rng(seed)
    _, frame = agreeing(seed, 16_000)
    days = frame.select(
        (pl.col("region") == "ost") & pl.col("day").is_between(dt.date(2026, 7, 6), dt.date(2026, 7, 9))
    ).to_series()
    late = np.where(frame["day"].to_numpy() >= np.datetime64("2026-11-20"), 0.25, 0.065)  # gains more than these
    less = np.where(frame["region"].to_numpy() == "ost", other, 1.0)
    hits = (rng.random(len(frame)) < late * less) | days.to_numpy()
    frame = frame.with_columns(wave=pl.Series(rng.integers(0, 600, len(frame)).astype(str)))  # noise of many values
    place = best_slice(rows_of(frame, "day", ["region", "unit", "wave"]), np.ones(len(frame), bool), hits, 0.75)
    assert place.where["period"] == {"from": "2026-07-06", "to": "2026-07-09"} and place.hits == days.sum()


@pytest.mark.parametrize("seed", range(3))
def test_a_fault_in_the_event_date_begins_on_the_day_that_was_reported(seed):
    start = dt.date(2026, 5, 12)
    reported, new = noisy_sides(seed, 9000)
    struck = pl.col("unit").eq("s3") & (pl.col("day") >= start)
    moved = new.with_columns(pl.when(struck).then(pl.col("day") + pl.duration(days=3)).otherwise(pl.col("day")))
    (where,) = [where for kind, _, where, _ in told(explained(reported, moved)) if kind == "date_shift"]
    assert (dt.date.fromisoformat(where["period"]["from"]) - start).days in (0, 1), "three days later by the new day"


@pytest.mark.parametrize("seed", range(3))
def test_an_event_date_of_which_the_month_is_left_makes_no_period_of_its_own(seed):
    """One in six escapes; by their new day those struck would all stand on the first of the month."""
    reported, new = noisy_sides(seed, 9000)
    struck = pl.col("submission").eq("nord-09") & (pl.int_range(pl.len()) % 6 > 0)
    moved = new.with_columns(day=pl.when(struck).then(pl.col("day").dt.truncate("1mo")).otherwise(pl.col("day")))
    kind, _, where, _ = told(explained(reported, moved))[0]
    assert (kind, where) == ("date_precision", {"submission": "nord-09"})


@pytest.mark.parametrize("seed", range(3))
def test_a_fault_in_the_event_date_of_one_diagnosis(seed):
    """A slice of whole records names hierarchical codes as one of values does."""
    spec = spec_with(variables={"diagnosis": {"type": "sks"}})
    reported, new = noisy_sides(seed, 6000)
    number = pl.col("record_id").str.slice(1).cast(pl.Int64) * 7919 % 5
    sides = [
        frame.with_columns(diagnosis=pl.format("DI{}", 210 + number), diagnosis_missing=pl.lit(None, pl.String))
        for frame in (reported, new)
    ]
    struck = pl.col("diagnosis").eq("DI213") & (pl.int_range(pl.len()) % 20 > 0)
    moved = sides[1].with_columns(
        day=pl.when(struck).then(pl.col("day") + pl.duration(days=12)).otherwise(pl.col("day"))
    )
    kind, _, where, parameters = told(explained(sides[0], moved, spec))[0]
    assert (kind, where, parameters) == ("date_shift", {"diagnosis": "DI213"}, {"days": 12})


def test_records_that_came_with_a_day_after_the_reference_date_are_no_gap():
    reported, new = noisy_sides(6, 1500)
    late = pl.col("day") > dt.date(2026, 11, 20)
    moved = changed(new, late & (pl.col("region") == "syd"), day=pl.col("day").dt.offset_by("60d"))
    assert "period_gap" not in [kind for kind, *_ in told(explained(reported, moved))]
