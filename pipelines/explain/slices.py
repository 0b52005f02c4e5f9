"""Where does it happen? The shortest description of a slice in which the hits lie and outside which they do not.

A slice is at most three attributes, of which one may be a period; an attribute may have a list of values.
Slices are compared by the log-likelihood ratio of two binomial shares (inside, outside) against one, less what
the description costs: the logarithm of the number of descriptions one could have given (minimum description
length; it also pays for looking at so many slices, Bonferroni).

Of slices that name one value of each attribute none better is missed (`itemsets`; of a sample see `leading`). Lists and
periods are sought beside them by a rule: within the whole, and within the BEAM slices of each length that gain most and
may still lead beyond the best one, the values of an attribute that are hit alike, and the interval of days that gains
most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.explain.itemsets import Table, leading, longer, singles
from pipelines.explain.periods import best_intervals, best_sums, limits_of
from pipelines.explain.rows import Rows
from pipelines.explain.trials import (
    FEWEST_HITS,
    PRIOR_HITS,
    PRIOR_TRIALS,
    Candidate,
    Some,
    Trials,
    cost,
    lower_limit,
    times_log,
    trials_of,
)

MOST_ATTRIBUTES = 3
MOST_VALUES = 6  # in a list of one attribute
ALIKE = 0.15  # shares of values in one list differ by no more: one fault hits them all alike
# A cause must gain more than this over saying nothing: there are some hundred suspicions in a run.
LEAST_GAIN = float(np.log(100_000))
# A cause hits most of its slice, by the lower limit of its share: published disagreement goes up to 30 %.
MOST = 0.5
BEAM, FEW = 8, 3  # how many slices of one length are given a list or a period; of a sample
NEXT_TO_NOTHING = 1e-6  # nats by which rounding may move a bound
MOST_MEASURED = 5  # of one length that are found in a sample and measured on all rows


@dataclass(frozen=True)
class Slice:
    """`where` says the slice in the words of the contract; `gain` in nats, after its description is paid for.

    `log_chance`: logarithm of a bound on the chance that scattered hits fill any slice as well as this one.
    """

    where: dict[str, Any]
    gain: float
    trials: int
    hits: int
    log_chance: float = 0.0

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
    return _told(trials, best) if best else None


def _best(trials: Trials, demands: Demands) -> Candidate | None:
    whole = trials.candidate({}, None, trials.n, trials.hits)
    best = whole if demands.met(whole.hits, whole.trials, whole.gain) else None
    shorter, table = [whole], None
    for length in range(1, MOST_ATTRIBUTES + 1):
        floor = _floor(demands, best)
        beside = [found for c in shorter for found in _beside(trials, demands, c, floor)]
        good = [c for c in _distinct(beside) if c.gain > floor * trials.nearly]
        good = sorted(_met(demands, good), key=_merit)[:MOST_MEASURED]
        best = _best_of([best, *_met(demands, map(trials.measured, good))])
        floor = _floor(demands, best) * trials.nearly
        table = _plain(trials, table, length, floor)
        best = _best_of([best, _best_plain(trials, demands, table, floor)])
        if length < MOST_ATTRIBUTES:
            seeds = _seeds(trials, table, floor + length * trials.rows.attribute_cost)
            said = filter(trials.pays, beside) if trials.is_sample else beside
            shorter = sorted(_distinct([*seeds, *said]), key=_merit)[: FEW if trials.is_sample else BEAM]
        if length == 1 and demands.share > MOST:
            shorter = list(_distinct([*shorter, *_full_for_a_while(trials)]))
        if not shorter and not len(table.k):
            break
    return whole if best and _is_everywhere(trials, demands, whole, best) else best


def _floor(demands: Demands, best: Candidate | None) -> float:
    """What a slice must gain."""
    return max(best.gain, demands.gain) if best else demands.gain


def _plain(trials: Trials, shorter: Table | None, length: int, floor: float) -> Table:
    """The slices that name one value of each of `length` attributes and may gain more than `floor`."""
    fewest = trials.fewest(floor + length * trials.rows.attribute_cost - 1e-6)
    if shorter is None:
        return singles(trials, fewest)
    return longer(trials, leading(trials, shorter.only(shorter.k >= fewest)), fewest)


def _is_everywhere(trials: Trials, demands: Demands, whole: Candidate, best: Candidate) -> bool:
    """Outside the best slice as many are hit, but for what places differ by anyway (ALIKE): no place of the fault."""
    if best.trials == trials.n or not demands.met(whole.hits, whole.trials, whole.gain):
        return False
    outside = (trials.hits - best.hits) / (trials.n - best.trials)
    return best.hits / best.trials - outside <= ALIKE


def _best_of(found: Iterable[Candidate | None]) -> Candidate | None:
    return min(filter(None, found), key=_merit, default=None)


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


def _told(trials: Trials, found: Candidate) -> Slice:
    rows = trials.rows
    where = {rows.column_of(name): rows.told(name, codes) for name, codes in found.named.items()}
    if found.period:
        where["period"] = limits_of(rows.days, *found.period)
    return Slice(where, found.gain, int(found.trials), int(found.hits), log_chance(trials, found))


def log_chance(trials: Trials, found: Candidate) -> float:
    """If hits were scattered over the trials whatever their attributes, n of them would hold k hits or more with a
    chance below exp(−n KL(k/n, usual share)) (Hoeffding 1963, also for draws without replacement). The description is
    paid for: the exp(−cost) of all slices add up to less than one, so the bound holds for all at once, nested or not.
    What is everything is held against the share of the prior. Where most of everything is hit that is no noise wherever
    it lies, so a slice of it is as sure as the whole."""
    whole = -_divergence(trials.hits, trials.n, PRIOR_HITS / PRIOR_TRIALS)
    if not found.length:
        return min(0.0, whole)
    said = cost(trials.rows, found.named, found.period)
    of_slice = said - _divergence(found.hits, found.trials, trials.hits / trials.n)
    return min(0.0, of_slice, whole if lower_limit(trials.hits, trials.n) >= MOST else 0.0)


def _divergence(k: float, n: float, usual: float) -> float:
    """n KL(k/n, usual share)."""
    return times_log(k, k / (n * usual)) + times_log(n - k, (n - k) / max(n * (1 - usual), 1e-300))


def _bound(trials: Trials, candidate: Candidate) -> float:
    """What a longer slice could gain at most: all the hits, no other trials, one attribute more."""
    rows = trials.rows
    said = cost(rows, candidate.named, candidate.period) + min(rows.attribute_cost, rows.day_cost)
    return float(trials.gain(candidate.hits, candidate.hits)) - said


def _best_plain(trials: Trials, demands: Demands, table: Table, floor: float) -> Candidate | None:
    """The best of the slices that gain more than `floor`."""
    paid = len(table.values) * trials.rows.attribute_cost
    table = table.only(table.k >= demands.share * table.low)
    upper = trials.gain(table.k, table.low) - paid
    if trials.is_sample:
        seeming = np.argsort(-upper, kind="stable")[:MOST_MEASURED]
        found = table.candidates(trials, seeming[upper[seeming] >= floor - NEXT_TO_NOTHING])
        return _best_of(_met(demands, map(trials.measured, found)))
    likely = np.argsort(-trials.gain(table.k, table.likely), kind="stable")[:MOST_MEASURED]
    gained = _exactly(trials, demands, table.only(likely), paid)
    able = np.flatnonzero(upper >= max(floor, gained.max(initial=0.0)) - NEXT_TO_NOTHING)
    gained = _exactly(trials, demands, table.only(able), paid)
    best = able[gained.argmax(keepdims=True)] if gained.any() else able[:0]
    return next(iter(table.candidates(trials, best)), None)


def _exactly(trials: Trials, demands: Demands, table: Table, paid: float) -> np.ndarray:
    """What each slice gains, counted among all trials, as far as _merit tells gains apart; 0 where it does not meet the
    demands."""
    n = trials.held(table.values)
    gain = trials.gain(table.k, n) - paid
    return np.where(demands.met(table.k, n, gain), gain.round(6), 0.0)


def _seeds(trials: Trials, table: Table, floor: float) -> list[Candidate]:
    """The slices that seem to gain most, of those with hits enough to lead beyond the floor."""
    rows, table = trials.rows, leading(trials, table)
    able = np.flatnonzero(table.k >= trials.fewest(floor + min(rows.attribute_cost, rows.day_cost)))
    gains = trials.gain(table.k[able], table.likely[able])
    best = np.argsort(-gains, kind="stable")[: FEW if trials.is_sample else BEAM]
    return table.candidates(trials, able[best[gains[best] > 0]])


def _full_for_a_while(trials: Trials) -> Iterator[Candidate]:
    """The single values of which nearly all is hit for some days, though little of the rest: a region's lost week."""
    usual, rows = (trials.hits + PRIOR_HITS) / (trials.n + PRIOR_TRIALS), trials.rows
    k, n = (some.weight * _by_value_and_day(rows, some) for some in (trials.hit, trials.misses))
    gains = np.where(rows.known, best_sums(k, k + n, usual), 0.0)
    for code in np.argsort(-gains, kind="stable")[:BEAM]:
        if gains[code] > 0:
            yield trials.counted_candidate({rows.name_of(int(code)): (int(code),)}, None)


