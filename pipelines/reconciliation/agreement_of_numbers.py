"""Agreement on a number: limits of agreement (Bland & Altman) and concordance (Lin) of new and reported.

difference = new − reported, in the variable's unit; of many groups at a time. A figure that is undefined is NaN
with its reason. Intervals are at 95 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from pipelines.reconciliation.intervals import NO_SPREAD, Figures, Z, around, figures


@dataclass(frozen=True)
class Differences:
    """Counted differences: `n` pairs of `group` differ by `value`; sorted, so that sums are the same in any order."""

    group: np.ndarray
    value: np.ndarray
    n: np.ndarray
    groups: int

    @classmethod
    def of(cls, group: ArrayLike, value: ArrayLike, n: ArrayLike, groups: int) -> Differences:
        group, value, n = (np.asarray(column) for column in (group, value, n))
        order = np.lexsort((n, value, group))
        return cls(group[order], value[order], n[order], groups)

    def per_group(self, addends: np.ndarray) -> np.ndarray:
        return np.bincount(self.group, weights=self.n * addends, minlength=self.groups)

    @cached_property
    def total(self) -> np.ndarray:
        return np.bincount(self.group, weights=self.n, minlength=self.groups).astype(np.int64)

    @cached_property
    def mean(self) -> np.ndarray:
        return self.per_group(self.value) / np.maximum(self.total, 1)

    @cached_property
    def sd(self) -> np.ndarray:
        """With divisor n − 1; 0 for a single pair."""
        squares = self.per_group((self.value - self.mean[self.group]) ** 2)
        return np.sqrt(squares / np.maximum(self.total - 1, 1))

    @cached_property
    def mean_square(self) -> np.ndarray:
        return self.per_group(self.value**2) / np.maximum(self.total, 1)

    def at_rank(self, rank: np.ndarray) -> np.ndarray:
        """The difference at a rank (from 0) of each group's sorted differences; 0 for an empty group."""
        if not len(self.n):
            return np.zeros(self.groups)
        before = np.concatenate([[0], np.cumsum(self.total)[:-1]])
        at = np.searchsorted(np.cumsum(self.n), before + rank, side="right")
        return self.value[np.minimum(at, len(self.value) - 1)]


def numbers(differences: Differences, moments: Mapping[str, np.ndarray], multiplier: float = 1.96) -> list[Figures]:
    """Every figure of two series of numbers, in the variable's unit; `moments` as for `ccc`."""
    return [
        mean_difference(differences), sd_difference(differences), *limits_of_agreement(differences, multiplier),
        percentile(differences, 2.5), percentile(differences, 97.5), ccc(differences, **moments),
    ]  # fmt: skip


def mean_difference(differences: Differences) -> Figures:
    """The mean of new − reported, with Student's interval (Bland & Altman 1986)."""
    n = differences.total
    half = np.where(n > 1, _student(n) * differences.sd / np.sqrt(np.maximum(n, 1)), 0.0)
    return figures("mean_difference", differences.mean, n, *around(differences.mean, half), no_pairs=n == 0)


def sd_difference(differences: Differences) -> Figures:
    """The standard deviation of new − reported (divisor n − 1), with its χ² interval."""
    n, sd = differences.total, differences.sd
    free = np.maximum(n - 1, 1)
    low, high = (np.where(sd < NO_SPREAD, np.nan, sd * np.sqrt(free / stats.chi2.ppf(p, free))) for p in (0.975, 0.025))
    return figures("sd_difference", sd, n, low, high, no_pairs=n == 0, one_pair_only=n == 1)


def limits_of_agreement(differences: Differences, multiplier: float = 1.96) -> list[Figures]:
    """loa_low and loa_high: the mean difference ∓ `multiplier` standard deviations.

    Bland & Altman (Lancet 1986;327:307-310) print them at 2; 1.96, which holds 95 % of normal differences, is
    used unless another is said. A limit's interval is the paper's: Student's t · √(3 s² ÷ n).
    """
    n, mean, sd = differences.total, differences.mean, differences.sd
    half = _student(n) * np.sqrt(3 / np.maximum(n, 1)) * sd
    limits = {"loa_low": mean - multiplier * sd, "loa_high": mean + multiplier * sd}
    undefined = {"no_pairs": n == 0, "one_pair_only": n == 1}
    return [figures(name, limit, n, *around(limit, half), **undefined) for name, limit in limits.items()]


def percentile(differences: Differences, percent: float) -> Figures:
    """p2_5, p97_5 …: limits that suppose no normal distribution; interpolated, without an interval."""
    n = differences.total
    rank = np.maximum(n - 1, 0) * (percent / 100)
    below, above = (differences.at_rank(end(rank).astype(np.int64)) for end in (np.floor, np.ceil))
    value = below + (above - below) * (rank - np.floor(rank))
    return figures(f"p{percent:g}".replace(".", "_"), value, n, no_pairs=n == 0)


def ccc(
    differences: Differences,
    reported_variance: np.ndarray,
    new_variance: np.ndarray,
    constant: np.ndarray,
) -> Figures:
    """Lin's concordance correlation: how close the pairs lie to the line where both sides are equal.

    1 − mean squared difference ÷ (s_x² + s_y² + (mean difference)²), moments with divisor n (Lin, Biometrics
    1989;45:255-268). Interval by the z transform with the corrected variance (Biometrics 2000;56:324-325).
    Undefined where a side has one value only (`constant`). No library at hand has it.
    """
    n, shift, mean_square = differences.total, differences.mean**2, differences.mean_square
    spread = np.sqrt(reported_variance * new_variance)
    whole = reported_variance + new_variance + shift
    value = 1 - mean_square / np.where(whole > 0, whole, 1)
    covariance = (reported_variance + new_variance - (mean_square - shift)) / 2
    ends = _lin_interval(value, *(part / np.where(spread > 0, spread, 1) for part in (covariance, shift)), n)
    return figures("ccc", value, n, *ends, no_pairs=n == 0, one_pair_only=n == 1, one_value_only=constant)


def _lin_interval(c: np.ndarray, r: np.ndarray, u2: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lin's interval for concordance `c`, correlation `r` and squared scaled shift `u2`; none at the ends."""
    none = (n < 3) | (1 - c**2 < NO_SPREAD) | (np.abs(r) < NO_SPREAD)
    c, r = np.where(none, 0.5, c), np.where(none, 0.5, r)
    room = 1 - c**2
    variance = (
        (1 - r**2) * c**2 / (room * r**2)
        + 2 * c**3 * (1 - c) * u2 / (r * room**2)
        - c**4 * u2**2 / (2 * r**2 * room**2)
    ) / np.maximum(n - 2, 1)
    half = np.where(none, 0.0, Z * np.sqrt(np.maximum(variance, 0)))
    low, high = around(np.arctanh(c), half)
    return np.tanh(low), np.tanh(high)


def _student(n: np.ndarray) -> np.ndarray:
    return stats.t.ppf(0.975, np.maximum(n - 1, 1))
