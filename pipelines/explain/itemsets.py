"""Every conjunction of up to three values of different attributes, counted; those that cannot matter are pruned.

Hits are few and misses many, so hits are counted first. A slice with k hits gains at most what it would if it held
nothing else, and so does every longer slice within it (k only falls, and with the same hits more misses gain less): the
bounds on size and error of SliceLine (Sagadeeva & Boehm 2021) on this score. Misses are counted among the first few of
them, which is a lower bound of how many there are; four to a hit settle nearly every slice. Attributes of which one is
decided by the other (a unit lies in one region) do not stand together: the slice of both is that of the one, or empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.explain.trials import Candidate, Some, Trials


@dataclass(frozen=True)
class Table:
    """Slices of so many attributes: `values` has a row an attribute, a column a slice. `k` are hits, `low` a lower
    bound of the trials, `likely` their number by what the first misses are a sample of."""

    values: np.ndarray
    k: np.ndarray
    low: np.ndarray
    likely: np.ndarray

    def candidate(self, trials: Trials, at: int) -> Candidate:
        rows = trials.rows
        named = {rows.name_of(value): (value,) for value in self.values[:, at].tolist()}
        return trials.counted_candidate(named, None)


def singles(trials: Trials, fewest: float) -> Iterator[Table]:
    """The values with at least `fewest` hits, here as below."""
    size = trials.rows.size
    k, m = (np.bincount(some.codes.ravel(), minlength=size) for some in (trials.hit, trials.first))
    live = np.flatnonzero((k * trials.hit.weight >= fewest) & trials.rows.known)
    yield _table(trials, live[None], k[live], m[live])


def pairs(trials: Trials, fewest: float) -> Iterator[Table]:
    """A table for each first attribute."""
    for a, others in trials.rows.apart.items():
        if others:
            table = _pairs_with(trials, a, others, fewest)
            if len(table.k):
                yield table


def _pairs_with(trials: Trials, a: int, others: list[int], fewest: float) -> Table:
    rows = trials.rows
    k, m = (_crossed(some, some.codes[a] - rows.starts[a], rows.sizes[a], others, rows.size)
            for some in (trials.hit, trials.first))  # fmt: skip
    live = np.flatnonzero(k * trials.hit.weight >= fewest)
    first, second = live // rows.size, live % rows.size
    known = (first > 0) & rows.known[second]
    live, values = live[known], np.stack([first[known] + rows.starts[a], second[known]])
    return _table(trials, values, k[live], m[live])


def _crossed(some: Some, of: np.ndarray, groups: int, others: list[int], size: int) -> np.ndarray:
    """Counts of every value of the other attributes within each group of trials."""
    return np.bincount((of * size + some.codes[others]).ravel(), minlength=groups * size)


def triples(trials: Trials, fewest: float) -> Iterator[Table]:
    """Each two attributes of which slices with enough hits remain, with the later ones."""
    rows = trials.rows
    for table in pairs(trials, fewest):
        a = rows.place_of(table.values[0, 0])
        for b in rows.apart[a]:
            later = [c for c in rows.apart[a] if c in rows.apart[b]]  # those after b
            of_b = (table.values[1] >= rows.starts[b]) & (table.values[1] < rows.starts[b + 1])
            if later and of_b.any() and len((longer := _longer(trials, table.values[:, of_b], later, fewest)).k):
                yield longer


def _longer(trials: Trials, values: np.ndarray, later: list[int], fewest: float) -> Table:
    rows = trials.rows
    k = _grouped(trials, trials.hit, values, later)
    live = np.flatnonzero(k * trials.hit.weight >= fewest)
    live = live[rows.known[live % rows.size]]
    if not len(live):
        return _table(trials, np.zeros((3, 0), int), live, live)
    m = _grouped(trials, trials.first, values, later)[live]
    return _table(trials, np.vstack([values[:, live // rows.size], live % rows.size]), k[live], m)


def _grouped(trials: Trials, some: Some, values: np.ndarray, later: list[int]) -> np.ndarray:
    """Counts of every value of the later attributes within each of the slices of two values."""
    rows = trials.rows
    a, b = (rows.place_of(value) for value in values[:, 0])
    size = rows.sizes[b]
    first = rows.starts[a] * size + rows.starts[b]
    which = np.full(rows.sizes[a] * size, -1)
    which[values[0] * size + values[1] - first] = np.arange(values.shape[1])
    of = which[some.codes[a] * size + some.codes[b] - first]
    at = np.flatnonzero(of >= 0)
    inside = (of[at] * rows.size + some.codes[np.ix_(later, at)]).ravel()
    return np.bincount(inside, minlength=values.shape[1] * rows.size)


def _table(trials: Trials, values: np.ndarray, k: np.ndarray, m: np.ndarray) -> Table:
    k = k * trials.hit.weight
    low = k + m * trials.misses.weight
    return Table(values, k, low, k + m * trials.first.weight)
