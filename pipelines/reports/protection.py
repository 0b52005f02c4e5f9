"""Secondary suppression: further cells are hidden until no hidden one can be worked out from the totals.

The attacker that is reckoned with knows every cell that is shown, that "<5" is 1 to 4, which cells add up to
which, and the release before (a cell that is the same in both is one cell). What can be worked out so is what
linear programming finds: the least and the most that each hidden cell can be (Fischetti & Salazar 2000, "Models
and algorithms for optimizing cell suppression in tabular data with linear constraints").
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from pipelines.reports.suppression import is_small

Cell = Hashable
# small: shown as "<5"; blank: nothing is said of it.
State = Literal["small", "blank", "shown"]
Hidden = dict[Cell, State]
SLACK = 1e-6  # what a linear programme's answer may be off by


@dataclass(frozen=True)
class Sum:
    """A cell that is the sum of others."""

    whole: Cell
    parts: tuple[Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (self.whole, *self.parts)


def protected(
    counts: Mapping[Cell, int], sums: Iterable[Sum], threshold: int, told: Mapping[Cell, State] | None = None
) -> Hidden:
    """The cells that may not be shown: the small ones, and those that would give one of them away.

    `told` are cells of an earlier release, which stand as they were told. Sums that do not hold in `counts` tell
    an attacker nothing and are left out.
    """
    told = told or {}
    holding = [one for one in sums if counts[one.whole] == sum(counts[part] for part in one.parts)]
    hidden: Hidden = {cell: "small" for cell, n in counts.items() if cell not in told and is_small(n, threshold)}
    hidden |= {cell: state for cell, state in told.items() if state != "shown"}
    table = _Table(counts, holding, threshold, frozenset(told))
    for cell in sorted((cell for cell in hidden if is_small(counts[cell], threshold)), key=str):
        # Hiding more never narrows what a cell can be: once safe it stays so.
        while table.exposed(cell, hidden) and (more := table.next_to_hide(cell, hidden)):
            hidden[more] = "blank"
    return {cell: state for cell, state in hidden.items() if cell not in told and table.is_kept(cell, hidden)}


@dataclass(frozen=True)
class _Table:
    """Cells and what they add up to; it is too late to hide those that are `told`."""

    counts: Mapping[Cell, int]
    sums: Sequence[Sum]
    threshold: int
    told: frozenset[Cell]

    def exposed(self, cell: Cell, hidden: Hidden) -> bool:
        """Whether only one whole number is possible for a hidden cell: its own, neither one more nor one less."""
        left, right, bounds, place = self._tied(self._near(cell, hidden), hidden)
        count = self.counts[cell]
        most = _furthest(place[cell], -1, left, right, bounds)
        return most < count + 1 - SLACK and _furthest(place[cell], 1, left, right, bounds) > count - 1 + SLACK

    def next_to_hide(self, exposed: Cell, hidden: Hidden) -> Cell | None:
        """First that it is small is no longer said; then the smallest part beside it goes, empty ones and wholes
        last."""
        near = self._near(exposed, hidden)
        small = sorted((cell for cell in near if hidden[cell] == "small" and cell not in self.told), key=str)
        if small:
            return small[0]
        lines = [one for one in self.sums if near.intersection(one.cells)]
        wholes = {one.whole for one in lines if len(one.parts) > 1}
        shown = {cell for one in lines for cell in one.cells if cell not in hidden and cell not in self.told}
        rank = {cell: (cell in wholes, self.counts[cell] == 0, self.counts[cell], str(cell)) for cell in shown}
        return min(shown, key=rank.__getitem__, default=None)

    def is_kept(self, cell: Cell, hidden: Hidden) -> bool:
        """Whether hiding a cell says less: a larger one that follows from the others may as well be shown."""
        return is_small(self.counts[cell], self.threshold) or not self.exposed(cell, hidden)

    def _near(self, cell: Cell, hidden: Hidden) -> set[Cell]:
        """The hidden cells that a hidden cell is tied to by sums: the others tell nothing of it."""
        near, waiting = {cell}, [cell]
        while waiting:
            one = waiting.pop()
            tied = {name for line in self.sums if one in line.cells for name in line.cells if name in hidden}
            waiting += tied - near
            near |= tied
        return near

    def _tied(
        self, near: set[Cell], hidden: Hidden
    ) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int | None]], dict[Cell, int]]:
        """The sums as equations of the unknown cells, and what is said of each of these."""
        lines = [one for one in self.sums if near.intersection(one.cells)]
        place = {name: number for number, name in enumerate(sorted(near, key=str))}
        left, right = np.zeros((len(lines), len(place))), np.zeros(len(lines))
        for number, one in enumerate(lines):
            for name, sign in ((one.whole, -1), *((part, 1) for part in one.parts)):
                if name in place:
                    left[number, place[name]] += sign
                else:
                    right[number] -= sign * self.counts[name]
        bounds = [(1, self.threshold - 1) if hidden[name] == "small" else (0, None) for name in place]
        return left, right, bounds, place


def _furthest(
    place: int, direction: int, left: np.ndarray, right: np.ndarray, bounds: Sequence[tuple[int, int | None]]
) -> float:
    """The least (direction 1) or the most (−1) that one unknown can be."""
    aim = np.zeros(len(bounds))
    aim[place] = direction
    found = linprog(aim, A_eq=left, b_eq=right, bounds=bounds)
    return direction * found.fun if found.status == 0 else -direction * np.inf
