"""Coverage of the newest months, allowing for records that have not arrived yet (registreringsforsinkelse).

Of earlier months, whose records have all had time to arrive, is learned what share F(d) arrives within d days. A new
record of age a then stands for 1 ÷ F(a) records. Shown apart from the raw figure, which it never replaces.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from pipelines.reconciliation.rollup import period
from pipelines.reconciliation.scope import in_parallel_period
from pipelines.spec.model import DatabaseSpec

COUNTS = ("reported", "new", "both")
SCHEMA = {
    **dict.fromkeys(("region", "period"), pl.String), **dict.fromkeys(COUNTS, pl.Int64),
    **dict.fromkeys(("arrived", "completeness_of_new", "completeness_of_new_adjusted"), pl.Float64),
}  # fmt: skip
HORIZON_DAYS = 180  # after these everything that comes is taken to have come
FEWEST = 100  # fewer earlier records tell no share
LEAST_ARRIVED = 0.2  # with less than this arrived, a day cannot be adjusted


def arrived_within(delays: pl.Series, days: np.ndarray) -> np.ndarray:
    """The share of records that arrives within so many days of its event; `delays` in days, of earlier records."""
    return np.searchsorted(np.sort(delays.to_numpy()), days, side="right") / max(len(delays), 1)


def adjusted_coverage(
    spec: DatabaseSpec,
    reported: pl.DataFrame,
    new: pl.DataFrame,
    pairs: pl.DataFrame,
    delays: pl.DataFrame | None,
    day: dt.date,
) -> pl.DataFrame:
    """coverage_adjusted.parquet: per region and month of the parallel period, settled or not, raw and adjusted.

    `pairs` (reported_id, new_id) of any age; `delays`: record_id and the days after its event when a new record first
    came. With every count adjusted by 1 ÷ F(age): new′ ÷ (reported + new′ − both′), where the reported side is
    taken to be complete. Days of which less than a fifth has arrived are left out. No rows without known delays.
    """
    if delays is None:
        return pl.DataFrame(schema=SCHEMA)
    dated = {"reported": _dated(spec, reported, day), "new": _dated(spec, new, day)}
    earlier = dated["new"].filter(pl.col("_age") >= HORIZON_DAYS).join(delays, on="record_id")["days"]
    if len(earlier) < FEWEST:
        return pl.DataFrame(schema=SCHEMA)
    typed, came = (
        side.with_columns(_share=arrived_within(earlier, side["_age"].to_numpy())) for side in dated.values()
    )
    came = came.with_columns(_paired=pl.col("record_id").is_in(pairs["new_id"].implode()))
    months = [_by_month(typed, came, keys) for keys in (["period"], ["region", "period"])]
    return pl.concat(months).sort("region", "period", nulls_last=False)


def _dated(spec: DatabaseSpec, frame: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    when = pl.col(spec.event_date).cast(pl.Date)
    inside = frame.filter(in_parallel_period(spec) & (when <= day))
    return inside.select(
        "record_id", "region", period=period(spec.event_date), _age=(pl.lit(day) - when).dt.total_days()
    )


def _by_month(typed: pl.DataFrame, came: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Counts, and what they come to when each new record stands for 1 ÷ F of its age (days too young left out)."""
    old_enough = pl.col("_share") >= LEAST_ARRIVED
    weight = (1 / pl.col("_share")).filter
    new = came.drop_nulls(keys).group_by(keys).agg(
        new=pl.len(), both=pl.col("_paired").sum(),
        _new=weight(old_enough).sum(), _both=weight(old_enough & pl.col("_paired")).sum(),
    )  # fmt: skip
    reported = (
        typed.drop_nulls(keys)
        .group_by(keys)
        .agg(reported=pl.len(), _reported=old_enough.sum(), arrived=pl.col("_share").mean())
    )
    counts = reported.join(new, on=keys, how="full", coalesce=True)
    counts = counts.with_columns(pl.col(*COUNTS, "_new", "_both", "_reported").fill_null(0))
    # There cannot be more partners than typed records: then every typed record has one.
    union = pl.col("_reported") + pl.col("_new") - pl.min_horizontal("_both", "_reported")
    return counts.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in ("region",) if name not in keys),
        completeness_of_new=pl.col("new") / (pl.col("reported") + pl.col("new") - pl.col("both")),
        completeness_of_new_adjusted=pl.when(union > 0).then((pl.col("_new") / union).clip(upper_bound=1)),
    ).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
