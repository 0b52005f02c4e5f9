"""A column as numbers that point into its different values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.reconciliation.words import coded, gathered


@dataclass(frozen=True)
class Coded:
    """A column as numbers: `code` points into its different `values`, which are sorted; −1 is unknown."""

    values: tuple[str, ...]
    code: np.ndarray

    def at(self, places: np.ndarray) -> Coded:
        """Some rows of it, with the values that are left."""
        code = gathered(self.code, places)
        left = np.flatnonzero(np.bincount(code + 1, minlength=len(self.values) + 1)[1:])
        if len(left) == len(self.values):
            return Coded(self.values, code)
        number = np.full(len(self.values) + 1, -1)
        number[left] = np.arange(len(left))
        return Coded(tuple(self.values[at] for at in left), _numbers(number, code))

    def says_the_same(self, other: Coded) -> bool:
        """Whether each value goes with one of the other's, and the other way round."""
        if len(self.values) != len(other.values):
            return False
        goes_with = np.full(len(self.values) + 1, -2)
        goes_with[self.code] = other.code  # unknown is the last
        return len(np.unique(goes_with)) == len(goes_with) and bool((goes_with[self.code] == other.code).all())

    def cut(self, level: int) -> Coded:
        """The first characters."""
        return self.told_as([word[:level] for word in self.values])

    def told_as(self, words: Sequence[str]) -> Coded:
        """The same with a word for each value, which several may share."""
        heads, of = np.unique(words, return_inverse=True)
        return Coded(tuple(heads.tolist()), _numbers(np.append(of, -1), self.code))


def coded_column(column: pl.Series) -> Coded:
    found, (place,) = coded(column)
    return Coded(tuple(found), _numbers(np.append(np.arange(len(found)), -1), place))


def _numbers(of: np.ndarray, place: np.ndarray) -> np.ndarray:
    """What stands at each place, which one may be added to; narrow, since it is read often."""
    return gathered(of.astype(np.min_scalar_type(-int(of.max(initial=0)) - 2)), place)


def coded_days(day: pl.Series) -> Coded:
    """Days of the calendar in the place of texts."""
    number = day.to_physical()
    first = number.min() or 0
    since = (number - first).fill_null(-1).to_numpy()
    seen = np.flatnonzero(np.bincount(since + 1)[1:])
    place = np.full(int(since.max(initial=0)) + 2, -1, np.int32)  # the last is of what is unknown
    place[seen] = np.arange(len(seen))
    return Coded(tuple((seen + first).astype("datetime64[D]")), place[since])
