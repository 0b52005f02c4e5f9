"""The published quality indicators, computed by one definition on both sides.

`uoplyst` stands in its own column and is in neither numerator nor denominator.
"""

from __future__ import annotations

import polars as pl

from pipelines.reconciliation.conditions import flags
from pipelines.reconciliation.intervals import wilson_columns
from pipelines.reconciliation.rollup import rolled_up
from pipelines.spec.model import DatabaseSpec

TYPES = (*[pl.String] * 4, *[pl.Int64] * 3, *[pl.Float64] * 3)
BY_PLACE = ((), ("region",), ("region", "unit"))
COLUMNS = (
    "indicator",
    "region",
    "unit",
    "side",
    "numerator",
    "denominator",
    "unknown",
    "value",
    "low",
    "high",
)


def indicators(spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """indicators.parquet: per indicator, place and side, with a 95 % Wilson interval."""
    parts = [
        _counts(spec, frame, name).with_columns(side=pl.lit(side))
        for name in spec.indicators
        for side, frame in (("reported", reported), ("new", new))
    ]
    if not parts:
        return pl.DataFrame(schema=dict(zip(COLUMNS, TYPES, strict=True)))
    counts = rolled_up(pl.concat(parts), ("indicator", "side"), BY_PLACE).drop("period")
    shown = wilson_columns(counts, "numerator", "denominator", "value")
    return shown.rename({"value_low": "low", "value_high": "high"}).select(COLUMNS)


def _counts(spec: DatabaseSpec, frame: pl.DataFrame, name: str) -> pl.DataFrame:
    indicator = spec.indicators[name]
    parts = {"in_denominator": indicator.denominator, "in_numerator": indicator.numerator}
    if indicator.unknown:
        parts["is_unknown"] = indicator.unknown
    said = flags(spec, frame, parts).select(pl.all().fill_null(False))
    unknown = pl.col("is_unknown") if indicator.unknown else pl.lit(False)
    eligible, known = pl.col("in_denominator"), pl.col("in_denominator") & ~unknown
    return (
        pl.concat([frame.select("region", "unit"), said], how="horizontal")
        .group_by("region", "unit")
        .agg(
            numerator=(known & pl.col("in_numerator")).sum().cast(pl.Int64),
            denominator=known.sum().cast(pl.Int64),
            unknown=(eligible & unknown).sum().cast(pl.Int64),
        )
        .with_columns(indicator=pl.lit(name))
    )
