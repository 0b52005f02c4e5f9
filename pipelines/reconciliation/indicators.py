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
# How a record stands in an indicator. From NOT_MET on it is in the denominator.
STANDINGS = ("outside", "unknown", "not_met", "met")
OUTSIDE, UNKNOWN, NOT_MET, MET = range(len(STANDINGS))
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


def read_for_indicators(spec: DatabaseSpec, side: Side, rows: np.ndarray) -> pl.DataFrame:
    """Of the records `rows`: who and where, and the columns that the indicators' conditions ask of."""
    asked = {column for name in spec.indicators for _, text in _parts(spec, name)
             for column in spec.condition(text).columns}  # fmt: skip
    return side.read(sorted({"record_id", "person", "region", "unit", *asked}), rows)


def indicators(spec: DatabaseSpec, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """indicators.parquet: per indicator, place and side, with a 95 % Wilson interval; of each side's records."""
    parts = [
        _counts(frame.select("region", "unit"), standing).with_columns(side=pl.lit(name))
        for name, frame in frames.items()
        for standing in standings(spec, frame)
    ]
    if not parts:
        return pl.DataFrame(schema=dict(zip(COLUMNS, TYPES, strict=True)))
    counts = rolled_up(pl.concat(parts), ("indicator", "side"), BY_PLACE).drop("period")
    shown = wilson_columns(counts, "numerator", "denominator", "value")
    return shown.rename({"value_low": "low", "value_high": "high"}).select(COLUMNS)


def standings(spec: DatabaseSpec, frame: pl.DataFrame) -> pl.DataFrame:
    """How each record stands in each indicator: a column per indicator (position in STANDINGS), in the rows' order.

    The one definition that both sides, and the parts of their difference, are counted by.
    """
    said = flags(spec, frame, {f"{name} {part}": text for name in spec.indicators for part, text in _parts(spec, name)})
    return said.select(_standing(name, said.columns).alias(name) for name in spec.indicators)


def _parts(spec: DatabaseSpec, name: str) -> list[tuple[str, str]]:
    indicator = spec.indicators[name]
    said = {part: getattr(indicator, part) for part in ("denominator", "numerator", "unknown")}
    return [(part, text) for part, text in said.items() if text]


def _standing(name: str, known: list[str]) -> pl.Expr:
    """A condition that cannot be decided (null) does not hold."""
    holds = {part: pl.col(f"{name} {part}").fill_null(False) for part in ("denominator", "numerator")}
    unknown = pl.col(f"{name} unknown").fill_null(False) if f"{name} unknown" in known else pl.lit(False)
    return (
        pl.when(~holds["denominator"]).then(OUTSIDE)
        .when(unknown).then(UNKNOWN)
        .when(holds["numerator"]).then(MET)
        .otherwise(NOT_MET)
        .cast(pl.UInt8)
    )  # fmt: skip


def _counts(places: pl.DataFrame, standing: pl.Series) -> pl.DataFrame:
    stands = pl.col(standing.name)
    return (
        places.with_columns(standing)
        .group_by("region", "unit")
        .agg(
            numerator=(stands == MET).sum().cast(pl.Int64),
            denominator=(stands >= NOT_MET).sum().cast(pl.Int64),
            unknown=(stands == UNKNOWN).sum().cast(pl.Int64),
        )
        .with_columns(indicator=pl.lit(standing.name))
    )
