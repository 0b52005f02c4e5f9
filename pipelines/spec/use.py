"""Which source counts in deliveries while a database moves, so that no course counts twice or not at all.

Regions and units change over on days of their own (`use` in the specification). A record by itself cannot
say whether it counts: its twin in the other source may lie on the other side of that day, or in another
region. So the two are one course, judged once, by the place and day of the record that was typed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import polars as pl

from pipelines.spec.model import DatabaseSpec, Use

# The column that says from which source a delivered record is; its name is that of the delivery format.
SOURCE_COLUMN = "datakilde"


def rule_of_use(spec: DatabaseSpec, region: str | None, unit: str | None, day: dt.date) -> Use | None:
    """What `use` says of a place on a day: a unit before its region before all, then the latest that has begun.

    None where nothing is said of that place and day.
    """
    in_force = [
        use
        for use in spec.use
        if use.unit in (None, unit) and use.region in (None, region) and (use.from_ or dt.date.min) <= day
    ]
    # max keeps the first of equals: what stands first in the specification
    return max(in_force, key=_precedence, default=None)


def _precedence(use: Use) -> tuple[bool, bool, dt.date]:
    return use.unit is not None, use.region is not None, use.from_ or dt.date.min


def counting_source(
    spec: DatabaseSpec, region: str | None, unit: str | None, day: dt.date, available: Collection[str]
) -> str | None:
    """The source that counts for a course at a place on a day, of the sources that hold it (`available`).

    The fallback counts where the source itself does not hold the course. None: neither holds it, or nothing
    is said of the place. A specification without `use` counts what is reported, and else the new source.
    """
    if not spec.use:
        wanted: tuple[str | None, ...] = (spec.sides.reported, spec.sides.new)
    elif rule := rule_of_use(spec, region, unit, day):
        wanted = (rule.source, rule.fallback)
    else:
        return None
    return next((source for source in wanted if source is not None and source in available), None)


def counted(spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The records that count in deliveries, one per course at most, each with its `datakilde`.

    `reported` and `new` are canonical frames of the sides, `pairs` has reported_id and new_id (one to one).
    The result has their common columns, in the order of the courses: the reported ones, then those that
    only the new source has.
    """
    sides = {spec.sides.reported: reported, spec.sides.new: new}
    chosen = courses(spec, reported, new, pairs).drop_nulls(SOURCE_COLUMN)
    common = [column for column in reported.columns if column in new.columns]
    parts = [
        chosen.filter(pl.col(SOURCE_COLUMN) == source)
        .select("course", SOURCE_COLUMN, record_id=pl.col(f"{side}_id"))
        .join(frame.select(common), on="record_id", how="left")
        for side, (source, frame) in zip(("reported", "new"), sides.items(), strict=True)
    ]
    return pl.concat(parts).sort("course").select(*common, SOURCE_COLUMN)


def courses(spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Every course once: course (its number), reported_id, new_id, and the `datakilde` that counts or null."""
    typed = reported.select(*_place(spec, "reported_id")).join(
        pairs.select("reported_id", "new_id"), on="reported_id", how="left"
    )
    only_new = new.select(*_place(spec, "new_id")).join(pairs, on="new_id", how="anti")
    every = pl.concat([typed, only_new], how="diagonal").with_row_index("course")
    said = {
        place: counting_source(spec, *place[:3], _available(spec, *place[3:]))
        for place in every.select("region", "unit", "day", *_held()).unique().iter_rows()
    }
    keys = every.select("region", "unit", "day", *_held()).iter_rows()
    sources = pl.Series(SOURCE_COLUMN, [said[key] for key in keys], pl.String)
    return every.select("course", "reported_id", "new_id").with_columns(sources)


def _place(spec: DatabaseSpec, name: str) -> list[pl.Expr]:
    return [pl.col("record_id").alias(name), pl.col("region"), pl.col("unit"),
            pl.col(spec.event_date).cast(pl.Date).alias("day")]  # fmt: skip


def _held() -> list[pl.Expr]:
    return [pl.col("reported_id").is_not_null(), pl.col("new_id").is_not_null()]


def _available(spec: DatabaseSpec, is_reported: bool, is_new: bool) -> set[str]:
    return {source for source, there in ((spec.sides.reported, is_reported), (spec.sides.new, is_new)) if there}
