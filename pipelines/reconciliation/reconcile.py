"""Reported and new records held side by side: READ THIS FIRST in this room.

sides → match → scope (what can be compared) → compare each variable → counts. Pairs are an index into the two
sides; a variable's columns are read, compared, counted and let go. The comparison is made once; every figure,
sample and report is read from it, so that they cannot disagree.
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl

from pipelines.reconciliation.agreement import agreement
from pipelines.reconciliation.areas import Areas, areas_of
from pipelines.reconciliation.coverage import counted_by_place, coverage
from pipelines.reconciliation.figures import SCHEMA as FIGURES
from pipelines.reconciliation.figures import figures_of
from pipelines.reconciliation.held import with_held_back
from pipelines.reconciliation.indicators import indicators
from pipelines.reconciliation.match import match
from pipelines.reconciliation.movements import offsets, transitions
from pipelines.reconciliation.numerals import DIFFERENCES
from pipelines.reconciliation.pairs import Pairs, paired
from pipelines.reconciliation.result import FRAMES, Reconciliation, from_frames
from pipelines.reconciliation.scope import newest_event
from pipelines.reconciliation.shape import shaped
from pipelines.reconciliation.sides import NOT_COMPARABLE, PAIR, SURPLUS, alone, statuses
from pipelines.reconciliation.variables import Compared, compare_variable
from pipelines.spec.model import DatabaseSpec

__all__ = ["FRAMES", "Reconciliation", "from_frames", "reconcile"]
# Variables that are compared at the same time: their columns are what the memory is needed for.
THREADS = 2


def reconcile(
    spec: DatabaseSpec,
    reported: pl.DataFrame | pl.LazyFrame,
    new: pl.DataFrame | pl.LazyFrame,
    reference_date: dt.date | None = None,
    held: pl.DataFrame | None = None,
) -> Reconciliation:
    """Hold two canonical frames side by side; `held` are new records that validation holds back.

    A lazy frame (of Parquet files, or of a DuckDB table) is read a column at a time.
    Raises InputError where a side is no canonical frame, has no record ids or an id twice, or where no date
    at all is known. Without a reference date it is the newest event date of both sides.
    """
    sides = {"reported": shaped(spec, reported, "reported"), "new": shaped(spec, new, "new")}
    day = reference_date or newest_event(spec, *sides.values())
    matched = match(spec, *sides.values())
    status = statuses(spec, sides, matched, day)
    pairs = paired(spec, sides, matched.filter(pl.Series(status["reported"] == PAIR).gather(matched["reported"])))
    single = {name: alone(spec, sides, status, name) for name in sides}
    if held is not None:
        single["reported"] = with_held_back(spec, sides["reported"], single["reported"], held)
    areas = areas_of(pairs.places)
    with ThreadPoolExecutor(THREADS) as pool:
        compared = list(pool.map(lambda name: compare_variable(spec, sides, pairs, areas.of, name, day), spec.compared))
    for name, frame in single.items():
        status[name][frame.filter("surplus")["row"].to_numpy()] = SURPLUS
    rows = {name: np.flatnonzero((of != NOT_COMPARABLE) & (of != SURPLUS)) for name, of in status.items()}
    return Reconciliation(
        spec=spec,
        reference_date=day,
        sides=sides,
        status=status,
        index=pairs,
        alone=pl.concat(single.values()).sort("side", "record_id"),
        differing={found.name: found.differing for found in compared},
        coverage=_coverage(pairs, single),
        agreement=agreement(pairs.places, {(c.name, level): n for c in compared for level, n in c.counts.items()}),
        figures=_figures(spec, compared, areas),
        transitions=transitions(spec, compared, areas),
        offsets=offsets(spec, compared, areas, _event_offsets(pairs, areas)),
        indicators=indicators(spec, sides, rows),
    )


def _coverage(pairs: Pairs, single: dict[str, pl.DataFrame]) -> pl.DataFrame:
    both = np.bincount(pairs.place, minlength=len(pairs.places))
    counted = [counted_by_place(f"only_{name}", frame.filter(~pl.col("surplus"))) for name, frame in single.items()]
    return coverage(pl.concat([counted_by_place("both", pairs.places, both), *counted]))


def _figures(spec: DatabaseSpec, compared: list[Compared], areas: Areas) -> pl.DataFrame:
    parts = [figures_of(spec.variables[found.name], found, areas) for found in compared]
    return pl.concat([pl.DataFrame(schema=FIGURES), *parts])


def _event_offsets(pairs: Pairs, areas: Areas) -> pl.DataFrame:
    """The event date's own differences in days, by area."""
    said = pl.DataFrame({"area": areas.of[pairs.place], "difference": pairs.index["date_offset_days"]})
    counted = said.drop_nulls().group_by("area", "difference").agg(n=pl.len())
    return counted.cast(DIFFERENCES)
