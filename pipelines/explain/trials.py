"""The pairs (or records) in which a suspicion could show, which of them do, and what a slice of them is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import xlogy

from pipelines.explain.rows import Rows

FEWEST_HITS = 6  # below this many rows a share is no evidence
SURELY = 1.96  # standard errors of the lower limit of a share (Wilson 1927)
# Trials added outside each slice, so that a slice that is everything is held against something:
# a twentieth of them hits, the order of the disagreement that registries publish (4–30 %).
PRIOR_TRIALS, PRIOR_HITS = 20.0, 1.0
# Of so many rows everything is searched; of more a sample. Two misses to a hit tell two thirds of what all tell (Ury
# 1975).
MOST_ROWS = 50_000
MOST_HITS, CONTROLS = 4_000, 2
SAMPLED = 0.9
FEWEST_FIRST = 1_000  # misses that are counted before the rest

Named = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Candidate:
    """A slice while it is searched for: the numbers it names by attribute, its period as two day codes.

    `gain` in nats, its description paid for.
    """

    named: Named
    period: tuple[int, int] | None
    gain: float
    trials: float  # in a sample: as many as it stands for
    hits: float

    @property
    def length(self) -> int:
        return len(self.named) + (self.period is not None)

    @property
    def is_plain(self) -> bool:
        """One value of each attribute, and no period."""
        return self.period is None and all(len(codes) == 1 for codes in self.named.values())

    @property
    def key(self) -> tuple:
        return tuple(sorted(self.named.items())), self.period


@dataclass(frozen=True)
class Some:
    """Hits, or misses: one column a trial, one row an attribute (Rows.numbered); each stands for `weight` of them."""

    codes: np.ndarray
    day: np.ndarray
    weight: float

    def inside(self, rows: Rows, named: Named, period: tuple[int, int] | None) -> np.ndarray:
        """Positions in the slice."""
        chosen = np.ones(len(self.day), dtype=bool)
        for name, codes in named.items():
            column = self.codes[rows.names.index(name)]
            chosen &= column == codes[0] if len(codes) == 1 else np.isin(column, codes)
        if period:
            chosen &= (self.day >= period[0]) & (self.day <= period[1])
        return np.flatnonzero(chosen)


@dataclass(frozen=True)
class Trials:
    """The eligible rows of a suspicion: `n`, of which `hits` are hit. Of very many of either a sample is searched
    (case-control: what is outside a slice is known by its number), and what is found is measured on `all_`."""

    rows: Rows
    hit: Some
    misses: Some
    first: Some  # fewer of the misses
    n: int
    hits: int
    all_: tuple[np.ndarray, np.ndarray]  # which rows are eligible, which of them hit

    @property
    def is_sample(self) -> bool:
        return self.misses.weight > 1 or self.hit.weight > 1

    @property
    def nearly(self) -> float:
        """What in a sample gains this share of the best one's gain may be the better one."""
        return SAMPLED if self.is_sample else 1.0

    def counted(self, misses: Any, hits: Any) -> tuple[Any, Any]:
        """(trials, hits) that sampled counts stand for."""
        return self.misses.weight * misses + self.hit.weight * hits, self.hit.weight * hits

    def gain(self, k: Any, n: Any) -> Any:
        return likelihood_ratio(k, n, self.hits, self.n)

    def fewest(self, gain: float) -> float:
        """The fewest hits with which a slice could gain more than that, did it hold nothing else; in a sample, at least
        those that FEWEST_HITS stand for."""
        low, high = math.ceil(FEWEST_HITS * self.hit.weight), self.hits + 1
        while low < high:
            tried = np.unique(np.linspace(low, high - 1, 64).astype(int))
            enough = np.flatnonzero(self.gain(tried, tried) > gain)
            at = enough[0] if len(enough) else len(tried)
            low, high = int(tried[at - 1]) + 1 if at else low, int(tried[at]) if at < len(tried) else high
        return low

    def measured(self, candidate: Candidate) -> Candidate:
        """What was found in a sample, measured on every row."""
        if not self.is_sample:
            return candidate
        eligible, hits = self.all_
        inside = self.rows.of(candidate.named, candidate.period)
        n, k = np.count_nonzero(eligible[inside]), np.count_nonzero(hits[inside])
        return self.candidate(candidate.named, candidate.period, n, k)

    def counted_candidate(self, named: Named, period: tuple[int, int] | None) -> Candidate:
        misses, hits = (some.inside(self.rows, named, period) for some in (self.misses, self.hit))
        return self.candidate(named, period, *self.counted(len(misses), len(hits)))

    def candidates(
        self, said: Sequence[tuple[Named, tuple[int, int] | None]], n: np.ndarray, k: np.ndarray
    ) -> Iterator[Candidate]:
        """Slices by what they name and their period, with their trials and hits."""
        for of, gain, trials, hits in zip(said, self.gain(k, n).tolist(), n.tolist(), k.tolist(), strict=True):
            yield Candidate(*of, gain - cost(self.rows, *of), trials, hits)

    def candidate(self, named: Named, period: tuple[int, int] | None, n: float, k: float) -> Candidate:
        return Candidate(named, period, float(self.gain(k, n)) - cost(self.rows, named, period), n, k)


