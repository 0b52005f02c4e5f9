"""What the search for causes looks at: the only place of this room that knows how a reconciliation keeps its pairs.

A suspicion is one way in which values may differ ("new is 1000 × reported"), with the pairs that could show it
(eligible) and those that do (hits). Whether it is a cause is decided by where its hits lie, never by the
suspicion alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.rows import Rows, rows_of, slice_attributes
from pipelines.reconciliation.compare import DISCREPANT, outcome
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.spec.model import DatabaseSpec, Variable

MINUTES_A_DAY = 1440


@dataclass(frozen=True)
class Suspicion:
    """One way of differing. `claims`: by variable, every pair that would belong to it (hits among them)."""

    kind: str
    variables: tuple[str, ...]
    parameters: dict[str, Any]
    eligible: np.ndarray = field(repr=False)
    hits: np.ndarray = field(repr=False)
    claims: Mapping[str, np.ndarray] = field(repr=False)


class Pairs:
    """The comparable pairs of a reconciliation, a variable at a time."""

    def __init__(self, spec: DatabaseSpec, reconciliation: Reconciliation) -> None:
        self.spec = spec
        self._frame = reconciliation.compared
        self._records = reconciliation.records
        self._cells: dict[str, Cells] = {}
        self._rows: dict[tuple, Rows] = {}

    @cached_property
    def rows(self) -> Rows:
        """What a slice may name of every pair: place, time, transport, persons, and hierarchical codes."""
        codes = [name for name, variable in self.spec.variables.items() if variable.type == "sks"]
        frame = self._frame.with_columns(pl.col(f"{name}_new").alias(name) for name in codes)
        return rows_of(frame, f"{self.spec.event_date}_new", (*slice_attributes(self.spec), *codes), codes)

    def rows_for(self, suspicion: Suspicion) -> Rows:
        """What a slice of the suspicion may name: not the codes that it is about, but for a value that is gone
        the code that was reported (a code that the mapping forgot)."""
        own = suspicion.variables[0] if suspicion.kind == "missing_in_new" else None
        key = (*suspicion.variables, own)
        if key not in self._rows:
            rows = self.rows.without(suspicion.variables)
            has_codes = own and self.spec.variables[own].type in ("code", "yes_no", "sks")
            self._rows[key] = rows.also(own, self.cells(own).reported) if has_codes else rows
        return self._rows[key]

    @cached_property
    def _in_order(self) -> pl.DataFrame:
        """The reported records, each person's in the order of their dates."""
        return self._records.filter(_side="reported").sort("person", self.spec.event_date, "record_id")

    def ids(self, chosen: np.ndarray) -> tuple[pl.Series, pl.Series]:
        """(reported_id, new_id) of the chosen pairs."""
        pairs = self._frame.filter(pl.Series(chosen, dtype=pl.Boolean))
        return pairs["reported_id"], pairs["new_id"]

    def cells(self, name: str) -> Cells:
        if name not in self._cells:
            columns = [f"{name}{part}_{side}" for part in ("", "_missing") for side in ("reported", "new")]
            frame = self._frame.select(*columns, f"{name}_outcome")
            self._cells[name] = Cells(name, self.spec.compared[name], frame)
        return self._cells[name]

    def earlier(self, name: str) -> pl.Series:
        """The same person's reported value before that of each pair; null where there is none."""
        again = pl.col("person") == pl.col("person").shift(1)
        known = self._in_order.select("record_id", earlier=pl.when(again).then(pl.col(name).shift(1)))
        return self._frame.select(record_id="reported_id").join(
            known, on="record_id", how="left", maintain_order="left"
        )["earlier"]


@dataclass
class Cells:
    """Both sides of one variable in all pairs. `open` marks the discrepancies that no cause explains yet;
    `left` the pairs that no cause of this variable has taken."""

    name: str
    variable: Variable
    frame: pl.DataFrame

    def __post_init__(self) -> None:
        self.open = self.frame[f"{self.name}_outcome"].is_in(DISCREPANT).to_numpy().copy()
        self.left = np.ones(len(self.frame), dtype=bool)

    @property
    def reported(self) -> pl.Series:
        return self.frame[f"{self.name}_reported"]

    @property
    def new(self) -> pl.Series:
        return self.frame[f"{self.name}_new"]

    def code(self, side: str) -> pl.Series:
        """The missing code of a side."""
        return self.frame[f"{self.name}_missing_{side}"]

    def is_outcome(self, name: str) -> np.ndarray:
        return (self.frame[f"{self.name}_outcome"] == name).to_numpy()

    @cached_property
    def filled_reported(self) -> np.ndarray:
        return self.reported.is_not_null().to_numpy()

    @cached_property
    def filled_new(self) -> np.ndarray:
        return self.new.is_not_null().to_numpy()

    @cached_property
    def coded(self) -> np.ndarray:
        """A missing code was reported instead of a value."""
        return ~self.filled_reported & self.code("reported").is_not_null().to_numpy()

    @property
    def both(self) -> np.ndarray:
        return self.filled_reported & self.filled_new

    @property
    def differing(self) -> np.ndarray:
        """Both sides filled in, not the same, and not explained yet."""
        return self.open & self.both

    @cached_property
    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """(reported, new) as numbers, NaN where empty: days of a date, minutes of a time stamp."""
        return _numbers(self.variable, self.reported), _numbers(self.variable, self.new)

    def would_differ(self, predicted: pl.Series) -> np.ndarray:
        """Where the predicted new value would be a discrepancy, by the specification's own comparison."""
        name = self.name
        nothing = pl.lit(None, pl.String)
        held = pl.DataFrame({f"{name}_reported": self.reported, f"{name}_new": predicted})
        held = held.with_columns(nothing.alias(f"{name}_missing_reported"), nothing.alias(f"{name}_missing_new"))
        return (held.select(outcome(name, self.variable, held.schema).alias("o"))["o"] == "differ").to_numpy()

    def suspicion(self, kind: str, parameters: dict[str, Any], eligible: np.ndarray, hits: np.ndarray) -> Suspicion:
        """A suspicion about this variable alone, among the pairs that are left."""
        hits = hits & self.open
        return Suspicion(kind, (self.name,), parameters, eligible & self.left, hits, {self.name: hits})

    def explain(self, explained: np.ndarray, accounted: np.ndarray) -> None:
        """Take the explained pairs out of what is open, and all that the cause accounts for out of what is left:
        pairs of its slice that do not show it are noise, and no second cause of the same cells."""
        self.open &= ~explained
        self.left &= ~(explained | accounted)


def _numbers(variable: Variable, values: pl.Series) -> np.ndarray:
    if variable.type == "timestamp":
        return values.dt.epoch("s").cast(pl.Float64).fill_null(float("nan")).to_numpy() / 60
    if variable.type == "date":
        return values.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
