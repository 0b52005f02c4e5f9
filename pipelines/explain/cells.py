"""One variable of all pairs while its causes are sought: both its values, which discrepancies are left, and what
would be expected of another value. What is decided of a text is decided once for each different one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.coded import Coded
from pipelines.explain.rows import is_among
from pipelines.reconciliation.compare import DISCREPANT, OUTCOMES, outcome
from pipelines.reconciliation.shape import SIDES
from pipelines.reconciliation.words import counted, gathered, numbered, repeats
from pipelines.spec.model import Variable

TEXTS = ("yes_no", "code", "sks", "text")
MINUTES_A_DAY = 1440
LOOKED_AT = 10_000  # differing pairs, of which it is asked what may be wrong
SLIP = 0.02  # of a free text, at most, is typed as one certain other text
BLOCK = 1 << 16  # numbers that are held against one another together: they stay in the processor's cache


@dataclass(frozen=True)
class Suspicion:
    """One way in which values may differ ("new is 1000 × reported"): the pairs that could show it (eligible) and those
    that do (hits). Whether it is a cause is decided by where its hits lie, never by the suspicion alone.

    `claims`: by variable, every pair that would belong to it (hits among them). `said`: nats that it takes to say its
    parameters; `left_open`: nats of each new value that are then still unsaid."""

    kind: str
    variables: tuple[str, ...]
    parameters: dict[str, Any]
    eligible: np.ndarray = field(repr=False)
    hits: np.ndarray = field(repr=False)
    claims: Mapping[str, np.ndarray] = field(repr=False)
    said: float = 0.0
    left_open: float = 0.0


@dataclass(frozen=True)
class Codes:
    """The different texts of both sides in order, and each side's as places among them; empty is behind the last."""

    words: pl.Series
    of: Mapping[str, np.ndarray]

    def said(self, side: str, at: np.ndarray | slice) -> pl.Series:
        return self.words.extend_constant(None, 1).gather(self.of[side][at])


def in_common(sides: Mapping[str, Coded], at: Mapping[str, np.ndarray]) -> Codes:
    """Both sides' texts of the pairs `at` their places, in one numbering."""
    words = sorted({*sides["reported"].values, *sides["new"].values})
    of = {}
    for side, coded in sides.items():
        number = np.append(np.searchsorted(words, coded.values) if coded.values else [], len(words))
        of[side] = gathered(number.astype(np.min_scalar_type(len(words))), gathered(coded.code, at[side]))
    return Codes(pl.Series(words, dtype=pl.String), of)


@dataclass(frozen=True)
class Measures:
    """Numbers, dates or times: each side's column, and the places of the pairs in it."""

    columns: Mapping[str, pl.Series]
    at: Mapping[str, np.ndarray]

    def said(self, side: str, at: np.ndarray | slice) -> pl.Series:
        return self.columns[side].gather(self.at[side][at])

    def numbers(self, side: str, variable: Variable) -> np.ndarray:
        return gathered(as_numbers(variable, self.columns[side]), self.at[side])

    def levels(self, side: str, variable: Variable) -> Levels | None:
        """The different numbers of a side, where they repeat."""
        if not repeats(self.columns[side]):
            return None
        values, numbers, of = numbered(self.columns[side])
        return Levels(as_numbers(variable, values), numbers, gathered(of, self.at[side]))


@dataclass(frozen=True)
class Levels:
    """The different numbers, what each is called, and for each pair how its number is called."""

    values: np.ndarray
    names: np.ndarray
    of: np.ndarray

    def where(self, judged: np.ndarray) -> np.ndarray:
        """What was judged of each number, by pair."""
        marks = np.zeros(int(self.names.max(initial=0)) + 1, dtype=bool)
        marks[self.names] = judged
        return gathered(marks, self.of)


