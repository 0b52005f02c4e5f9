"""The clock as attributes of records."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.explain.coded import Coded
from pipelines.spec.clock import BAND_OF_HOUR, WEEKDAYS


def weekdays(days: Coded) -> Coded:
    """The weekday of each day. Day 0 of the calendar, 1 January 1970, was a Thursday."""
    numbers = np.array(days.values, "datetime64[D]").astype(int)
    return days.told_as([WEEKDAYS[(number + 3) % 7] for number in numbers])


def hour_bands(moments: pl.Series) -> Coded:
    """The part of the day of each moment."""
    hours = moments.dt.hour().cast(pl.Int8).fill_null(-1).to_numpy()
    return Coded(BAND_OF_HOUR, hours).told_as(BAND_OF_HOUR)
