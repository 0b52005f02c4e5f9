"""Every conjunction of up to three values of different attributes, counted exactly; those that cannot matter pruned.

Hits are few and misses many, so hits are counted first. A slice with k hits gains at most what it would if it held
nothing else, and so does every longer slice within it (k only falls, and with the same hits more misses gain less): the
bounds on size and error of SliceLine (Sagadeeva & Boehm 2021) on this score. Attributes of which one is decided by the
other (a unit lies in one region) do not stand together: the slice of both is the slice of the one, or empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.explain.trials import Candidate, Trials


@dataclass(frozen=True)
class Table:
    """Counts of the slices that name these attributes: `values` has one row an attribute, one column a slice."""

    attributes: tuple[int, ...]
    values: np.ndarray
    n: np.ndarray
    k: np.ndarray

    def candidate(self, trials: Trials, at: int) -> Candidate:
        names = trials.rows.names
        named = {names[a]: (int(value),) for a, value in zip(self.attributes, self.values[:, at], strict=True)}
        return trials.candidate(named, None, self.n[at], self.k[at])


def singles(trials: Trials, fewest: float) -> Iterator[Table]:
    """One table an attribute; only values with at least `fewest` hits, here as below."""
    rows = trials.rows
    hits = [np.bincount(some.codes.ravel(), minlength=rows.size) for some in (trials.misses, trials.hit)]
    n, k = trials.counted(*hits)
    for attribute, (start, end) in enumerate(zip(rows.starts, rows.starts[1:], strict=False)):
        values = start + 1 + np.flatnonzero(k[start + 1 : end] >= fewest)  # the first number is "unknown"
        if len(values):
            yield Table((attribute,), values[None], n[values], k[values])


def pairs(trials: Trials, fewest: float) -> Iterator[Table]:
    for a, b in trials.rows.apart:
        if table := _pair(trials, a, b, fewest):
            yield table


def triples(trials: Trials, fewest: float) -> Iterator[Table]:
    """Each pair of which enough hits remain, with each later attribute."""
    apart = trials.rows.apart_set
    for pair in pairs(trials, fewest):
        a, b = pair.attributes
        later = [c for c in range(b + 1, len(trials.rows.names)) if (a, c) in apart and (b, c) in apart]
        if later:
            yield from _longer(trials, pair, later, fewest)


def _pair(trials: Trials, a: int, b: int, fewest: float) -> Table | None:
    starts, size = trials.rows.starts, trials.rows.sizes
    first = starts[a] * size[b] + starts[b]
    hit, misses = trials.hit.codes, trials.misses.codes
    whole = size[a] * size[b]
    k = np.bincount(hit[a] * size[b] + hit[b] - first, minlength=whole)
    live = np.flatnonzero(k * trials.hit.weight >= fewest)
    live = live[(live >= size[b]) & (live % size[b] > 0)]  # both known
    if not len(live):
        return None
    missed = np.bincount(misses[a] * size[b] + misses[b] - first, minlength=whole)
    n, k = trials.counted(missed[live], k[live])
    return Table((a, b), np.stack([starts[a] + live // size[b], starts[b] + live % size[b]]), n, k)


def _longer(trials: Trials, pair: Table, later: list[int], fewest: float) -> Iterator[Table]:
    (hit_at, hit_of), (miss_at, miss_of) = (_within(trials, some.codes, pair) for some in (trials.hit, trials.misses))
    for c in later:
        start, size = trials.rows.starts[c], trials.rows.sizes[c]
        whole = pair.values.shape[1] * size
        k = np.bincount(hit_of * size + trials.hit.codes[c, hit_at] - start, minlength=whole)
        live = np.flatnonzero(k * trials.hit.weight >= fewest)
        live = live[live % size > 0]
        if len(live):
            missed = np.bincount(miss_of * size + trials.misses.codes[c, miss_at] - start, minlength=whole)
            n, k = trials.counted(missed[live], k[live])
            yield Table((*pair.attributes, c), np.vstack([pair.values[:, live // size], start + live % size]), n, k)


def _within(trials: Trials, codes: np.ndarray, pair: Table) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the trials that lie in any of the pair's slices, and in which."""
    starts, size = trials.rows.starts, trials.rows.sizes
    a, b = pair.attributes
    first = starts[a] * size[b] + starts[b]
    which = np.full(size[a] * size[b], -1)
    which[pair.values[0] * size[b] + pair.values[1] - first] = np.arange(pair.values.shape[1])
    of = which[codes[a] * size[b] + codes[b] - first]
    at = np.flatnonzero(of >= 0)
    return at, of[at]
