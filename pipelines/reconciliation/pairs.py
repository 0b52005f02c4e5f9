"""The comparable pairs as an index: which row is which, under which rule, and where they count.

Pairs are numbered in the order of their reported rows; a variable's values are gathered by the index, and no
table of both sides is ever made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.reconciliation.identifiers import numbered
from pipelines.reconciliation.match import days_between
from pipelines.reconciliation.rollup import PLACES
from pipelines.reconciliation.shape import Side
from pipelines.reconciliation.words import coded
from pipelines.spec.model import DatabaseSpec

CHUNK = 1 << 20  # pairs that are looked at together, so that little is in memory at a time


@dataclass(frozen=True)
class Pairs:
    """`index` has a row a pair: reported and new (rows of the sides), stage, ambiguous, date_offset_days, place
    (row of `places`: region, unit and period of the new record) and number (from which its pair_id is made)."""

    index: pl.DataFrame
    places: pl.DataFrame

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, side: str) -> np.ndarray:
        return self.index[side].to_numpy()

    @property
    def place(self) -> np.ndarray:
        return self.index["place"].to_numpy()

    def order(self) -> np.ndarray:
        """The pairs in the order of their pair_ids, which no order of rows can change."""
        return np.argsort(self.index["number"].to_numpy(), kind="stable")


def paired(spec: DatabaseSpec, sides: Mapping[str, Side], matched: pl.DataFrame) -> Pairs:
    """The index of the pairs in `matched`."""
    rows = {name: matched[name].to_numpy() for name in sides}
    places, place = _places(spec, sides["new"], rows["new"])
    index = matched.with_columns(
        date_offset_days=_offsets(spec, sides, rows),
        place=pl.Series(place),
        number=pl.Series(_numbers(spec, sides, rows)),
    )
    return Pairs(index, places)


def _offsets(spec: DatabaseSpec, sides: Mapping[str, Side], rows: Mapping[str, np.ndarray]) -> pl.Series:
    days = pl.DataFrame({name: side.column(spec.event_date, rows[name]) for name, side in sides.items()})
    return days.select(days_between(pl.col("reported"), pl.col("new")).cast(pl.Int32)).to_series()


def _numbers(spec: DatabaseSpec, sides: Mapping[str, Side], rows: Mapping[str, np.ndarray]) -> np.ndarray:
    ids = {name: side.column("record_id") for name, side in sides.items()}
    count = len(rows["new"])
    parts = [
        numbered(spec.database, *(ids[name].gather(rows[name][first : first + CHUNK]) for name in ids))
        for first in range(0, count, CHUNK)
    ]
    return np.concatenate([np.zeros(0, dtype=np.uint64), *parts])


def _places(spec: DatabaseSpec, new: Side, rows: np.ndarray) -> tuple[pl.DataFrame, np.ndarray]:
    """The places that occur, in alphabetical order, and each row's place among them."""
    months = new.column(spec.event_date, rows).cast(pl.Date).dt.truncate("1mo")
    (regions, (region,)), (units, (unit,)) = (coded(new.column(name, rows)) for name in ("region", "unit"))
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
