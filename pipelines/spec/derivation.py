"""What may be said about register events: who belongs to a database, and what a variable is derived from.

Three things build on each other. `Events` chooses rows of one event table: by code, by what stands beside
them, and by a window around a date. `Population` makes records of chosen events; `Derivation` picks one event
(or counts them) for each record and reads a value from it. The keys are public (docs/specification.md).

Codes are said as they stand (`DI110`), as everything below (`DJ44*`), as a range of categories with all that
is below (`DJ13..DJ18`), or as `"*"` for any. Which events there are:

| key | its codes | its number, text | its time |
|---|---|---|---|
| contact | contact type | hours it lasted, priority | start and end |
| diagnosis | SKS-D; tillægskoder only where `type` names `+` | | start of its contact |
| procedure | SKS; tillægskoder only through `value`, `parent` or `type` | the digits of a value code (VPH) | start |
| result | result code (`parent`: trigger code) | number, text | taken |
| lab | NPU, DNK or local code | number, text | taken |
| medicine | ATC | packages | dispensed |
| person | born, died, emigrated | sex as text | that day |
| death | cause of death (plain ICD-10, no D) | | day of death |
| municipal | FSIII code (`type`: the kind of row) | | start and end |
| event | the name of the part of `include` that a record came in by | its own number; its own code | its own |

A retracted diagnosis (senere afkræftet) and an event without a time are never chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from pipelines.spec.primitives import Bound, Code, Frozen, Name, Number, Validity

Table = Literal[
    "contact", "diagnosis", "procedure", "result", "lab", "medicine", "person", "death", "municipal", "event",
]  # fmt: skip
RegisterName = Literal["lpr", "lab", "lmdb", "cpr", "dar", "municipal"]
# Which event tables a register fills; the record's own event may be read beside any of them.
TABLES: dict[RegisterName, tuple[Table, ...]] = {
    "lpr": ("contact", "diagnosis", "procedure", "result"),
    "lab": ("lab",),
    "lmdb": ("medicine",),
    "cpr": ("person",),
    "dar": ("death",),
    "municipal": ("municipal",),
}
DAYS_ONLY = ("medicine", "person", "death", "municipal")  # registers that know the day, not the hour

Pattern = Annotated[str, StringConstraints(strict=True, pattern=r"^(\*|[^*\s]{1,40}\*?)$")]


def _as_list(said: Any) -> Any:
    """One of a thing may be said without a list around it."""
    return (said,) if isinstance(said, str | dict) else said


Codes = Annotated[tuple[Pattern, ...], BeforeValidator(_as_list), Field(min_length=1)]


def range_of(pattern: str) -> tuple[str, str] | None:
    """The two ends of `DJ13..DJ18`, or None where the pattern is no range."""
    low, dots, high = pattern.partition("..")
    return (low, high) if dots else None


class Span(Frozen):
    """From … to, both included; an end that is not said is open."""

    min: Number | None = None
    max: Number | None = None


class Window(Frozen):
    """How far from an anchor an event may lie: calendar days, or exact hours; both ends included.

    The anchor is `event` (the start of the event that this stands under; of the record, for a variable),
    `end` (its end), the event date, or another date of the record. Two numbers count from the anchor with
    their sign (`[-90, 90]`); null leaves that end open. One number is short: `around: x, days: 90` is
    [-90, 90], `before` is [-90, 0], `after` is [0, 90].
    """

    around: Name | None = None
    before: Name | None = None
    after: Name | None = None
    days: tuple[int | None, int | None] | int | None = None
    hours: tuple[Number | None, Number | None] | Number | None = None

    @model_validator(mode="after")
    def says_one_span(self) -> Window:
        if len([one for one in (self.around, self.before, self.after) if one]) != 1:
            raise ValueError("a window has one anchor: around, before or after")
        if (self.days is None) == (self.hours is None):
            raise ValueError("a window is said in days or in hours, one of them")
        low, high = self.span
        if low is not None and high is not None and low > high:
            raise ValueError("the window begins after its end")
        if self.before and (high is None or high > 0):
            raise ValueError("a window before its anchor ends at 0 or earlier, such as [-365, 0]")
        if self.after and (low is None or low < 0):
            raise ValueError("a window after its anchor begins at 0 or later, such as [0, 30]")
        return self

    @property
    def anchor(self) -> str:
        return self.around or self.before or self.after

    @property
    def span(self) -> tuple[Number | None, Number | None]:
        """Signed distance from the anchor, in days or hours."""
        said = self.days if self.days is not None else self.hours
        if isinstance(said, tuple):
            return said
        return (0 if self.after else -said, 0 if self.before else said)


class Contact(Frozen):
    """Contacts of a kind; `diagnosis` and `procedure` must stand on the contact itself."""

    contact_type: Codes | None = None
    priority: Codes | None = None
    unit: Codes | None = None
    lasting: Span | None = None  # hours from start to end; an open contact has no length
    diagnosis: Codes | None = None
    type: Annotated[tuple[Code, ...], BeforeValidator(_as_list)] = ()
    procedure: Codes | None = None


def _as_contact(said: Any) -> Any:
    return {"contact_type": said} if isinstance(said, str | list) else said


class Events(Frozen):
    """Rows of one event table, and what must and must not stand beside each of them."""

    contact: Annotated[Contact, BeforeValidator(_as_contact)] | None = None
    diagnosis: Codes | None = None
    procedure: Codes | None = None
    result: Codes | None = None
    lab: Codes | None = None
    medicine: Codes | None = None
    person: Annotated[tuple[Literal["born", "died", "emigrated"], ...], BeforeValidator(_as_list)] | None = None
    death: Codes | None = None
    municipal: Codes | None = None
    event: Codes | None = None
    type: Annotated[tuple[Code, ...], BeforeValidator(_as_list)] = ()
    parent: Codes | None = None  # only rows that belong to these codes: tillægskoder, or results of a trigger
    value: Codes | None = None  # the tillægskode under the procedure that carries the value
    number: Bound | None = None  # only events whose number is so
    unit: Codes | None = None
    window: Window | None = None
    same: Literal["person", "course", "contact"] = "person"
    other: Literal["course", "contact"] | None = None  # never the one that it is held against
    with_: Annotated[tuple[Events, ...], BeforeValidator(_as_list)] = Field((), alias="with")
    without: Annotated[tuple[Events, ...], BeforeValidator(_as_list)] = ()

    @cached_property
    def table(self) -> Table:
        return next(name for name in Table.__args__ if getattr(self, name) is not None)

    @property
    def codes(self) -> tuple[str, ...]:
        """The patterns that the event's own code is held against."""
        if self.contact:
            return self.contact.contact_type or ("*",)
        return self.value or getattr(self, self.table)

    @property
    def belongs_to(self) -> tuple[str, ...] | None:
        """The patterns of the parent that a tillægskode must stand under."""
        return self.procedure if self.value else self.parent

    @cached_property
    def companions(self) -> tuple[Events, ...]:
        """What must stand beside each event, with what a contact itself must carry."""
        if not self.contact:
            return self.with_
        carried = []
        if self.contact.diagnosis:
            carried.append(Events(diagnosis=self.contact.diagnosis, type=self.contact.type, same="contact"))
        if self.contact.procedure:
            carried.append(Events(procedure=self.contact.procedure, same="contact"))
        return (*carried, *self.with_)

    def all_events(self) -> Iterator[Events]:
        """This and everything that is held against it, to any depth."""
        yield self
        for beside in (*self.companions, *self.without):
            yield from beside.all_events()

    @model_validator(mode="after")
    def reads_one_table(self) -> Events:
        said = [name for name in Table.__args__ if getattr(self, name) is not None]
        if len(said) != 1:
            raise ValueError(f"events come from one table, say one of {', '.join(Table.__args__)}")
        for pattern in self.codes:
            _check_range(pattern)
        if self.value and self.table != "procedure":
            raise ValueError(f"value belongs to procedure, not to {self.table}: name the pair procedure and value")
        if self.parent and (self.value or self.table not in ("procedure", "diagnosis", "result")):
            raise ValueError("parent belongs to a procedure, diagnosis or result, and not beside value")
        if self.type and self.table not in ("diagnosis", "procedure", "municipal", "lab"):
            raise ValueError(f"type belongs to a diagnosis, procedure or municipal row, not to {self.table}")
        if self.window and self.window.hours is not None and self.table in DAYS_ONLY:
            raise ValueError(f"{self.table} knows days only: say the window in days")
        return self

    @model_validator(mode="after")
    def companions_stand_around_their_event(self) -> Events:
        for beside in (*self.with_, *self.without):
            if beside.window and beside.window.anchor not in ("event", "end"):
                raise ValueError("a window under with or without is anchored at event or end")
        return self


