"""The kinds of rule a record can be held against; each is one object with several readers.

Each kind says one law in these ways: a Danish and an English sentence (`sentence`), the naive meaning for
one row (`violated`) and two SQL predicates, of its violation (`violation`) and of where it can be broken
at all (`applies`). Great Expectations and pandera compile from the same objects (to_gx, to_pandera).

A row is what `conform` makes: for each variable `v` the typed value, the missing code `v_missing` and
`v_uncast`, true where a text was neither a value nor a missing code; beside them record_id, person, unit,
region, the event date, `channel_region` (who speaks), `unit_region` (who owns the unit) and
`same_id` (how many rows of the file this one gives way to, see `OncePerFile`).
A null breaks only `required`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pipelines.spec.expressions import Condition
from pipelines.spec.model import Severity, Validity

Row = Mapping[str, Any]


class Constraint(Protocol):
    """One rule on one record: `id` is unique in the specification, `kind` is shared by rules of a sort."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def variable(self) -> str | None: ...
    @property
    def severity(self) -> Severity: ...
    def sentence(self, language: str = "da") -> str: ...
    def violated(self, row: Row) -> bool: ...
    def violation(self) -> str: ...
    def applies(self) -> str: ...


@dataclass(frozen=True)
class OnVariable:
    """What all constraints on one variable have in common."""

    kind: ClassVar[str]
    variable: str
    severity: Severity

    @property
    def id(self) -> str:
        return f"{self.variable}.{self.kind}"

    def applies(self) -> str:
        return f'"{self.variable}" is not null'


@dataclass(frozen=True)
class Required(OnVariable):
    """A value or a missing code must stand; only where the variable is relevant."""

    kind: ClassVar[str] = "required"
    only_if: Condition | None = None

    def sentence(self, language: str = "da") -> str:
        return {"da": "skal udfyldes", "en": "must be filled in"}[language]

    def violated(self, row: Row) -> bool:
        relevant = self.only_if is None or self.only_if.holds(row) is True
        return relevant and all(
            not row.get(c) for c in (f"{self.variable}_missing", f"{self.variable}_uncast")
        ) and row.get(self.variable) is None  # fmt: skip

    def violation(self) -> str:
        v = self.variable
        return f'{self.applies()} and "{v}" is null and "{v}_missing" is null and not "{v}_uncast"'

    def applies(self) -> str:
        return f"({self.only_if.sql})" if self.only_if else "true"


@dataclass(frozen=True)
class Castable(OnVariable):
    """The text can be read as the variable's type, or is one of its missing codes."""

    kind: ClassVar[str] = "castable"
    type: str

    def sentence(self, language: str = "da") -> str:
        name = TYPE_NAMES[self.type][language]
        return {"da": f"kan ikke læses som {name}", "en": f"cannot be read as {name}"}[language]

    def violated(self, row: Row) -> bool:
        return bool(row.get(f"{self.variable}_uncast"))

    def violation(self) -> str:
        return f'"{self.variable}_uncast"'

    def applies(self) -> str:
        return f'"{self.variable}" is not null or "{self.variable}_uncast"'


@dataclass(frozen=True)
class InRange(OnVariable):
    """Between the plausible limits, both included. A warning by default: a limit asks, it does not prove."""

    kind: ClassVar[str] = "range"
    low: float
    high: float

    def sentence(self, language: str = "da") -> str:
        low, high = (_shown(limit, language) for limit in (self.low, self.high))
        return {"da": f"skal ligge fra {low} til {high}", "en": f"must lie from {low} to {high}"}[language]

    def violated(self, row: Row) -> bool:
        value = row.get(self.variable)
        return value is not None and not self.low <= value <= self.high

    def violation(self) -> str:
        return f'"{self.variable}" not between {self.low!r} and {self.high!r}'


@dataclass(frozen=True)
class Allowed(OnVariable):
    """One of the codes of the outcome domain (udfaldsrum)."""

    kind: ClassVar[str] = "allowed"
    codes: tuple[str, ...]

    def sentence(self, language: str = "da") -> str:
        listed = ", ".join(self.codes)
        return {"da": f"skal være en af {listed}", "en": f"must be one of {listed}"}[language]

    def violated(self, row: Row) -> bool:
        value = row.get(self.variable)
        return value is not None and value not in self.codes

    def violation(self) -> str:
        return f'"{self.variable}" not in ({", ".join(quoted(code) for code in self.codes)})'


