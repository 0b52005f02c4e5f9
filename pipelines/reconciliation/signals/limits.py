"""The limits of a control chart: what the next month may show by chance, and how much months vary beyond chance.

Shares are near 1 and months small, so limits at ± 3 σ would signal far too often on one side. Laney's idea (Quality
Engineering 2002;14:531-537) is kept: the spread between neighbouring months says how much more than chance they vary
(p′). The limits themselves are quantiles of the beta-binomial distribution (counts: negative binomial), which also
carries how uncertain the expectation itself is after few months.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special, stats

# Above this many observations in a month a share is as good as continuous, and so beta distributed.
MOST_EXACT = 300
BLOCK = 100
# A single wild month must not widen the limits for all others: at first no squared range counts more than so many
# usual ones, and then none that lies beyond five standard deviations of what was found so.
MOST_OF_A_MONTH = 9.0
WILD = 25.0
FEWEST_FREEDOM = 4.0  # with less nothing would ever signal
MEDIAN_OF_CHI_SQUARE = 0.4549  # one degree of freedom


def share_tails(k: np.ndarray, n: np.ndarray, p: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(K ≤ k) and P(K ≥ k) of shares k ÷ n whose expectation is p and whose correlation within a month is rho."""
    lower, upper = np.ones(k.shape), np.ones(k.shape)
    few = n <= MOST_EXACT
    lower[few], upper[few] = _few_tails(k[few], n[few], p[few], rho[few])
    a, b = _beta(n[~few], p[~few], rho[~few])
    half = 0.5 / n[~few]  # a count is the middle of a step
    lower[~few] = special.betainc(a, b, np.minimum(k[~few] / n[~few] + half, 1))
    upper[~few] = 1 - special.betainc(a, b, np.maximum(k[~few] / n[~few] - half, 0))
    return lower, upper


def share_limits(n: np.ndarray, p: np.ndarray, rho: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest share of n that does not signal: less than `tail` lies beyond on either side."""
    low, high = np.zeros(n.shape), np.ones(n.shape)
    few = n <= MOST_EXACT
    low[few], high[few] = _few_limits(n[few], p[few], rho[few], tail)
    a, b = _beta(n[~few], p[~few], rho[~few])
    low[~few], high[~few] = special.betaincinv(a, b, tail), special.betaincinv(a, b, 1 - tail)
    return low, high


def count_tails(k: np.ndarray, mean: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(K ≤ k) and P(K ≥ k) of counts with variance mean + phi · mean²."""
    lower = _negative_binomial(k, mean, phi)
    return lower, 1 - np.where(k > 0, _negative_binomial(k - 1, mean, phi), 0)


def count_limits(mean: np.ndarray, phi: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and highest count that does not signal."""
    size = 1 / phi
    return stats.nbinom.ppf(tail, size, size / (size + mean)), stats.nbinom.ppf(1 - tail, size, size / (size + mean))


def beyond_chance(z: np.ndarray, weight: np.ndarray, group: np.ndarray, tail: float) -> np.ndarray:
    """Per group: how much more than chance months vary, from the moving ranges of z (rows × months, NaN: no month).

    A neighbouring pair's (z₁ − z₂)² ÷ 2 is expected to be 1 + excess · weight (weight: n − 1 of a share, the mean of
    a count); the excess of the group's rows together is found from the means, widened by as much as it takes for
    limits of `tail` to hold when it is estimated, and is never below 0.
    """
    squared = np.diff(z, axis=1) ** 2 / 2
    weights = (weight[:, 1:] + weight[:, :-1]) / 2
    excess = np.zeros(group.max(initial=-1) + 1)
    for number in range(excess.size):
        of = group == number
        known = ~np.isnan(squared[of])
        excess[number] = _excess(squared[of][known], weights[of][known], tail)
    return excess


def _excess(squared: np.ndarray, weights: np.ndarray, tail: float) -> float:
    """Reweighted in one step (Rousseeuw and Leroy, Robust Regression and Outlier Detection, 1987, chapter 5).

    To leave it at the cut mean would find too little where shares lie near 1: their months vary by a skewed
    distribution, of whose variance far months are a good part, and large units would signal twice as often as stated.
    """
    if not weights.any():
        return 0.0
    usual = max(np.median(squared) / MEDIAN_OF_CHI_SQUARE, 1)
    cut = np.minimum(squared, MOST_OF_A_MONTH * usual)
    kept = squared <= WILD * (1 + _mean_excess(cut, weights) * weights)
    mean = weights.mean()
    return ((1 + _mean_excess(squared[kept], weights[kept]) * mean) * _widened(squared[kept], tail) - 1) / mean


def _mean_excess(squared: np.ndarray, weights: np.ndarray) -> float:
    return max((squared - 1).sum() / weights.sum(), 0.0) if weights.any() else 0.0


def _widened(squared: np.ndarray, tail: float) -> float:
    """By how much a variance that is the mean of `squared` must be enlarged, since it is estimated itself.

    Limits by an estimated standard deviation are of Student's distribution (Quesenberry, Journal of Quality Technology
    1993;25:237-247). Its degrees of freedom are Satterthwaite's; neighbouring ranges share a month, which makes the
    variance of their mean half as large again (von Neumann and others, Annals of Mathematical Statistics 1941;12:153).
    """
    mean, spread = max(squared.mean(), 1), squared.var()
    freedom = max(4 / 3 * len(squared) * mean**2 / spread, FEWEST_FREEDOM) if spread > 0 else np.inf
    return float((stats.t.ppf(tail, freedom) / stats.norm.ppf(tail)) ** 2)


def _few_tails(k: np.ndarray, n: np.ndarray, p: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tails of the beta-binomial distribution itself; what is commoner than not is told by its opposite."""
    opposite, lower, upper = p > 0.5, np.empty(k.shape), np.empty(k.shape)
    number = np.where(opposite, n - k, k).astype(int)
    for here in _blocks(len(k)):
        at = number[here]
        cumulated, row = _cumulated(n[here], p[here], rho[here], at.max()), np.arange(len(at))
        lower[here] = cumulated[row, at]
        upper[here] = 1 - np.where(at > 0, cumulated[row, at - 1], 0)
    return np.where(opposite, upper, lower), np.where(opposite, lower, upper)


