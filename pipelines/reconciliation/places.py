"""Where and when records count: region, unit and month (period), as numbers."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.reconciliation.rollup import PLACES
from pipelines.reconciliation.shape import Side
from pipelines.reconciliation.words import coded
from pipelines.spec.model import DatabaseSpec


def places_of(spec: DatabaseSpec, side: Side, rows: np.ndarray) -> tuple[pl.DataFrame, np.ndarray]:
    """The places of the records `rows` that occur (region, unit, period), in alphabetical order, and each record's
    place among them: what is counted by numbers need not be grouped by words."""
    months = side.column(spec.event_date, rows).cast(pl.Date).dt.truncate("1mo")
    (regions, (region,)), (units, (unit,)) = (coded(side.column(name, rows)) for name in ("region", "unit"))
    month = months.to_physical().fill_null(np.iinfo(np.int32).max).to_numpy().astype(np.int64)
    first = int(month.min(initial=0))
    span = int(month.max(initial=0)) - first + 1
    packed = (region.astype(np.int64) * (len(units) + 1) + unit) * span + (month - first)
    occurring = np.sort(pl.Series(packed).unique().to_numpy())
    place, day = np.divmod(occurring, span)
    columns = {
        "region": _said(regions, place // (len(units) + 1)),
        "unit": _said(units, place % (len(units) + 1)),
        "period": pl.Series(day + first).replace(np.iinfo(np.int32).max, None).cast(pl.Int32).cast(pl.Date)
        .dt.strftime("%Y-%m"),
    }  # fmt: skip
    return pl.DataFrame(columns).select(PLACES), np.searchsorted(occurring, packed).astype(np.uint32)


def _said(words: pl.Series, code: np.ndarray) -> pl.Series:
    """The words of codes; the code behind the last word is null."""
    return words.extend_constant(None, 1).gather(code)
