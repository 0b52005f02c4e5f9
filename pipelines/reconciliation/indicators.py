"""The published quality indicators, computed by one definition on both sides.

`uoplyst` stands in its own column and is in neither numerator nor denominator.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.reconciliation.conditions import flags
from pipelines.reconciliation.intervals import wilson_columns
from pipelines.reconciliation.rollup import rolled_up
from pipelines.reconciliation.shape import Side
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


def indicators(spec: DatabaseSpec, sides: Mapping[str, Side], rows: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """indicators.parquet: per indicator, place and side, with a 95 % Wilson interval; of the records in `rows`."""
    parts = [
        _counts(spec, sides[name], rows[name], indicator).with_columns(side=pl.lit(name))
        for indicator in spec.indicators
        for name in sides
    ]
    if not parts:
        return pl.DataFrame(schema=dict(zip(COLUMNS, TYPES, strict=True)))
    counts = rolled_up(pl.concat(parts), ("indicator", "side"), BY_PLACE).drop("period")
    shown = wilson_columns(counts, "numerator", "denominator", "value")
    return shown.rename({"value_low": "low", "value_high": "high"}).select(COLUMNS)


def _counts(spec: DatabaseSpec, side: Side, rows: np.ndarray, name: str) -> pl.DataFrame:
    indicator = spec.indicators[name]
    parts = {"in_denominator": indicator.denominator, "in_numerator": indicator.numerator}
    if indicator.unknown:
        parts["is_unknown"] = indicator.unknown
    columns = {column for text in parts.values() for column in spec.condition(text).columns}
    frame = side.read(sorted({"region", "unit", *columns}), rows)
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