def _check_range(pattern: str) -> None:
    ends = range_of(pattern)
    if ends and (len(ends[0]) != len(ends[1]) or ends[0] > ends[1] or "*" in pattern):
        raise ValueError("a range of codes is said low..high with ends of the same length, such as DJ13..DJ18")


class Included(Events):
    """Events that make a record; `name` is what a variable may read of it through `event`."""

    name: Name = "included"


class Population(Frozen):
    """The records of a database: included events, less the excluded, one per contact, course, person or year.

    `per: year` is one record of a person in a calendar year (of the event date), `per: event` one for each row.

    Of several events that make the same record the first in time stands for it (then the order of
    `include`, the code, the receipt and the line). `washout` drops an event where another that would be
    included lies 1 to so many days before it (incident disease). Age is in completed years on the event date.
    """

    include: Annotated[tuple[Included, ...], BeforeValidator(_as_list)] = ()
    exclude: Annotated[tuple[Events, ...], BeforeValidator(_as_list)] = ()
    age: Span = Span()
    washout: int | None = Field(None, ge=1)
    per: Literal["contact", "course", "person", "year", "event"] = "contact"
    date: Literal["start", "end"] = "start"

    @field_validator("washout", mode="before")
    @classmethod
    def read_days(cls, said: Any) -> Any:
        """`3650`, `3650 days` or {days: 3650}."""
        if isinstance(said, dict) and set(said) == {"days"}:
            return said["days"]
        found = re.fullmatch(r"(\d+) days?", said) if isinstance(said, str) else None
        return int(found[1]) if found else said

    @model_validator(mode="after")
    def windows_stand_around_the_event(self) -> Population:
        for events in (*self.include, *self.exclude):
            if events.window and events.window.anchor not in ("event", "end"):
                raise ValueError("a window of the population is anchored at event or end")
        if any(events.window for events in self.include):
            raise ValueError("include has no window of its own: say the window under with or without")
        if any(part.table == "event" for chosen in (*self.include, *self.exclude) for part in chosen.all_events()):
            raise ValueError("a population cannot be made of its own records: event belongs to variables")
        return self


