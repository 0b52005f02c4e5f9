"""What became of what: transitions of codes, and signed offsets of dates and times."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from pipelines.reconciliation.areas import Areas
from pipelines.reconciliation.discrepancies import shown
from pipelines.reconciliation.variables import Compared
from pipelines.spec.model import DatabaseSpec

TRANSITIONS = {
    "variable": pl.String,
    "region": pl.String,
    "reported_value": pl.String,
    "new_value": pl.String,
    "n": pl.Int64,
}
OFFSETS = {"variable": pl.String, "region": pl.String, "offset": pl.Int64, "n": pl.Int64}


def transitions(spec: DatabaseSpec, compared: Iterable[Compared], areas: Areas) -> pl.DataFrame:
    """How often each reported code (or missing code) became each new one; null region is the country."""
    parts = [
        found.tally.select(
            pl.lit(found.name).alias("variable"),
            pl.Series("region", areas.names["region"].gather(found.tally["area"])),
            *(shown(found.name, spec.variables[found.name], s).alias(f"{s}_value") for s in ("reported", "new")),
            "n",
        )
        for found in compared
        if found.tally is not None
    ]
    return _summed(parts, TRANSITIONS)


def offsets(spec: DatabaseSpec, compared: Iterable[Compared], areas: Areas, of_event: pl.DataFrame) -> pl.DataFrame:
    """new − reported: days for dates, minutes for time stamps; `of_event` (area, difference, n) is always told."""
    told = [(spec.event_date, of_event)] + [
        (found.name, found.numerals.differences)
        for found in compared
        if spec.variables[found.name].type in ("date", "timestamp") and found.name != spec.event_date
    ]
    parts = [
        counted.select(
            pl.lit(name).alias("variable"),
            pl.Series("region", areas.names["region"].gather(counted["area"])),
            pl.col("difference").cast(pl.Int64).alias("offset"),
            "n",
        )
        for name, counted in told
    ]
    return _summed(parts, OFFSETS)


def _summed(parts: list[pl.DataFrame], columns: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    if not parts:
        return pl.DataFrame(schema=columns)
    rows = pl.concat(part.select(pl.col(name).cast(kind) for name, kind in columns.items()) for part in parts)
    by = [name for name in columns if name != "n"]
    regions = rows.group_by(by).agg(pl.col("n").sum())
    country = regions.with_columns(region=pl.lit(None, pl.String)).group_by(by).agg(pl.col("n").sum())
    return pl.concat([country, regions.drop_nulls("region")]).sort(by)
