"""The pairs (or records) in which a suspicion could show, which of them do, and what a slice of them is worth."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pipelines.explain.bits import count, held, packed
from pipelines.explain.rows import Rows, among

FEWEST_HITS = 6  # below this many rows a share is no evidence
SURELY = 1.96  # standard errors of the lower limit of a share (Wilson 1927)
# Trials added outside each slice, so that a slice that is everything is held against something:
# a twentieth of them hits, the order of the disagreement that registries publish (4–30 %).
PRIOR_TRIALS, PRIOR_HITS = 20.0, 1.0
# Of so many rows everything is searched; of more a sample. Two misses to a hit tell two thirds of what all tell (Ury
# 1975).
MOST_ROWS = 50_000
MOST_HITS, CONTROLS = 4_000, 2
PLENTY = 20  # misses to a hit tell all but a twentieth (the same): of very many rows the others are left out
SAMPLED = 0.9
FEWEST_MISSES = 4_000  # of a sample
SMALLEST = np.finfo(float).tiny
ALL = np.uint64(2**64 - 1)  # rows, where there are no others
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
    """Hits, or misses: the places of `rows`; each stands for `weight` of them."""

    rows: Rows
    at: np.ndarray
    weight: float
    every: tuple[Some, int] | None = None  # others, of which these are every so many-th

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def codes(self) -> np.ndarray:
        """One column a trial, one row an attribute."""
        return self.every[0].codes[:, :: self.every[1]].copy() if self.every else self.rows.numbered(self.at)

    @cached_property
    def day(self) -> np.ndarray:
        return self.rows.day_code[self.at]

    def inside(self, named: Named, period: tuple[int, int] | None) -> np.ndarray | slice:
        """Positions in the slice; of the whole no list of all."""
        at: np.ndarray | slice = slice(None)
        for name, numbers in named.items():
            place = self.rows.names.index(name)
            column = self.codes[place][at] if "codes" in self.__dict__ else self._number(place, at)
            at = among(at, column == numbers[0] if len(numbers) == 1 else np.isin(column, numbers))
        if period:
            day = self.day[at]
            at = among(at, (day >= period[0]) & (day <= period[1]))
        return at

    def by_value(self, at: np.ndarray | slice) -> np.ndarray:
        """How many of those at some positions there are of each number."""
        return self.counts if isinstance(at, slice) else self._counted(self.codes.take(at, axis=1, mode="clip"))

    @cached_property
    def counts(self) -> np.ndarray:
        """How many of them there are of each number."""
        return self._counted(self.codes)

    def _counted(self, codes: np.ndarray) -> np.ndarray:
        return np.bincount(codes.ravel(), minlength=self.rows.size)

    def _number(self, place: int, at: np.ndarray | slice) -> np.ndarray:
        return self.rows.codes[self.rows.names[place]][self.at[at]].astype(np.intp) + self.rows.starts[place] + 1


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
        low = math.ceil(FEWEST_HITS * self.hit.weight)
        return max(low, bisect_right(range(self.hits + 1), gain, min(low, self.hits), key=self._of_hits_alone))

    def _of_hits_alone(self, k: int) -> float:
        """What a slice of k hits and nothing else gains."""
        return _nats(self.hits - k + PRIOR_HITS, self.n - k + PRIOR_TRIALS) - self._one_share

    @cached_property
    def _one_share(self) -> float:
        return _nats(self.hits + PRIOR_HITS, self.n + PRIOR_TRIALS)

    @property
    def doubt(self) -> float:
        """That misses are sampled too makes the nats of noise more by hits ÷ misses (Ury 1975)."""
        return 1 + len(self.hit) / max(len(self.misses), 1)

    def pays(self, candidate: Candidate) -> bool:
        """Whether what the sample itself tells of a slice is worth the description."""
        said = cost(self.rows, candidate.named, candidate.period)
        return candidate.gain + said > said * self.doubt * self.hit.weight

    def measured(self, candidate: Candidate) -> Candidate:
        """What was found in a sample, measured on every row."""
        if not self.is_sample:
            return candidate
        inside = self.rows.bits_in(candidate.named, candidate.period)
        n, k = (count(inside & marks) for marks in self._all_bits)
        return self.candidate(candidate.named, candidate.period, n, k)

    @cached_property
    def _all_bits(self) -> tuple[np.ndarray, np.ndarray]:
        eligible, hits = map(packed, self.all_)
        return eligible, hits

    def held(self, values: np.ndarray) -> np.ndarray:
        """How many trials lie in slices of single values, a column each; of no sample."""
        if self._rows_held is self.rows:
            return held(self.rows.bits, self._all_bits[0], values)
        asked, at = np.unique(values, return_inverse=True)
        return held(self._rows_held.bits_of(asked), ALL, at.reshape(values.shape))

    @cached_property
    def _rows_held(self) -> Rows:
        """Of very many rows only the trials, which are few."""
        return self.rows if len(self.rows) <= MOST_ROWS else self.rows.only(np.flatnonzero(self.all_[0]))

    def counted_candidate(self, named: Named, period: tuple[int, int] | None) -> Candidate:
        misses, hits = (some.inside(named, period) for some in (self.misses, self.hit))
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
    of_many = len(rows) > MOST_ROWS and n_misses > PLENTY * len(hit)
    is_many = of_many or len(hit) + n_misses > MOST_ROWS
    hit_sample = hit[:: -(-len(hit) // MOST_HITS) if is_many else 1]
    every = max(1, n_misses // max(CONTROLS * len(hit_sample), FEWEST_MISSES)) if is_many else 1
    missed = np.flatnonzero(misses[::every]) * every
    hit_some, missed_some = _some(rows, hit_sample, len(hit)), _some(rows, missed, n_misses)
    step = max(1, len(missed) // max(CONTROLS * len(hit_sample), FEWEST_FIRST))
    first = _some(rows, missed[::step], n_misses, (missed_some, step) if is_many else None)
    return Trials(rows, hit_some, missed_some, first, len(hit) + n_misses, len(hit), (eligible, hits))


def _some(rows: Rows, at: np.ndarray, of: int, every: tuple[Some, int] | None = None) -> Some:
    return Some(rows, at, of / len(at) if len(at) else 1.0, every)


def cost(rows: Rows, named: Named, period: tuple[int, int] | None) -> float:
    """Nats to say a slice."""
    said = sum(rows.attribute_cost + (len(codes) - 1) * rows.value_cost for codes in named.values())
    closed = (period[0] > 0) + (period[1] < len(rows.days) - 1) if period else 0
    return said + closed * rows.day_cost


def likelihood_ratio(k: Any, n: Any, total_hits: Any, total: Any) -> Any:
    """Log-likelihood of two shares (inside, outside) less that of one; 0 where the slice has the lower share."""
    out_k, out_n = total_hits - k + PRIOR_HITS, total - n + PRIOR_TRIALS
    higher, one = k * out_n > out_k * n, _nats(total_hits + PRIOR_HITS, total + PRIOR_TRIALS)
    if not isinstance(k, np.ndarray):
        return _nats(k, n) + _nats(out_k, out_n) - one if higher else 0.0
    return np.where(higher, _log_likelihood(k, n) + _log_likelihood(out_k, out_n) - one, 0.0)


def likelihood_less(k: float, n: float, total_hits: float, total: float) -> float:
    """Log-likelihood of one share outside a place less that of one share in all."""
    outside = _nats(total_hits - k + PRIOR_HITS, total - n + PRIOR_TRIALS)
    return outside - _nats(total_hits + PRIOR_HITS, total + PRIOR_TRIALS)


def _log_likelihood(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    return _times_its_log(k) + _times_its_log(n - k) - _times_its_log(n)


def _times_its_log(counts: np.ndarray) -> np.ndarray:
    """0 for none; many times as fast as xlogy."""
    return counts * np.log(np.maximum(counts, SMALLEST))


def _nats(k: float, n: float) -> float:
    """The same of single counts, which are many."""
    return times_log(k, k) + times_log(n - k, n - k) - times_log(n, n)


def times_log(count: float, of: float) -> float:
    """0 for none, whatever the number is of which the logarithm is taken."""
    return count * math.log(of) if count > 0 else 0.0


def lower_limit(k: Any, n: Any) -> Any:
    """Lower limit of the share k of n (Wilson 1927)."""
    n, z = np.maximum(n, 1) if isinstance(n, np.ndarray) else max(n, 1), SURELY
    share = k / n
    spread = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return (share + z * z / (2 * n) - spread) / (1 + z * z / n)
