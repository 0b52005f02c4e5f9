"""Attributes of pairs or records as numbers, for the search of slices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from itertools import combinations
from typing import Any

import numpy as np

from pipelines.explain.bits import packed
from pipelines.explain.coded import Coded
from pipelines.reconciliation.words import gathered
from pipelines.spec.model import DatabaseSpec

# The order in which attributes are preferred where they describe the same rows.
EARLY = ("unit", "region", "hospital", "schema_version", "source_system", "age_band", "sex")
LATE = ("submission", "source_file")
FIRST_ROWS = 50_000  # as many as are searched whole (trials.MOST_ROWS)
FEW_ROWS = 500  # mostly show already that neither of two attributes decides the other
FEW_CODES = 8  # are looked for one by one
CODE_LEVELS = (4, 5)  # characters of a hierarchical code that a prefix may keep: DI21*, DI210*
CODES = ("sks", "code")  # types of variables whose values may explain what is wrong with others


def slice_attributes(spec: DatabaseSpec) -> dict[str, bool]:
    """Every column that a slice may name, the preferred ones first: places, what the specification names, transport and
    codes; and whether it may also name a prefix of what stands there."""
    types = {name: variable.type for name, variable in spec.variables.items()}
    codes = [name for name, type_ in types.items() if type_ in CODES]
    return {name: types.get(name) == "sks" for name in (*EARLY, *spec.slices, *LATE, *codes)}


@dataclass(frozen=True)
class Rows:
    """`codes[name]` points into `values[name]`, −1 is unknown; `day_code` into `days`.

    A name such as `diagnosis:4` is the first four characters of the column `diagnosis`.
    """

    values: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, np.ndarray]
    days: np.ndarray  # datetime64[D], sorted
    day_code: np.ndarray
    # By two names, whether they are apart, and by name and code which rows have it: found once for all Rows that are
    # made of these.
    _known_apart: dict[tuple[str, str], bool] = field(default_factory=dict, compare=False, repr=False)
    _known_bits: dict[tuple[str, int], np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.day_code)

    def __getstate__(self) -> dict[str, Any]:
        """For another process: what is found again, and may be added to meanwhile, stays behind."""
        said = {name: value for name, value in vars(self).items() if name != "_first"}
        return {**said, "_known_apart": self._known_apart.copy(), "_known_bits": {}}

    @cached_property
    def names(self) -> list[str]:
        return list(self.codes)

    @cached_property
    def starts(self) -> list[int]:
        """Where each attribute's values begin when all are numbered through; its first number is "unknown"."""
        return (
            np.concatenate([[0], np.cumsum([len(self.values[name]) + 1 for name in self.names])]).astype(int).tolist()
        )

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.starts[-1]

    def numbered(self, chosen: np.ndarray) -> np.ndarray:
        """The chosen rows, one column each, one row an attribute: values numbered through."""
        numbers = np.empty((len(self.names), len(chosen)), dtype=np.intp)
        for row, name, start in zip(numbers, self.names, self.starts, strict=False):
            np.add(self.codes[name][chosen], start + 1, out=row, dtype=np.intp)
        return numbers

    @cached_property
    def sizes(self) -> list[int]:
        """How many numbers each attribute has, "unknown" among them."""
        return np.diff(self.starts).tolist()

    @cached_property
    def known(self) -> np.ndarray:
        """The numbers that are values."""
        known = np.ones(self.size, dtype=bool)
        known[self.starts[:-1]] = False
        return known

    @cached_property
    def bits(self) -> np.ndarray:
        """By number the rows that have it."""
        return self.bits_of(np.arange(self.size))

    def bits_of(self, numbers: np.ndarray) -> np.ndarray:
        """The rows that have each of some numbers."""
        said = [self._bits_of(number) for number in numbers.tolist()]
        return np.stack(said) if said else packed(np.zeros((0, len(self)), dtype=bool))

    def bits_in(self, named: Mapping[str, tuple[int, ...]], period: tuple[int, int] | None) -> np.ndarray:
        """The rows with the numbers named, in a period of day codes."""
        inside = [packed((self.day_code >= period[0]) & (self.day_code <= period[1]))] if period else []
        inside += [reduce(np.bitwise_or, map(self._bits_of, numbers)) for numbers in named.values()]
        return reduce(np.bitwise_and, inside) if inside else packed(np.ones(len(self), dtype=bool))

    def _bits_of(self, number: int) -> np.ndarray:
        """The rows with one value of an attribute."""
        place = self.place_of(number)
        name, code = self.names[place], number - self.starts[place] - 1
        if (name, code) not in self._known_bits:
            self._known_bits[name, code] = packed(self.codes[name] == code)
        return self._known_bits[name, code]

    def only(self, at: np.ndarray) -> Rows:
        """The rows at some places."""
        codes = {name: code[at] for name, code in self.codes.items()}
        return replace(self, codes=codes, day_code=self.day_code[at], _known_bits={})

    @cached_property
    def apart(self) -> np.ndarray:
        """By two places among the names, whether these may stand together in a slice: of different columns, and
        neither is decided by the other."""
        apart = np.zeros((len(self.names), len(self.names)), dtype=bool)
        apart[np.triu_indices(len(self.names), 1)] = list(self._apart.values())
        return apart | apart.T

    @cached_property
    def _apart(self) -> dict[tuple[str, str], bool]:
        """By two names whether they may stand together."""
        return {names: self._is_known_apart(*names) for names in combinations(self.names, 2)}

    def _is_known_apart(self, one: str, other: str) -> bool:
        if (one, other) not in self._known_apart:
            self._known_apart[one, other] = self._are_apart(self.names.index(one), self.names.index(other))
        return self._known_apart[one, other]

    def _are_apart(self, a: int, b: int) -> bool:
        if self.column_of(self.names[a]) == self.column_of(self.names[b]):
            return False
        return not (self._is_decided(a, b, FEW_ROWS) and self._is_decided(a, b, FIRST_ROWS))

    @cached_property
    def _first(self) -> list[np.ndarray]:
        return [self.codes[name][:FIRST_ROWS].astype(np.intp) + 1 for name in self.names]

    def _is_decided(self, a: int, b: int, rows: int) -> bool:
        """Whether one of the two has one value wherever the other has a certain one, in the first rows."""
        one, other = (self._first[at][:rows] for at in (a, b))
        seen = np.bincount(one * self.sizes[b] + other, minlength=self.sizes[a] * self.sizes[b]) > 0
        both = seen.reshape(self.sizes[a], self.sizes[b])
        return bool((both.sum(0) <= 1).all() or (both.sum(1) <= 1).all())

    def _with_codes(self, name: str, codes: Sequence[int]) -> np.ndarray:
        return is_among(self.codes[name], codes, len(self.values[name]) + 1)

    def without(self, columns: Collection[str]) -> Rows:
        """The same rows without some columns; themselves where they have none of them."""
        kept = [name for name in self.names if self.column_of(name) not in columns]
        if len(kept) == len(self.names):
            return self
        return replace(self, values={n: self.values[n] for n in kept}, codes={n: self.codes[n] for n in kept})

    def also(self, name: str, column: Coded) -> Rows:
        """The same rows with one attribute more."""
        return replace(
            self,
            values={**self.values, name: column.values},
            codes={**self.codes, name: column.code},
            _known_apart={names: apart for names, apart in self._apart.items() if name not in names},
            _known_bits={of: bits for of, bits in self._known_bits.items() if of[0] != name},
        )

    def on(self, days: Coded, clock: Mapping[str, Coded]) -> Rows:
        """The same rows by other days, with what these say of the clock (see Scope.clock)."""
        rows = replace(self, days=np.array(days.values, "datetime64[D]"), day_code=days.code)
        for name in clock.keys() & self.codes.keys():
            rows = rows.also(name, clock[name])
        return rows

    def name_of(self, code: int) -> str:
        return self.names[self.place_of(code)]

    def place_of(self, code: int) -> int:
        """The place among the names of the attribute that a number is of."""
        return bisect_right(self.starts, code) - 1

    def free(self, named: Iterable[str]) -> np.ndarray:
        """The numbers that a slice may still name: known values of columns that it does not name."""
        free, columns = self.known.copy(), {self.column_of(name) for name in named}
        for name, start, end in zip(self.names, self.starts, self.starts[1:], strict=False):
            if columns and self.column_of(name) in columns:
                free[start:end] = False
        return free

    @staticmethod
    def column_of(name: str) -> str:
        return name.partition(":")[0]

    def told(self, name: str, codes: Iterable[int]) -> Any:
        """One value or a list, in the words of the contract."""
        end, start = "*" if ":" in name else "", self.starts[self.names.index(name)] + 1
        said = [self.values[name][code - start] + end for code in codes]
        return said[0] if len(said) == 1 else said

    def inside(self, where: Mapping[str, Any]) -> np.ndarray:
        """The rows that a slice in the words of the contract describes."""
        chosen = np.ones(len(self), dtype=bool)
        for name, value in where.items():
            chosen &= self._in_period(value) if name == "period" else self._with_value(name, value)
        return chosen

    def _with_value(self, name: str, said: Any) -> np.ndarray:
        """The rows with one of the said values; a prefix is a name of its own."""
        wanted = said if isinstance(said, list) else [said]
        if name not in self.codes:  # every row has the same value, or none
            return np.ones(len(self), dtype=bool)
        fits = [any(_fits(value, w) for w in wanted) for value in self.values[name]]
        return self._with_codes(name, np.flatnonzero(fits).tolist())

    def _in_period(self, limits: Mapping[str, str]) -> np.ndarray:
        known = self.day_code >= 0
        day = self.days[np.maximum(self.day_code, 0)] if len(self.days) else np.zeros(len(self), "datetime64[D]")
        after = day >= np.datetime64(limits["from"]) if "from" in limits else known
        before = day <= np.datetime64(limits["to"]) if "to" in limits else known
        return known & after & before

    @cached_property
    def attribute_cost(self) -> float:
        """Nats to say one attribute and value of all there are."""
        return float(np.log(1 + sum(len(values) for values in self.values.values()))) + 2.0

    @cached_property
    def value_cost(self) -> float:
        """Nats to say one more value of an attribute."""
        return float(np.log(1 + max((len(values) for values in self.values.values()), default=1))) + 1.0

    @cached_property
    def day_cost(self) -> float:
        """Nats to say one end of a period: that it is one, which, and the day of all there are."""
        return float(np.log(max(len(self.days), 2))) + 4.0


