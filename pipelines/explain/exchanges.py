"""Values of another place: of another variable of the same record, or of the same person's earlier record."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.explain.cells import Cells, Suspicion, marked
from pipelines.explain.evidence import Pairs
from pipelines.explain.numbers import EXACT
from pipelines.explain.slices import FEWEST_HITS
from pipelines.spec.model import Variable

# Of the differing pairs of a focus; fewer will do where they are many times as many as chance would cross.
OFTEN, BEYOND_CHANCE = 0.2, 3.0
LOOKED_AT = 500  # of the differing pairs show mostly that two variables have nothing to do with one another
# What the name of a measurement may say of which it is.
MEASURED = {
    "first": "first", "last": "last", "min": "lowest", "max": "highest", "lowest": "lowest", "highest": "highest",
    "foerste": "first", "første": "first", "sidste": "last", "laveste": "lowest", "højeste": "highest",
}  # fmt: skip


def swaps(pairs: Pairs, cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """Two fields of one type exchanged: each new value is the other's reported one."""
    seen = cells.seen(focus)
    if len(seen) >= FEWEST_HITS:
        later = (other for other in _alike(pairs, cells) if other.name > cells.name)
        yield from (_crossed(cells, other) for other in later if _cross_often(cells, other, seen))


def picks(pairs: Pairs, cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """New is what was reported as another measurement of the same course, which itself stayed what it is. Numbers and
    times are measured: answers and codes are alike too often."""
    if class_of(cells.variable) not in ("number", "date", "timestamp"):
        return
    seen = cells.seen(focus)
    often = (o for o in _alike(pairs, cells) if _agree(cells, o, seen[:LOOKED_AT]) and _agree(cells, o, seen))
    yield from (_picked(cells, other) for other in often if not _cross_often(cells, other, seen))


def _agree(one: Cells, other: Cells, at: np.ndarray) -> bool:
    return len(at) >= FEWEST_HITS and np.count_nonzero(_same(one, other, at) & one.filled_new[at]) >= OFTEN * len(at)


def _picked(one: Cells, other: Cells) -> Suspicion:
    at = np.flatnonzero(one.both & other.filled_reported)
    at = at[one.would_differ(one.said("reported", at), other.said("reported", at))]
    hits = at[_same(one, other, at)]
    which = next((MEASURED[part] for part in other.name.split("_") if part in MEASURED), other.name)
    return one.suspicion("wrong_pick", {"which": which}, marked(len(one.open), at), hits)


def _cross_often(one: Cells, other: Cells, at: np.ndarray) -> bool:
    """Often, or far more often than two fields would that have nothing to do with one another."""
    there = _same(one, other, at)
    if there.sum() < FEWEST_HITS:
        return False  # the one comparison tells most
    back = _same(other, one, at)
    by_chance = there.sum() * back.mean()
    return (there & back).sum() >= max(FEWEST_HITS, min(OFTEN * len(at), BEYOND_CHANCE * by_chance))


def _are_crossed(one: Cells, other: Cells, at: np.ndarray) -> np.ndarray:
    return _same(one, other, at) & _same(other, one, at)


def _alike(pairs: Pairs, cells: Cells) -> Iterator[Cells]:
    """The other variables of the same type."""
    kind = class_of(cells.variable)
    for name, variable in pairs.spec.compared.items():
        if class_of(variable) == kind and name not in (cells.name, pairs.spec.event_date):
            yield pairs.cells(name)


def class_of(variable: Variable) -> str:
    """Values of one class may stand for one another."""
    return "number" if variable.numeric else variable.type


def _crossed(one: Cells, other: Cells) -> Suspicion:
    """Claimed is each of the two cells that shows the exchange, also where its partner was empty."""
    at = np.flatnonzero(one.open | other.open)
    either = marked(len(one.open), at[_are_crossed(one, other, at)])
    claims = {one.name: one.open & either, other.name: other.open & either}
    eligible = one.both & other.both & one.left & other.left
    eligible[eligible] = _say_another(one, other, np.flatnonzero(eligible))
    return Suspicion("variables_swapped", tuple(sorted(claims)), {}, eligible, one.differing & either, claims)


def _same(one: Cells, other: Cells, at: np.ndarray) -> np.ndarray:
    """In the pairs `at` these places: the new value of the one is the reported value of the other, or both are
    empty."""
    if not one.is_text:
        a, b = one.numbers[1][at], other.numbers[0][at]
        return (np.abs(a - b) <= EXACT) | (np.isnan(a) & np.isnan(b))
    known = {word: code for code, word in enumerate(one.words)}
    code = np.array([*(known.get(word, -1) for word in other.words), len(known)])  # the last is empty
    return code[other.codes["reported"][at]] == one.codes["new"][at]


def _say_another(one: Cells, other: Cells, at: np.ndarray) -> np.ndarray:
    reported = other.said("reported", at)
    return one.said("reported", at).cast(reported.dtype).ne_missing(reported).to_numpy()


def stale(pairs: Pairs, cells: Cells) -> Iterator[Suspicion]:
    """New is what was reported of the same person the time before."""
    at, earlier = pairs.earlier(cells.name)
    open_ = np.flatnonzero(cells.open[at])
    same = open_[(cells.said("new", at[open_]) == earlier.gather(open_)).fill_null(False).to_numpy()]
    if len(same) < FEWEST_HITS:
        return
    differs = cells.would_differ(cells.said("reported", at), earlier) & earlier.is_not_null().to_numpy()
    eligible = marked(len(cells.open), at[differs & cells.filled_new[at]])
    hits = at[same[differs[same]]]
    if len(hits) >= FEWEST_HITS:
        yield cells.suspicion("stale_value", {}, eligible, hits)
