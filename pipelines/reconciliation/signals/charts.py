"""Control charts of many rows (a variable at a unit) over the same months, judged month by month as they come.

What a month is expected to show is told by the row's own earlier months, drawn towards its group (the same variable
at all units) as far as units are alike, and by the season: how the same calendar month of earlier years lay from its
year, over all units of the group together. A month that signals is no part of later expectations.

Two rules: *month*, the month itself lies outside its limits; *three months*, it and the two before together do. Each
has half of the false signals that the stated run length allows, half of that on either side, so that a chart in control
gives at most one false signal in `run_length` months on average.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.reconciliation.signals.limits import (
    beyond_chance,
    count_limits,
    count_tails,
    share_limits,
    share_tails,
)

RULES = (None, "month", "three months")  # what the numbers in Charted.signal mean
NONE, MONTH, THREE_MONTHS = range(3)
FEWEST_MONTHS = 6  # before these there is nothing to expect of a share
A_YEAR = 12  # of a count not before its season is known
SEASON_WEIGHT = 200.0  # a season counts as if so many more observations had shown none
LEAST_ALIKE, MOST_ALIKE = 10.0, 1000.0  # the group is worth between so many observations of the row's own
TOGETHER = 3


@dataclass(frozen=True)
class Charted:
    """Rows × months: the expectation, the limits of the month (NaN: not judged), and the rule that signals."""

    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    signal: np.ndarray


@dataclass(frozen=True)
class Past:
    """The months that tell what month t is expected to show: whole years where there is one, without signals."""

    k: np.ndarray
    of: np.ndarray  # observations, or days
    same_month: np.ndarray  # which of the months are the same calendar month

    @property
    def months(self) -> np.ndarray:
        return (self.of > 0).sum(axis=1)

    @property
    def rate(self) -> np.ndarray:
        """Per row, 0 where nothing is known."""
        return _divided(self.k.sum(axis=1), self.of.sum(axis=1))


def charted_shares(
    k: np.ndarray,
    n: np.ndarray,
    group: np.ndarray,
    calendar: np.ndarray,
    run_length: float,
    only_falls: np.ndarray | bool = False,
) -> Charted:
    """Charts of shares k ÷ n (rows × months); `group` numbers each row's group, `calendar` each month's month.

    Rows that `only_falls` have no upper limit: that a share of agreement rises is no fault.
    """
    only_falls = np.broadcast_to(only_falls, len(k))
    charted, tail, unsure = _empty(k), 1 / run_length / 4, np.zeros(k.shape)
    rho = beyond_chance(_share_scores(k, n), np.maximum(n - 1, 0), group, tail)[group]
    for t in range(k.shape[1]):
        past = _past(charted, k, n, calendar, t)
        p, worth = _expected_share(past, group, rho)
        shift, loose = _season_of_shares(past, group, rho)
        charted.expected[:, t] = np.where((past.months >= FEWEST_MONTHS) & (n[:, t] > 0), _moved(p, shift), np.nan)
        unsure[:, t] = 1 / (worth + 1) + loose
        for rows, months, rule in _asked(charted, t):
            k_, n_ = k[rows, months], n[rows, months]
            whole = n_.sum(axis=1)
            p_ = (charted.expected[rows, months] * n_).sum(axis=1) / whole
            # Months that vary on their own average out, as far as they are of one size.
            rho_ = rho[rows] * (n_**2).sum(axis=1) / whole**2 + unsure[rows, t]
            lower, upper = share_tails(k_.sum(axis=1), whole, p_, rho_)
            beyond = (lower < tail) | (upper < tail) & ~only_falls[rows]
            charted.signal[rows, t] = np.where(beyond, rule, charted.signal[rows, t])
            if rule == MONTH:
                charted.low[rows, t], high = share_limits(whole, p_, rho_, tail)
                charted.high[rows, t] = np.where(only_falls[rows], 1, high)
    return charted


def charted_counts(
    k: np.ndarray, days: np.ndarray, group: np.ndarray, calendar: np.ndarray, run_length: float
) -> Charted:
    """Charts of counts k (rows × months, NaN before the row begins) in months of so many `days`."""
    of = np.where(np.isnan(k), 0, days)
    k = np.nan_to_num(k)
    mean = np.maximum(_divided(k.sum(axis=1), of.sum(axis=1))[:, None] * of, 1e-9)
    scores = np.where(of > 0, (k - mean) / np.sqrt(mean), np.nan)
    charted, tail, unsure = _empty(k), 1 / run_length / 4, np.zeros(k.shape)
    phi = beyond_chance(scores, mean, group, tail)[group]
    for t in range(k.shape[1]):
        past = _past(charted, k, of, calendar, t)
        factor, loose = _season_of_counts(past, group, phi)
        ready = (past.months >= A_YEAR) & (past.rate > 0) & (of[:, t] > 0)
        charted.expected[:, t] = np.where(ready, past.rate * of[:, t] * factor, np.nan)
        unsure[:, t] = 1 / np.maximum(past.k.sum(axis=1), 1) + phi / np.maximum(past.months, 1) + loose
        for rows, months, rule in _asked(charted, t):
            means = charted.expected[rows, months]
            whole = means.sum(axis=1)
            phi_ = phi[rows] * (means**2).sum(axis=1) / whole**2 + unsure[rows, t]
            beyond = np.minimum(*count_tails(k[rows, months].sum(axis=1), whole, phi_)) < tail
            charted.signal[rows, t] = np.where(beyond, rule, charted.signal[rows, t])
            if rule == MONTH:
                charted.low[rows, t], charted.high[rows, t] = count_limits(whole, phi_, tail)
    return charted


def _asked(charted: Charted, t: int) -> Iterator[tuple[np.ndarray, slice, int]]:
    """Which rows are asked about which months by which rule; what the month rule found is not found again."""
    last, ready = slice(max(t - TOGETHER + 1, 0), t + 1), ~np.isnan(charted.expected)
    if ready[:, t].any():
        yield np.flatnonzero(ready[:, t]), slice(t, t + 1), MONTH
    together = ready[:, last].all(axis=1) & (charted.signal[:, last] != MONTH).all(axis=1)
    if t + 1 >= TOGETHER and together.any():
        yield np.flatnonzero(together), last, THREE_MONTHS


def _past(charted: Charted, k: np.ndarray, of: np.ndarray, calendar: np.ndarray, t: int) -> Past:
    """A year's end is no year: of more than twelve months only whole years, so that seasons weigh alike."""
    months = slice(t - t // A_YEAR * A_YEAR if t >= A_YEAR else 0, t)
    sound = charted.signal[:, months] == NONE
    return Past(k[:, months] * sound, of[:, months] * sound, calendar[months] == calendar[t])


def _expected_share(past: Past, group: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The expected share, and how many observations it is worth: the row's own, and its group's."""
    k, n = past.k.sum(axis=1), past.of.sum(axis=1)
    pooled = _divided(np.bincount(group, k) + 0.5, np.bincount(group, n) + 1)[group]
    alike = _alike(k, n, pooled, group)[group]
    own = n / (1 + np.maximum(_divided(n, past.months) - 1, 0) * rho)  # months that vary on their own tell less
    return (own * past.rate + alike * pooled) / (own + alike), own + alike


def _alike(k: np.ndarray, n: np.ndarray, pooled: np.ndarray, group: np.ndarray) -> np.ndarray:
    """How many observations a group is worth: few where its rows differ more than chance lets them."""
    variance = np.maximum(pooled * (1 - pooled), 1e-9)
    excess = np.bincount(group, np.where(n > 0, (k - n * pooled) ** 2 / np.maximum(n, 1) / variance - 1, 0))
    between = _divided(excess, np.bincount(group, np.maximum(n - 1, 0)))
    return np.clip(1 / np.maximum(between, 1e-6) - 1, LEAST_ALIKE, MOST_ALIKE)


def _season_of_shares(past: Past, group: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far the logit lies off in this calendar month, and how uncertain that is (as a correlation)."""
    observed, expected, n, months = _same_month(past, group)
    usual = np.clip(_divided(expected, n), 0.001, 0.999)
    drawn = [_divided(what + SEASON_WEIGHT * usual, n + SEASON_WEIGHT) for what in (observed, expected)]
    weight = _divided(n, n + SEASON_WEIGHT)
    loose = weight**2 * (_divided(np.ones(len(n)), n) + _divided(_mean(rho, group), months))
    return (_logit(drawn[0]) - _logit(drawn[1]))[group], loose[group]


def _season_of_counts(past: Past, group: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By what this calendar month is more or less than its year, and how uncertain that is (as phi)."""
    observed, expected, _, months = _same_month(past, group)
    weight = _divided(observed, observed + SEASON_WEIGHT)
    loose = weight**2 * (_divided(np.ones(len(observed)), observed) + _divided(_mean(phi, group), months))
    return ((observed + SEASON_WEIGHT) / (expected + SEASON_WEIGHT))[group], loose[group]


def _same_month(past: Past, group: np.ndarray) -> tuple[np.ndarray, ...]:
    """Per group, of rows with whole years: observed, expected by their own rates, of how many, in how many months."""
    whole = (past.of > 0).all(axis=1) & (past.of.shape[1] >= A_YEAR)
    k, of = (what[:, past.same_month] * whole[:, None] for what in (past.k, past.of))
    sums = (k, of * past.rate[:, None], of, of > 0)
    return tuple(np.bincount(group, what.sum(axis=1)) for what in sums)


def _mean(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    return np.bincount(group, values) / np.bincount(group)


def _moved(p: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(_logit(p) + shift)))


def _empty(like: np.ndarray) -> Charted:
    return Charted(*(np.full(like.shape, np.nan) for _ in range(3)), np.zeros(like.shape, int))


def _share_scores(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """How far each month lies from its row's share, in standard errors of chance alone."""
    p = ((k.sum(axis=1) + 0.5) / (n.sum(axis=1) + 1))[:, None]
    return (_divided(k, n) - p) / np.sqrt(p * (1 - p) / np.where(n > 0, n, np.nan))


def _logit(p: np.ndarray) -> np.ndarray:
    kept = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept))


def _divided(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part ÷ whole, 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)
