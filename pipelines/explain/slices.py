"""Where does it happen? The shortest description of a slice in which the hits lie and outside which they do not.

A slice is at most three attributes, of which one may be a period. Slices are compared by the log-likelihood
ratio of two binomial shares (inside, outside) against one, less what the description costs: the logarithm
of the number of descriptions one could have given (minimum description length). Only a slice of which most
is hit is a cause, so that units which merely type worse than others are none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy.special import xlogy

# The order in which attributes are preferred where they describe the same rows.
ATTRIBUTES = ("region", "unit", "hospital", "schema_version", "source_system", "age_band", "sex")
LATE_ATTRIBUTES = ("submission", "source_file")
MOST_ATTRIBUTES = 3
FEWEST_HITS = 6  # below this many rows a share is no evidence
SMALLEST_SHARE = 0.5  # a cause hits most of its slice
# Trials added outside each slice, so that a slice that is everything is held against something:
# a twentieth of them hits, the order of the disagreement that registries publish (4–30 %).
PRIOR_TRIALS, PRIOR_HITS = 20.0, 1.0
COARSE_BOUNDS = 120  # bounds of periods that are all tried against each other
BEAM = 12  # how many slices of one length are made longer


@dataclass(frozen=True)
class Rows:
    """Attributes of pairs or records as numbers: `codes[name]` points into `values[name]`, −1 is unknown."""

    values: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, np.ndarray]
    day: np.ndarray  # datetime64[D], NaT where unknown

    def only(self, chosen: np.ndarray) -> Rows:
        return Rows(self.values, {n: c[chosen] for n, c in self.codes.items()}, self.day[chosen])

    def inside(self, where: Mapping[str, Any]) -> np.ndarray:
        """The rows that a slice in the words of the contract describes."""
        chosen = np.ones(len(self.day), dtype=bool)
        for name, value in where.items():
            chosen &= self._in_period(value) if name == "period" else self._with_value(name, value)
        return chosen

    def _with_value(self, name: str, value: str) -> np.ndarray:
        return self.codes[name] == self.values[name].index(value)

    def _in_period(self, limits: Mapping[str, str]) -> np.ndarray:
        known = ~np.isnat(self.day)
        after = self.day >= np.datetime64(limits["from"]) if "from" in limits else known
        before = self.day <= np.datetime64(limits["to"]) if "to" in limits else known
        return known & after & before

    @cached_property
    def description_cost(self) -> float:
        """Nats to say one attribute and value of all there are."""
        return float(np.log(1 + sum(len(values) for values in self.values.values()))) + 2.0

    @cached_property
    def period_cost(self) -> float:
        """Nats to say two days of all there are."""
        return float(2 * np.log(max(len(np.unique(self.day)), 2))) + 2.0

    def cost(self, where: Mapping[str, Any]) -> float:
        return sum(self.period_cost if name == "period" else self.description_cost for name in where)


def rows_of(frame: pl.DataFrame, day: str, attributes: Sequence[str]) -> Rows:
    """The attributes of `frame` that have more than one value, and the day of the event."""
    values, codes = {}, {}
    for name in attributes:
        found = tuple(frame[name].drop_nulls().cast(pl.String).unique().sort())
        if len(found) > 1:
            values[name] = found
            place = frame[name].cast(pl.String).replace_strict(list(found), list(range(len(found))), default=-1)
            codes[name] = place.fill_null(-1).to_numpy()
    return Rows(values, codes, frame[day].cast(pl.Date).to_numpy().astype("datetime64[D]"))


@dataclass(frozen=True)
class Slice:
    """`where` says the slice in the words of the contract; `inside` marks its rows among the trials."""

    where: dict[str, Any]
    inside: np.ndarray = field(repr=False, compare=False)
    gain: float
    trials: int
    hits: int

    @property
    def share(self) -> float:
        return self.hits / self.trials if self.trials else 0.0


def best_slice(rows: Rows, hits: np.ndarray) -> Slice | None:
    """The slice that gains most, or None where no slice is mostly hit."""
    if hits.sum() < FEWEST_HITS:
        return None
    frontier = [_measured(rows, hits, {}, np.ones(len(hits), dtype=bool))]
    found = list(frontier)
    for _ in range(MOST_ATTRIBUTES):
        grown = [longer for shorter in frontier for longer in _longer(rows, hits, shorter)]
        frontier = sorted(_distinct(grown), key=_merit)[:BEAM]
        found += frontier
    good = [s for s in found if s.share >= SMALLEST_SHARE and s.hits >= FEWEST_HITS]
    return min(good, key=_merit, default=None)


def _merit(candidate: Slice) -> tuple[float, int]:
    """Most gain first; of slices that say the same, the shorter and the earlier found one."""
    return -round(candidate.gain, 6), len(candidate.where)


def _distinct(slices: list[Slice]) -> list[Slice]:
    """One of the slices that were reached along several ways."""
    return list({repr(sorted(s.where.items(), key=lambda item: item[0])): s for s in reversed(slices)}.values())[::-1]


def _longer(rows: Rows, hits: np.ndarray, shorter: Slice) -> list[Slice]:
    """The slice with one attribute more: each value of each attribute, and the best period."""
    longer = []
    for name in rows.values:
        if name not in shorter.where:
            longer += _by_value(rows, hits, shorter, name)
    if "period" not in shorter.where and (period := _best_period(rows, hits, shorter)):
        longer.append(period)
    return longer


def _by_value(rows: Rows, hits: np.ndarray, shorter: Slice, name: str) -> list[Slice]:
    """A slice for each value that has enough hits; only the few that gain most are worth making."""
    code = rows.codes[name]
    size = len(rows.values[name]) + 1
    n = np.bincount(code[shorter.inside] + 1, minlength=size)[1:]
    k = np.bincount(code[shorter.inside & hits] + 1, minlength=size)[1:]
    gains = np.where(k >= FEWEST_HITS, likelihood_ratio(k, n, hits.sum(), len(hits)), 0)
    worth = [i for i in np.argsort(-gains, kind="stable")[:BEAM] if gains[i] > 0]
    return [
        _measured(rows, hits, {**shorter.where, name: rows.values[name][i]}, shorter.inside & (code == i))
        for i in worth
    ]


def _measured(rows: Rows, hits: np.ndarray, where: dict[str, Any], inside: np.ndarray) -> Slice:
    n, k = int(inside.sum()), int((inside & hits).sum())
    gain = float(likelihood_ratio(k, n, hits.sum(), len(hits))) - rows.cost(where)
    return Slice(where, inside, gain, n, k)


def likelihood_ratio(k: Any, n: Any, total_hits: Any, total: Any) -> np.ndarray:
    """Log-likelihood of two shares (inside, outside) less that of one; 0 where the slice has the lower share."""
    out_k, out_n = total_hits - k + PRIOR_HITS, total - n + PRIOR_TRIALS
    two = _log_likelihood(k, n) + _log_likelihood(out_k, out_n)
    one = _log_likelihood(total_hits + PRIOR_HITS, total + PRIOR_TRIALS)
    higher = np.divide(k, np.maximum(n, 1)) > np.divide(out_k, out_n)
    return np.where(higher, two - one, 0.0)


def _log_likelihood(k: Any, n: Any) -> np.ndarray:
    share = np.divide(k, np.maximum(n, 1))
    return xlogy(k, share) + xlogy(n - k, 1 - share)


def _best_period(rows: Rows, hits: np.ndarray, shorter: Slice) -> Slice | None:
    """The interval of days that gains most; an end that coincides with the data's own is left open."""
    known = shorter.inside & ~np.isnat(rows.day)
    days, position = np.unique(rows.day[known], return_inverse=True)
    if len(days) < 3:
        return None
    n = np.concatenate([[0], np.cumsum(np.bincount(position))])
    k = np.concatenate([[0], np.cumsum(np.bincount(position, weights=hits[known]))])
    first, last = _best_interval(k, n, hits.sum(), len(hits))
    if first == 0 and last == len(days) - 1:
        return None
    inside = known & (rows.day >= days[first]) & (rows.day <= days[last])
    limits = _limits(days.astype(object), first, last)
    return _measured(rows, hits, {**shorter.where, "period": limits}, inside)


