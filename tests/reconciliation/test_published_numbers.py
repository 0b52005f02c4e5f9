"""Agreement of numbers as published (Bland & Altman 1986, Lin 1989), and laws that hold always."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_examples import TRUTH, printed, truth
from single_figures import ccc, limits_of_agreement, mean_difference, numbers

from pipelines.reconciliation.intervals import (
    Z,
)


@pytest.fixture(scope="module")
def peak_flow() -> tuple[np.ndarray, np.ndarray]:
    """First readings of the mini meter (in the place of reported) and of the Wright meter (new)."""
    frame = pl.read_csv(TRUTH / "bland_altman_1986_pefr.csv")
    return frame["mini_1"].to_numpy().astype(float), frame["wright_1"].to_numpy().astype(float)


def test_bland_altman_as_printed(peak_flow):
    """The paper reckons limits and intervals from its rounded mean and SD; so do these differences."""
    published = truth("01_bland_altman_1986_pefr.json")["published"]
    reported, new = peak_flow
    difference = new - reported
    assert difference.mean() == printed(published["mean_difference"], 1)
    assert difference.std(ddof=1) == printed(published["sd_difference"], 1)
    standard = (difference - difference.mean()) / difference.std(ddof=1)
    rounded = published["mean_difference"] + published["sd_difference"] * standard
    low, high = limits_of_agreement(rounded, multiplier=2)
    mean = mean_difference(rounded)
    assert [low.value, high.value] == printed(published["limits_2sd"], 1)
    assert [mean.low, mean.high] == printed(published["ci95_mean_difference"], 1)
    assert [low.low, low.high] == printed(published["ci95_lower_limit"], 1)
    assert [high.low, high.high] == printed(published["ci95_upper_limit"], 1)
    assert (low.n, high.n, mean.n) == (17, 17, 17)


def test_bland_altman_in_full_precision_and_with_the_usual_multiplier(peak_flow):
    computed = truth("01_bland_altman_1986_pefr.json")["computed_full_precision"]
    reported, new = peak_flow
    for multiplier, name in ((2, "limits_2sd"), (1.96, "limits_1_96sd")):
        limits = limits_of_agreement(new - reported, multiplier)
        assert [limit.value for limit in limits] == pytest.approx(computed[name], abs=1e-6)
    usual = {figure.figure: figure.value for figure in numbers(reported, new)}
    assert [usual["loa_low"], usual["loa_high"]] == pytest.approx(computed["limits_1_96sd"], abs=1e-6)
    assert usual["mean_difference"] == pytest.approx(computed["mean_difference"], abs=1e-9)
    assert usual["sd_difference"] == pytest.approx(computed["sd_difference"], abs=1e-9)


def test_lins_concordance(peak_flow):
    expected = truth("01_bland_altman_1986_pefr.json")["lin_ccc"]
    found = ccc(*peak_flow)
    assert found.value == pytest.approx(expected["value"], abs=1e-9)
    assert [found.low, found.high] == printed(expected["ci95_z_transform"], 4)


def test_lins_interval_is_as_wide_as_samples_spread():
    """Samples of a known shifted normal distribution: in z, the half width is 1.96 times their spread."""
    chance = np.random.default_rng(20)
    samples = [chance.multivariate_normal([0, 1.5], [[1, 0.8], [0.8, 1]], 60, method="cholesky").T for _ in range(800)]
    found = [ccc(reported, new) for reported, new in samples]
    z = np.arctanh([(figure.low, figure.value, figure.high) for figure in found])
    assert np.mean((z[:, 2] - z[:, 0]) / 2 / Z) == pytest.approx(z[:, 1].std(), rel=0.08)
    assert np.tanh(z[:, 1].mean()) == pytest.approx(2 * 0.8 / (1 + 1 + 1.5**2), abs=0.01)


def test_percentiles_and_chi_square_interval(peak_flow):
    found = {figure.figure: figure for figure in numbers(*peak_flow)}
    # 17 differences: the 2.5th percentile lies 0.4 of the way from the lowest to the next lowest.
    lowest = np.sort(peak_flow[1] - peak_flow[0])
    assert found["p2_5"].value == pytest.approx(lowest[0] + 0.4 * (lowest[1] - lowest[0]))
    assert found["p97_5"].value == pytest.approx(lowest[-1] - 0.4 * (lowest[-1] - lowest[-2]))
    # χ² with 16 degrees of freedom: 28.845 and 6.908 (any table).
    assert found["sd_difference"].low == printed(38.76513 * (16 / 28.845) ** 0.5, 2)
    assert found["sd_difference"].high == printed(38.76513 * (16 / 6.908) ** 0.5, 2)


values = st.lists(st.tuples(st.integers(-999, 999), st.integers(-999, 999)), min_size=2, max_size=40)


@settings(deadline=None)
@given(pairs=values)
def test_exchanging_the_sides_turns_the_sign_of_the_difference(pairs):
    reported, new = np.array(pairs, float).T
    one = {figure.figure: figure for figure in numbers(reported, new)}
    other = {figure.figure: figure for figure in numbers(new, reported)}
    assert one["mean_difference"].value == pytest.approx(-other["mean_difference"].value)
    assert one["loa_low"].value == pytest.approx(-other["loa_high"].value)
    assert one["p2_5"].value == pytest.approx(-other["p97_5"].value)
    assert one["sd_difference"].value == pytest.approx(other["sd_difference"].value)
    if one["ccc"].value is not None:
        assert one["ccc"].value == pytest.approx(other["ccc"].value, abs=1e-9)
        assert -1 - 1e-9 <= one["ccc"].value <= 1 + 1e-9


@settings(deadline=None)
@given(pairs=values, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_pairs_changes_no_bit(pairs, seed):
    reported, new = np.array(pairs, float).T / 7
    order = np.random.default_rng(seed).permutation(len(pairs))
    assert numbers(reported, new) == numbers(reported[order], new[order])


def test_numbers_of_too_few_pairs_have_reasons():
    assert {figure.reason for figure in numbers([], [])} == {"no pairs"}
    alone = {figure.figure: figure for figure in numbers([1.0, np.nan], [3.0, 4.0])}
    assert (alone["mean_difference"].value, alone["mean_difference"].low) == (2, None)
    assert alone["sd_difference"].reason == alone["loa_low"].reason == alone["ccc"].reason == "one pair only"
    assert ccc(np.array([5.0, 5.0, 5.0]), np.array([1.0, 2.0, 3.0])).reason == "one value only"


def test_a_constant_difference_claims_no_certainty():
    found = mean_difference(np.full(20, 3.0))
    assert (found.value, found.low, found.high) == (3, None, None)
    exact = ccc(np.arange(5.0), np.arange(5.0))
    assert (exact.value, exact.low) == (pytest.approx(1), None)
