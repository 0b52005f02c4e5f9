"""Every conjunction of up to three values of different attributes, counted; those that cannot matter are pruned.

Hits are few and misses many, so hits are counted first. A slice with k hits gains at most what it would if it held
nothing else, and so does every longer slice within it (k only falls, and with the same hits more misses gain less): the
bounds on size and error of SliceLine (Sagadeeva & Boehm 2021) on this score. Misses are counted among the first few of
them, which is a lower bound of how many there are; two to a hit settle most slices. Attributes of which one is
decided by the other (a unit lies in one region) do not stand together: the slice of both is that of the one, or empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.explain.rows import Rows
from pipelines.explain.trials import Candidate, Some, Trials

LEADS = 3.0  # nats by which a slice of a sample is hit more often than others; of noise fewer than one in a hundred are


@dataclass(frozen=True)
class Table:
    """Slices of so many attributes: `values` has a row an attribute, a column a slice. `k` are hits, `low` a lower
    bound of the trials, `likely` their number by what the first misses are a sample of."""

    values: np.ndarray
    k: np.ndarray
    low: np.ndarray
    likely: np.ndarray

    def only(self, chosen: np.ndarray) -> Table:
        return Table(self.values[:, chosen], self.k[chosen], self.low[chosen], self.likely[chosen])

    def candidate(self, trials: Trials, at: int) -> Candidate:
        rows = trials.rows
        named = {rows.name_of(value): (value,) for value in self.values[:, at].tolist()}
        return trials.counted_candidate(named, None)


def singles(trials: Trials, fewest: float) -> Table:
    """The values with at least `fewest` hits, here as below; of a sample they are held against all of its misses."""
    size, misses = trials.rows.size, trials.misses if trials.is_sample else trials.first
    k, m = (np.bincount(some.codes.ravel(), minlength=size) for some in (trials.hit, misses))
    live = np.flatnonzero((k * trials.hit.weight >= fewest) & trials.rows.known)
    return _table(trials, live[None], k[live], m[live], misses)


def longer(trials: Trials, shorter: Table, fewest: float) -> Table:
    """The slices that name one value more than the shorter ones."""
    tables = [_with_another(trials, alike, fewest) for alike in _by_attributes(trials.rows, shorter)]
    found = joined(tables, len(shorter.values) + 1)
    if not trials.is_sample:
        return found
    _, first = np.unique(found.values, axis=1, return_index=True)  # found from each of the shorter ones
    return found.only(first)


def joined(tables: Sequence[Table], length: int) -> Table:
    none = Table(np.zeros((length, 0), dtype=int), *[np.zeros(0)] * 3)
    return Table(*(np.concatenate([getattr(part, name) for part in (none, *tables)], axis=-1)
                   for name in ("values", "k", "low", "likely")))  # fmt: skip


def leading(trials: Trials, table: Table) -> Table:
    """Those that are made longer: all; of a sample, those that are hit more often than others there. A slice worth
    telling stands out without its attribute of fewest values too, while noise seldom does. That misses are sampled
    too makes the nats of noise more by hits ÷ misses (Ury 1975)."""
    if not trials.is_sample:
        return table
    misses = trials.misses if len(table.values) == 1 else trials.first
    doubt = 1 + len(trials.hit.day) / max(len(misses.day), 1)
    return table.only(trials.gain(table.k, table.likely) > LEADS * doubt * trials.hit.weight)


def _by_attributes(rows: Rows, table: Table) -> Iterator[Table]:
    """The slices of the same attributes together."""
    places = np.searchsorted(rows.starts, table.values, side="right") - 1
    which = np.ravel_multi_index(tuple(places), (len(rows.names),) * len(places))
    order = np.argsort(which, kind="stable")
    ends = np.flatnonzero(np.diff(which[order])) + 1
    yield from (table.only(alike) for alike in np.split(order, ends)) if len(order) else ()


def _with_another(trials: Trials, shorter: Table, fewest: float) -> Table:
    """Slices of the same attributes with every value of another attribute: a later one, or in a sample, where not all
    of the shorter slices are followed, any; there a value more must gain."""
    rows, values = trials.rows, shorter.values
    places = [rows.place_of(value) for value in values[:, 0]]
    beside = rows.apart[places].all(0)
    others = [at for at in np.flatnonzero(beside).tolist() if trials.is_sample or at > places[-1]]
    if not others:
        return joined([], len(values) + 1)
    k = _crossed(rows, trials.hit, values, places, others)
    live = np.flatnonzero(k * trials.hit.weight >= fewest)
    live = live[rows.known[live % rows.size]]
    if not len(live):
        return joined([], len(values) + 1)
    m = _crossed(rows, trials.first, values, places, others)[live]
    of = live // rows.size
    named = np.sort(np.vstack([values[:, of], live % rows.size]), axis=0)
    table = _table(trials, named, k[live], m, trials.first)
    if not trials.is_sample:
        return table
    more = trials.gain(table.k, table.likely) > trials.gain(shorter.k, shorter.likely)[of]
    return table.only(more)


def _crossed(rows: Rows, some: Some, values: np.ndarray, places: list[int], others: list[int]) -> np.ndarray:
    """Counts of every value of the other attributes within each of the slices."""
    if values.shape[1] == 1:
        at = np.flatnonzero((some.codes[places] == values).all(0))
        return np.bincount(some.codes[np.ix_(others, at)].ravel(), minlength=rows.size)
    of, starts = 0, np.array([rows.starts[at] for at in places])[:, None]
    number = np.zeros(values.shape[1], dtype=np.intp)
    for place, start, value in zip(places, starts, values, strict=True):
        of, number = of * rows.sizes[place] + some.codes[place] - start, number * rows.sizes[place] + value - start
    which = np.full(int(np.prod([rows.sizes[at] for at in places])), -1)
    which[number] = np.arange(values.shape[1])
    of = which[of]
    at = np.flatnonzero(of >= 0)
    inside = (of[at] * rows.size + some.codes[np.ix_(others, at)]).ravel()
    return np.bincount(inside, minlength=values.shape[1] * rows.size)


def _table(trials: Trials, values: np.ndarray, k: np.ndarray, m: np.ndarray, among: Some) -> Table:
    """With `m` misses among some of them."""
    k = k * trials.hit.weight
    return Table(values, k, k + m * trials.misses.weight, k + m * among.weight)
