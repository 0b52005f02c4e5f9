"""What is charted: per chart, variable, unit and month a share k of n, or a count.

Agreement and coverage are of the comparable pairs and records. Missingness, distribution and volume are of the new
side alone, so that they go on when KIP is closed; so does coverage against a register, where its records are given.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from pipelines.reconciliation.conditions import flags
from pipelines.reconciliation.match import match
from pipelines.reconciliation.rollup import period, rolled_up
from pipelines.reconciliation.shape import Side, shaped
from pipelines.spec.model import DatabaseSpec, Variable

KEYS = ("chart", "variable", "region", "unit", "period")
SCHEMA = {**dict.fromkeys(KEYS, pl.String), "k": pl.Int64, "n": pl.Int64}
LEVELS = (("period",), ("region", "unit", "period"))
PLACE = ("region", "unit", "period")
VOLUME = "volume"


def charted_counts_of(
    spec: DatabaseSpec, new: Side, agreement: pl.DataFrame, coverage: pl.DataFrame, day: dt.date,
    expected: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """chart, variable, region, unit, period, k, n: for the country and each unit; of `volume` n is null.

    `new`: all records of the new side; of them whole months count that have settled. `expected`: the records that a
    register says there should be, for coverage against it.
    """
    rows = np.flatnonzero(
        new.read([spec.event_date]).select(_month_has_settled(spec, day).fill_null(False)).to_series()
    )
    places = new.read(["region", "unit", spec.event_date], rows).with_columns(period=period(spec.event_date))
    parts = [_agreement(agreement), _coverage(coverage), _rolled(VOLUME, None, places, pl.lit(1), None)]
    for name, variable in spec.variables.items():
        parts += _of_variable(spec, _with_columns(spec, new, rows, places, name), name, variable)
    if expected is not None:
        parts.append(_against(spec, expected.filter(_month_has_settled(spec, day)), new))
    return pl.concat(parts).sort(*KEYS, nulls_last=False)


def _with_columns(spec: DatabaseSpec, new: Side, rows: np.ndarray, places: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows with one variable and what its relevance is asked of; other columns are not read."""
    only_if = spec.variables[name].only_if
    asked = spec.condition(only_if).columns if only_if else ()
    return places.with_columns(new.read(sorted({name, *asked} - set(places.columns)), rows))


def _month_has_settled(spec: DatabaseSpec, day: dt.date) -> pl.Expr:
    last = pl.col(spec.event_date).cast(pl.Date).dt.month_end()
    return last <= day - dt.timedelta(days=spec.settling(spec.sides.new))


def _agreement(agreement: pl.DataFrame) -> pl.DataFrame:
    whole = _charted_levels(agreement.filter(pl.col("level").is_null()))
    return _shaped(
        whole, "agreement", pl.col("variable"), pl.col("agree") + pl.col("agree_within"), pl.col("both_known")
    )


def _coverage(coverage: pl.DataFrame) -> pl.DataFrame:
    return _shaped(_charted_levels(coverage), "coverage", pl.lit(None, pl.String), pl.col("new"), pl.col("union"))


def _charted_levels(frame: pl.DataFrame) -> pl.DataFrame:
    by_month = frame.filter(pl.col("period").is_not_null())
    return by_month.filter(pl.col("unit").is_not_null() | pl.col("region").is_null())


def _of_variable(spec: DatabaseSpec, new: pl.DataFrame, name: str, variable: Variable) -> list[pl.DataFrame]:
    """Missing: without a value, of the records that it is relevant for. Distribution: a yes/no of the value itself."""
    if name == spec.event_date:
        return []
    relevant = flags(spec, new, {"yes": variable.only_if})["yes"].fill_null(False) if variable.only_if else pl.lit(True)
    asked = new.with_columns(_asked=relevant).filter("_asked")
    charts = [_rolled("missing", name, asked, pl.col(name).is_null(), pl.lit(1))]
    if (typical := _typical(spec, new, name, variable)) is not None:
        charts.append(_rolled("distribution", name, new.filter(pl.col(name).is_not_null()), typical, pl.lit(1)))
    return charts


def _typical(spec: DatabaseSpec, new: pl.DataFrame, name: str, variable: Variable) -> pl.Expr | None:
    """One question whose answer moves when values do: above the country's median? the country's commonest code?

    Dates are taken in days from the event date. Texts have no such question.
    """
    if variable.categorical or variable.type == "sks":
        counted = new[name].drop_nulls().value_counts().sort("count", name, descending=[True, False])
        return pl.col(name) == counted[name][0] if len(counted) else None
    if variable.numeric:
        return pl.col(name) > pl.col(name).median()
    if variable.type in ("date", "timestamp"):
        days = (pl.col(name).cast(pl.Date) - pl.col(spec.event_date).cast(pl.Date)).dt.total_days()
        return (days > days.median()).fill_null(False)
    return None


def _rolled(chart: str, variable: str | None, rows: pl.DataFrame, k: pl.Expr, n: pl.Expr | None) -> pl.DataFrame:
    counted = rows.with_columns(k=k.cast(pl.Int64), n=(n if n is not None else pl.lit(None)).cast(pl.Int64))
    finest = counted.group_by(PLACE).agg(
        pl.col("k").sum(), pl.col("n").sum() if n is not None else pl.lit(None, pl.Int64).alias("n")
    )
    rolled = rolled_up(finest, (), LEVELS)
    shown = pl.col("n") if n is not None else pl.lit(None, pl.Int64)
    return _shaped(rolled, chart, pl.lit(variable, pl.String), pl.col("k"), shown)


def _against(spec: DatabaseSpec, expected: pl.DataFrame, new: Side) -> pl.DataFrame:
    """Of the records a register says there should be: how many are there, by the specification's match rules."""
    found = match(spec, shaped(spec, expected, "expected"), new)["reported"]
    rows = expected.with_row_index("_row").with_columns(period=period(spec.event_date))
    return _rolled("coverage_of_register", None, rows, pl.col("_row").is_in(found.implode()), pl.lit(1))


def _shaped(frame: pl.DataFrame, chart: str, variable: pl.Expr, k: pl.Expr, n: pl.Expr) -> pl.DataFrame:
    said = frame.select(chart=pl.lit(chart), variable=variable, region="region", unit="unit", period="period", k=k, n=n)
    return said.cast(SCHEMA)