def trials_of(rows: Rows, eligible: np.ndarray, hits: np.ndarray) -> Trials:
    """All eligible rows, or every so many-th of the hits and those misses that stand at every so many-th row."""
    misses = eligible & ~hits
    hit, n_misses = np.flatnonzero(hits), np.count_nonzero(misses)
    is_many = len(hit) + n_misses > MOST_ROWS
    step = -(-len(hit) // MOST_HITS) if is_many else 1
    every = max(1, n_misses // (CONTROLS * MOST_HITS)) if is_many else 1
    missed = np.flatnonzero(misses[::every]) * every
    few = max(1, len(missed) // max(CONTROLS * len(hit[::step]), FEWEST_FIRST))
    sampled = _some(rows, missed, n_misses)
    first = Some(sampled.codes[:, ::few], sampled.day[::few], n_misses / max(len(sampled.day[::few]), 1))
    return Trials(
        rows, _some(rows, hit[::step], len(hit)), sampled, first, len(hit) + n_misses, len(hit), (eligible, hits)
    )


def _some(rows: Rows, chosen: np.ndarray, of: int) -> Some:
    return Some(rows.numbered(chosen), rows.day_code[chosen], of / len(chosen) if len(chosen) else 1.0)


def cost(rows: Rows, named: Named, period: tuple[int, int] | None) -> float:
    """Nats to say a slice."""
    said = sum(rows.attribute_cost + (len(codes) - 1) * rows.value_cost for codes in named.values())
    closed = (period[0] > 0) + (period[1] < len(rows.days) - 1) if period else 0
    return said + closed * rows.day_cost


def likelihood_ratio(k: Any, n: Any, total_hits: Any, total: Any) -> Any:
    """Log-likelihood of two shares (inside, outside) less that of one; 0 where the slice has the lower share."""
    out_k, out_n = total_hits - k + PRIOR_HITS, total - n + PRIOR_TRIALS
    higher = k * out_n > out_k * n
    one = _log_likelihood(total_hits + PRIOR_HITS, total + PRIOR_TRIALS)
    if not isinstance(k, np.ndarray):
        return _log_likelihood(k, n) + _log_likelihood(out_k, out_n) - one if higher else 0.0
    return np.where(higher, _log_likelihood(k, n) + _log_likelihood(out_k, out_n) - one, 0.0)


def _log_likelihood(k: Any, n: Any) -> Any:
    if not isinstance(k, np.ndarray):
        return _times_log(k) + _times_log(n - k) - _times_log(n)
    return xlogy(k, k) + xlogy(n - k, n - k) - xlogy(n, n)


def _times_log(x: float) -> float:
    return x * math.log(x) if x > 0 else 0.0


def lower_limit(k: Any, n: Any) -> Any:
    """Lower limit of the share k of n (Wilson 1927)."""
    n, z = np.maximum(n, 1) if isinstance(n, np.ndarray) else max(n, 1), SURELY
    share = k / n
    spread = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return (share + z * z / (2 * n) - spread) / (1 + z * z / n)
