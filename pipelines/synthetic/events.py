"""Register events in the shape of the event views, and whether they are what a specification asks for.

One value at a time in plain Python: `inverse` looks here whether what it made reads as it should. The meaning is
that of pipelines/spec/derivation.py.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pipelines.spec.derivation import Events, Span, Window, range_of

Moment = dt.datetime


@dataclass(slots=True)
class Event:
    """One row of an event table; for a contact `code` is its type and `text` its priority.

    `system` tells rows of LPR2 from those of LPR3, which alone are read.
    """

    table: str
    person: str
    starts: Moment
    code: str
    ends: Moment | None = None
    id: str | None = None
    contact: str | None = None
    course: str | None = None
    unit: str | None = None
    region: str | None = None
    type: str | None = None
    parent: str | None = None
    number: float | None = None
    text: str | None = None
    retracted: bool = False
    system: str = "LPR3"

    @property
    def tie(self) -> tuple:
        """What decides between events that could be picked alike."""
        return (self.starts, self.code)

    @property
    def hours(self) -> float | None:
        """How long a contact lasted; an open one has no length."""
        return None if self.ends is None else (self.ends - self.starts) / dt.timedelta(hours=1)


@dataclass
class Record:
    """A record of the population: the event that made it, the part of `include` it came in by, its dates."""

    event: Event
    part: str
    day: dt.date
    dates: dict[str, Any] = field(default_factory=dict)

    @property
    def own(self) -> Event:
        """The record's event as variables read it through `event`."""
        return replace(self.event, table="event", code=self.part, text=self.event.code, type=None, parent=None)

    def anchors(self, event_date: str) -> dict[str, Any]:
        """What a variable's window may be anchored at."""
        return {"event": self.event.starts, "end": self.event.ends, event_date: self.day} | self.dates


def fits(code: str | None, patterns: Iterable[str] | None) -> bool:
    """Whether a code is one of the patterns; no patterns ask nothing."""
    return patterns is None or any(_fits(code, pattern) for pattern in patterns)


@lru_cache(maxsize=1 << 16)  # the same few codes are asked over and over
def _fits(code: str | None, pattern: str) -> bool:
    if pattern == "*":
        return True
    if code is None:
        return False
    if ends := range_of(pattern):
        return ends[0] <= code[: len(ends[0])] <= ends[1]
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def is_asked(event: Event, said: Events) -> bool:
    """What a row must itself be: of these codes, type, number and place."""
    if event.table != said.table or event.retracted or event.system != "LPR3" or not fits(event.code, said.codes):
        return False
    if said.belongs_to and not fits(event.parent, said.belongs_to):
        return False
    if said.type and event.type not in said.type:
        return False
    if said.table in ("diagnosis", "procedure") and not said.type and not said.belongs_to and event.type == "+":
        return False
    if said.number and not bound_holds(event.number, said.number):
        return False
    return fits(event.unit, said.unit) and (said.contact is None or _contact_is_asked(event, said))


def _contact_is_asked(event: Event, said: Events) -> bool:
    kind = said.contact
    lasting = kind.lasting is None or within(event.hours, kind.lasting)
    return fits(event.text, kind.priority) and fits(event.unit, kind.unit) and lasting


def within(value: float | None, span: Span) -> bool:
    """From … to, both included; nothing lies in no span."""
    return value is not None and (span.min is None or value >= span.min) and (span.max is None or value <= span.max)


def bound_holds(number: float | None, bound: str) -> bool:
    """Whether a number is so, such as "< 59"."""
    sign, limit = re.fullmatch(r"([<>]=?)\s*(.*)", bound).groups()
    if number is None:
        return False
    return {"<": number < float(limit), "<=": number <= float(limit), ">": number > float(limit)}.get(
        sign, number >= float(limit)
    )


def chosen(said: Events, events: Sequence[Event]) -> Iterator[Event]:
    """The events that are asked for, with what must and must not stand beside each."""
    return (event for event in events if is_asked(event, said) and _has_its_company(said, event, events))


def _has_its_company(said: Events, event: Event, events: Sequence[Event]) -> bool:
    anchors = {"event": event.starts, "end": event.ends}

    def stands(one: Events) -> bool:
        return any(is_beside(one, other, event, anchors) for other in chosen(one, events))

    return all(map(stands, said.companions)) and not any(map(stands, said.without))


def is_beside(said: Events, event: Event, other: Event, anchors: dict[str, Any]) -> bool:
    """Whether an event of `said` belongs to the one that it is held against."""
    if event.person != other.person:
        return False
    if said.same != "person" and getattr(event, said.same) != getattr(other, said.same):
        return False
    if said.other and getattr(event, said.other) == getattr(other, said.other):
        return False
    if said.window is None:
        return True
    anchor = anchors.get(said.window.anchor)
    return anchor is not None and within(distance(said.window, anchor, event.starts), _span(said.window))


def _span(window: Window) -> Span:
    low, high = window.span
    return Span(min=low, max=high)


def distance(window: Window | None, anchor: Any, time: Moment) -> float:
    """Hours where the window is in hours, else calendar days."""
    if window and window.hours is not None:
        return (time - moment(anchor)) / dt.timedelta(hours=1)
    return (time.date() - moment(anchor).date()).days


def moment(day: dt.date) -> Moment:
    """A day as its first moment; a moment as it is."""
    return day if isinstance(day, dt.datetime) else dt.datetime.combine(day, dt.time())
