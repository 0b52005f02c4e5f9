"""Each kind of cause that strikes whole records, planted by hand among noise, is named with its slice, and first."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from planted_sides import (
    DAYS,
    REFERENCE,
    SPEC,
    SYD,
    agreeing,
    changed,
    explained,
    noisy_sides,
    planted,
    spec_with,
    told,
)

from pipelines.explain.causes import explain
from pipelines.reconciliation.reconcile import reconcile


def test_a_shift_of_the_event_date_is_found_in_the_pairs_of_the_near_day():
    reported, new = noisy_sides(5)
    shifted = changed(new, pl.col("unit") == "s1", day=pl.col("day") + 2 * DAYS)
    explanation = explained(reported, shifted)
    assert told(explanation) == [("date_shift", ("day",), {"unit": "s1"}, {"days": 2})]


@pytest.mark.parametrize("seed", range(4))
def test_a_boundary_takes_only_what_its_own_side_places_on_it(seed):
    """A fifth of the new records at the edge say another pulse, and so are kept, beside what was reported at it."""
    reported, new = noisy_sides(seed, 1500)
    low = pl.concat([frame.filter(pl.col("pulse") < 60)["person"] for frame in (reported, new)]).implode()
    reported, new = (frame.filter(~pl.col("person").is_in(low)) for frame in (reported, new))
    apart = new.filter(pulse=60)["person"].gather_every(5).implode()
    new = changed(new, pl.col("person").is_in(apart), pulse=pl.lit(75)).filter(pl.col("pulse") != 60)
    assert [(cause.kind, cause.where, cause.parameters) for cause in explained(reported, new).causes] == [
        ("boundary_off", {}, {"edge": {"pulse": 60}})
    ]


def test_a_unit_whose_records_are_held_back_does_send():
    reported, new = agreeing(14)
    held = pl.col("unit") == "s3"
    found = reconcile(SPEC, reported, new.filter(~held), REFERENCE, new.filter(held))
    assert set(found.unmatched["reason"]) == {"held_back"}
    assert told(explain(SPEC, found)) == []
    assert told(explained(reported, new.filter(~held))) == [("unit_not_reporting", (), {"unit": "s3"}, {"unit": "s3"})]


def without(where: pl.Expr, seed: int = 7, n: int = 1500) -> Any:
    reported, new = noisy_sides(seed, n)
    return explained(reported, new.filter(~where))


def test_a_unit_that_never_sends():
    assert told(without(pl.col("unit") == "s3")) == [("unit_not_reporting", (), {"unit": "s3"}, {"unit": "s3"})]


def test_a_unit_that_stops_sending():
    (cause,) = without((pl.col("unit") == "s3") & (pl.col("day") >= dt.date(2026, 5, 1)), n=2500).causes
    assert (cause.kind, set(cause.where)) == ("unit_not_reporting", {"unit", "period"})
    assert cause.parameters["unit"] == "s3"
    assert abs(dt.date.fromisoformat(cause.parameters["from"]) - dt.date(2026, 5, 1)) <= dt.timedelta(days=3)
    assert cause.where["period"] == {"from": cause.parameters["from"]}


def test_the_only_unit_of_a_region_is_named():
    assert told(without(pl.col("unit") == "o1")) == [("unit_not_reporting", (), {"unit": "o1"}, {"unit": "o1"})]


def test_a_gap_in_time():
    gap = SYD & pl.col("day").is_between(dt.date(2026, 4, 6), dt.date(2026, 5, 3))
    (cause,) = without(gap, n=4000).causes
    assert cause.kind == "period_gap" and cause.where["region"] == "syd"
    assert cause.parameters == cause.where["period"]
    for end, day in (("from", dt.date(2026, 4, 6)), ("to", dt.date(2026, 5, 3))):
        assert abs(dt.date.fromisoformat(cause.parameters[end]) - day) <= dt.timedelta(days=2)


def test_a_date_moved_beyond_every_match_window_is_no_silent_unit():
    reported, new = agreeing(7)
    shifted = changed(new, pl.col("unit") == "s3", day=pl.col("day") + 10 * DAYS)
    explanation = explained(reported, shifted)
    assert told(explanation) == [("date_shift", ("day",), {"unit": "s3"}, {"days": 10})]
    # A date moved beyond the reference date is not comparable; what was reported of it stands alone.
    beyond = shifted.filter(pl.col("day") > REFERENCE).height
    assert explanation.unexplained == beyond and explanation.discrepancies > 150


def test_scattered_losses_do_not_hide_a_silent_unit():
    reported, new = agreeing(8, 1500)
    lost = pl.Series(np.random.default_rng(8).random(len(new)) < 0.7) & (new["region"] == "nord")
    found = told(explained(reported, new.filter(~lost).filter(pl.col("unit") != "s3")))
    assert found == [("unit_not_reporting", (), {"unit": "s3"}, {"unit": "s3"})]


def test_a_unit_is_silent_also_where_all_new_records_alone_are_of_one_other_unit():
    reported, new = agreeing(8, 1500)
    more = new.filter(unit="n1").with_columns(pl.col("record_id") + "-x", person=pl.format("9{}", pl.col("person")))
    found = told(explained(reported, pl.concat([new.filter(pl.col("unit") != "s3"), more])))
    assert ("unit_not_reporting", (), {"unit": "s3"}, {"unit": "s3"}) in found


@pytest.mark.parametrize("ids", ["later", "mixed"])
def test_a_submission_sent_twice(ids):
    reported, new = agreeing(9)
    again = new.filter(submission="nord-03").with_columns(submission=pl.lit("nord-13"))
    rename = pl.col("record_id") + "-2"
    if ids == "mixed":  # ids say nothing about which copy came first
        rename = (
            pl.when(pl.col("record_id").str.ends_with("1")).then(rename).otherwise(pl.lit("A") + pl.col("record_id"))
        )
    twice = pl.concat([new, again.with_columns(record_id=rename)])
    explanation = explained(reported, twice)
    assert told(explanation) == [("submission_twice", (), {"submission": "nord-13"}, {"submission": "nord-13"})]
    (cause,) = explanation.causes
    assert (cause.explained, cause.in_slice, explanation.unexplained) == (len(again), len(again), 0)


def test_a_unit_mapped_wrong():
    explanation = planted(pl.col("unit") == "n1", seed=10, unit=pl.lit("n2"), hospital=pl.lit("H-n2"))
    assert explanation == [("unit_mapped_wrong", (), {"unit": "n2"}, {"from": "n1", "to": "n2"})]


def test_a_unit_mapped_wrong_from_a_day_on():
    reported, new = noisy_sides(10, 2500)
    late = (pl.col("unit") == "n1") & (pl.col("day") >= dt.date(2026, 10, 1))
    (cause,) = explained(reported, changed(new, late, unit=pl.lit("n2"))).causes
    assert (cause.kind, cause.parameters) == ("unit_mapped_wrong", {"from": "n1", "to": "n2"})
    assert cause.where["unit"] == "n2" and set(cause.where["period"]) == {"from"}
    assert abs(dt.date.fromisoformat(cause.where["period"]["from"]) - dt.date(2026, 10, 1)) <= dt.timedelta(days=4)
    assert cause.explained <= cause.in_slice < len(new.filter(unit="n2"))


@pytest.mark.parametrize("seed", range(4))
def test_a_unit_mapped_wrong_for_most_of_its_time(seed):
    """Of its records nearly all are moved: that the first ones are not says when, not whether."""
    reported, new = noisy_sides(seed, 1500)
    moved = (pl.col("unit") == "n1") & (pl.col("day") >= dt.date(2026, 2, 1))
    (cause,) = explained(reported, changed(new, moved, unit=pl.lit("n2"))).causes
    assert (cause.kind, cause.parameters) == ("unit_mapped_wrong", {"from": "n1", "to": "n2"})
    assert abs(dt.date.fromisoformat(cause.where["period"]["from"]) - dt.date(2026, 2, 1)) <= dt.timedelta(days=8)


def test_test_persons():
    spec = spec_with(test_persons=["2502609996", "0107729996"])
    reported, new = agreeing(11)
    tests = new.filter(region="midt").head(4).with_columns(
        record_id=pl.col("record_id") + "-t", person=pl.Series(["2502609996", "0107729996"] * 2)
    )  # fmt: skip
    explanation = explained(reported, pl.concat([new, tests]), spec)
    assert told(explanation) == [("test_persons", (), {"region": "midt"}, {})]
    (cause,) = explanation.causes
    assert (cause.explained, cause.in_slice) == (4, new.filter(region="midt").height + 4)


def test_a_test_person_in_a_submission_sent_twice_is_told_once():
    spec = spec_with(test_persons=["2502609996"])
    reported, new = agreeing(11)
    tests = new.filter(submission="midt-03").head(1).with_columns(
        record_id=pl.lit("N-t"), person=pl.lit("2502609996")
    )  # fmt: skip
    sent = pl.concat([new, tests])
    again = sent.filter(submission="midt-03").with_columns(
        record_id=pl.col("record_id") + "-2", submission=pl.lit("midt-13")
    )
    explanation = explained(reported, pl.concat([sent, again]), spec)
    assert [cause.kind for cause in explanation.causes] == ["submission_twice", "test_persons"]
    assert sum(cause.explained for cause in explanation.causes) == explanation.discrepancies
    assert explanation.cause_ids()["discrepancy_id"].n_unique() == explanation.discrepancies
    assert explanation.unexplained == 0
