"""The comparable pairs as an index: which row is which, under which rule, and where they count.

Pairs are numbered in the order of their reported rows; a variable's values are gathered by the index, and no
table of both sides is ever made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.reconciliation.identifiers import folded, numbers_of
from pipelines.reconciliation.places import places_of
from pipelines.reconciliation.shape import NO_DAY, Side
from pipelines.reconciliation.words import counted, gathered
from pipelines.spec.model import DatabaseSpec, MatchRule

KEYS = ("unit", "person")
CHUNK = 1 << 20  # pairs that are looked at together, so that little is in memory at a time


@dataclass(frozen=True)
class Pairs:
    """`index` has a row a pair: reported and new (rows of the sides), stage, ambiguous, date_offset_days, place
    (row of `places`: region, unit and period of the new record), number (from which its pair_id is made) and
    elsewhere (a late stage made it: another unit, or another person number)."""

    index: pl.DataFrame
    places: pl.DataFrame

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, side: str) -> np.ndarray:
        return self.index[side].to_numpy()

    @property
    def place(self) -> np.ndarray:
        return self.index["place"].to_numpy()

    @cached_property
    def by_place(self) -> np.ndarray:
        return counted(self.place, len(self.places))

    def order(self) -> np.ndarray:
        """The pairs in the order of their pair_ids, which no order of rows can change."""
        return np.argsort(self.index["number"].to_numpy())


def paired(spec: DatabaseSpec, sides: Mapping[str, Side], matched: pl.DataFrame) -> Pairs:
    """The index of the pairs in `matched`."""
    rows = {name: matched[name].to_numpy() for name in sides}
    places, place = places_of(spec, sides["new"], rows["new"])
    index = matched.with_columns(
        date_offset_days=_offsets(spec, sides, rows),
        place=pl.Series(place),
        number=pl.Series(_numbers(spec, sides, rows)),
        elsewhere=pl.Series(_elsewhere(spec, sides, rows, matched["stage"].to_numpy())),
    )
    return Pairs(index, places)


def _offsets(spec: DatabaseSpec, sides: Mapping[str, Side], rows: Mapping[str, np.ndarray]) -> pl.Series:
    reported, new = (gathered(side.days(spec.event_date), rows[name]) for name, side in sides.items())
    known = pl.Series((reported != NO_DAY) & (new != NO_DAY))
    return pl.select(pl.when(known).then(pl.Series(new - reported))).to_series()


def _elsewhere(
    spec: DatabaseSpec, sides: Mapping[str, Side], rows: Mapping[str, np.ndarray], stage: np.ndarray
) -> np.ndarray:
    """Which pairs differ in a key; an empty one differs from none."""
    late = [number for number, rule in enumerate(spec.match) if not _same_keys(rule)]
    found = np.isin(stage, late)
    at = np.flatnonzero(found)
    differ = np.zeros(len(at), dtype=bool)
    for key in KEYS:
        one, other = (side.numbers(key, rows[name][at]) for name, side in sides.items())
        differ |= (one != other) & (one != 0) & (other != 0)
    found[at] = differ
    return found


def _same_keys(rule: MatchRule) -> bool:
    return set(KEYS) <= set(rule.on) - set(rule.level)


def _numbers(spec: DatabaseSpec, sides: Mapping[str, Side], rows: Mapping[str, np.ndarray]) -> np.ndarray:
    """A record's id is hashed once, however many pairs and discrepancies are numbered by it."""
    number: str | np.ndarray = spec.database
    for name, side in sides.items():
        number = folded(number, gathered(numbers_of(side.column("record_id")), rows[name]))
    return number
