"""Faults in single entries, which validation must find: `n` records of the slice, one cell each."""

from __future__ import annotations

import datetime as dt

import polars as pl

from pipelines.synthetic.faults import Planting

SOME = 5


def chosen(frame: pl.DataFrame, planting: Planting, fits: pl.Expr | None = None) -> list[str]:
    """The ids of `n` records of the slice that fit, drawn among courses sent only once."""
    once = (pl.len().over("course") == 1) & pl.col("course").is_not_null()
    fits = pl.lit(True) if fits is None else fits
    ids = frame.filter(planting.in_slice(frame) & frame.select(once & fits).to_series())["record_id"].sort()
    n = min(planting.parameter("n", SOME), len(ids))
    return sorted(planting.rng.choice(ids.to_list(), n, replace=False).tolist()) if n else []


def cast_error(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """Words where a number or a date belongs: `v_text`, which is written instead of the value."""
    written = f"{planting.variable}_text"
    if written not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.String).alias(written))
    return _entered(frame, planting, written, planting.parameter("text", "se journal"))


def unknown_code(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    return _entered(frame, planting, planting.variable, planting.parameter("code", "X-9"))


def out_of_range(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """A zero too many on the highest permitted value."""
    return _entered(frame, planting, planting.variable, planting.spec.variables[planting.variable].range[1] * 10)


def missing_required(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    return _entered(frame, planting, planting.variable, None)


def future_date(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    later = dt.timedelta(days=planting.parameter("days", 30))
    return _entered(frame, planting, planting.variable, planting.reference_date + later)


def unknown_unit(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    return _entered(frame, planting, "unit", planting.parameter("unit", "9999999"))


def foreign_unit(frame: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """A unit of another region on this region's channel."""
    return _entered(frame, planting, "unit", planting.parameter("unit"))


def _entered(frame: pl.DataFrame, planting: Planting, column: str, value: object) -> pl.DataFrame:
    filled = pl.col(planting.fault.variable).is_not_null() if planting.fault.variable else None
    hit = pl.col("record_id").is_in(chosen(frame, planting, filled))
    entry = pl.lit(value).cast(frame.schema[column])
    return frame.with_columns(pl.when(hit).then(entry).otherwise(pl.col(column)).alias(column))
