"""The limits of a funnel plot are those of the binomial distribution, interpolated between counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipelines.reports.funnel import TAILS, limits


@pytest.mark.parametrize("tail", TAILS.values())
@pytest.mark.parametrize("target", [0.1, 0.5, 0.93])
def test_no_more_than_the_tail_lies_beyond_a_limit_by_much(target, tail):
    n = np.array([40.0, 200, 1000])
    low, high = limits(target, n, tail)
    below = stats.binom.cdf(np.ceil(low * n) - 1, n, target)
    above = stats.binom.sf(np.floor(high * n), n, target)
    assert (below <= tail + 1e-12).all() and (above <= tail + 1e-12).all()
    assert (low < target).all() and (target < high).all()
    # In large units they are those of the normal distribution.
    z = -stats.norm.ppf(tail)
    assert low[-1] == pytest.approx(target - z * np.sqrt(target * (1 - target) / 1000), abs=0.005)


def test_limits_narrow_as_units_grow_and_the_outer_lie_outside():
    n = np.arange(20.0, 400, 20)
    inner, outer = (limits(0.9, n, tail) for tail in TAILS.values())
    assert (outer[0] <= inner[0]).all() and (outer[1] >= inner[1]).all()
    assert inner[0][-1] > inner[0][0] and inner[1][-1] < inner[1][0]
