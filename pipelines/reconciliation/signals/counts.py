"""What is charted: per chart, variable, unit and month a share k of n, or a count.

Agreement and coverage are of the comparable pairs and records. Missingness, distribution and volume are of the new
side alone, so that they go on when KIP is closed; so does coverage against a register, where its records are given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipelines.reconciliation.conditions import flags
from pipelines.reconciliation.match import match
from pipelines.reconciliation.places import places_of
from pipelines.reconciliation.rollup import rolled_up
from pipelines.reconciliation.shape import Side, shaped
from pipelines.spec.model import DatabaseSpec, Variable

KEYS = ("chart", "variable", "region", "unit", "period")
SCHEMA = {**dict.fromkeys(KEYS, pl.String), "k": pl.Int64, "n": pl.Int64}
LEVELS = (("period",), ("region", "unit", "period"))
VOLUME = "volume"


@dataclass(frozen=True)
class Counter:
    """Records by place: `places` (region, unit, period) and each record's place among them."""

    places: pl.DataFrame
    place: np.ndarray

    def shares(self, chart: str, variable: str | None, yes: pl.Series, of: pl.Series) -> pl.DataFrame:
        """Of the records `of`, those that say yes; places without any are not told."""
        k, n = (np.bincount(self.place[said.to_numpy()], minlength=len(self.places)) for said in (of & yes, of))
        said = self.places.with_columns(
            chart=pl.lit(chart), variable=pl.lit(variable, pl.String), k=pl.Series(k), n=pl.Series(n)
        )
        return said.filter(pl.col("n") > 0).cast(SCHEMA)


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
    counter = Counter(*places_of(spec, new, rows))
    every = _all(len(rows))
    parts = [counter.shares(VOLUME, None, every, every)]
    for name in spec.variables:
        if name != spec.event_date:
            parts += _of_variable(spec, new, rows, counter, name)
    if expected is not None:
        parts.append(_against(spec, expected.filter(_month_has_settled(spec, day)), new))
    rolled = rolled_up(pl.concat(parts), ("chart", "variable"), LEVELS)
    rolled = rolled.with_columns(n=pl.when(pl.col("chart") != VOLUME).then("n")).select(list(SCHEMA))
    return pl.concat([_agreement(agreement), _coverage(coverage), rolled]).sort(*KEYS, nulls_last=False)


def _all(records: int) -> pl.Series:
    return pl.repeat(True, records, dtype=pl.Boolean, eager=True)


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


def _of_variable(
    spec: DatabaseSpec, new: Side, rows: np.ndarray, counter: Counter, name: str
) -> Iterator[pl.DataFrame]:
    """Missing: without a value, of the records that it is relevant for. Distribution: a yes/no of the value itself."""
    values = new.column(name, rows)
    yield counter.shares("missing", name, values.is_null(), _relevant(spec, new, rows, name))
    if (typical := _typical(spec, new, rows, values, spec.variables[name])) is not None:
        yield counter.shares("distribution", name, typical.fill_null(False), values.is_not_null())


def _relevant(spec: DatabaseSpec, new: Side, rows: np.ndarray, name: str) -> pl.Series:
    only_if = spec.variables[name].only_if
    if not only_if:
        return _all(len(rows))
    asked = new.read(sorted(spec.condition(only_if).columns) or ["record_id"], rows)
    return flags(spec, asked, {"yes": only_if})["yes"].fill_null(False)


def _typical(
    spec: DatabaseSpec, new: Side, rows: np.ndarray, values: pl.Series, variable: Variable
) -> pl.Series | None:
    """One question whose answer moves when values do: above the country's median? the country's commonest code?

    Dates are taken in days from the event date. Texts have no such question.
    """
    if variable.categorical or variable.type == "sks":
        counted = values.alias("word").drop_nulls().value_counts().sort("count", "word", descending=[True, False])
        return values == counted["word"][0] if len(counted) else None
    if variable.numeric:
        return values > values.median() if values.null_count() < len(values) else None
    if variable.type in ("date", "timestamp"):
        days = (values.cast(pl.Date) - new.column(spec.event_date, rows).cast(pl.Date)).dt.total_days()
        return days > days.median() if days.null_count() < len(days) else None
    return None


def _against(spec: DatabaseSpec, expected: pl.DataFrame, new: Side) -> pl.DataFrame:
    """Of the records a register says there should be: how many are there, by the specification's match rules."""
    side = shaped(spec, expected, "expected")
    rows = np.arange(side.height)
    matched = match(spec, replace(side, name="reported"), new)
    found = pl.Series(np.isin(rows, matched["reported"].to_numpy()))
    return Counter(*places_of(spec, side, rows)).shares("coverage_of_register", None, found, _all(len(rows)))


def _shaped(frame: pl.DataFrame, chart: str, variable: pl.Expr, k: pl.Expr, n: pl.Expr) -> pl.DataFrame:
    said = frame.select(chart=pl.lit(chart), variable=variable, region="region", unit="unit", period="period", k=k, n=n)
    return said.cast(SCHEMA)
