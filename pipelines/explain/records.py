"""The records of both sides that are in scope, and which of them no cause has taken yet.

A record is known by its place in the scope of its side: an array of places stands for some records.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.cells import marked
from pipelines.explain.evidence import Pairs
from pipelines.explain.rows import Rows, rows_from, slice_attributes
from pipelines.explain.slices import Slice
from pipelines.reconciliation.identifiers import hashed
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.reconciliation.sides import SURPLUS
from pipelines.spec.model import DatabaseSpec

CERTAIN = -700.0  # log chance of what is no luck: the records say it themselves (a test person, a copy), wherever


class Records:
    """By side marks of the records that no cause has taken yet: `alone` those on one side only, not held back, `beyond`
    these and surplus copies."""

    def __init__(self, spec: DatabaseSpec, reconciliation: Reconciliation, pairs: Pairs) -> None:
        self.spec = spec
        self.pairs = pairs
        self.reference_date = reconciliation.reference_date
        self.scopes = pairs.scopes
        self.alone = {side: scope.is_alone.copy() for side, scope in self.scopes.items()}
        self.beyond = {side: self.alone[side] | (scope.status == SURPLUS) for side, scope in self.scopes.items()}

    @cached_property
    def rows_of_new(self) -> Rows:
        """What a slice may name of every new record."""
        named, new = slice_attributes(self.spec), self.scopes["new"]
        columns = {name: new.coded(name) for name in named if new.has(name)}
        return rows_from(columns | new.clock, new.days, [name for name in columns if named[name]])

    @cached_property
    def counterparts(self) -> Mapping[str, np.ndarray]:
        """By side, the place of each record's counterpart on the other side; −1 for none."""
        at = self.pairs.at
        found = {side: np.full(len(scope), -1) for side, scope in self.scopes.items()}
        found["reported"][at["reported"]], found["new"][at["new"]] = at["new"], at["reported"]
        return found

    @cached_property
    def is_test(self) -> Mapping[str, np.ndarray]:
        """By side, the records of known test persons."""
        return {side: self._are_test(side) for side in self.scopes}

    def _are_test(self, side: str) -> np.ndarray:
        if not self.spec.test_persons:
            return np.zeros(len(self.scopes[side]), dtype=bool)
        persons = pl.Series(list(self.spec.test_persons), dtype=pl.String)
        return self.scopes[side].column("person").is_in(persons.implode()).fill_null(False).to_numpy()

    def said(self, side: str, at: np.ndarray, *names: str) -> pl.DataFrame:
        """Columns of some records, with their places (`at`) and days (`_day`)."""
        columns = [self.scopes[side].said(name, at).alias(name) for name in names]
        return pl.DataFrame(columns).with_columns(at=pl.Series(at), _day=self.day(side).gather(at))

    def day(self, side: str) -> pl.Series:
        """The day of the event of each record."""
        return self.scopes[side].column(self.spec.event_date).cast(pl.Date)

    def take(
        self,
        kind: str,
        place: Slice | None,
        parameters: Mapping[str, Any],
        taken: Mapping[str, np.ndarray],
        trials: tuple[np.ndarray, np.ndarray],
        where: Mapping[str, Any] | None = None,
    ) -> Cause:
        """The cause of the records `taken` (places by side), which are beyond the pairs no longer.

        `trials`: among the records that could be hit, which lie in the slice and which are hit. Of couples both
        records are in the slice.
        """
        for side, at in taken.items():
            self.alone[side][at] = False
            self.beyond[side][at] = False
        inside, hits = trials
        outside = ~inside
        return Cause(
            kind=kind,
            variables=(),
            where=dict(place.where if where is None and place else where or {}),
            parameters=dict(parameters),
            discrepancy_ids=tuple(sorted(i for side, at in taken.items() for i in self._ids(side, at))),
            in_slice=int(inside.sum()) + (len(taken["reported"]) if len(taken) > 1 else 0),
            share_outside=float((hits & outside).sum() / outside.sum()) if outside.any() else 0.0,
            gain=place.gain if place else float(hits.sum()),
            log_chance=place.log_chance if place else CERTAIN,
        )

    def _ids(self, side: str, at: np.ndarray) -> list[str]:
        ids, none = self.scopes[side].column("record_id").gather(at), [None] * len(at)
        return hashed(self.spec.database, *((ids, none) if side == "reported" else (none, ids)), none)

    def marks(self, side: str, at: np.ndarray | pl.Series) -> np.ndarray:
        """The records at these places among all of a side."""
        return marked(len(self.scopes[side]), np.asarray(at))
