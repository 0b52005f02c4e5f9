"""The records of a side that are compared, alone or surplus; each column is read and numbered once, when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.explain.clock import hour_bands, weekdays
from pipelines.explain.coded import Coded, coded_column, coded_days
from pipelines.reconciliation.shape import SIDES, Side
from pipelines.reconciliation.sides import NOT_COMPARABLE, UNMATCHED
from pipelines.spec.clock import HOUR_BAND, WEEKDAY
from pipelines.spec.model import DatabaseSpec

if TYPE_CHECKING:  # loading all that compares takes a helper a second
    from pipelines.reconciliation.reconcile import Reconciliation

NEVER_ALONE = "held_back"  # such a record has its counterpart, which validation keeps


class Scope:
    """`rows` of the side are in scope, and `place` is by row of the side where it stands among them (else −1)."""

    def __init__(self, spec: DatabaseSpec, found: Reconciliation, name: str) -> None:
        self._side: Side = found.sides[name]
        self._day = spec.event_date
        self._columns: dict[str, pl.Series] = {}
        self._coded: dict[str, Coded] = {}
        status = found.status[name]
        self.rows = np.flatnonzero(status != NOT_COMPARABLE)
        self.place = np.full(len(status), -1)
        self.place[self.rows] = np.arange(len(self.rows))
        self.status = status[self.rows]
        self.reasons = found.alone.filter(side=name).select(at=pl.col("row").cast(pl.Int64), reason="reason")
        self.reasons = self.reasons.with_columns(at=pl.Series(self.place[self.reasons["at"].to_numpy()]))

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, name: str) -> pl.Series:
        """A column as it is, read anew."""
        return self._side.column(name, None if len(self.rows) == len(self.place) else self.rows)

    def column(self, name: str) -> pl.Series:
        """A column that is asked for again."""
        if name not in self._columns:
            self._columns[name] = self.read(name)
        return self._columns[name]

    def has(self, name: str) -> bool:
        return name in self._side.types and name not in self._side.empty

    def outside(self, *names: str) -> pl.DataFrame:
        """Columns of the records that are not compared."""
        rows = np.flatnonzero(self.place < 0)
        return pl.DataFrame([self._side.column(name, rows).alias(name) for name in names])

    def coded(self, name: str) -> Coded:
        """A column of texts, or one that is told as text."""
        if name not in self._coded:
            known = self._columns.get(name)
            self._coded[name] = coded_column((self.read(name) if known is None else known).cast(pl.String))
        return self._coded[name]

    def said(self, name: str, at: np.ndarray) -> pl.Series:
        """The values of a column at some places."""
        if name not in self._coded:
            return self.column(name).gather(at)
        coded = self._coded[name]
        words = pl.Series([*coded.values, None], dtype=pl.String)
        return words.gather(coded.code[at].astype(np.int64) % len(words))

    @cached_property
    def days(self) -> Coded:
        """The day of the event."""
        return coded_days(self.column(self._day).cast(pl.Date))

    @cached_property
    def clock(self) -> Mapping[str, Coded]:
        """The weekday of the event and, where its time is told, the part of the day; but for what the side has a column
        of that name for."""
        said, event = {WEEKDAY: weekdays(self.days)}, self.column(self._day)
        if event.dtype == pl.Datetime:
            said[HOUR_BAND] = hour_bands(event)
        return {name: coded for name, coded in said.items() if name not in self._side.types}

    @cached_property
    def is_alone(self) -> np.ndarray:
        """On this side only, and not held back."""
        alone = self.status == UNMATCHED
        alone[self.reasons.filter(reason=NEVER_ALONE)["at"].to_numpy()] = False
        return alone


def scopes(spec: DatabaseSpec, found: Reconciliation) -> Mapping[str, Scope]:
    return {side: Scope(spec, found, side) for side in SIDES}
