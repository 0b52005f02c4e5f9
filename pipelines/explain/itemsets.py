"""Every conjunction of up to three values of different attributes, counted; those that cannot matter are pruned.

Hits are few and misses many, so hits are counted first. A slice with k hits gains at most what it would if it held
nothing else, and so does every longer slice within it (k only falls, and with the same hits more misses gain less): the
bounds on size and error of SliceLine (Sagadeeva & Boehm 2021) on this score. Misses are counted among the first few of
them, which is a lower bound of how many there are; two to a hit settle most slices. Attributes of which one is
decided by the other (a unit lies in one region) do not stand together: the slice of both is that of the one, or empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.explain.rows import Rows
from pipelines.explain.trials import Candidate, Named, Some, Trials

AT_ONCE = 1 << 20  # rows, each as often as there are attributes, that are looked at together
LEADS = 3.0  # nats by which a value is hit more often than others in a sample; of noise fewer than one in a hundred are


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

    def named(self, trials: Trials, at: int) -> Named:
        return {trials.rows.name_of(value): (value,) for value in self.values[:, at].tolist()}

    def candidates(self, trials: Trials, at: np.ndarray) -> list[Candidate]:
        """Some of them, counted."""
        named = [self.named(trials, one) for one in at]
        if trials.is_sample:
            return [trials.counted_candidate(of, None) for of in named]
        counted = zip(named, trials.held(self.values[:, at]).tolist(), self.k[at].tolist(), strict=True)
        return [trials.candidate(of, None, n, k) for of, n, k in counted]


def singles(trials: Trials, fewest: float) -> Table:
    """The values with at least `fewest` hits, here as below; of a sample they are held against all of its misses."""
    misses = trials.misses if trials.is_sample else trials.first
    k, m = trials.hit.counts, misses.counts
    live = np.flatnonzero((k * trials.hit.weight >= fewest) & trials.rows.known)
    return _table(trials, live[None], k[live], m[live], misses)


def longer(trials: Trials, shorter: Table, fewest: float) -> Table:
    """The slices that name one value more than the shorter ones, in the order of their attributes and values."""
    tables = [_with_another(trials, part, fewest) for part in _parts(trials, shorter)]
    found = joined(tables, len(shorter.values) + 1)
    order = np.lexsort((*found.values[::-1], *_places(trials.rows, found.values)[::-1]))
    found = found.only(order)
    again = (found.values[:, 1:] == found.values[:, :-1]).all(0)  # in a sample, from each of the shorter ones
    return found.only(np.flatnonzero(np.append(True, ~again))[: len(order)])


def joined(tables: Sequence[Table], length: int) -> Table:
    none = Table(np.zeros((length, 0), dtype=int), *[np.zeros(0)] * 3)
    return Table(*(np.concatenate([getattr(part, name) for part in (none, *tables)], axis=-1)
                   for name in ("values", "k", "low", "likely")))  # fmt: skip


def leading(trials: Trials, table: Table) -> Table:
    """Those that are made longer: all; of a sample, those that are hit more often than others there. A slice worth
    telling stands out without its attribute of fewest values too, while noise seldom does. What is chosen among so many
    more, for having an attribute more, must lead by what that takes to say."""
    if not trials.is_sample:
        return table
    attributes = len(table.values)
    leads = LEADS + (attributes - 1) * trials.rows.attribute_cost
    doubt = trials.doubt if attributes == 1 else 1 + len(trials.hit) / max(len(trials.first), 1)
    return table.only(trials.gain(table.k, table.likely) > leads * doubt * trials.hit.weight)


def _places(rows: Rows, values: np.ndarray) -> np.ndarray:
    """The places among the names of the attributes that numbers are of."""
    return np.searchsorted(rows.starts, values, side="right") - 1


def _parts(trials: Trials, table: Table) -> Iterator[Table]:
    """The slices by their attributes, of some attributes at a time."""
    places = _places(trials.rows, table.values)
    which = np.ravel_multi_index(tuple(places), (len(trials.rows.names),) * len(places))
    order = np.argsort(which, kind="stable")
    number = np.cumsum(np.append(0, np.diff(which[order]) > 0)) if len(order) else order
    at_once = max(1, AT_ONCE // max(len(trials.hit), len(trials.first), 1))
    ends = np.flatnonzero(np.diff(number // at_once)) + 1
    yield from (table.only(part) for part in np.split(order, ends)) if len(order) else ()


@dataclass(frozen=True)
class Members:
    """Which rows lie in which slices: of each such couple the group of the slice, the slice, and the row."""

    group: np.ndarray
    slice: np.ndarray
    row: np.ndarray

    def counted(self, rows: Rows, some: Some, slices: int, beside: np.ndarray) -> np.ndarray:
        """By slice and value how many rows; `beside` tells by group which attributes are counted."""
        ends, first = np.searchsorted(self.group, np.arange(len(beside) + 1)), self.slice * rows.size
        of_group = (
            some.codes[np.flatnonzero(counted)[:, None], self.row[at:to]] + first[at:to]
            for counted, at, to in zip(beside, ends, ends[1:], strict=False)
        )
        each = np.concatenate([np.zeros(0, dtype=np.intp), *(part.ravel() for part in of_group)])
        return np.bincount(each, minlength=slices * rows.size)


def _members(rows: Rows, some: Some, values: np.ndarray, groups: np.ndarray, of: np.ndarray) -> Members:
    """Slices of the same attributes are a group: `groups` has the places of its attributes, `of` is by slice."""
    starts, sizes = np.array(rows.starts), np.array(rows.sizes)[groups]
    first = np.cumsum(np.append(0, sizes.prod(0)))
    slice_number, row_number = first[of], first[:-1, None]
    each = np.zeros_like(slice_number), np.zeros((groups.shape[1], len(some)), dtype=np.intp)
    for value, place, size in zip(values, groups, sizes, strict=True):
        each = (
            each[0] * size[of] + value - starts[place][of],
            each[1] * size[:, None] + some.codes[place] - starts[place][:, None],
        )
    which = np.full(first[-1], -1)
    which[slice_number + each[0]] = np.arange(len(of))
    found = which[row_number + each[1]]
    group, row = np.nonzero(found >= 0)
    return Members(group, found[group, row], row)


def _with_another(trials: Trials, shorter: Table, fewest: float) -> Table:
    """The slices with every value of another attribute: a later one, or in a sample, where not all of the shorter
    slices are followed, any; there a value more must gain."""
    rows, values = trials.rows, shorter.values
    groups, of_slice = np.unique(_places(rows, values), axis=1, return_inverse=True)
    beside = rows.apart[groups].all(0)
    if not trials.is_sample:
        beside &= np.arange(len(rows.names)) > groups[-1][:, None]
    k, m = (
        _members(rows, some, values, groups, of_slice).counted(rows, some, len(of_slice), beside)
        for some in (trials.hit, trials.first)
    )
    live = np.flatnonzero(k >= math.ceil(fewest / trials.hit.weight))
    live = live[rows.known[live % rows.size]]
    of, value = np.divmod(live, rows.size)
    table = _table(trials, np.sort(np.vstack([values[:, of], value]), axis=0), k[live], m[live], trials.first)
    if not trials.is_sample:
        return table
    return table.only(trials.gain(table.k, table.likely) > trials.gain(shorter.k, shorter.likely)[of])


def _table(trials: Trials, values: np.ndarray, k: np.ndarray, m: np.ndarray, among: Some) -> Table:
    """With `m` misses among some of them."""
    k = k * trials.hit.weight
    return Table(values, k, k + m * trials.misses.weight, k + m * among.weight)
