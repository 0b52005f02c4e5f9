"""Where and when records count: region, unit and month (period), as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import polars as pl

from pipelines.reconciliation.rollup import PLACES
from pipelines.reconciliation.shape import NO_DAY, Side
from pipelines.reconciliation.words import BLOCK, gathered
from pipelines.spec.model import DatabaseSpec

MOST_SLOTS = 1 << 22


def places_of(spec: DatabaseSpec, side: Side, rows: np.ndarray) -> tuple[pl.DataFrame, np.ndarray]:
    """The places of the records `rows` that occur (region, unit, period), in alphabetical order, and each record's
    place among them: what is counted by numbers need not be grouped by words."""
    (regions, region), (units, unit) = (side.words(name) for name in ("region", "unit"))
    months, month = _months(gathered(side.days(spec.event_date), rows))
    shape = (len(regions), len(units), len(months))
    codes = gathered(region, rows), gathered(unit, rows), month
    occurring, place = numbered(raveled(codes, shape), prod(shape))
    columns = zip(PLACES, (regions, units, months), np.unravel_index(occurring, shape), strict=True)
    return pl.DataFrame({name: words.gather(code) for name, words, code in columns}), place.astype(np.uint32)


def counted_by_day(spec: DatabaseSpec, side: Side) -> pl.DataFrame:
    """How many records (n) of a side there are by region, unit and day of the event."""
    (regions, region), (units, unit) = (side.words(name) for name in ("region", "unit"))
    days, day = _days(side.days(spec.event_date))
    shape = (len(regions), len(units), len(days))
    occurring, at = numbered(raveled((region, unit, day), shape), prod(shape))
    words = {"region": regions, "unit": units, spec.event_date: days}
    codes = zip(words.items(), np.unravel_index(occurring, shape), strict=True)
    counted = pl.DataFrame({name: said.gather(code) for (name, said), code in codes})
    return counted.with_columns(n=pl.Series(np.bincount(at, minlength=len(occurring)), dtype=pl.Int64))


def raveled(codes: Sequence[np.ndarray], shape: Sequence[int]) -> np.ndarray:
    """One number for the codes of each row, as numpy.ravel_multi_index gives it, but as narrow as it can be."""
    number = codes[0].astype(np.min_scalar_type(prod(shape)))
    for code, size in zip(codes[1:], shape[1:], strict=True):
        number *= number.dtype.type(size)
        np.add(number, code, out=number, casting="unsafe")
    return number


def numbered(packed: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers below `size` that occur, in order, and which of them each is."""
    if size > max(MOST_SLOTS, len(packed)):
        return np.unique(packed, return_inverse=True)
    occurs = np.zeros(size, dtype=bool)
    for first in range(0, len(packed), BLOCK):
        occurs[packed[first : first + BLOCK]] = True
    place = np.cumsum(occurs, dtype=np.uint32) - np.uint32(1)
    return np.flatnonzero(occurs), gathered(place, packed)


def _days(days: np.ndarray) -> tuple[pl.Series, np.ndarray]:
    """The days that occur, null behind the last, and each record's among them."""
    has = days != NO_DAY
    known = days if has.all() else days[has]
    first, last = (int(known.min()), int(known.max())) if len(known) else (0, 0)
    every, at = numbered(known - np.int32(first), last - first + 1)
    code = np.full(len(days), len(every), dtype=np.min_scalar_type(len(every)))
    code[slice(None) if known is days else has] = at
    return pl.Series((every + first).astype(np.int32)).cast(pl.Date).extend_constant(None, 1), code


def _months(days: np.ndarray) -> tuple[pl.Series, np.ndarray]:
    """The months that occur as YYYY-MM, null behind the last, and each record's month among them."""
    every, code = _days(days)
    names = every.dt.strftime("%Y-%m")
    words = names.drop_nulls().unique().sort()
    positions = np.arange(len(words))
    of_day = names.replace_strict(words, positions, default=len(words), return_dtype=pl.Int64).to_numpy()
    narrow = of_day.astype(np.min_scalar_type(len(words)))
    return words.extend_constant(None, 1), gathered(narrow, code)