def _best_interval(k: np.ndarray, n: np.ndarray, total_hits: int, total: int) -> tuple[int, int]:
    """First and last day (positions) of the interval that gains most, from running sums `k` and `n`.

    All pairs of a coarse grid of bounds first, then all days near the two best: the gain changes little
    within one step of the grid.
    """
    step = max(1, len(n) // COARSE_BOUNDS)
    start = stop = np.unique(np.append(np.arange(0, len(n), step), len(n) - 1))
    for _ in range(2):
        a, b = (bound.ravel() for bound in np.meshgrid(start, stop, indexing="ij"))
        a, b = a[a < b], b[a < b]
        best = likelihood_ratio(k[b] - k[a], n[b] - n[a], total_hits, total).argmax()
        start, stop = (np.clip(np.arange(x - step, x + step + 1), 0, len(n) - 1) for x in (a[best], b[best]))
    return int(a[best]), int(b[best]) - 1


def _limits(days: Sequence[dt.date], first: int, last: int) -> dict[str, str]:
    limits = {}
    if first > 0:
        limits["from"] = _likely_start(days[first - 1], days[first]).isoformat()
    if last < len(days) - 1:
        limits["to"] = (_likely_start(days[last], days[last + 1]) - dt.timedelta(days=1)).isoformat()
    return limits


def _likely_start(before: dt.date, at: dt.date) -> dt.date:
    """Of the days after the last of one state to the first of the next: a month's first day if there is one.

    The data cannot tell these days apart; new versions and practices start on the first more often than not.
    """
    between = [before + dt.timedelta(days=n) for n in range(1, (at - before).days + 1)]
    return next((day for day in between if day.day == 1), at)
