"""How dates and time stamps go wrong: moved, day and month exchanged, precision or time zone lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from pipelines.explain.cells import MINUTES_A_DAY, Cells, Suspicion, as_days, as_numbers
from pipelines.explain.numbers import Prediction, constant_value, is_as_predicted, modes, predicted_suspicion
from pipelines.explain.slices import FEWEST_HITS

DANISH_TIME = "Europe/Copenhagen"
FLOODED = 0.2  # share of the differing dates of a focus that are one date, before it is asked about

Way = tuple[str, dict, Callable[[pl.Series], pl.Series]]  # kind, parameters, the new value by the reported one


def date_suspicions(cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """Every way in which the differing pairs of `focus` suggest that the dates went wrong."""
    seen = cells.seen(focus)
    if len(seen) < FEWEST_HITS:
        return
    reported, new = (numbers[seen] for numbers in cells.numbers)
    for kind, parameters, made in _ways(cells):
        predicted = _in_numbers(cells, made)
        if np.count_nonzero(is_as_predicted(cells, seen, predicted)) >= FEWEST_HITS / 2:
            suspicion = predicted_suspicion(cells, kind, parameters, predicted)
            if kind != "timezone_shift" or _in_both_times(cells, suspicion):
                yield suspicion
    for offset in modes(new - reported, 0.5):
        yield _moved(cells, round(offset))
    yield from _defaults(cells, cells.said("new", seen))


def _moved(cells: Cells, offset: int) -> Suspicion:
    """A whole number of days, else (of a time stamp) of minutes."""
    unit = MINUTES_A_DAY if cells.variable.type == "timestamp" else 1
    moved = partial(np.add, offset)
    if offset % unit == 0:
        return predicted_suspicion(cells, "date_shift", {"days": offset // unit}, moved)
    return predicted_suspicion(cells, "constant_offset", {"offset": offset}, moved)


def _defaults(cells: Cells, shown: pl.Series) -> Iterator[Suspicion]:
    """One date whatever was reported: 1 January 1900 floods in where nothing was sent."""
    counted = shown.rename("value").value_counts(name="n").sort("n", "value", descending=[True, False])
    for value, n in counted.head(2).rows():
        if n >= max(FEWEST_HITS, FLOODED * len(shown)):
            yield replace(constant_value(cells, value), parameters={"value": value.isoformat()})


def _ways(cells: Cells) -> Iterator[Way]:
    yield from of_days()
    if cells.variable.type == "timestamp":
        yield "timezone_shift", {"hours": -1}, _as_utc
        yield "timezone_shift", {"hours": 1}, _from_utc


def _in_numbers(cells: Cells, made: Callable[[pl.Series], pl.Series]) -> Prediction:
    return lambda numbers: as_numbers(cells.variable, made(as_days(numbers, cells.variable)))


def of_days() -> Iterator[Way]:
    """The ways in which a day goes wrong, whatever the day."""
    yield "day_month_swapped", {}, day_month_swapped
    for precision, every in (("month", "1mo"), ("year", "1y")):
        yield "date_precision", {"precision": precision}, lambda values, to=every: values.dt.truncate(to)


def day_month_swapped(values: pl.Series) -> pl.Series:
    """3 April read as 4 March, where both are months; else the date as it is."""
    frame = pl.DataFrame({"v": values})
    day, month = pl.col("v").dt.day(), pl.col("v").dt.month()
    swapped = pl.col("v").dt.replace(
        month=pl.when(day <= 12).then(day).otherwise(month), day=pl.when(day <= 12).then(month).otherwise(day)
    )
    return frame.select(swapped)["v"]


def _as_utc(values: pl.Series) -> pl.Series:
    danish = values.dt.replace_time_zone(DANISH_TIME, ambiguous="earliest", non_existent="null")
    return danish.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _from_utc(values: pl.Series) -> pl.Series:
    return values.dt.replace_time_zone("UTC").dt.convert_time_zone(DANISH_TIME).dt.replace_time_zone(None)


def _in_both_times(cells: Cells, suspicion: Suspicion) -> bool:
    """Danish time written as UTC, or the reverse: one hour in winter, two in summer; told where both are seen."""
    reported, new = (numbers[suspicion.hits] for numbers in cells.numbers)
    summer = int((np.abs(new - reported) > 90).sum())
    return FEWEST_HITS <= summer <= len(new) - FEWEST_HITS
