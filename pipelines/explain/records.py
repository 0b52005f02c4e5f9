"""The records of both sides that are in scope, and which of them no cause has taken yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.evidence import Pairs
from pipelines.explain.rows import Rows, rows_of, slice_attributes
from pipelines.explain.slices import Slice
from pipelines.reconciliation.identifiers import hashed
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.spec.model import DatabaseSpec

CERTAIN = -700.0  # log chance of what is no luck: the records say it themselves (a test person, a copy), wherever


class Records:
    """Both sides' records in scope, with `_alone`: on one side only, not held back, and not explained yet."""

    def __init__(self, spec: DatabaseSpec, reconciliation: Reconciliation, pairs: Pairs) -> None:
        self.spec = spec
        self.pairs = pairs
        self.reference_date = reconciliation.reference_date
        self.sides = {side: scope.frame for side, scope in pairs.scopes.items()}
        self.surplus_taken: set[str] = set()
        self._rows: dict[str, Rows] = {}

    @property
    def compared(self) -> pl.DataFrame:
        """The keys and attributes of the pairs (Pairs.keys)."""
        return self.pairs.keys

    @property
    def reported(self) -> pl.DataFrame:
        return self.sides["reported"]

    @property
    def new(self) -> pl.DataFrame:
        return self.sides["new"]

    def alone(self, side: str) -> pl.DataFrame:
        return self.sides[side].filter("_alone")

    @property
    def rows_of_new(self) -> Rows:
        """The attributes of all new records."""
        if "new" not in self._rows:
            self._rows["new"] = self.rows(self.new)
        return self._rows["new"]

    def rows(self, frame: pl.DataFrame, hierarchical: Iterable[str] = (), more: Iterable[str] = ()) -> Rows:
        return rows_of(frame, self.spec.event_date, (*slice_attributes(self.spec), *more), hierarchical)

    def take(
        self,
        kind: str,
        place: Slice | None,
        parameters: Mapping[str, Any],
        taken: Mapping[str, pl.Series],
        trials: tuple[np.ndarray, np.ndarray],
        where: Mapping[str, Any] | None = None,
    ) -> Cause:
        """The cause of the records `taken` (ids by side), which are alone no longer.

        `trials`: among the records that could be hit, which lie in the slice and which are hit. Of couples both
        records are in the slice.
        """
        for side, ids in taken.items():
            gone = pl.col("record_id").is_in(ids.implode())
            self.sides[side] = self.sides[side].with_columns(_alone=pl.col("_alone") & ~gone)
        inside, hits = trials
        outside = ~inside
        return Cause(
            kind=kind,
            variables=(),
            where=dict(place.where if where is None and place else where or {}),
            parameters=dict(parameters),
            discrepancy_ids=tuple(sorted(i for side, ids in taken.items() for i in self._ids(side, ids))),
            in_slice=int(inside.sum()) + (len(taken["reported"]) if len(taken) > 1 else 0),
            share_outside=float((hits & outside).sum() / outside.sum()) if outside.any() else 0.0,
            gain=place.gain if place else float(hits.sum()),
            log_chance=place.log_chance if place else CERTAIN,
        )

    def _ids(self, side: str, ids: pl.Series) -> list[str]:
        none = [None] * len(ids)
        return hashed(self.spec.database, *((ids, none) if side == "reported" else (none, ids)), none)