@dataclass(frozen=True)
class Matches(OnVariable):
    """The whole text has the pattern (anchored; ASCII digits only)."""

    kind: ClassVar[str] = "pattern"
    pattern: str
    shown: str

    def sentence(self, language: str = "da") -> str:
        return {"da": f"skal have formen {self.shown}", "en": f"must have the form {self.shown}"}[language]

    def violated(self, row: Row) -> bool:
        value = row.get(self.variable)
        return value is not None and re.fullmatch(self.pattern, value, re.ASCII) is None

    def violation(self) -> str:
        return f'not regexp_matches("{self.variable}", {quoted(self.pattern)})'


@dataclass(frozen=True)
class InForce(OnVariable):
    """A value stands only on events inside the variable's own period of validity."""

    kind: ClassVar[str] = "valid"
    event_date: str
    validity: Validity

    def sentence(self, language: str = "da") -> str:
        first, last = self.validity.from_, self.validity.until
        ends = zip({"da": ("fra", "til"), "en": ("from", "until")}[language], (first, last), strict=True)
        said = [f"{word} {day:%d-%m-%Y}" for word, day in ends if day]
        return " ".join(({"da": "gælder kun", "en": "is valid only"}[language], *said))

    def violated(self, row: Row) -> bool:
        day = row.get(self.event_date)
        return row.get(self.variable) is not None and day is not None and not self.validity.covers(_day(day))

    def violation(self) -> str:
        outside = [
            f"cast(\"{self.event_date}\" as date) {sign} date '{day}'"
            for sign, day in (("<", self.validity.from_), (">", self.validity.until))
            if day
        ]
        return f'"{self.variable}" is not null and ({" or ".join(outside)})'

    def applies(self) -> str:
        return f'"{self.variable}" is not null and "{self.event_date}" is not null'


@dataclass(frozen=True)
class NotInFuture(OnVariable):
    """Nothing has happened after the day the data were received for (the reference date)."""

    kind: ClassVar[str] = "future"
    reference_date: dt.date

    def sentence(self, language: str = "da") -> str:
        return {"da": "ligger efter opgørelsesdatoen", "en": "lies after the reference date"}[language]

    def violated(self, row: Row) -> bool:
        value = row.get(self.variable)
        return value is not None and _day(value) > self.reference_date

    def violation(self) -> str:
        return f"cast(\"{self.variable}\" as date) > date '{self.reference_date}'"


@dataclass(frozen=True)
class Holds(OnVariable):
    """A condition across variables; `variable` is the first one it names."""

    kind: ClassVar[str] = "condition"
    name: str
    condition: Condition
    texts: tuple[str, str]

    @property
    def id(self) -> str:
        return self.name

    def sentence(self, language: str = "da") -> str:
        return self.texts[0 if language == "da" else 1]

    def violated(self, row: Row) -> bool:
        return self.condition.holds(row) is False

    def violation(self) -> str:
        return f"not ({self.condition.sql})"

    def applies(self) -> str:
        return f"({self.condition.sql}) is not null"


TYPE_NAMES = {
    "decimal": {"da": "decimaltal", "en": "a decimal number"},
    "integer": {"da": "heltal", "en": "a whole number"},
    "yes_no": {"da": "ja/nej", "en": "yes or no"},
    "code": {"da": "kode", "en": "a code"},
    "sks": {"da": "SKS-kode", "en": "an SKS code"},
    "text": {"da": "tekst", "en": "text"},
    "date": {"da": "dato", "en": "a date"},
    "timestamp": {"da": "dato og klokkeslæt", "en": "a date and time"},
}


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _shown(number: float, language: str) -> str:
    """A limit as it is read: 1,5 in Danish, 1.5 in English, no decimals where there are none."""
    text = str(int(number)) if number == int(number) else repr(number)
    return text.replace(".", ",") if language == "da" else text


def _day(value: dt.date) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value
