"""What is charted: per chart, variable, unit and month a share k of n, or a count.

Agreement and coverage are of the comparable pairs and records. Missingness, distribution and volume are of the new
side alone, so that they go on when KIP is closed; so does coverage against a register, where its records are given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.reconciliation.cells import Cells, Coding
from pipelines.reconciliation.match import match
from pipelines.reconciliation.numerals import measured
from pipelines.reconciliation.places import places_of
from pipelines.reconciliation.shape import NO_DAY, Side, shaped
from pipelines.reconciliation.words import coded, counted, gathered
from pipelines.spec.model import DatabaseSpec, Variable

KEYS = ("chart", "variable", "region", "unit", "period")
SCHEMA = {**dict.fromkeys(KEYS, pl.String), "k": pl.Int64, "n": pl.Int64}
VOLUME = "volume"


NO, YES, EMPTY = range(3)
MOST_DAYS = 1 << 16
BLOCK = 1 << 16  # records whose answers stay in the processor's cache


@dataclass(frozen=True)
class Counter:
    """Records by place: `places` (region, unit, period), and each record's place among them; the place behind the
    last is that of records which are not counted. `days` are the records' event dates (Side.days)."""

    places: pl.DataFrame
    place: np.ndarray
    days: np.ndarray

    @cached_property
    def counted(self) -> np.ndarray:
        return self.place < len(self.places)

    @cached_property
    def records(self) -> np.ndarray:
        """How many there are in each place."""
        return np.bincount(self.place, minlength=len(self.places) + 1)[:-1]

    def times(self, at: np.ndarray | slice, size: int) -> np.ndarray:
        """How often each of so many different values is said; a record's is the one `at` its place."""
        if isinstance(at, slice):
            return self.counted
        return counted(at, size) - np.bincount(at[self._not_counted], minlength=size)

    @cached_property
    def _not_counted(self) -> np.ndarray:
        return np.flatnonzero(~self.counted)

    def answers(self, said: np.ndarray, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Per place how many say NO, YES and EMPTY; `at` is where each record's answer stands."""
        counted = np.zeros((len(self.places) + 1) * 3, np.int64)
        for first in range(0, len(self.place), BLOCK):
            here = slice(first, first + BLOCK)
            answer = said[here] if isinstance(at, slice) else said.take(at[here].astype(np.intp), mode="clip")
            counted += np.bincount(self.place[here] * np.intp(3) + answer, minlength=len(counted))
        return counted.reshape(-1, 3)[:-1]

    @cached_property
    def _charted(self) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
        """The country's months with the units' own; which places are of a unit, and each place's month among them."""
        months = self.places["period"].drop_nulls().unique().sort()
        month = self.places["period"].replace_strict(months, np.arange(len(months)), default=len(months))
        country = pl.DataFrame({"region": None, "unit": None, "period": months}, schema=self.places.schema)
        of_unit = self.places.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
        whole = pl.concat([country, self.places.filter(of_unit)])
        return whole, of_unit.to_numpy(), month.to_numpy()

    def shares(self, chart: str, variable: str | None, yes: np.ndarray, of: np.ndarray) -> pl.DataFrame:
        """For the country and each unit: `yes` of the records `of` in each place; none of none is not told."""
        whole, of_unit, month = self._charted
        months = len(whole) - of_unit.sum()
        k, n = (
            np.concatenate([np.bincount(month, what, months + 1)[:months], what[of_unit]]).astype(np.int64)
            for what in (yes, of)
        )
        said = whole.with_columns(
            chart=pl.lit(chart), variable=pl.lit(variable, pl.String), k=pl.Series(k), n=pl.Series(n)
        )
        return said.filter(pl.col("n") > 0).select(list(SCHEMA))


def settled_records(spec: DatabaseSpec, new: Side, day: dt.date) -> Counter:
    """The records of the new side, of which those count whose whole month has settled."""
    settled = new.read([spec.event_date]).select(_month_has_settled(spec, day).fill_null(False)).to_series()
    return _counter(spec, new, settled.to_numpy())


def counts_to_chart(
    counter: Counter, agreement: pl.DataFrame, coverage: pl.DataFrame, more: Iterable[pl.DataFrame]
) -> pl.DataFrame:
    """chart, variable, region, unit, period, k, n: for the country and each unit; of `volume` n is null.

    `more` are the counts `of_variable` of each variable, and `of_register`.
    """
    volume = counter.shares(VOLUME, None, counter.records, counter.records)
    volume = volume.with_columns(n=pl.lit(None, pl.Int64))
    return pl.concat([_agreement(agreement), _coverage(coverage), volume, *more])


def _counter(spec: DatabaseSpec, side: Side, counted: np.ndarray) -> Counter:
    rows = np.flatnonzero(counted).astype(np.uint32)
    places, at = places_of(spec, side, rows)
    place = np.full(len(counted), len(places), dtype=np.uint32)
    place[rows] = at
    return Counter(places, place, side.days(spec.event_date))


def _month_has_settled(spec: DatabaseSpec, day: dt.date) -> pl.Expr:
    not_yet = day - dt.timedelta(days=spec.settling(spec.sides.new)) + dt.timedelta(days=1)
    return pl.col(spec.event_date).cast(pl.Date) < not_yet.replace(day=1)


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


def of_variable(variable: Variable, cells: Cells | Coding, counter: Counter) -> Iterator[pl.DataFrame]:
    """Missing: without a value, of the records that it is relevant for. Distribution: a yes/no of the value itself.

    Dates are taken in days from the event date.
    """
    new, at = cells.different("new")
    dated = variable.type in ("date", "timestamp")
    values, which = _days_from_event(new["value"], at, counter) if dated else (new["value"], at)
    typical = _typical(variable, values, counter.times(which, len(values)))
    said = values.is_null().cast(pl.UInt8) * EMPTY if typical is None else typical.cast(pl.UInt8).fill_null(EMPTY)
    answers = counter.answers(said.to_numpy(), which)
    missing, of = answers[:, EMPTY], counter.records
    if "relevant" in new.columns:
        asked = np.where(new["relevant"], np.where(new["value"].is_null(), YES, NO), EMPTY)
        relevant = counter.answers(asked, at)
        missing, of = relevant[:, YES], relevant[:, NO] + relevant[:, YES]
    yield counter.shares("missing", cells.name, missing, of)
    if typical is not None:
        yield counter.shares("distribution", cells.name, answers[:, YES], answers[:, NO] + answers[:, YES])


def _days_from_event(
    value: pl.Series, at: np.ndarray | slice, counter: Counter
) -> tuple[pl.Series, np.ndarray | slice]:
    """How many days after the event each record's date stands: the different numbers of days, null behind the last,
    and each record's place among them; where they lie too far apart to number them, each record's own."""
    day = value.cast(pl.Date).to_physical().fill_null(NO_DAY).to_numpy()
    day = day if isinstance(at, slice) else gathered(day, at)
    unknown = (day == NO_DAY) | (counter.days == NO_DAY)
    days = np.where(unknown, 0, day - counter.days)
    first, last = int(days.min(initial=0)), int(days.max(initial=0))
    if last - first > MOST_DAYS:
        return pl.select(pl.when(~pl.Series(unknown)).then(pl.Series(days))).to_series(), slice(None)
    every = pl.int_range(first, last + 1, dtype=pl.Int32, eager=True).extend_constant(None, 1)
    return every, np.where(unknown, len(every) - 1, days - first)


def _typical(variable: Variable, values: pl.Series, times: np.ndarray) -> pl.Series | None:
    """One question whose answer moves when values do: above the country's median? the country's commonest code?

    Asked of each different value, which is said so many `times`. Texts have no such question, nor has what is always
    empty.
    """
    if not ((times > 0) & values.is_not_null().to_numpy()).any():
        return None
    if variable.categorical or variable.type == "sks":
        words, (word,) = coded(values)
        often = np.bincount(word, times, minlength=len(words) + 1)[: len(words)]
        return values == words[int(often.argmax())]
    return values > _median(values, times) if measured(variable) else None


def _median(values: pl.Series, times: np.ndarray) -> float:
    """The middle value, or the mean of both middle ones; where all are said once, only they are put in their place."""
    said = (times > 0) & values.is_not_null().to_numpy()
    values, times = values.to_numpy()[said], times[said]
    total = int(times.sum())
    middle = [(total - 1) // 2, total // 2]
    if total == len(values):
        return float(np.partition(values, middle)[middle].mean())
    order = np.argsort(values)
    return float(values[order[np.searchsorted(np.cumsum(times[order]), middle, side="right")]].mean())


def of_register(spec: DatabaseSpec, expected: pl.DataFrame, new: Side, day: dt.date) -> pl.DataFrame:
    """Of the records a register says there should be: how many are there, by the specification's match rules."""
    side = shaped(spec, expected.filter(_month_has_settled(spec, day)), "expected")
    matched = match(spec, replace(side, name="reported"), new)
    counter = _counter(spec, side, np.ones(side.height, dtype=bool))
    found = counter.answers(np.isin(np.arange(side.height), matched["reported"].to_numpy()))[:, YES]
    return counter.shares("coverage_of_register", None, found, counter.records)


def _shaped(frame: pl.DataFrame, chart: str, variable: pl.Expr, k: pl.Expr, n: pl.Expr) -> pl.DataFrame:
    said = frame.select(chart=pl.lit(chart), variable=variable, region="region", unit="unit", period="period", k=k, n=n)
    return said.cast(SCHEMA)