def is_among(column: np.ndarray, codes: Sequence[int], size: int) -> np.ndarray:
    """Where a column has one of the codes; `size` is how many there are, "unknown" among them."""
    if len(codes) > FEW_CODES:
        is_named = np.zeros(size, dtype=bool)  # the last is "unknown", also as code −1
        is_named[codes] = True
        return gathered(is_named, column)
    chosen = column == codes[0] if codes else np.zeros(len(column), dtype=bool)
    for code in codes[1:]:
        chosen |= column == code
    return chosen


def among(at: np.ndarray | slice, chosen: np.ndarray) -> np.ndarray:
    """The chosen ones of the places; of all, as places."""
    return np.flatnonzero(chosen) if isinstance(at, slice) else at[chosen]


def _fits(value: str, wanted: str) -> bool:
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


def rows_from(columns: Mapping[str, Coded], days: Coded, hierarchical: Iterable[str] = ()) -> Rows:
    """The columns that have more than one value, the hierarchical ones also cut, and the days of the event. A file is
    left out where each submission is a file of its own: it would only say the same once more."""
    every = {**columns, **{f"{name}:{to}": columns[name].cut(to) for name in hierarchical for to in CODE_LEVELS}}
    several = {name: column for name, column in every.items() if len(column.values) > 1}
    if {*LATE} <= several.keys() and several["source_file"].says_the_same(several["submission"]):
        del several["source_file"]
    return Rows({n: c.values for n, c in several.items()}, {n: c.code for n, c in several.items()},
                np.array(days.values, "datetime64[D]"), days.code)  # fmt: skip
