"""Which record of each course counts in deliveries while regions change over (`use` in the specification)."""

from __future__ import annotations

import polars as pl

from pipelines.reconciliation.match import match
from pipelines.reconciliation.rollup import period
from pipelines.reconciliation.shape import shaped
from pipelines.reconciliation.sides import copied_columns
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.use import SOURCE_COLUMN, counted


def counted_records(spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """counted.parquet: side, record_id, region, unit, period, datakilde; each course at most once.

    Two records are one course where the match rules pair them, also outside the parallel period. Of copies
    on one side (sent or typed twice) the first by record id stands for the course. Test persons never count.
    """
    reported, new = (_without_copies(spec, frame) for frame in (reported, new))
    rows = match(spec, shaped(spec, reported, "reported"), shaped(spec, new, "new"))
    pairs = pl.DataFrame({
        "reported_id": reported["record_id"].gather(rows["reported"]),
        "new_id": new["record_id"].gather(rows["new"]),
    })  # fmt: skip
    found = counted(spec, reported, new, pairs)
    side = pl.when(pl.col(SOURCE_COLUMN) == spec.sides.reported).then(pl.lit("reported")).otherwise(pl.lit("new"))
    return found.select(
        side.alias("side"), "record_id", "region", "unit", period(spec.event_date).alias("period"), SOURCE_COLUMN
    ).sort("side", "record_id")


def _without_copies(spec: DatabaseSpec, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in order of record id; a person who is not known has no copies."""
    content = [*copied_columns(spec), pl.when(pl.col("person").is_null()).then("record_id").alias("_nobody")]
    patients = frame.filter(~pl.col("person").is_in(list(spec.test_persons)).fill_null(False)).sort("record_id")
    return patients.filter(pl.struct(content).is_first_distinct())
