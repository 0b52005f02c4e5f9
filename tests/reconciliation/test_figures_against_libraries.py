"""The figures of many groups at a time against statsmodels, numpy and the formulas as printed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from single_figures import ccc, kappa, mcnemar_p, numbers, two_by_two, weighted_kappa
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.inter_rater import cohens_kappa

from pipelines.reconciliation import agreement_of_categories
from pipelines.reconciliation.intervals import Z

counts = st.integers(2, 5).flatmap(lambda size: arrays.arrays(np.int64, (size, size), elements=st.integers(0, 300)))
values = st.lists(st.tuples(st.integers(-999, 999), st.integers(-999, 999)), min_size=2, max_size=40)


@settings(deadline=None)
@given(table=counts)
def test_kappa_and_its_standard_error_are_those_of_statsmodels(table):
    for weights, figure in ((1 - np.eye(len(table)), kappa), (None, weighted_kappa)):
        steps = np.arange(len(table))
        weights = np.abs(steps[:, None] - steps) if weights is None else weights
        found = figure(table)
        if found.value is None or found.low is None or max(abs(found.low), abs(found.high)) == 1:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = cohens_kappa(table, weights=weights)
        assert found.value == pytest.approx(expected.kappa, abs=1e-9)
        # Where it is 0 the variance is rounding error, whose root is not.
        assert ((found.high - found.low) / 2 / Z) ** 2 == pytest.approx(expected.var_kappa, abs=1e-12)


@settings(deadline=None)
@given(table=arrays.arrays(np.int64, (2, 2), elements=st.integers(0, 300)))
def test_mcnemar_is_that_of_statsmodels(table):
    assume(table[0, 1] + table[1, 0] > 0)
    assert mcnemar_p(table).value == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue, abs=1e-12)


def test_many_groups_at_a_time_are_each_as_if_alone():
    tables = np.random.default_rng(5).integers(0, 40, (6, 2, 2))
    tables[0], tables[1] = 0, [[9, 0], [0, 0]]
    together = agreement_of_categories.two_by_two(tables, frame_of_non_cases=True)
    for n, table in enumerate(tables):
        assert [figures.each()[n] for figures in together] == two_by_two(table, frame_of_non_cases=True)


@settings(deadline=None)
@given(pairs=values)
def test_concordance_by_lins_own_formula(pairs):
    x, y = np.array(pairs, float).T / 8
    assume(min(np.ptp(x), np.ptp(y)) > 0)
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    assert ccc(x, y).value == pytest.approx(2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2), abs=1e-9)


@settings(deadline=None)
@given(pairs=values)
def test_moments_of_differences_are_numpys(pairs):
    x, y = np.array(pairs, float).T / 8
    found = {figure.figure: figure.value for figure in numbers(x, y)}
    assert found["mean_difference"] == pytest.approx((y - x).mean(), abs=1e-12)
    assert found["sd_difference"] == pytest.approx((y - x).std(ddof=1), abs=1e-9)
    for figure, percent in (("p2_5", 2.5), ("p97_5", 97.5)):
        assert found[figure] == pytest.approx(np.percentile(y - x, percent), abs=1e-9)
