"""Secondary suppression with least loss: counts are told as bands until no small one can be worked out.

The attacker that is reckoned with knows every band that is told, which cells add up to which, and the release
before (a cell that is the same in both is one cell). What can be worked out so is what linear programming finds:
the least and the most that each small cell can be. To tell an interval rather than nothing is partial cell
suppression (Fischetti & Salazar 2003, "Partial cell suppression: a new methodology for statistical disclosure
control"); the cell that loses least of its place's share by it is chosen first.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.optimize import linprog

from pipelines.reports.suppression import WIDE, Band, exact, first_band, is_small, wider

Cell = Hashable
Told = dict[Cell, Band]
SLACK = 1e-6  # what a linear programme's answer may be off by
TRIED = 12  # how many cells are tried alone before several are banded together


@dataclass(frozen=True)
class Sum:
    """A cell that is the sum of others."""

    whole: Cell
    parts: tuple[Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (self.whole, *self.parts)


@dataclass(frozen=True)
class Tables:
    """All cells of a release, what adds up to what, and what is known of them before anything is told.

    `weights`: how many a cell's place has in all, for what a band of it loses; `fixed`: what an earlier release
    told of its cells, which cannot be untold; `unpublished` cells are in the sums but are never shown.
    Sums that do not hold in `counts` tell an attacker nothing and are left out.
    """

    counts: Mapping[Cell, int]
    sums: Iterable[Sum]
    weights: Mapping[Cell, int] = field(default_factory=dict)
    fixed: Mapping[Cell, Band] = field(default_factory=dict)
    unpublished: Collection[Cell] = ()

    @cached_property
    def lines(self) -> dict[Cell, list[Sum]]:
        """Cell → the sums that it is in."""
        found: dict[Cell, list[Sum]] = defaultdict(list)
        for one in self.sums:
            if self.counts[one.whole] == sum(self.counts[part] for part in one.parts):
                for cell in one.cells:
                    found[cell].append(one)
        return found


def protected(tables: Tables, threshold: int) -> Told:
    """What may be told of each cell: most as they are, small ones as such, and the others that had to be banded."""
    release = _Release(tables, threshold)
    safe: set[Cell] = set()
    for cell in release.small:
        if cell not in safe:
            safe |= release.moving(cell)
        # Telling less never narrows what a cell can be: once safe it stays so.
        while cell not in safe and release.exposed(cell) and (less := release.less_to_tell(cell)):
            release.told[less[0]] = less[1]
    release.tell_again()
    return {cell: band for cell, band in release.told.items() if cell not in tables.fixed}


class _Release:
    """What is told of each cell so far, and what follows from it."""

    def __init__(self, tables: Tables, threshold: int) -> None:
        self.tables, self.threshold = tables, threshold
        told = {cell: first_band(count, threshold) for cell, count in tables.counts.items()}
        self.told: Told = told | dict.fromkeys(tables.unpublished, WIDE) | dict(tables.fixed)
        self.small = sorted((cell for cell in told if self.is_small(cell)), key=str)

    def is_small(self, cell: Cell) -> bool:
        return is_small(self.tables.counts[cell], self.threshold) and not self.told[cell].is_exact

    def exposed(self, cell: Cell) -> bool:
        """Whether only one whole number is possible for a cell: its own, neither one more nor one less."""
        polytope = self._around(cell)
        return not any(cell in polytope.moved({cell: sign}) for sign in (1.0, -1.0))

    def moving(self, cell: Cell) -> set[Cell]:
        """Cells that another table with the same told cells has otherwise; one such table clears many at once."""
        polytope, chance = self._around(cell), random.Random(str(cell))
        aim = {name: chance.uniform(-1, 1) for name in polytope.place}
        return polytope.moved(aim) | polytope.moved({name: -weight for name, weight in aim.items()})

    def less_to_tell(self, cell: Cell) -> tuple[Cell, Band] | None:
        """The cheapest cell that alone protects another when less is told of it; else the cheapest of all."""
        steps = sorted(self._steps(cell), key=lambda step: (self._loss(*step), str(step[0])))
        return next((step for step in steps[:TRIED] if self._protects(step, cell)), next(iter(steps), None))

    def tell_again(self) -> None:
        """What turned out not to be needed is told after all, the dearest first."""
        less = (cell for cell in self.told if not self.is_small(cell) and self._may_change(cell))
        banded_ones = [cell for cell in less if not self.told[cell].is_exact]
        for cell in sorted(banded_ones, key=lambda name: (-self._loss(name, self.told[name]), str(name))):
            near, before = self._near(cell), self.told[cell]
            self.told[cell] = exact(self.tables.counts[cell])
            if any(self.exposed(name) for name in near if self.is_small(name)):
                self.told[cell] = before

    def _protects(self, step: tuple[Cell, Band], cell: Cell) -> bool:
        name, band = step
        before, self.told[name] = self.told[name], band
        protects = not self.exposed(cell)
        self.told[name] = before
        return protects

    def _steps(self, cell: Cell) -> Iterator[tuple[Cell, Band]]:
        """What less could be told of the cells beside an exposed one: a band, and last nothing at all."""
        near = self._near(cell)
        beside = {name for one in near for line in self.tables.lines[one] for name in line.cells} | near
        for name in filter(self._may_change, beside):
            if self.told[name] != WIDE:
                yield name, wider(self.tables.counts[name], self.told[name], self.threshold)

    def _may_change(self, cell: Cell) -> bool:
        return cell not in self.tables.fixed and cell not in self.tables.unpublished

    def _loss(self, cell: Cell, band: Band) -> float:
        """How wide the band is beside its place; of a whole (a region) it matters more, and nothing told is worst."""
        count = self.tables.counts[cell]
        wide = band.most - band.least + 1 if band.most is not None else 10 * (self.threshold + count)
        of_parts = any(line.whole == cell and len(line.parts) > 1 for line in self.tables.lines[cell])
        small = is_small(count, self.threshold) and wide == self.threshold  # it is said to be small already
        return (0.1 if small else 1) * wide * (3 if of_parts else 1) / max(self.tables.weights.get(cell, count), 1)

    def _near(self, cell: Cell) -> set[Cell]:
        """The untold cells that an untold cell is tied to by sums: the others say nothing of it."""
        near, waiting = {cell}, [cell]
        while waiting:
            lines = self.tables.lines[waiting.pop()]
            tied = {name for line in lines for name in line.cells if not self.told[name].is_exact}
            waiting += tied - near
            near |= tied
        return near

    def _around(self, cell: Cell) -> _Polytope:
        return _Polytope.of(self.tables, self.told, self._near(cell))


@dataclass(frozen=True)
class _Polytope:
    """All tables that fit what is told of some cells: the sums as equations, the bands as bounds."""

    place: Mapping[Cell, int]
    true: np.ndarray
    left: np.ndarray
    right: np.ndarray
    bounds: list[Band]

    @classmethod
    def of(cls, tables: Tables, told: Told, cells: Collection[Cell]) -> _Polytope:
        place = {name: number for number, name in enumerate(sorted(cells, key=str))}
        lines = list({id(line): line for name in place for line in tables.lines[name]}.values())
        left, right = np.zeros((len(lines), len(place))), np.zeros(len(lines))
        for number, line in enumerate(lines):
            for name, sign in ((line.whole, -1), *((part, 1) for part in line.parts)):
                if name in place:
                    left[number, place[name]] += sign
                else:
                    right[number] -= sign * tables.counts[name]
        true = np.array([tables.counts[name] for name in place], float)
        return cls(place, true, left, right, [told[name] for name in place])

    def moved(self, aim: Mapping[Cell, float]) -> set[Cell]:
        """The cells that differ by one or more in the table that goes furthest in a direction."""
        direction = np.zeros(len(self.place))
        for name, weight in aim.items():
            direction[self.place[name]] = weight
        equations = {"A_eq": self.left, "b_eq": self.right} if len(self.right) else {}
        found = linprog(direction, bounds=self._near_bounds(), **equations)
        if found.x is None:
            return set()
        return {name for name, number in self.place.items() if abs(found.x[number] - self.true[number]) > 1 - SLACK}

    def _near_bounds(self) -> list[tuple[float, float]]:
        """Two each way are enough to see that a cell can be another; so every programme has an end."""
        return [
            (max(band.least, n - 2), n + 2 if band.most is None else min(band.most, n + 2))
            for band, n in zip(self.bounds, self.true, strict=True)
        ]
