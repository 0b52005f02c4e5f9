"""A figure with its confidence interval, and the intervals of proportions.

A proportion of nothing has no interval: null (None, NaN in arrays), never 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import special

Interval = tuple[float | None, float | None]
NO_INTERVAL: Interval = (None, None)
Z = float(special.ndtri(0.975))
# Below this a spread is rounding error of binary fractions.
NO_SPREAD = 1e-9


@dataclass(frozen=True)
class Figure:
    """One named figure with its 95 % interval, resting on `n` observations; without a value, the reason."""

    figure: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None = None


@dataclass(frozen=True)
class Figures:
    """One named figure of many groups, as arrays of one shape: NaN where it is undefined, with the reason."""

    figure: str
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    reason: np.ndarray  # of str, None where the figure is defined

    def each(self) -> list[Figure]:
        """The figure of each group by itself."""
        columns = (self.value, self.low, self.high, self.n, self.reason)
        return [
            Figure(self.figure, _known(value), _known(low), _known(high), int(n), reason)
            for value, low, high, n, reason in zip(*(np.ravel(column).tolist() for column in columns), strict=True)
        ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def figures(figure: str, value: ArrayLike, n: ArrayLike, low=np.nan, high=np.nan, **undefined: np.ndarray) -> Figures:
    """A figure of many groups; each of `undefined` says where it cannot be stated, the first reason counts.

    A reason is written as a name, `one_category_only` for "one category only".
    """
    value, n, low, high = np.broadcast_arrays(np.asarray(value, float), n, low, high)
    reason = np.full(value.shape, None, dtype=object)
    for said, where in reversed(undefined.items()):
        reason[np.broadcast_to(where, value.shape)] = said.replace("_", " ")
    nowhere = np.array(reason == None, dtype=bool)  # noqa: E711 (element by element)
    kept = [np.where(nowhere, column, np.nan) for column in (value, low, high)]
    return Figures(figure, *kept, np.asarray(n), reason)


def undefined(figure: str, n: int, reason: str) -> Figure:
    """A figure that cannot be stated: zero of zero is not applicable, it is neither passed nor failed."""
    return Figure(figure, None, None, None, n, reason)


def around(value: ArrayLike, half_width: ArrayLike, within: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    """value ± half_width, cut at ± `within`; none (NaN) where nothing varied, as no width would claim certainty."""
    half_width = np.where(np.asarray(half_width) < NO_SPREAD, np.nan, half_width)
    return np.maximum(value - half_width, -within), np.minimum(value + half_width, within)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of successes ÷ n, without continuity correction; (None, None) where n is 0.

    Newcombe, Stat Med 1998;17:857-872, method 3; `statsmodels…proportion_confint("wilson")` to the last bit.
    """
    low, high = wilson_bounds([successes], [n], confidence)
    return (float(low[0]), float(high[0])) if n else NO_INTERVAL


