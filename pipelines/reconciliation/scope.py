"""What can be compared at all: the parallel period (periode med dobbeltindberetning) of each unit.

Before the new source starts, after typing ends, or younger than the settling time, a record is *not yet
comparable*: counted apart and never a discrepancy.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from pipelines.project import InputError
from pipelines.reconciliation.shape import Side
from pipelines.spec.model import Changeover, DatabaseSpec


def newest_event(spec: DatabaseSpec, *sides: Side) -> dt.date:
    """The newest event date of all sides: the reference date where none is given.

    Raises InputError where no record has one.
    """
    days = [day for side in sides if (day := side.column(spec.event_date).cast(pl.Date).max())]
    if not days:
        raise InputError(f"No record on either side has a {spec.event_date}: give a reference date.")
    return max(days)


def comparable(spec: DatabaseSpec, reference_date: dt.date) -> pl.Expr:
    """True for records inside the parallel period of their unit or region whose sources have all settled.

    A record without an event date is comparable: that it has none is its own finding, and it must not
    vanish from the account.
    """
    day = pl.col(spec.event_date).cast(pl.Date)
    inside = day <= reference_date - dt.timedelta(days=spec.record_settles)
    return (inside & in_parallel_period(spec)).fill_null(True)


def in_parallel_period(spec: DatabaseSpec) -> pl.Expr:
    """A unit's own changeover goes before its region's; a place without one has no known limits."""
    day = pl.col(spec.event_date).cast(pl.Date)
    places = spec.changeover.items()
    by_unit = [pl.when(pl.col("unit") == place).then(_parallel(day, change)) for place, change in places]
    by_region = [pl.when(pl.col("region") == place).then(_parallel(day, change)) for place, change in places]
    # As long as the frame: as a filter a literal may be met by a part of the rows at a time, whose length it has not.
    return pl.coalesce(*by_unit, *by_region, pl.repeat(True, pl.len(), dtype=pl.Boolean))


def _parallel(day: pl.Expr, changeover: Changeover) -> pl.Expr:
    started = day >= changeover.new_from if changeover.new_from else pl.lit(True)
    typed = day <= changeover.kip_until if changeover.kip_until else pl.lit(True)
    return started & typed
