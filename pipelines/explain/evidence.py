"""What the search for causes looks at: the only place of this room that knows how a reconciliation keeps its pairs."""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.explain.cells import TEXTS, Cells, Measures, Suspicion, in_common
from pipelines.explain.coded import Coded
from pipelines.explain.rows import Rows, rows_from, slice_attributes
from pipelines.explain.scope import scopes
from pipelines.reconciliation.identifiers import folded, numbers_of
from pipelines.reconciliation.shape import SIDES, hashes
from pipelines.spec.model import DatabaseSpec

if TYPE_CHECKING:  # loading all that compares takes a helper a second
    from pipelines.reconciliation.reconcile import Reconciliation

HAVE_CODES = ("code", "yes_no", "sks")


class Pairs:
    """The comparable pairs of a reconciliation, in the order of their ids, a variable at a time."""

    def __init__(self, spec: DatabaseSpec, reconciliation: Reconciliation) -> None:
        self.spec = spec
        self.asked = 0  # suspicions so far
        self._found = reconciliation
        self._order = reconciliation.index.order()
        self.scopes = scopes(spec, reconciliation)
        rows = {side: reconciliation.index.rows(side)[self._order] for side in SIDES}
        self.at = {side: scope.place[rows[side]] for side, scope in self.scopes.items()}
        self._cells: dict[str, Cells] = {}
        self._nameable: dict[tuple, Rows] = {}
        self._place = np.empty_like(self._order)  # of each pair in this order
        self._place[self._order] = np.arange(len(self._order))
        self._numbers = reconciliation.index.index["number"].to_numpy()[self._order]  # which ids are written from
        self._said_earlier: dict[str, tuple[np.ndarray, pl.Series]] = {}

    def __len__(self) -> int:
        return len(self._order)

    @cached_property
    def rows(self) -> Rows:
        """What a slice may name of every pair: place, time, transport, persons, and codes."""
        named, new = slice_attributes(self.spec), self.scopes["new"]
        columns = {name: self.coded("new", name) for name in named if new.has(name)}
        hierarchical = [name for name in columns if named[name]]
        return rows_from(columns | self._clock("new"), new.days.at(self.at["new"]), hierarchical)

    def _clock(self, side: str) -> dict[str, Coded]:
        return {name: coded.at(self.at[side]) for name, coded in self.scopes[side].clock.items()}

    def coded(self, side: str, name: str) -> Coded:
        return self.scopes[side].coded(name).at(self.at[side])

    def rows_about(self, variables: Collection[str]) -> Rows:
        """What a slice may name where these variables are wrong: not their own codes; and where the day of the event
        is, the day that was reported, since the new one is of the fault's own making."""
        rows = self.rows.without(variables)
        return rows.on(*self._reported_days) if self.spec.event_date in variables else rows

    @cached_property
    def _reported_days(self) -> tuple[Coded, dict[str, Coded]]:
        return self.scopes["reported"].days.at(self.at["reported"]), self._clock("reported")

    def rows_for(self, suspicion: Suspicion) -> Rows:
        """What a slice of the suspicion may name; of a value that is gone also the code that was reported (a code that
        the mapping forgot)."""
        first = suspicion.variables[0]
        is_gone = suspicion.kind == "missing_in_new" and self.spec.variables[first].type in HAVE_CODES
        return self._rows_about(suspicion.variables, first if is_gone else None)

    def _rows_about(self, variables: tuple[str, ...], coded: str | None) -> Rows:
        key = (*variables, coded)
        if key not in self._nameable:
            rows = self.rows_about(variables)
            self._nameable[key] = rows.also(coded, self.coded("reported", coded)) if coded else rows
        return self._nameable[key]

    def ids(self, chosen: np.ndarray, variable: str) -> np.ndarray:
        """The discrepancies of a variable in the chosen pairs, as the numbers that their ids are written from."""
        return folded(self._numbers[chosen], numbers_of(pl.Series([variable])))

    def part(self, names: Collection[str]) -> Pairs:
        """The same pairs with all that is asked of some variables read beforehand, and without what it is read from:
        for another process."""
        coded = [(name, name) for name in names if self.spec.variables[name].type in HAVE_CODES]
        asked = [*((name, None) for name in names), *coded]
        nameable = {(name, of): self._rows_about((name,), of) for name, of in asked}
        cells, earlier = ({name: of(name) for name in names} for of in (self.cells, self.earlier))
        part = copy(self)
        part._nameable, part._cells, part._said_earlier = nameable, cells, earlier
        part._found, part._order, part.scopes, part.at, part.asked = None, self._order[:0], {}, {}, 0
        return part

    def cells(self, name: str) -> Cells:
        if name not in self._cells:
            self._cells[name] = self._read(name)
        return self._cells[name]

    def _read(self, name: str) -> Cells:
        variable = self.spec.compared[name]
        if variable.type in TEXTS:
            values = in_common({side: scope.coded(name) for side, scope in self.scopes.items()}, self.at)
        else:
            values = Measures({side: scope.column(name) for side, scope in self.scopes.items()}, self.at)
        return Cells(name, variable, values, {side: self._missing(side, name) for side in SIDES}, self._outcomes(name))

    def _missing(self, side: str, name: str) -> pl.Series | None:
        """The missing codes, if there are any."""
        column, scope = f"{name}_missing", self.scopes[side]
        return scope.read(column).gather(self.at[side]) if scope.has(column) else None

    def _outcomes(self, name: str) -> np.ndarray:
        """The outcome of each pair, as its place among OUTCOMES; all that is no discrepancy is said to agree."""
        outcomes = np.zeros(len(self), dtype=np.uint8)
        differing = self._found.differing[name]
        outcomes[self._place[differing["pair"].to_numpy()]] = differing["kind"].to_numpy()
        return outcomes

    @cached_property
    def _earlier(self) -> tuple[np.ndarray, np.ndarray]:
        """The pairs whose person has an earlier reported record, and the row of that record."""
        side, day = self._found.sides["reported"], self.spec.event_date
        person = side.column("person")
        rows = occurring_again(person)
        several = pl.DataFrame({"row": rows, "person": person.gather(rows), "day": side.column(day, rows)})
        several = several.with_columns(id=side.column("record_id", rows)).sort("person", "day", "id")
        again = (several["person"] == several["person"].shift(1)).fill_null(False)
        before = np.full(side.height, -1)
        before[several["row"].filter(again).to_numpy()] = several["row"].shift(1).filter(again).to_numpy()
        earlier = before[self._found.index.rows("reported")[self._order]]
        at = np.flatnonzero(earlier >= 0)
        return at, earlier[at]

    def earlier(self, name: str) -> tuple[np.ndarray, pl.Series]:
        """The pairs whose person has an earlier reported record, and what was reported then."""
        if name not in self._said_earlier:
            self._said_earlier[name] = self._read_earlier(name)
        return self._said_earlier[name]

    def _read_earlier(self, name: str) -> tuple[np.ndarray, pl.Series]:
        at, rows = self._earlier
        place = self.scopes["reported"].place[rows]
        if (place < 0).any():  # a record that is not compared
            return at, self._found.sides["reported"].column(name, rows)
        return at, self.scopes["reported"].said(name, place)


def occurring_again(values: pl.Series) -> np.ndarray:
    """The rows whose value another row has too."""
    numbers = hashes(values)
    in_order = np.sort(numbers)
    again = pl.Series(in_order[1:][in_order[1:] == in_order[:-1]])
    return np.flatnonzero(pl.Series(numbers).is_in(again.implode()).to_numpy() & values.is_not_null().to_numpy())
