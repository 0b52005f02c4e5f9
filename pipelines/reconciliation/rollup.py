"""Roll-ups: the same counts for the country, each region, each unit, whole and by month (period)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

LEVELS = (
    (),
    ("region",),
    ("region", "unit"),
    ("period",),
    ("region", "period"),
    ("region", "unit", "period"),
)
PLACES = ("region", "unit", "period")


def rolled_up(finest: pl.DataFrame, keys: Sequence[str], levels: Sequence[tuple[str, ...]] = LEVELS) -> pl.DataFrame:
    """Sums of every other column of `finest` (one row per keys × region × unit × period) at each level.

    A place that is rolled up is null. Rows without a region count in the country only, so regions add up
    to the country where every record has one.
    """
    counts = [name for name in finest.columns if name not in (*keys, *PLACES)]
    parts = [_at_level(finest, keys, level, counts) for level in levels]
    return pl.concat(parts).sort(*keys, *PLACES, nulls_last=False)


def _at_level(finest: pl.DataFrame, keys: Sequence[str], level: tuple[str, ...], counts: list[str]) -> pl.DataFrame:
    rows = finest.drop_nulls(list(level)) if level else finest
    by = [*keys, *level]
    summed = rows.group_by(by).agg(pl.col(counts).sum()) if by else rows.select(pl.col(counts).sum())
    places = [pl.col(name) if name in level else pl.lit(None, pl.String).alias(name) for name in PLACES]
    return summed.select(*keys, *places, *counts)


def period(event_date: str) -> pl.Expr:
    """The month of the event as YYYY-MM."""
    return pl.col(event_date).cast(pl.Date).dt.strftime("%Y-%m")
