"""Rows of a frame, for tests that search slices of made-up attributes."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from pipelines.explain.coded import coded_column, coded_days
from pipelines.explain.rows import Rows, rows_from


def rows_of(frame: pl.DataFrame, day: str, attributes: Iterable[str]) -> Rows:
    """The attributes of `frame` that have more than one value, and the day of the event."""
    return rows_from({name: coded_column(frame[name].cast(pl.String)) for name in attributes}, coded_days(frame[day]))
