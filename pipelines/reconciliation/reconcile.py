"""Reported and new records held side by side: READ THIS FIRST in this room.

sides → match → scope (what can be compared) → compare each variable → counts. Pairs are an index into the two
sides; a variable's columns are read, compared, counted and let go. The comparison is made once; every figure,
sample and report is read from it, so that they cannot disagree.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from pipelines.reconciliation.agreement import agreement
from pipelines.reconciliation.areas import Areas, areas_of
from pipelines.reconciliation.cells import read_cells
from pipelines.reconciliation.changeover import changeovers
from pipelines.reconciliation.coverage import counted_by_place, coverage
from pipelines.reconciliation.figures import SCHEMA as FIGURES
from pipelines.reconciliation.figures import estimated_totals, figures_of
from pipelines.reconciliation.held import with_held_back
from pipelines.reconciliation.indicator_differences import SCHEMA as OF_INDICATORS
from pipelines.reconciliation.indicator_differences import indicator_differences
from pipelines.reconciliation.indicators import indicators, read_for_indicators
from pipelines.reconciliation.lag import SCHEMA as ADJUSTED
from pipelines.reconciliation.lag import adjusted_coverage
from pipelines.reconciliation.match import match
from pipelines.reconciliation.movements import offsets, transitions
from pipelines.reconciliation.numerals import DIFFERENCES
from pipelines.reconciliation.pairs import Pairs, paired
from pipelines.reconciliation.places import counted_by_day
from pipelines.reconciliation.places import numbered as occurring
from pipelines.reconciliation.result import FRAMES, Reconciliation, from_frames
from pipelines.reconciliation.scope import newest_event
from pipelines.reconciliation.shape import SIDES, Side, shaped
from pipelines.reconciliation.sides import NOT_COMPARABLE, PAIR, SURPLUS, alone, statuses, twins, without_copies
from pipelines.reconciliation.signals.counts import (
    Counter,
    counts_to_chart,
    of_register,
    of_variable,
    settled_records,
)
from pipelines.reconciliation.signals.signals import control_charts, signals
from pipelines.reconciliation.variables import Compared, compare_variable
from pipelines.reconciliation.words import counted
from pipelines.spec.model import DatabaseSpec

__all__ = ["FRAMES", "Reconciliation", "from_frames", "reconcile"]
# Sides and variables that are worked on at the same time: their columns are what the memory is needed for.
THREADS = 2


def reconcile(
    spec: DatabaseSpec,
    reported: pl.DataFrame | pl.LazyFrame,
    new: pl.DataFrame | pl.LazyFrame,
    reference_date: dt.date | None = None,
    held: pl.DataFrame | None = None,
    delays: pl.DataFrame | None = None,
    expected: pl.DataFrame | None = None,
) -> Reconciliation:
    """Hold two canonical frames side by side; `held` are new records that validation holds back, `delays`
    tell how many days after its event a new record first came (record_id, days), and `expected` are the
    records that a register says there should be.

    A lazy frame (of Parquet files, or of a DuckDB table) is read a column at a time.
    Raises InputError where a side is no canonical frame, has no record ids or an id twice, or where no date
    at all is known. Without a reference date it is the newest event date of both sides.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        sides = {side.name: side for side in pool.map(partial(shaped, spec), (reported, new), SIDES)}
        day = reference_date or newest_event(spec, *sides.values())
        known = _who_is_who(pool, spec, sides, delays, day)
        pairs, single = known.pairs, known.single
        areas = areas_of(pairs.places, pairs.place)
        held_together = partial(_held_together, spec, sides, pairs, areas, known.counter, day)
        found, measured, charted = zip(*pool.map(held_together, spec.variables), strict=True)
        identified = pool.submit(_of_each, partial(_with_ids, spec, single, known.doubles), sides)
        compared = [variable for variable in found if variable]
        agreed = agreement(pairs.places, {(of.name, level): n for of in compared for level, n in of.counts.items()})
        moved = {
            "transitions": transitions(spec, compared, areas),
            "offsets": offsets(spec, compared, areas, _event_offsets(pairs, areas)),
        }
        single = identified.result()
        if held is not None:
            single["reported"] = with_held_back(spec, sides["reported"], single["reported"], held)
        for name, frame in single.items():
            known.status[name][frame.filter("surplus")["row"].to_numpy()] = SURPLUS
        covered = _coverage(pairs, single)
        charted = [part for parts in charted for part in parts]
        if expected is not None:
            charted.append(of_register(spec, expected, sides["new"], day))
        charts = control_charts(spec, counts_to_chart(known.counter, agreed, covered, charted), pool.map)
    for side in sides.values():
        side.let_go(spec.event_date)
    return Reconciliation(
        spec=spec,
        reference_date=day,
        sides=sides,
        status=known.status,
        index=pairs,
        alone=pl.concat(single.values()).sort("side", "record_id"),
        differing={found.name: found.differing for found in compared},
        coverage=covered,
        agreement=agreed,
        figures=pl.concat([pl.DataFrame(schema=FIGURES), *measured, estimated_totals(covered)]),
        control_charts=charts,
        signals=signals(charts),
        **moved,
        **_indicators(spec, sides, known.status, pairs),
        **known.change,
    )


@dataclass(frozen=True)
class WhoIsWho:
    """What is known before any value is read: every record's status by side and row, the pairs, who is alone
    (`single`) and who may be a copy (`doubles`) on each side, the change of source, and the records to chart."""

    status: dict[str, np.ndarray]
    pairs: Pairs
    single: dict[str, pl.DataFrame]
    doubles: dict[str, pl.DataFrame]
    change: dict[str, pl.DataFrame]
    counter: Counter


