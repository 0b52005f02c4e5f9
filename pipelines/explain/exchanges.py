"""Values of another place: of another variable of the same record, or of the same person's earlier record."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.explain.evidence import Cells, Pairs, Suspicion
from pipelines.explain.numbers import EXACT
from pipelines.explain.slices import FEWEST_HITS

OFTEN = 0.2  # of the differing pairs of a focus
LOOKED_AT = 5_000  # of these pairs, about as many, at first


def swaps(pairs: Pairs, cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """Two fields of one type exchanged: each new value is the other's reported one."""
    kind = _class(cells)
    for other in pairs.spec.compared:
        if other > cells.name and _class(pairs.cells(other)) == kind and other != pairs.spec.event_date:
            seen = np.flatnonzero(focus & cells.differing)
            seen = seen[:: max(1, len(seen) // LOOKED_AT)]
            often = max(FEWEST_HITS, OFTEN * len(seen))
            if _same(cells, pairs.cells(other), seen).sum() >= often:
                crossed = _crossed(cells, pairs.cells(other))
                if crossed.hits[seen].sum() >= often:
                    yield crossed


def _class(cells: Cells) -> str:
    return "number" if cells.variable.numeric else cells.variable.type


def _crossed(one: Cells, other: Cells) -> Suspicion:
    """Claimed is each of the two cells that shows the exchange, also where its partner was empty."""
    here, there = _same(one, other), _same(other, one)
    hits = one.differing & here & there
    either = here & there & (one.open | other.open)
    claims = {one.name: one.open & either, other.name: other.open & either}
    eligible = one.both & other.both & ~_same_side(one, other)
    variables = tuple(sorted(claims))
    return Suspicion("variables_swapped", variables, {}, eligible & one.left & other.left, hits, claims)


def _same(one: Cells, other: Cells, at: np.ndarray | None = None) -> np.ndarray:
    """The new value of the one is the reported value of the other, or both are empty; everywhere, or in the pairs
    `at`."""
    if one.variable.numeric or one.variable.type in ("date", "timestamp"):
        a, b = (values if at is None else values[at] for values in (one.numbers[1], other.numbers[0]))
        return (np.abs(a - b) <= EXACT) | (np.isnan(a) & np.isnan(b))
    new, reported = (values if at is None else values.gather(at) for values in (one.new, other.reported))
    return new.eq_missing(reported).to_numpy()


def _same_side(one: Cells, other: Cells) -> np.ndarray:
    return one.reported.cast(other.reported.dtype).eq_missing(other.reported).to_numpy()


def stale(pairs: Pairs, cells: Cells) -> Iterator[Suspicion]:
    """New is what was reported of the same person the time before."""
    at, earlier = pairs.earlier(cells.name)
    same = (cells.new.gather(at) == earlier).fill_null(False).to_numpy() & cells.open[at]
    if same.sum() < FEWEST_HITS:
        return
    differs = cells.would_differ(cells.reported.gather(at), earlier) & earlier.is_not_null().to_numpy()
    eligible, hits = np.zeros(len(cells.open), dtype=bool), np.zeros(len(cells.open), dtype=bool)
    eligible[at] = differs & cells.filled_new[at]
    hits[at] = same & differs
    if hits.sum() >= FEWEST_HITS:
        yield cells.suspicion("stale_value", {}, eligible, hits)
