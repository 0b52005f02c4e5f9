"""What the search for causes looks at: the only place of this room that knows how a reconciliation keeps its pairs.

A suspicion is one way in which values may differ ("new is 1000 × reported"), with the pairs that could show it
(eligible) and those that do (hits). Whether it is a cause is decided by where its hits lie, never by the
suspicion alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.rows import Rows, rows_of, slice_attributes
from pipelines.explain.scope import scopes
from pipelines.reconciliation.cells import SIDES
from pipelines.reconciliation.compare import DISCREPANT, OUTCOME, OUTCOMES, outcome
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.reconciliation.words import coded
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
    """The comparable pairs of a reconciliation, in the order of their ids, a variable at a time."""

    def __init__(self, spec: DatabaseSpec, reconciliation: Reconciliation) -> None:
        self.spec = spec
        self.asked = 0  # suspicions so far
        self._found = reconciliation
        self._order = reconciliation.index.order()
        self._place = np.empty_like(self._order)
        self._place[self._order] = np.arange(len(self._order))
        rows = {side: reconciliation.index.rows(side)[self._order] for side in SIDES}
        self.scopes = scopes(spec, reconciliation)
        self._at = {side: scope.place[rows[side]] for side, scope in self.scopes.items()}
        self._reported_rows = rows["reported"]
        self._cells: dict[str, Cells] = {}
        self._nameable: dict[tuple, Rows] = {}

    def __len__(self) -> int:
        return len(self._order)

    @cached_property
    def keys(self) -> pl.DataFrame:
        """pair (a number), both sides' record_id, person, unit, region and event date, and the new record's
        attributes that a slice may name."""
        names = dict.fromkeys(("record_id", "person", "unit", "region", self.spec.event_date))
        keys = [self._column(side, name).alias(f"{name}_{side}") for side in SIDES for name in names]
        own = [self._column("new", name) for name in slice_attributes(self.spec)]
        frame = pl.DataFrame([pl.Series("pair", np.arange(len(self))), *keys, *own])
        return frame.rename({f"record_id_{side}": f"{side}_id" for side in SIDES})

    @cached_property
    def rows(self) -> Rows:
        """What a slice may name of every pair: place, time, transport, persons, and hierarchical codes."""
        codes = [name for name, variable in self.spec.variables.items() if variable.type == "sks"]
        frame = self.keys.with_columns(self._column("new", name).alias(name) for name in codes)
        return rows_of(frame, f"{self.spec.event_date}_new", (*slice_attributes(self.spec), *codes), codes)

    def rows_for(self, suspicion: Suspicion) -> Rows:
        """What a slice of the suspicion may name: not the codes that it is about, but for a value that is gone
        the code that was reported (a code that the mapping forgot)."""
        own = suspicion.variables[0] if suspicion.kind == "missing_in_new" else None
        key = (*suspicion.variables, own)
        if key not in self._nameable:
            rows = self.rows.without(suspicion.variables)
            has_codes = own and self.spec.variables[own].type in ("code", "yes_no", "sks")
            self._nameable[key] = rows.also(own, self.cells(own).reported) if has_codes else rows
        return self._nameable[key]

    def _column(self, side: str, name: str) -> pl.Series:
        return self.scopes[side].frame[name].gather(self._at[side])

    def ids(self, chosen: np.ndarray) -> tuple[pl.Series, pl.Series]:
        """(reported_id, new_id) of the chosen pairs."""
        pairs = self.keys.select("reported_id", "new_id").filter(pl.Series(chosen, dtype=pl.Boolean))
        return pairs["reported_id"], pairs["new_id"]

    def cells(self, name: str) -> Cells:
        if name not in self._cells:
            values = [self._column(side, name).alias(f"{name}_{side}") for side in SIDES]
            missing = [self._missing(side, name).alias(f"{name}_missing_{side}") for side in SIDES]
            frame = pl.DataFrame([*values, *missing, self._outcomes(name)])
            self._cells[name] = Cells(name, self.spec.compared[name], frame)
        return self._cells[name]

    def _missing(self, side: str, name: str) -> pl.Series:
        """The missing codes; where there are none, of a type that takes no room."""
        column = f"{name}_missing"
        if column in self._found.sides[side].empty:
            return pl.repeat(None, len(self), dtype=pl.Boolean, eager=True)
        return self._column(side, column)

    def _outcomes(self, name: str) -> pl.Series:
        """The outcome of each pair; all that is no discrepancy is said to agree."""
        outcomes = np.zeros(len(self), dtype=np.uint8)
        differing = self._found.differing[name]
        outcomes[self._place[differing["pair"].to_numpy()]] = differing["kind"].to_numpy()
        return pl.Series(f"{name}_outcome", outcomes).cat.to(OUTCOME)

    @cached_property
    def _earlier(self) -> tuple[np.ndarray, np.ndarray]:
        """The pairs whose person has an earlier reported record, and the row of that record."""
        side, day = self._found.sides["reported"], self.spec.event_date
        people = pl.DataFrame([side.column("person"), side.column(day)]).with_row_index("row")
        several = people.filter(pl.col("person").is_duplicated() & pl.col("person").is_not_null())
        several = several.with_columns(id=side.column("record_id", several["row"].to_numpy())).sort("person", day, "id")
        again = (several["person"] == several["person"].shift(1)).fill_null(False)
        before = np.full(side.height, -1)
        before[several["row"].filter(again).to_numpy()] = several["row"].shift(1).filter(again).to_numpy()
        earlier = before[self._reported_rows]
        at = np.flatnonzero(earlier >= 0)
        return at, earlier[at]

    def earlier(self, name: str) -> tuple[np.ndarray, pl.Series]:
        """The pairs whose person has an earlier reported record, and what was reported then."""
        at, rows = self._earlier
        place = self.scopes["reported"].place[rows]
        if (place < 0).any():  # a record that is not compared
            return at, self._found.sides["reported"].column(name, rows)
        return at, self.scopes["reported"].frame[name].gather(place)


@dataclass
class Cells:
    """Both sides of one variable in all pairs. `open` marks the discrepancies that no cause explains yet;
    `left` the pairs that no cause of this variable has taken."""

    name: str
    variable: Variable
    frame: pl.DataFrame

    def __post_init__(self) -> None:
        kinds = self.frame[f"{self.name}_outcome"].to_physical().to_numpy()
        self.open = np.isin(kinds, [OUTCOMES.index(kind) for kind in DISCREPANT])
        self.left = np.ones(len(self.frame), dtype=bool)

    @property
    def reported(self) -> pl.Series:
        return self.frame[f"{self.name}_reported"]

    @property
    def new(self) -> pl.Series:
        return self.frame[f"{self.name}_new"]

    def code(self, side: str) -> pl.Series:
        """The missing code of a side."""
        return self.frame[f"{self.name}_missing_{side}"].cast(pl.String)

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

    @cached_property
    def words(self) -> tuple[pl.Series, dict[str, np.ndarray]]:
        """The different texts of a text variable, and each side's as places among them (empty: behind the last)."""
        words, (reported, new) = coded(self.reported, self.new)
        return words, {"reported": reported, "new": new}

    def would_differ(self, reported: pl.Series, predicted: pl.Series) -> np.ndarray:
        """Where the predicted new value would be a discrepancy, by the specification's own comparison."""
        name = self.name
        nothing = pl.lit(None, pl.String)
        held = pl.DataFrame({f"{name}_reported": reported, f"{name}_new": predicted})
        held = held.with_columns(nothing.alias(f"{name}_missing_reported"), nothing.alias(f"{name}_missing_new"))
        return (held.select(outcome(name, self.variable, held.schema).alias("o"))["o"] == "differ").to_numpy()

    def expecting(self, kind: str, parameters: dict[str, Any], made: Callable[[pl.Series], pl.Series]) -> Suspicion:
        """New is what is `made` of the reported text, where that counts as another: decided once for each text."""
        words, codes = self.words
        expected = made(words)
        known = pl.DataFrame({"word": words, "at": np.arange(len(words))})
        places = pl.DataFrame({"word": expected}).join(known, on="word", how="left", maintain_order="left")["at"]
        differs = np.append(expected.is_not_null().to_numpy() & self.would_differ(words, expected), False)
        place = np.append(places.fill_null(-1).to_numpy(), -1)
        eligible = differs[codes["reported"]] & self.filled_new
        return self.suspicion(kind, parameters, eligible, eligible & (place[codes["reported"]] == codes["new"]))

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