def _who_is_who(
    pool: Executor, spec: DatabaseSpec, sides: dict[str, Side], delays: pl.DataFrame | None, day: dt.date
) -> WhoIsWho:
    """Match the sides; all that follows from it is looked at while the pairs are put in order."""
    matched = match(spec, *sides.values(), pool)
    status = statuses(spec, sides, matched, day)
    doubles = pool.submit(_of_each, lambda name, side: twins(spec, side, status[name]), sides)
    change = pool.submit(_change_of_source, spec, sides, matched, delays, day)
    counter = pool.submit(settled_records, spec, sides["new"], day)
    single = pool.submit(_of_each, lambda name, _: alone(spec, sides, status, name), sides)
    pairs = paired(spec, sides, matched.filter(pl.Series(status["reported"] == PAIR).gather(matched["reported"])))
    known = WhoIsWho(status, pairs, single.result(), doubles.result(), change.result(), counter.result())
    for name, side in sides.items():
        _read_values_now(side, known.doubles[name])
    return known


def _of_each(work: Callable, sides: dict[str, Side]) -> dict[str, Any]:
    """What the work makes of each side by its name, one after the other, for memory."""
    return {name: work(name, side) for name, side in sides.items()}


def _read_values_now(side: Side, doubles: pl.DataFrame) -> None:
    """Who they are is settled: only copies are looked for while values are read."""
    side.forget("person")
    side.let_go("record_id")
    side.watch(doubles["row"].to_numpy())


def _with_ids(
    spec: DatabaseSpec, single: dict[str, pl.DataFrame], doubles: dict[str, pl.DataFrame], name: str, side: Side
) -> pl.DataFrame:
    """The records alone, of which copies are told now that all values were read; ids stay until they are written."""
    side.hold("record_id")
    found = without_copies(spec, side, single[name], doubles[name])
    side.forget()
    return found


def _held_together(
    spec: DatabaseSpec, sides: dict[str, Side], pairs: Pairs, areas: Areas, counter: Counter, day: dt.date, name: str
) -> tuple[Compared | None, pl.DataFrame, list[pl.DataFrame]]:
    """A variable's columns are read, compared, counted for its figures and charts, and let go."""
    variable, cells = spec.variables[name], read_cells(spec, sides, name, day)
    charted = [] if name == spec.event_date else list(of_variable(variable, cells, counter))
    if name not in spec.compared:
        return None, pl.DataFrame(schema=FIGURES), charted
    compared = compare_variable(variable, cells, pairs, areas)
    return compared, figures_of(variable, compared, areas), charted


def _indicators(
    spec: DatabaseSpec, sides: dict[str, Side], status: dict[str, np.ndarray], pairs: Pairs
) -> dict[str, pl.DataFrame]:
    if not spec.indicators:
        return {"indicators": indicators(spec, {}), "indicator_differences": pl.DataFrame(schema=OF_INDICATORS)}
    rows = {name: np.flatnonzero((of != NOT_COMPARABLE) & (of != SURPLUS)) for name, of in status.items()}
    frames = {name: read_for_indicators(spec, side, rows[name]) for name, side in sides.items()}
    ids = _ids(sides, {name: pairs.rows(name) for name in sides})
    return {
        "indicators": indicators(spec, frames),
        "indicator_differences": indicator_differences(spec, *frames.values(), ids),
    }


def _change_of_source(
    spec: DatabaseSpec, sides: dict[str, Side], matched: pl.DataFrame, delays: pl.DataFrame | None, day: dt.date
) -> dict[str, pl.DataFrame]:
    """When the new source begins, and how much of it has yet to come; from all records and pairs, comparable or not."""
    found = {"changeover": changeovers(spec, *(counted_by_day(spec, side) for side in sides.values()), day)}
    if delays is None:
        return found | {"coverage_adjusted": pl.DataFrame(schema=ADJUSTED)}
    dated = [side.read(["record_id", "region", "unit", spec.event_date]) for side in sides.values()]
    ids = _ids(sides, {name: matched[name].to_numpy() for name in sides})
    return found | {"coverage_adjusted": adjusted_coverage(spec, *dated, ids, delays, day)}


def _ids(sides: dict[str, Side], rows: dict[str, np.ndarray]) -> pl.DataFrame:
    """The pairs of rows by their record ids."""
    return pl.DataFrame({f"{name}_id": side.column("record_id", rows[name]) for name, side in sides.items()})


def _coverage(pairs: Pairs, single: dict[str, pl.DataFrame]) -> pl.DataFrame:
    only = [counted_by_place(f"only_{name}", frame.filter(~pl.col("surplus"))) for name, frame in single.items()]
    return coverage(pl.concat([counted_by_place("both", pairs.places, pairs.by_place), *only]))


def _event_offsets(pairs: Pairs, areas: Areas) -> pl.DataFrame:
    """The event date's own differences in days, by area."""
    offsets_ = pairs.index["date_offset_days"]
    known, days = offsets_.is_not_null().to_numpy(), offsets_.drop_nulls().to_numpy()
    first = int(days.min(initial=0))
    span = int(days.max(initial=0)) - first + 1
    size = len(areas.names) * span
    kind = np.min_scalar_type(size).type  # tens of millions of pairs are held here
    found, which = occurring(areas.each[known] * kind(span) + (days - first).astype(kind), size)
    area, day = np.divmod(found, span)
    columns = {"area": area, "difference": day + first, "n": counted(which, len(found))}
    return pl.DataFrame(columns).cast(DIFFERENCES)
