"""Agreement on a number: limits of agreement (Bland & Altman) and concordance (Lin) of new and reported.

difference = new − reported, in the variable's unit. A figure that is undefined is null with its reason.
Intervals are at 95 %.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from pipelines.reconciliation.intervals import (
    NO_INTERVAL,
    NO_PAIRS,
    NO_SPREAD,
    Figure,
    Interval,
    Z,
    around,
    undefined,
)

ONE_PAIR = "one pair only"
ONE_VALUE = "one value only"


def numbers(reported: ArrayLike, new: ArrayLike, multiplier: float = 1.96) -> list[Figure]:
    """Every figure of two series of numbers, in the variable's unit; pairs with a NaN do not count."""
    reported, new = _known(reported, new)
    difference = new - reported
    return [
        mean_difference(difference), sd_difference(difference), *limits_of_agreement(difference, multiplier),
        percentile(difference, 2.5), percentile(difference, 97.5), ccc(reported, new),
    ]  # fmt: skip


def _known(reported: ArrayLike, new: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of two known numbers, sorted: so that a sum is the same to the last bit in any row order."""
    pairs = np.column_stack([np.asarray(reported, float), np.asarray(new, float)])
    pairs = pairs[~np.isnan(pairs).any(axis=1)]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs[:, 0], pairs[:, 1]


def mean_difference(difference: np.ndarray) -> Figure:
    """The mean of new − reported, with Student's interval (Bland & Altman 1986)."""
    n = len(difference)
    if n == 0:
        return undefined("mean_difference", n, NO_PAIRS)
    mean = float(difference.mean())
    half = _student(n) * difference.std(ddof=1) / np.sqrt(n) if n > 1 else 0.0
    return Figure("mean_difference", mean, *around(mean, half), n)


def sd_difference(difference: np.ndarray) -> Figure:
    """The standard deviation of new − reported (divisor n − 1), with its χ² interval."""
    n = len(difference)
    if n < 2:
        return undefined("sd_difference", n, ONE_PAIR if n else NO_PAIRS)
    sd = float(difference.std(ddof=1))
    if sd < NO_SPREAD:
        return Figure("sd_difference", sd, *NO_INTERVAL, n)
    low, high = (float(sd * np.sqrt((n - 1) / stats.chi2.ppf(p, n - 1))) for p in (0.975, 0.025))
    return Figure("sd_difference", sd, low, high, n)


def limits_of_agreement(difference: np.ndarray, multiplier: float = 1.96) -> list[Figure]:
    """loa_low and loa_high: the mean difference ∓ `multiplier` standard deviations.

    Bland & Altman (Lancet 1986;327:307-310) print them at 2; 1.96, which holds 95 % of normal differences, is
    used unless another is said. A limit's interval is the paper's: Student's t · √(3 s² ÷ n).
    """
    n = len(difference)
    if n < 2:
        return [undefined(name, n, ONE_PAIR if n else NO_PAIRS) for name in ("loa_low", "loa_high")]
    mean, sd = float(difference.mean()), float(difference.std(ddof=1))
    half = _student(n) * np.sqrt(3 / n) * sd
    limits = {"loa_low": mean - multiplier * sd, "loa_high": mean + multiplier * sd}
    return [Figure(name, limit, *around(limit, half), n) for name, limit in limits.items()]


def percentile(difference: np.ndarray, percent: float) -> Figure:
    """p2_5, p97_5 …: limits that suppose no normal distribution; interpolated, without an interval."""
    name, n = f"p{percent:g}".replace(".", "_"), len(difference)
    if n == 0:
        return undefined(name, n, NO_PAIRS)
    return Figure(name, float(np.percentile(difference, percent)), *NO_INTERVAL, n)


def ccc(reported: np.ndarray, new: np.ndarray) -> Figure:
    """Lin's concordance correlation: how close the pairs lie to the line where both sides are equal.

    2·s_xy ÷ (s_x² + s_y² + (mean difference)²), moments with divisor n (Lin, Biometrics 1989;45:255-268).
    Interval by the z transform with the corrected variance (Biometrics 2000;56:324-325). Undefined where a
    side has one value only. No library at hand has it.
    """
    n = len(reported)
    if n < 2:
        return undefined("ccc", n, ONE_PAIR if n else NO_PAIRS)
    if min(np.ptp(reported), np.ptp(new)) < NO_SPREAD:
        return undefined("ccc", n, ONE_VALUE)
    spread = reported.std() * new.std()
    shift = (new.mean() - reported.mean()) ** 2
    covariance = ((reported - reported.mean()) * (new - new.mean())).mean()
    value = float(2 * covariance / (reported.var() + new.var() + shift))
    return Figure("ccc", value, *_lin_interval(value, covariance / spread, shift / spread, n), n)


def _lin_interval(c: float, r: float, u2: float, n: int) -> Interval:
    """Lin's interval for concordance `c`, correlation `r` and squared scaled shift `u2`; none at the ends."""
    room = 1 - c**2
    if n < 3 or room < NO_SPREAD or abs(r) < NO_SPREAD:
        return NO_INTERVAL
    variance = (
        (1 - r**2) * c**2 / (room * r**2)
        + 2 * c**3 * (1 - c) * u2 / (r * room**2)
        - c**4 * u2**2 / (2 * r**2 * room**2)
    ) / (n - 2)
    low, high = around(np.arctanh(c), Z * np.sqrt(max(variance, 0)))
    return NO_INTERVAL if low is None else (float(np.tanh(low)), float(np.tanh(high)))


def _student(n: int) -> float:
    return float(stats.t.ppf(0.975, n - 1))