def wilson_bounds(successes: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval for two arrays of counts of the same shape: lower and upper bounds, NaN where n is 0.

    The bounds always enclose the share itself, also in the last bit at 0 and 1.
    Raises ValueError where successes are negative or more than n.
    """
    counts, totals = np.asarray(successes, float), np.asarray(n, float)
    low, high = np.full(totals.shape, np.nan), np.full(totals.shape, np.nan)
    _refuse_impossible(counts, totals)
    known = totals > 0
    counts, totals = counts[known], totals[known]
    middle, half = _score(counts, totals, -float(special.ndtri((1 - confidence) / 2)))
    share, bounds = counts / totals, np.clip([middle - half, middle + half], 0, 1)
    low[known], high[known] = np.minimum(bounds[0], share), np.maximum(bounds[1], share)
    return low, high


def _score(counts: np.ndarray, totals: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """The middle of Wilson's interval and half its width (a gate is judged in less time than statsmodels loads in)."""
    share, divisor = counts / totals, 1 + z**2 / totals
    middle = (share + z**2 / (2 * totals)) / divisor
    return middle, z * np.sqrt(share * (1 - share) / totals + z**2 / (4 * totals**2)) / divisor


def wilson_columns(frame: pl.DataFrame, successes: str, n: str, name: str, confidence: float = 0.95) -> pl.DataFrame:
    """`frame` with the share successes ÷ n as `name` and its Wilson interval as `name_low` and `name_high`.

    Null in all three where n is 0 or unknown.
    """
    counts = frame.select(pl.col(successes, n).cast(pl.Float64).fill_null(np.nan))
    low, high = wilson_bounds(counts[successes].to_numpy(), counts[n].to_numpy(), confidence)
    share = pl.when(pl.col(n) > 0).then(pl.col(successes) / pl.col(n))
    return frame.with_columns(
        share.cast(pl.Float64).alias(name),
        pl.Series(f"{name}_low", low, pl.Float64).fill_nan(None),
        pl.Series(f"{name}_high", high, pl.Float64).fill_nan(None),
    )


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The exact interval of successes ÷ n, never too narrow; (None, None) where n is 0."""
    low, high = clopper_pearson_bounds([successes], [n], confidence)
    return (float(low[0]), float(high[0])) if n else NO_INTERVAL


def clopper_pearson_bounds(
    successes: ArrayLike, n: ArrayLike, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """The exact interval for two arrays of counts: quantiles of beta distributions, NaN where n is 0.

    Clopper & Pearson, Biometrika 1934;26:404-413. Raises ValueError where successes are negative or more than n.
    """
    counts, totals = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    _refuse_impossible(counts, totals)
    tail, others = (1 - confidence) / 2, totals - counts
    low = np.where(counts > 0, special.betaincinv(np.maximum(counts, 1), others + 1, tail), 0.0)
    high = np.where(others > 0, special.betaincinv(counts + 1, np.maximum(others, 1), 1 - tail), 1.0)
    return np.where(totals > 0, low, np.nan), np.where(totals > 0, high, np.nan)


def newcombe(successes: int, n: int, other_successes: int, other_n: int, confidence: float = 0.95) -> Interval:
    """The interval of successes ÷ n − other_successes ÷ other_n, of two groups without common members.

    Newcombe's method 10 (Stat Med 1998;17:873-890), from the Wilson intervals of the two; not for the two
    sides of the same pairs, which are not independent. (None, None) where either group is empty.
    The figure is `statsmodels…confint_proportions_2indep("newcomb")`.
    """
    _refuse_impossible(np.array([successes, other_successes]), np.array([n, other_n]))
    if n == 0 or other_n == 0:
        return NO_INTERVAL
    from statsmodels.stats.proportion import confint_proportions_2indep  # takes a second to load

    low, high = confint_proportions_2indep(
        successes, n, other_successes, other_n, method="newcomb", compare="diff", alpha=1 - confidence
    )
    return float(low), float(high)


def newcombe_paired(both: int, first_only: int, second_only: int, neither: int, confidence: float = 0.95) -> Interval:
    """The interval of the first share − the second of the same pairs, from their fourfold table.

    Newcombe's method 10 for paired data (Stat Med 1998;17:2635-2650): the two Wilson intervals, joined by the
    correlation φ of the two answers, which is corrected for continuity where it is positive. Stands also where
    nothing differs: then its width says how little the pairs can tell. (None, None) without pairs.
    """
    n = both + first_only + second_only + neither
    if n == 0:
        return NO_INTERVAL
    marginals = np.array([both + first_only, both + second_only])
    low, high = wilson_bounds(marginals, [n, n], confidence)
    down, up = marginals / n - low, high - marginals / n
    phi = _phi(both, first_only, second_only, neither)
    difference = (first_only - second_only) / n
    return difference - _joined(down[0], up[1], phi), difference + _joined(up[0], down[1], phi)


def _phi(both: int, first_only: int, second_only: int, neither: int) -> float:
    """Newcombe's φ: 0 where a margin is empty; a positive one is lessened by half a pair."""
    n = both + first_only + second_only + neither
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    product = both * neither - first_only * second_only
    corrected = max(product - n / 2, 0) if product > 0 else product
    return corrected / math.sqrt(margins) if margins else 0.0


def _joined(one: float, other: float, correlation: float) -> float:
    """The width of a difference whose two ends move together as far as they are correlated."""
    return math.sqrt(one**2 - 2 * correlation * one * other + other**2)


def _refuse_impossible(counts: np.ndarray, totals: np.ndarray) -> None:
    if np.any((counts < 0) | (counts > totals)):
        raise ValueError("A proportion needs counts from 0 to n.")
