"""Where does it happen? The shortest description of a slice in which the hits lie and outside which they do not.

A slice is at most three attributes, of which one may be a period; an attribute may have a list of values.
Slices are compared by the log-likelihood ratio of two binomial shares (inside, outside) against one, less what
the description costs: the logarithm of the number of descriptions one could have given (minimum description
length; it also pays for looking at so many slices, Bonferroni). A slice whose longer slices cannot gain more
than the best one found, even if they held all its hits and nothing else, is not made longer (the bound of
SliceLine, Sagadeeva & Boehm 2021, on this score).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import xlogy

from pipelines.explain.periods import best_interval, limits_of
from pipelines.explain.rows import Rows

MOST_ATTRIBUTES = 3
MOST_VALUES = 6  # in a list of one attribute
ALIKE = 0.15  # shares of values in one list differ by no more: one fault hits them all alike
FEWEST_HITS = 6  # below this many rows a share is no evidence
# A cause must gain more than this over saying nothing: exp(−gain) bounds the chance that it is luck, the number
# of descriptions being paid for; and there are some hundred suspicions in a run.
LEAST_GAIN = float(np.log(100_000))
# A cause hits most of its slice, by the lower limit of its share: published disagreement goes up to 30 %.
MOST = 0.5
SURELY = 1.96  # standard errors of that limit (Wilson 1927)
# Trials added outside each slice, so that a slice that is everything is held against something:
# a twentieth of them hits, the order of the disagreement that registries publish (4–30 %).
PRIOR_TRIALS, PRIOR_HITS = 20.0, 1.0
MOST_TRIALS = 50_000  # hits, and misses, that a slice is looked for in
BEAM = 10  # how many slices of one length are made longer


@dataclass(frozen=True)
class Slice:
    """`where` says the slice in the words of the contract; `gain` in nats, after its description is paid for."""

    where: dict[str, Any]
    gain: float
    trials: int
    hits: int

    @property
    def share(self) -> float:
        return self.hits / self.trials if self.trials else 0.0

    @property
    def share_low(self) -> float:
        """Lower limit of the share (Wilson 1927)."""
        n, z = max(self.trials, 1), SURELY
        spread = z * np.sqrt(self.share * (1 - self.share) / n + z * z / (4 * n * n))
        return float((self.share + z * z / (2 * n) - spread) / (1 + z * z / n))


@dataclass(frozen=True)
class Candidate:
    """A slice while it is searched for: the codes it names by attribute, its period as two day codes.

    `within` are the positions, among the trials, of the shorter slice that it was made from.
    """

    named: Mapping[str, tuple[int, ...]]
    period: tuple[int, int] | None
    gain: float
    trials: int
    hits: int
    within: np.ndarray = field(repr=False, compare=False)
    added: str = ""  # the attribute it has more than the shorter slice

    @property
    def length(self) -> int:
        return len(self.named) + (self.period is not None)

    @property
    def key(self) -> tuple:
        return tuple(sorted(self.named.items())), self.period


@dataclass(frozen=True)
class Trials:
    """The eligible rows of a suspicion, and which of them are hit; of very many a sample (case-control).

    `hits` and `n` are those of all; a sampled hit stands for `weight[1]` hits, a sampled miss for `weight[0]`.
    """

    rows: Rows
    codes: np.ndarray  # one row a trial, one column an attribute (Rows.matrix)
    day: np.ndarray
    hit: np.ndarray
    hits: int
    n: int
    weight: tuple[int, int]
    listed_share: float  # the least share of a value in a list

    def counted(self, all_: np.ndarray, hit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(trials, hits) that sampled counts stand for."""
        misses, hits = self.weight
        return misses * (all_ - hit) + hits * hit, hits * hit

    def gain(self, k: Any, n: Any) -> np.ndarray:
        return likelihood_ratio(k, n, self.hits, self.n)

    def inside(self, candidate: Candidate) -> np.ndarray:
        """Positions of the trials in the slice."""
        within, added = candidate.within, candidate.added
        if added == "period":
            day = self.day[within]
            return within[(day >= candidate.period[0]) & (day <= candidate.period[1])]
        if not added:
            return within
        column, codes = self.codes[within, self.rows.names.index(added)], candidate.named[added]
        return within[column == codes[0] if len(codes) == 1 else np.isin(column, codes)]

    def counts(self, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(trials, hits) of every value of every attribute among the trials inside."""
        codes = self.codes[inside]
        size = self.rows.size
        hit = np.bincount(codes[self.hit[inside]].ravel(), minlength=size)
        return self.counted(np.bincount(codes.ravel(), minlength=size), hit)


def best_slice(
    rows: Rows,
    eligible: np.ndarray,
    hits: np.ndarray,
    least_share: float = MOST,
    least_gain: float = LEAST_GAIN,
    lists: bool = True,
) -> Slice | None:
    """The slice that gains most; None where no slice is surely hit in `least_share` of its trials.

    `eligible` and `hits` mark rows. Without `lists` an attribute has one value only.
    """
    trials = _trials(rows, eligible, hits & eligible, max(least_share, 0.2) if lists else 2.0)
    if trials.hits < FEWEST_HITS:
        return None
    everything = np.arange(len(trials.hit))
    frontier = [Candidate({}, None, float(trials.gain(trials.hits, trials.n)), trials.n, trials.hits, everything)]
    best = None
    for depth in range(MOST_ATTRIBUTES + 1):
        good = [found for c in frontier if (found := _told(rows, c)) and _is_good(found, least_share, least_gain)]
        best = min(filter(None, [best, *good]), key=_merit, default=None)
        floor = best.gain if best else least_gain
        frontier = _frontier(trials, frontier, floor) if depth < MOST_ATTRIBUTES else []
    return best if best is None or trials.weight == (1, 1) else _on_all(trials, best, eligible, hits)


def _trials(rows: Rows, eligible: np.ndarray, hits: np.ndarray, listed_share: float) -> Trials:
    """All eligible rows, or every so many-th of the misses and of the hits."""
    misses, hit = np.flatnonzero(eligible & ~hits), np.flatnonzero(hits)
    steps = tuple(-(-len(some) // MOST_TRIALS) or 1 for some in (misses, hit))
    chosen = np.sort(np.concatenate([misses[:: steps[0]], hit[:: steps[1]]]))
    sampled = rows.matrix[chosen], rows.day_code[chosen], hits[chosen]
    return Trials(rows, *sampled, len(hit), len(hit) + len(misses), steps, listed_share)


def _on_all(trials: Trials, found: Slice, eligible: np.ndarray, hits: np.ndarray) -> Slice:
    """What was found in a sample, measured on every row."""
    inside = trials.rows.inside(found.where) & eligible
    n, k = int(inside.sum()), int((inside & hits).sum())
    paid = float(trials.gain(found.hits, found.trials)) - found.gain
    return Slice(found.where, float(trials.gain(k, n)) - paid, n, k)


def _is_good(candidate: Slice, least_share: float, least_gain: float) -> bool:
    return candidate.hits >= FEWEST_HITS and candidate.gain > least_gain and candidate.share_low >= least_share


def _merit(candidate: Slice | Candidate) -> tuple[float, int]:
    """Most gain first; of slices that say the same, the shorter and the earlier found one."""
    return -round(candidate.gain, 6), len(candidate.where) if isinstance(candidate, Slice) else candidate.length


def _told(rows: Rows, candidate: Candidate) -> Slice:
    where = {rows.column_of(name): rows.told(name, codes) for name, codes in candidate.named.items()}
    if candidate.period:
        where["period"] = limits_of(rows.days, *candidate.period)
    return Slice(where, candidate.gain, candidate.trials, candidate.hits)


def _frontier(trials: Trials, shorter: list[Candidate], floor: float) -> list[Candidate]:
    """The most promising slices with one attribute more than those that may still lead beyond `floor`."""
    promising = [candidate for candidate in shorter if _bound(trials, candidate) > floor]
    longer = [found for candidate in promising for found in _longer(trials, candidate)]
    distinct: dict[tuple, Candidate] = {}
    for found in longer:
        distinct.setdefault(found.key, found)
    return sorted(distinct.values(), key=_merit)[:BEAM]


def _bound(trials: Trials, candidate: Candidate) -> float:
    """What a longer slice could gain at most: all the hits, no other trials, one attribute more."""
    rows = trials.rows
    said = _cost(rows, candidate.named, candidate.period) + min(rows.attribute_cost, rows.day_cost)
    return float(trials.gain(candidate.hits, candidate.hits)) - said


def _cost(rows: Rows, named: Mapping[str, tuple[int, ...]], period: tuple[int, int] | None) -> float:
    """Nats to say a slice."""
    said = sum(rows.attribute_cost + (len(codes) - 1) * rows.value_cost for codes in named.values())
    closed = (period[0] > 0) + (period[1] < len(rows.days) - 1) if period else 0
    return said + closed * rows.day_cost


def _longer(trials: Trials, shorter: Candidate) -> Iterator[Candidate]:
    """The slice with one attribute more: the few values that gain most, the best lists, and the best period."""
    inside = trials.inside(shorter)
    n, k = trials.counts(inside)
    free = trials.rows.free(shorter.named)
    gains = np.where((k >= FEWEST_HITS) & free, trials.gain(k, n), 0.0)
    best = [((int(code),), gains[code]) for code in np.argsort(-gains, kind="stable")[:BEAM] if gains[code] > 0]
    mostly = free & (k >= FEWEST_HITS / 2) & (k >= trials.listed_share * n)
    by_attribute = np.split(np.flatnonzero(mostly), np.searchsorted(np.flatnonzero(mostly), trials.rows.starts[1:-1]))
    lists = (_best_list(trials, n, k, codes) for codes in by_attribute)
    for codes, gained in [*best, *((codes, None) for codes in lists if codes)]:
        name, chosen = trials.rows.name_of(codes[0]), list(codes)
        counted = int(n[chosen].sum()), int(k[chosen].sum())
        yield _candidate(trials, {**shorter.named, name: codes}, shorter.period, counted, inside, name, gained)
    if shorter.period is None and (period := _best_period(trials, shorter, inside)):
        yield period


def _candidate(
    trials: Trials,
    named: Mapping[str, tuple[int, ...]],
    period: tuple[int, int] | None,
    counted: tuple[int, int],
    within: np.ndarray,
    added: str,
    gained: float | None = None,
) -> Candidate:
    """`gained`: what it gains before it is paid for, where that is known."""
    n, k = counted
    gained = float(trials.gain(k, n)) if gained is None else float(gained)
    return Candidate(named, period, gained - _cost(trials.rows, named, period), n, k, within, added)


def _best_list(trials: Trials, n: np.ndarray, k: np.ndarray, mostly: np.ndarray) -> tuple[int, ...]:
    """The values that are hit alike, as far as each of them adds to what the list gains; none for a single one."""
    if len(mostly) < 2:
        return ()
    share = k[mostly] / n[mostly]
    alike = np.lexsort((-n[mostly], -share))[:MOST_VALUES]
    mostly = mostly[alike[share[alike] >= share.max() - ALIKE]]
    gains = trials.gain(k[mostly].cumsum(), n[mostly].cumsum()) - trials.rows.value_cost * np.arange(len(mostly))
    last = int(gains.argmax())
    return tuple(sorted(mostly[: last + 1].tolist())) if last else ()


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


def _best_period(trials: Trials, shorter: Candidate, inside: np.ndarray) -> Candidate | None:
    """The interval of days that gains most; an end that coincides with the data's own is left open."""
    day, hit = trials.day[inside], trials.hit[inside]
    known = day >= 0
    days = len(trials.rows.days)
    n, k = trials.counted(np.bincount(day[known], minlength=days), np.bincount(day[known & hit], minlength=days))
    seen = np.flatnonzero(n)
    if len(seen) < 3:
        return None
    usual, end = (trials.hits + PRIOR_HITS) / (trials.n + PRIOR_TRIALS), len(seen) - 1
    first, last = best_interval(k[seen], n[seen], usual, trials.gain)
    tried = [
        _period_candidate(trials, shorter, inside, n, k, seen, ends)
        for ends in {(first, last), (0, last), (first, end)}
        if ends != (0, end)
    ]
    return min(tried, key=lambda found: (*_merit(found), found.period), default=None)


def _period_candidate(
    trials: Trials,
    shorter: Candidate,
    inside: np.ndarray,
    n: np.ndarray,
    k: np.ndarray,
    seen: np.ndarray,
    ends: tuple[int, int],
) -> Candidate:
    """A period by its first and last day among those `seen`; open where these are the data's own."""
    first, last = ends
    period = (0 if first == 0 else int(seen[first]), len(n) - 1 if last == len(seen) - 1 else int(seen[last]))
    counted = int(n[seen[first : last + 1]].sum()), int(k[seen[first : last + 1]].sum())
    return _candidate(trials, shorter.named, period, counted, inside, "period")
