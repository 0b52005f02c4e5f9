"""The rows of which an event of a course is made, with the contact, the procedure and the ids that it needs."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipelines.spec.derivation import TABLES, Events
from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic.codes_of import candidates
from pipelines.synthetic.events import Event, Record, fits
from pipelines.synthetic.reading import Said, reading

VISIT = dt.timedelta(minutes=45)
IN_PERSON, PLANNED = "ALCA00", "ATA3"


@dataclass
class Course:
    """One course while its events are made. `settled`: what each variable reads, and must go on reading."""

    spec: DatabaseSpec
    values: Mapping[str, Any]
    rng: np.random.Generator
    record: Record | None = None
    events: list[Event] = field(default_factory=list)
    settled: dict[str, tuple] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def person(self) -> str:
        return self.values["person"]

    def reads(self, name: str, more: Sequence[Event] = ()) -> Said:
        """What the registers say of a variable, were there `more` events."""
        return reading(self.spec, name, self.record, [*self.events, *more])

    def new_id(self, kind: str) -> str:
        """An id of the course's own, such as drkol-000012-P3; it says nothing of the person."""
        return f"{self.values['record_id']}-{kind}{next(self.numbers)}"


def event_rows(
    course: Course, said: Events, code: str, when: dt.datetime, number: float | None = None, text: str | None = None
) -> list[Event]:
    """The rows that make up one such event, with the contact it needs."""
    place, around = _place(course, said, when)
    event = Event(
        said.table, course.person, when, code, place.ends if said.table == "diagnosis" else None,
        contact=place.contact, course=place.course, unit=place.unit, region=place.region, number=number, text=text,
        type=_type(said), parent=_parent(course, said),
    )  # fmt: skip
    if said.table == "contact":
        return around
    if said.table == "diagnosis":
        event.starts = place.starts
    if said.table in ("procedure", "result"):
        event.id = course.new_id(said.table[0].upper())
        if said.value:
            return [*around, *_with_parent(course, event)]
    if said.table not in TABLES["lpr"]:
        event = replace(event, contact=None, course=None)
    return [*around, event]


def number_asked(bound: str | None) -> float | None:
    """A number that is so, one below or above what is asked."""
    if bound is None:
        return None
    limit = float(bound.lstrip("<>= "))
    return limit - 1 if bound.startswith("<") else limit + 1


def _with_parent(course: Course, event: Event) -> list[Event]:
    """A tillægskode under its procedure: the one that stands there already, or a new one."""
    event = replace(event, type="+", number=None if event.number is None else round(event.number))
    there = [e for e in course.events if (e.table, e.code, e.contact) == ("procedure", event.parent, event.contact)]
    if there and there[0].starts.date() == event.starts.date():
        return [replace(event, id=there[0].id, starts=there[0].starts)]
    return [replace(event, code=event.parent, type="P", parent=None, number=None), event]


def _type(said: Events) -> str | None:
    if said.type:
        return "B" if "B" in said.type else said.type[0]
    return {"diagnosis": "B", "procedure": "P"}.get(said.table)


def _parent(course: Course, said: Events) -> str | None:
    if not said.belongs_to:
        return None
    own = course.record.event.code if course.record else None
    return own if fits(own, said.belongs_to) else next(candidates(course.spec, said.belongs_to))


def _place(course: Course, said: Events, when: dt.datetime) -> tuple[Event, list[Event]]:
    """The contact of an event: the record's own if it may be, else a new one (which comes with it)."""
    own = course.events[0] if course.events else None
    if said.table not in TABLES["lpr"]:
        return own, []
    during = own and own.starts.date() <= when.date() <= (own.ends or dt.datetime.max).date()
    if said.table != "contact" and not said.other and own and (during or said.same != "person"):
        return own, []
    kind = said.contact
    priority = kind.priority[0].rstrip("*") if kind and kind.priority else PLANNED
    least = dt.timedelta(hours=float(kind.lasting.min) + 2) if kind and kind.lasting and kind.lasting.min else VISIT
    number = course.new_id("K")
    code = IN_PERSON if kind is None or "*" in said.codes else next(candidates(course.spec, said.codes))
    made = Event(
        "contact", course.person, when, code, when + least, contact=number,
        course=own.course if said.same == "course" and said.other != "course" else f"{number}-F",
        unit=own.unit, region=own.region, text=priority,
    )  # fmt: skip
    return made, [made]