class Cells:
    """Both sides of one variable in all pairs. `open` marks the discrepancies that no cause explains yet;
    `left` the pairs that no cause of this variable has taken."""

    def __init__(
        self,
        name: str,
        variable: Variable,
        values: Codes | Measures,
        missing: Mapping[str, pl.Series | None],
        outcomes: np.ndarray,
    ) -> None:
        """`values`: texts as Codes, all else as Measures; `outcomes`: places among OUTCOMES."""
        self.name, self.variable = name, variable
        self.is_text = isinstance(values, Codes)
        self._values, self._missing, self._outcomes = values, missing, outcomes
        self.open = gathered(np.isin(OUTCOMES, DISCREPANT), outcomes)
        self.left = np.ones(len(outcomes), dtype=bool)

    def said(self, side: str, at: np.ndarray | slice = slice(None)) -> pl.Series:
        """The values of a side, in all pairs or in those `at` their places."""
        return self._values.said(side, at)

    def code(self, side: str, at: np.ndarray | slice = slice(None)) -> pl.Series:
        """The missing code of a side."""
        said = self._missing[side]
        if said is None:
            return pl.repeat(None, len(self.left[at]), dtype=pl.String, eager=True)
        return said[at] if isinstance(at, slice) else said.gather(at)

    def has_code(self, side: str) -> np.ndarray:
        said = self._missing[side]
        return np.zeros(len(self.left), dtype=bool) if said is None else said.is_not_null().to_numpy()

    def is_outcome(self, name: str) -> np.ndarray:
        return self._outcomes == OUTCOMES.index(name)

    def _is_filled(self, side: str) -> np.ndarray:
        if isinstance(self._values, Codes):
            return self._values.of[side] != len(self.words)
        return ~np.isnan(self.numbers[SIDES.index(side)])

    @cached_property
    def filled_reported(self) -> np.ndarray:
        return self._is_filled("reported")

    @cached_property
    def filled_new(self) -> np.ndarray:
        return self._is_filled("new")

    @cached_property
    def coded(self) -> np.ndarray:
        """A missing code was reported instead of a value."""
        return ~self.filled_reported & self.has_code("reported")

    @cached_property
    def both(self) -> np.ndarray:
        return self.filled_reported & self.filled_new

    @property
    def differing(self) -> np.ndarray:
        """Both sides filled in, not the same, and not explained yet."""
        return self.open & self.both

    def seen(self, focus: np.ndarray) -> np.ndarray:
        """The places of the differing pairs of a focus; of very many every so many-th, about LOOKED_AT: what goes wrong
        often among them is seen in some."""
        places = np.flatnonzero(focus & self.differing)
        return places[:: max(1, len(places) // LOOKED_AT)]

    @cached_property
    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """(reported, new) as numbers, NaN where empty: days of a date, minutes of a time stamp."""
        reported, new = (self._values.numbers(side, self.variable) for side in SIDES)
        return reported, new

    @cached_property
    def levels(self) -> Levels | None:
        """The different reported numbers, where they repeat."""
        return self._values.levels("reported", self.variable)

    @property
    def words(self) -> pl.Series:
        """The different texts of a text variable."""
        return self._values.words

    @property
    def codes(self) -> Mapping[str, np.ndarray]:
        """Each side's texts as places among them (empty: behind the last)."""
        return self._values.of

    def without_slips(self, mapping: Mapping[str, str]) -> dict[str, str]:
        """The mapping of texts without free ones that are far rarer than what they become: typed otherwise than meant.
        That the new side has what was meant is no fault of it, however often the same slip is made."""
        often = self._reported_often
        return {old: new for old, new in mapping.items() if often.get(old, 0) >= SLIP * often.get(new, 0)}

    @cached_property
    def _reported_often(self) -> dict[str, int]:
        """How often each free text was reported."""
        if self.variable.type != "text":
            return {}
        return dict(zip(self.words, counted(self.codes["reported"], len(self.words) + 1).tolist(), strict=False))

    def is_value(self, side: str, value: Any) -> np.ndarray:
        """Where a side has this very value."""
        if isinstance(self._values, Codes):
            found = np.flatnonzero((self.words == value).to_numpy())
            return self.codes[side] == (found[0] if len(found) else len(self.words) + 1)
        (number,) = as_numbers(self.variable, pl.Series([value]))
        return self.numbers[SIDES.index(side)] == number

    def would_differ(self, reported: pl.Series, predicted: pl.Series) -> np.ndarray:
        """Where the predicted new value would be a discrepancy, by the specification's own comparison."""
        name = self.name
        nothing = pl.lit(None, pl.String)
        held = pl.DataFrame({f"{name}_reported": reported, f"{name}_new": predicted})
        held = held.with_columns(nothing.alias(f"{name}_missing_reported"), nothing.alias(f"{name}_missing_new"))
        return (held.select(outcome(name, self.variable, held.schema).alias("o"))["o"] == "differ").to_numpy()

    def expecting(self, kind: str, parameters: dict[str, Any], made: Callable[[pl.Series], pl.Series]) -> Suspicion:
        """New is what is `made` of the reported text, where that counts as another: decided once for each text."""
        expected = made(self.words)
        differs = expected.is_not_null().to_numpy() & self.would_differ(self.words, expected)
        told = dict(zip(self.words.filter(differs), expected.filter(differs), strict=True))
        return self.moving(kind, parameters, self.without_slips(told))

    def moving(self, kind: str, parameters: dict[str, Any], mapping: Mapping[str, str]) -> Suspicion:
        """New is what the reported text is mapped to; no text is mapped to what counts as the same."""
        known = {word: at for at, word in enumerate(self.words)}
        goes = np.full(len(known) + 1, len(known) + 1)
        for old, new in mapping.items():
            goes[known[old]] = known.get(new, len(known) + 1)
        reported, new = (self.codes[side] for side in SIDES)
        eligible = is_among(reported, [known[old] for old in mapping], len(known) + 1) & self.filled_new
        at = np.flatnonzero(eligible & self.open)
        return self.suspicion(kind, parameters, eligible, at[goes[reported[at]] == new[at]])

    def suspicion(self, kind: str, parameters: dict[str, Any], eligible: np.ndarray, hits: np.ndarray) -> Suspicion:
        """A suspicion about this variable alone, among the pairs that are left; `hits` as marks or as places."""
        if hits.dtype != bool:
            hits = marked(len(self.open), hits)
        hits = hits & self.open
        return Suspicion(kind, (self.name,), parameters, eligible & self.left, hits, {self.name: hits})

    def explain(self, explained: np.ndarray, accounted: np.ndarray) -> None:
        """Take the explained pairs out of what is open, and all that the cause accounts for out of what is left:
        pairs of its slice that do not show it are noise, and no second cause of the same cells."""
        self.open &= ~explained
        self.left &= ~(explained | accounted)


def marked(n: int, at: np.ndarray) -> np.ndarray:
    """True at these places of n."""
    marks = np.zeros(n, dtype=bool)
    marks[at] = True
    return marks


def as_numbers(variable: Variable, values: pl.Series) -> np.ndarray:
    if variable.type == "timestamp":
        return values.dt.epoch("s").cast(pl.Float64).fill_null(float("nan")).to_numpy() / 60
    if variable.type == "date":
        return values.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def as_days(values: np.ndarray, variable: Variable) -> pl.Series:
    """Numbers as the dates or time stamps that they are of."""
    known = pl.Series(values).fill_nan(None)
    if variable.type == "timestamp":
        return (known * 60_000_000).round().cast(pl.Int64).cast(pl.Datetime("us"))
    return known.cast(pl.Int32).cast(pl.Date)
