"""Noise is no cause: however unevenly units disagree, what has no slice is stated as unexplained."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from planted_sides import agreeing, changed, explained, noisy_sides, told


def test_two_sides_that_agree_have_no_cause():
    explanation = explained(*agreeing())
    assert told(explanation) == []
    assert (explanation.discrepancies, explanation.unexplained) == (0, 0)


@pytest.mark.parametrize("seed", range(10))
def test_noise_alone_has_no_cause(seed):
    explanation = explained(*noisy_sides(seed, 1000))
    assert told(explanation) == []
    assert explanation.unexplained == explanation.discrepancies > 200


def test_one_unit_that_types_worse_than_all_others_is_no_cause():
    reported, new = noisy_sides(3)
    rng = np.random.default_rng(3)
    worse = (new["unit"] == "s2") & pl.Series(rng.random(len(new)) < 0.35)
    other = pl.Series(rng.permutation(new["nyha"].to_numpy()))
    assert told(explained(reported, changed(new, worse, nyha=other))) == []


def test_a_small_unit_that_is_above_half_by_chance_is_no_cause():
    # A third is empty everywhere; of the ten records of one unit, six: luck, not evidence.
    reported, new = agreeing(3)
    few = new.filter(unit="o1")["record_id"].head(10)
    kept = new.filter((pl.col("unit") != "o1") | pl.col("record_id").is_in(few.implode()))
    third = pl.Series(np.random.default_rng(3).random(len(kept)) < 0.35) & (kept["unit"] != "o1")
    explanation = explained(reported, changed(kept, third | pl.col("record_id").is_in(few[:6].implode()), weight=None))
    assert "missing_in_new" not in [cause.kind for cause in explanation.causes]


def test_few_patients_who_moved_between_units_are_no_wrong_mapping():
    reported, new = noisy_sides(4)
    moved = pl.col("record_id").is_in(new.filter(unit="n1")["record_id"].gather_every(12).to_list())
    assert new.filter(moved).height >= 8
    assert told(explained(reported, changed(new, moved, unit=pl.lit("n2")))) == []


def test_few_corrections_sent_in_a_later_submission_are_not_a_submission_sent_twice():
    reported, new = agreeing(5)
    again = new.filter(submission="nord-03").head(7).with_columns(
        record_id=pl.col("record_id") + "-2", submission=pl.lit("nord-04")
    )  # fmt: skip
    explanation = explained(reported, pl.concat([new, again]))
    assert told(explanation) == []
    assert explanation.discrepancies == 7


def test_both_sides_empty_or_one_side_empty():
    reported, new = agreeing(6, 100)
    assert told(explained(reported.clear(), new.clear())) == []
    assert told(explained(reported.clear(), new)) == []
    assert told(explained(reported, new.clear())) == [("period_gap", (), {}, {})]
    assert told(explained(reported.head(1), new.head(1).with_columns(weight=pl.lit(1.0)))) == []
