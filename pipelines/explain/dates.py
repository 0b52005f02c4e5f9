"""How dates and time stamps go wrong: moved, day and month exchanged, precision or time zone lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from pipelines.explain.evidence import MINUTES_A_DAY, Cells, Suspicion
from pipelines.explain.numbers import constant_value, modes, predicted_suspicion
from pipelines.explain.slices import FEWEST_HITS

DANISH_TIME = "Europe/Copenhagen"
FLOODED = 0.2  # share of the differing dates of a focus that are one date, before it is asked about


def date_suspicions(cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """Every way in which the differing pairs of `focus` suggest that the dates went wrong."""
    seen = focus & cells.differing
    if np.count_nonzero(seen) < FEWEST_HITS:
        return
    reported, new = cells.numbers
    for predicted in _predictions(cells):
        if np.count_nonzero(predicted.hits & seen) >= FEWEST_HITS / 2:
            yield predicted
    for offset in modes(new[seen] - reported[seen], 0.5):
        yield _moved(cells, round(offset))
    yield from _defaults(cells, cells.new.filter(pl.Series(seen)))


def _moved(cells: Cells, offset: int) -> Suspicion:
    """A whole number of days, else (of a time stamp) of minutes."""
    unit = MINUTES_A_DAY if cells.variable.type == "timestamp" else 1
    moved = cells.numbers[0] + offset
    if offset % unit == 0:
        return predicted_suspicion(cells, "date_shift", {"days": offset // unit}, moved)
    return predicted_suspicion(cells, "constant_offset", {"offset": offset}, moved)


def _defaults(cells: Cells, shown: pl.Series) -> Iterator[Suspicion]:
    """One date whatever was reported: 1 January 1900 floods in where nothing was sent."""
    counted = shown.rename("value").value_counts(name="n").sort("n", "value", descending=[True, False])
    for value, n in counted.head(2).rows():
        if n >= max(FEWEST_HITS, FLOODED * len(shown)):
            yield replace(constant_value(cells, value), parameters={"value": value.isoformat()})


def _predictions(cells: Cells) -> Iterator[Suspicion]:
    yield _in_number(cells, "day_month_swapped", {}, day_month_swapped(cells.reported))
    for precision, every in (("month", "1mo"), ("year", "1y")):
        yield _in_number(cells, "date_precision", {"precision": precision}, cells.reported.dt.truncate(every))
    if cells.variable.type == "timestamp":
        yield from _zones(cells)


def _in_number(cells: Cells, kind: str, parameters: dict, predicted: pl.Series) -> Suspicion:
    physical = predicted.dt.epoch("s").cast(pl.Float64) / 60 if predicted.dtype != pl.Date else predicted.to_physical()
    return predicted_suspicion(cells, kind, parameters, physical.cast(pl.Float64).fill_null(float("nan")).to_numpy())


def day_month_swapped(values: pl.Series) -> pl.Series:
    """3 April read as 4 March, where both are months; else the date as it is."""
    frame = pl.DataFrame({"v": values})
    day, month = pl.col("v").dt.day(), pl.col("v").dt.month()
    swapped = pl.col("v").dt.replace(
        month=pl.when(day <= 12).then(day).otherwise(month), day=pl.when(day <= 12).then(month).otherwise(day)
    )
    return frame.select(swapped)["v"]


def _zones(cells: Cells) -> Iterator[Suspicion]:
    """Danish time written as UTC, or the reverse: one hour in winter, two in summer; told where both are seen."""
    danish = cells.reported.dt.replace_time_zone(DANISH_TIME, ambiguous="earliest", non_existent="null")
    as_utc = danish.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    from_utc = cells.reported.dt.replace_time_zone("UTC").dt.convert_time_zone(DANISH_TIME).dt.replace_time_zone(None)
    for hours, predicted in ((-1, as_utc), (1, from_utc)):
        suspicion = _in_number(cells, "timezone_shift", {"hours": hours}, predicted)
        shift = (cells.numbers[1] - cells.numbers[0])[suspicion.hits]
        summer = int((np.abs(shift) > 90).sum())
        if FEWEST_HITS <= summer <= len(shift) - FEWEST_HITS:
            yield suspicion