def _few_limits(n: np.ndarray, p: np.ndarray, rho: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.empty(n.shape), np.empty(n.shape)
    for here in _blocks(len(n)):
        cumulated = _cumulated(n[here], p[here], rho[here], int(n[here].max()))
        low[here] = (cumulated < tail).sum(axis=1)
        high[here] = (cumulated <= 1 - tail).sum(axis=1)
    low, high = low / n, np.minimum(high / n, 1)
    return np.where(p > 0.5, 1 - high, low), np.where(p > 0.5, 1 - low, high)


def _blocks(rows: int) -> Iterator[slice]:
    """So few rows that their distributions stay in the processor's cache."""
    return (slice(first, first + BLOCK) for first in range(0, rows, BLOCK))


def _cumulated(n: np.ndarray, p: np.ndarray, rho: np.ndarray, most: int) -> np.ndarray:
    """The beta-binomial distribution functions from 0 to `most`, a row each: of p, or of 1 - p where that is smaller.

    Each probability is the one before times a ratio of small numbers. The first is P(0) ≥ (1 - p)ⁿ, which no number
    is too small for as long as p is at most a half. Beyond n there are ones.
    """
    rarer, size = np.minimum(p, 1 - p), 1 / np.clip(rho, 1e-6, 0.9) - 1
    a, b, k = (rarer * size)[:, None], ((1 - rarer) * size)[:, None], np.arange(most)
    left = np.maximum(n[:, None] - k, 0)
    mass = np.empty((len(n), most + 1))
    mass[:, :1] = np.exp(special.betaln(a, n[:, None] + b) - special.betaln(a, b))
    mass[:, 1:] = left * (k + a) / ((k + 1) * (np.maximum(left - 1, 0) + b))
    return np.minimum(np.cumsum(np.cumprod(mass, axis=1), axis=1), 1)


def _negative_binomial(k: np.ndarray, mean: np.ndarray, phi: np.ndarray) -> np.ndarray:
    size = 1 / phi
    return special.betainc(size, np.maximum(k, 0) + 1, size / (size + mean))


def _beta(n: np.ndarray, p: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The beta distribution with the mean and the variance of the share."""
    size = 1 / (1 / n + rho * (1 - 1 / n)) - 1
    return p * size, (1 - p) * size
