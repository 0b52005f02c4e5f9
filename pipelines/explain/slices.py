"""Where does it happen? The shortest description of a slice in which the hits lie and outside which they do not.

A slice is at most three attributes, of which one may be a period; an attribute may have a list of values.
Slices are compared by the log-likelihood ratio of two binomial shares (inside, outside) against one, less what
the description costs: the logarithm of the number of descriptions one could have given (minimum description
length; it also pays for looking at so many slices, Bonferroni).

Of slices that name one value of each attribute none better is missed (`itemsets`). Lists and periods are sought beside
them by a rule: within the whole, and within the BEAM slices of each length that gain most and may still lead beyond the
best one, the values of an attribute that are hit alike, and the interval of days that gains most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.explain.itemsets import Table, pairs, singles, triples
from pipelines.explain.periods import best_interval, limits_of
from pipelines.explain.rows import Rows
from pipelines.explain.trials import (
    FEWEST_HITS,
    PRIOR_HITS,
    PRIOR_TRIALS,
    Candidate,
    Trials,
    cost,
    lower_limit,
    trials_of,
)

MOST_ATTRIBUTES = 3
MOST_VALUES = 6  # in a list of one attribute
ALIKE = 0.15  # shares of values in one list differ by no more: one fault hits them all alike
# A cause must gain more than this over saying nothing: exp(−gain) bounds the chance that it is luck, the number
# of descriptions being paid for; and there are some hundred suspicions in a run.
LEAST_GAIN = float(np.log(100_000))
# A cause hits most of its slice, by the lower limit of its share: published disagreement goes up to 30 %.
MOST = 0.5
BEAM = 8  # how many slices of one length are given a list or a period
MOST_MEASURED = 10  # of one length that are found in a sample and measured on all rows


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
        return float(lower_limit(self.hits, self.trials))


@dataclass(frozen=True)
class Demands:
    """What a slice must have: hits in `share` of its trials, surely, and a gain above `gain`."""

    share: float
    gain: float
    listed_share: float  # the least share of a value in a list

    def met(self, k: Any, n: Any, gain: Any) -> Any:
        return (k >= FEWEST_HITS) & (gain > self.gain) & (lower_limit(k, n) >= self.share)


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
    hits = hits & eligible
    if np.count_nonzero(hits) < FEWEST_HITS:
        return None
    trials = trials_of(rows, eligible, hits)
    demands = Demands(least_share, least_gain, max(least_share, 0.2) if lists else 2.0)
    best = _best(trials, demands)
    return _told(rows, best) if best else None


def _best(trials: Trials, demands: Demands) -> Candidate | None:
    whole = trials.candidate({}, None, trials.n, trials.hits)
    best = whole if demands.met(whole.hits, whole.trials, whole.gain) else None
    shorter = [whole]
    for length in range(1, MOST_ATTRIBUTES + 1):
        floor = max(best.gain, demands.gain) if best else demands.gain
        seeds = [c for c in shorter if _bound(trials, c) > floor]
        found = [longer for seed in seeds for longer in _longer(trials, demands, seed)]
        found += _itemsets(trials, demands, length, max([floor, *(c.gain for c in _met(demands, found))]))
        promising = sorted(_distinct(found), key=_merit)
        measured = map(trials.measured, [c for c in promising if demands.met(c.hits, c.trials, c.gain)][:MOST_MEASURED])
        best = min(filter(None, [best, *_met(demands, measured)]), key=_merit, default=None)
        shorter = promising[:BEAM]
    return best


def _distinct(found: Iterable[Candidate]) -> Iterable[Candidate]:
    """The first of those that name the same."""
    first: dict[tuple, Candidate] = {}
    for candidate in found:
        first.setdefault(candidate.key, candidate)
    return first.values()


def _met(demands: Demands, found: Iterable[Candidate]) -> list[Candidate]:
    return [c for c in found if demands.met(c.hits, c.trials, c.gain)]


def _merit(candidate: Candidate) -> tuple[float, int]:
    """Most gain first; of slices that say the same, the shorter and the earlier found one."""
    return -round(candidate.gain, 6), candidate.length


def _told(rows: Rows, candidate: Candidate) -> Slice:
    where = {rows.column_of(name): rows.told(name, codes) for name, codes in candidate.named.items()}
    if candidate.period:
        where["period"] = limits_of(rows.days, *candidate.period)
    return Slice(where, candidate.gain, candidate.trials, candidate.hits)


def _bound(trials: Trials, candidate: Candidate) -> float:
    """What a longer slice could gain at most: all the hits, no other trials, one attribute more."""
    rows = trials.rows
    said = cost(rows, candidate.named, candidate.period) + min(rows.attribute_cost, rows.day_cost)
    return float(trials.gain(candidate.hits, candidate.hits)) - said


def _itemsets(trials: Trials, demands: Demands, length: int, floor: float) -> list[Candidate]:
    """Of the slices that name `length` values: those that meet the demands, and those that gain most."""
    rows = trials.rows
    paid = length * rows.attribute_cost
    # A slice is of use if it gains more than the floor itself, or if a longer one within it may.
    more = min(rows.attribute_cost, rows.day_cost) if length < MOST_ATTRIBUTES else 0.0
    fewest = trials.fewest(floor + paid + more) if length < MOST_ATTRIBUTES else trials.fewest(floor + paid)
    tables = (singles, pairs, triples)[length - 1](trials, min(fewest, trials.fewest(floor + paid)))
    return [found for table in tables for found in _best_of(trials, demands, table, paid)]


def _best_of(trials: Trials, demands: Demands, table: Table, paid: float) -> Iterator[Candidate]:
    gains = trials.gain(table.k, table.n) - paid
    met = np.where(demands.met(table.k, table.n, gains), gains, -np.inf)
    order = np.argsort(-gains, kind="stable")[:BEAM]
    best = np.argsort(-met, kind="stable")[: MOST_MEASURED if trials.is_sample else 1]
    for at in dict.fromkeys([*order.tolist(), *best[met[best] > -np.inf].tolist()]):
        if gains[at] > -paid:
            yield table.candidate(trials, at)


def _longer(trials: Trials, demands: Demands, shorter: Candidate) -> Iterator[Candidate]:
    """The slice with a list or a period more; where it has one already, also with one value more."""
    misses, hits = (some.inside(trials.rows, shorter) for some in (trials.misses, trials.hit))
    size = trials.rows.size
    n, k = trials.counted(
        np.bincount(trials.misses.codes[:, misses].ravel(), minlength=size),
        np.bincount(trials.hit.codes[:, hits].ravel(), minlength=size),
    )
    free = trials.rows.free(shorter.named)
    said = list(_lists(trials, demands, free, n, k))
    if not shorter.is_plain:
        gains = np.where((k >= FEWEST_HITS) & free, trials.gain(k, n), 0.0)
        said += [(int(code),) for code in np.argsort(-gains, kind="stable")[:BEAM] if gains[code] > 0]
    for codes in said:
        name, chosen = trials.rows.name_of(codes[0]), list(codes)
        yield trials.candidate({**shorter.named, name: codes}, shorter.period, n[chosen].sum(), k[chosen].sum())
    if shorter.period is None and (period := _best_period(trials, shorter, misses, hits)):
        yield period


def _lists(
    trials: Trials, demands: Demands, free: np.ndarray, n: np.ndarray, k: np.ndarray
) -> Iterator[tuple[int, ...]]:
    mostly = np.flatnonzero(free & (k >= FEWEST_HITS / 2) & (k >= demands.listed_share * n))
    for codes in np.split(mostly, np.searchsorted(mostly, trials.rows.starts[1:-1])):
        if listed := _best_list(trials, n, k, codes):
            yield listed


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


def _best_period(trials: Trials, shorter: Candidate, misses: np.ndarray, hits: np.ndarray) -> Candidate | None:
    """The interval of days that gains most; an end that coincides with the data's own is left open."""
    days = len(trials.rows.days)
    # The first place is of unknown days.
    missed = np.bincount(trials.misses.day[misses] + 1, minlength=days + 1)[1:]
    n, k = trials.counted(missed, np.bincount(trials.hit.day[hits] + 1, minlength=days + 1)[1:])
    seen = np.flatnonzero(n)
    if len(seen) < 3:
        return None
    usual, end = (trials.hits + PRIOR_HITS) / (trials.n + PRIOR_TRIALS), len(seen) - 1
    first, last = best_interval(k[seen], n[seen], usual, trials.gain)
    tried = [
        _period_candidate(trials, shorter, n, k, seen, ends)
        for ends in {(first, last), (0, last), (first, end)}
        if ends != (0, end)
    ]
    return min(tried, key=lambda found: (*_merit(found), found.period), default=None)


def _period_candidate(
    trials: Trials, shorter: Candidate, n: np.ndarray, k: np.ndarray, seen: np.ndarray, ends: tuple[int, int]
) -> Candidate:
    """A period by its first and last day among those `seen`; open where these are the data's own."""
    first, last = ends
    period = (0 if first == 0 else int(seen[first]), len(n) - 1 if last == len(seen) - 1 else int(seen[last]))
    within = seen[first : last + 1]
    return trials.candidate(shorter.named, period, n[within].sum(), k[within].sum())