def _by_value_and_day(rows: Rows, some: Some) -> np.ndarray:
    """How many there are of each number on each day; those of unknown days are left out."""
    days, known = len(rows.days), some.day >= 0
    counted = np.bincount((some.codes * days + some.day)[:, known].ravel(), minlength=rows.size * days)
    return counted.reshape(rows.size, days).astype(float)


def _beside(trials: Trials, demands: Demands, shorter: Candidate, floor: float) -> list[Candidate]:
    """The slice with a list or a period more, where it may lead beyond the floor; among the first misses it shows
    whether that is so."""
    if _bound(trials, shorter) <= floor:
        return []
    few = list(_longer(trials, demands, shorter, trials.first))
    if len(trials.first) == len(trials.misses) or not any(_is_able(demands, c, floor) for c in few):
        return few
    return list(_longer(trials, demands, shorter, trials.misses))


def _is_able(demands: Demands, candidate: Candidate, floor: float) -> bool:
    return candidate.gain > floor and candidate.hits >= demands.share * candidate.trials


def _longer(trials: Trials, demands: Demands, shorter: Candidate, among: Some) -> Iterator[Candidate]:
    """The slice with a list or a period more; where it has one already, also with one value more. The misses that it
    has `among` some of them, as if there were no others."""
    misses, hits = (some.inside(shorter.named, shorter.period) for some in (among, trials.hit))
    k = trials.hit.weight * trials.hit.by_value(hits)
    n = k + trials.misses.weight * among.by_value(misses)
    free = trials.rows.free(shorter.named)
    said = list(_lists(trials, demands, free, n, k))
    if not shorter.is_plain:
        gains = np.where((k >= FEWEST_HITS * trials.hit.weight) & free, trials.gain(k, n), 0.0)
        said += [(int(code),) for code in np.argsort(-gains, kind="stable")[:BEAM] if gains[code] > 0]
    yield from trials.candidates(
        [({**shorter.named, trials.rows.name_of(codes[0]): codes}, shorter.period) for codes in said],
        *(np.array([counts[list(codes)].sum() for codes in said]) for counts in (n, k)),
    )
    if shorter.period is None:
        yield from _best_periods(trials, demands, shorter, among, misses, hits)


