"""A lost submission is named by the hole in the numbering, and only where there is one."""

from __future__ import annotations

import datetime as dt

import polars as pl
from planted_sides import explained, noisy_sides, told

from pipelines.explain.submissions import lost_submission

GAP = dt.date(2026, 5, 15)


def sent(*names: str) -> pl.DataFrame:
    """One record of each submission, one a month from March on."""
    days = [dt.date(2026, 3 + month, 15) for month in range(len(names))]
    return pl.DataFrame({"submission": list(names), "_day": days}).filter(pl.col("_day") != GAP)


def test_the_number_between_two_that_came_is_the_lost_one():
    here = sent("NJ-0009", "NJ-0010", "NJ-0011", "NJ-0012")
    assert lost_submission(here, here, (GAP, GAP)) == "NJ-0011"


def test_a_number_that_another_place_used_is_not_lost():
    here = sent("9", "10", "11", "12")
    elsewhere = pl.DataFrame({"submission": ["11"], "_day": [dt.date(2026, 5, 20)]})
    assert lost_submission(pl.concat([here, elsewhere]), here, (GAP, GAP)) is None


def test_where_all_places_share_a_numbering_the_number_that_nobody_used_is_lost():
    here, others = sent("4", "9", "14", "19"), [n for n in range(4, 25) if n % 5 != 4]
    elsewhere = pl.DataFrame({"submission": [f"{n}" for n in others], "_day": [dt.date(2026, 5, 20)] * len(others)})
    assert lost_submission(pl.concat([here, elsewhere]), here, (GAP, GAP)) == "14"
    assert lost_submission(pl.concat([here, elsewhere[:-8]]), here, (GAP, GAP)) is None


def test_a_hole_at_another_time_is_not_the_gap():
    here = sent("9", "10", "lost", "12", "13")
    assert lost_submission(here, here, (dt.date(2026, 6, 30), dt.date(2026, 6, 30))) is None
    assert lost_submission(here, here, (GAP, GAP)) == "11"


def test_a_gap_longer_than_a_submission_took_more_than_one_with_it():
    here = sent("9", "10", "lost", "12", "13")
    assert lost_submission(here, here, (dt.date(2026, 5, 1), dt.date(2026, 5, 31))) == "11"
    assert lost_submission(here, here, (dt.date(2026, 5, 1), dt.date(2026, 6, 5))) is None


def test_two_lost_ones_or_names_without_a_number_are_not_guessed_at():
    for names in [("9", "10", "lost", "13"), ("a", "b", "c", "d")]:
        assert lost_submission(sent(*names), sent(*names), (GAP, GAP)) is None


def test_a_month_that_never_arrived_is_told_as_the_submission_it_was():
    reported, new = noisy_sides(6, 1500)
    (cause,) = told(explained(reported, new.filter(pl.col("submission") != "syd-05")))
    kind, variables, where, parameters = cause
    assert (kind, variables, parameters) == ("submission_lost", (), {"submission": "syd-05"})
    assert where["region"] == "syd" and set(where["period"]) == {"from", "to"}


def test_the_same_gap_without_a_hole_in_the_numbering_is_a_gap():
    reported, new = noisy_sides(6, 1500)
    gone = (pl.col("region") == "syd") & pl.col("day").is_between(dt.date(2026, 5, 8), dt.date(2026, 6, 12))
    assert [kind for kind, *_ in told(explained(reported, new.filter(~gone)))] == ["period_gap"]