What = Literal["number", "code", "text", "date", "end", "yes_no", "days", "hours", "years"]
FITS: dict[What, tuple[str, ...]] = {
    "number": ("decimal", "integer"),
    "days": ("decimal", "integer"),
    "hours": ("decimal", "integer"),
    "years": ("decimal", "integer"),
    "code": ("code", "sks", "text"),
    "text": ("code", "sks", "text"),
    "date": ("date", "timestamp"),
    "end": ("date", "timestamp"),
    "yes_no": ("yes_no",),
}  # fmt: skip
USUAL: dict[str, What] = {
    "decimal": "number", "integer": "number", "date": "date", "timestamp": "date", "yes_no": "yes_no",
}  # fmt: skip


class Derivation(Events):
    """A variable's value from the events of its record.

    Events → those of the record's person (`same`, `other`, `window`) → one is picked → its value. Ties fall
    to the earlier event, then the code, the receipt and the line. `closest` is in calendar days, or exact
    time where the window is in hours. `yes_if` asks of the picked number ("the latest is below 59"), where
    `number` chooses events ("any was below 59"). `days` and `hours` count from the anchor to the event, `years`
    are completed years from the event to the event date. Where there is no event, `if_none` stands: a
    missing code, or a value; else a count is 0, a yes/no is no, and anything else is empty.
    """

    pick: Literal["first", "last", "closest", "highest", "lowest", "any", "count"] = "first"
    what: What | None = None
    per: Literal["event", "day", "contact", "course"] = "event"  # what a count counts
    yes_if: Bound | None = None
    if_none: Code | Number | None = None
    map: dict[Pattern, Code] | None = None  # the code (or text) found → the specification's code; others are not chosen
    factor: Number = 1
    offset: Number = 0  # number × factor + offset is in the specification's unit
    valid: Validity = Validity()  # the event dates for which this way counts

    def what_of(self, variable_type: str) -> What:
        """What is read of the event for a variable of this type."""
        return self.what or USUAL.get(variable_type, "code")

    def asks_number(self, variable_type: str) -> bool:
        """Whether an event without a number says nothing here."""
        by_number = self.yes_if or self.pick in ("highest", "lowest") or self.number
        return bool(by_number) or (self.pick != "count" and self.what_of(variable_type) == "number")

    def nothing(self, variable_type: str) -> str | Number | None:
        """What stands where no event is found."""
        if self.if_none is not None:
            return self.if_none
        if self.pick == "count" and variable_type != "yes_no":
            return 0
        return "no" if variable_type == "yes_no" else None

    def check(self, source: str, variable_type: str, domain: dict[str, str], missing: dict[str, str]) -> None:
        """Raises ValueError with one sentence where this cannot fill such a variable from such a source."""
        if source not in TABLES:
            raise ValueError(f"from.{source}: only registers are derived from; {source} has a schema file of its own")
        if self.table not in (*TABLES[source], "event"):
            raise ValueError(f"from.{source}: {self.table} is not a table of {source}")
        if self.pick == "count" and variable_type not in ("integer", "decimal"):
            raise ValueError(f"from.{source}: a count is a number, not {variable_type}")
        if variable_type not in FITS[self.what_of(variable_type)]:
            raise ValueError(f"from.{source}: what {self.what_of(variable_type)} does not fit type {variable_type}")
        if self.yes_if and variable_type != "yes_no":
            raise ValueError(f"from.{source}: yes_if belongs to type yes_no")
        if domain and (strange := sorted(set((self.map or {}).values()) - set(domain))):
            raise ValueError(f"from.{source}: map gives '{strange[0]}', which is no value of the variable")
        if self.if_none is None or self.if_none in missing or self.if_none in domain:
            return
        if not (variable_type in ("integer", "decimal") and not isinstance(self.if_none, str)):
            raise ValueError(f"from.{source}: if_none is neither a missing code nor a value of the variable")


Derivations = Annotated[tuple[Derivation, ...], BeforeValidator(_as_list), Field(min_length=1)]