def _lists(
    trials: Trials, demands: Demands, free: np.ndarray, n: np.ndarray, k: np.ndarray
) -> Iterator[tuple[int, ...]]:
    enough = FEWEST_HITS / 2 * trials.hit.weight
    mostly = np.flatnonzero(free & (k >= enough) & (k >= demands.listed_share * n))
    ends = np.searchsorted(mostly, trials.rows.starts)
    for at in np.flatnonzero(np.diff(ends) > 1):
        codes = mostly[ends[at] : ends[at + 1]]
        if listed := _best_list(trials, n, k, codes):
            yield listed


def _best_list(trials: Trials, n: np.ndarray, k: np.ndarray, mostly: np.ndarray) -> tuple[int, ...]:
    """The values that are hit alike, as far as each of them adds to what the list gains; none for a single one."""
    share = k[mostly] / n[mostly]
    alike = np.lexsort((-n[mostly], -share))[:MOST_VALUES]
    mostly = mostly[alike[share[alike] >= share.max() - ALIKE]]
    gains = trials.gain(k[mostly].cumsum(), n[mostly].cumsum()) - trials.rows.value_cost * np.arange(len(mostly))
    last = int(gains.argmax())
    return tuple(sorted(mostly[: last + 1].tolist())) if last else ()


def _best_periods(
    trials: Trials, demands: Demands, shorter: Candidate, among: Some, misses: np.ndarray, hits: np.ndarray
) -> Iterator[Candidate]:
    """The interval of days that gains most, and where its share is too low the one that gains most of those with share
    enough; an end that coincides with the data's own is left open. Among some of the misses the interval is sought as
    if each stood for several: a wide one would else seem to hold hits only."""
    k = _by_day(trials.rows, trials.hit, hits, trials.hit.weight)
    missed = _by_day(trials.rows, among, misses, trials.misses.weight)
    n = k + missed
    seen = np.flatnonzero(n)
    if len(seen) < 3:
        return
    usual, end = (trials.hits + PRIOR_HITS) / (trials.n + PRIOR_TRIALS), len(seen) - 1
    all_ = k + missed * (len(trials.misses) / max(len(among), 1))
    found = best_intervals(k[seen], all_[seen], usual)
    ends = {open_ for first, last in found for open_ in ((first, last), (0, last), (first, end))} - {(0, end)}
    if ends:
        tried = _periods(trials, shorter, n, k, seen, np.array(sorted(ends)).T)
        able = [candidate for candidate in tried if candidate.hits >= demands.share * candidate.trials]
        yield from _distinct([*tried[:1], *able[:1]])


def _by_day(rows: Rows, some: Some, at: np.ndarray, weight: float) -> np.ndarray:
    """How many there are on each day; the first place is of unknown days."""
    return weight * np.bincount(some.day[at] + 1, minlength=len(rows.days) + 1)[1:].astype(float)


def _periods(
    trials: Trials, shorter: Candidate, n: np.ndarray, k: np.ndarray, seen: np.ndarray, ends: np.ndarray
) -> list[Candidate]:
    """Periods by their first and last day among those `seen`, the best first; open where these are the data's own."""
    first = np.where(ends[0] == 0, 0, seen[ends[0]]).tolist()
    last = np.where(ends[1] == len(seen) - 1, len(n) - 1, seen[ends[1]]).tolist()
    inside = (np.append(0.0, counts[seen].cumsum()) for counts in (n, k))
    counted = [total[ends[1] + 1] - total[ends[0]] for total in inside]
    said = [(shorter.named, period) for period in zip(first, last, strict=True)]
    return sorted(trials.candidates(said, *counted), key=lambda found: (*_merit(found), found.period))
