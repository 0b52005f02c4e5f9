"""What derivation means, one value at a time in plain Python, from the rows of the event tables.

Slow and clear; it shares the models with the package and none of its SQL. Generated cases hold the two together.
"""

from __future__ import annotations

import datetime as dt
import math
import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.spec.derivation import Derivation, Events, Population, Span
from pipelines.spec.model import DatabaseSpec, Variable

Rows = dict[str, list[dict[str, Any]]]
SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
EARLIEST = dt.datetime.min


@dataclass(frozen=True)
class Event:
    """One row of an event table in the common shape."""

    table: str
    person: str | None
    starts: dt.datetime | None
    receipt_id: str
    line: int
    ends: dt.datetime | None = None
    id: str | None = None
    contact_id: str | None = None
    course_id: str | None = None
    unit: str | None = None
    region: str | None = None
    code: str | None = None
    type: str | None = None
    parent: str | None = None
    number: float | None = None
    text: str | None = None
    evidence: tuple[tuple[str, str, int], ...] = ()

    @property
    def ties(self) -> tuple:
        return (self.starts, nulls_last(self.code), self.receipt_id, self.line)

    @property
    def row(self) -> tuple[str, str, int]:
        return (self.table, self.receipt_id, self.line)


def nulls_last(value: Any) -> tuple[bool, Any]:
    return (value is None, value or "")


def events_of(table: str, rows: Rows) -> Iterator[Event]:
    """The rows of one table as events."""
    contacts = {row["contact_id"]: row for row in rows.get("contact", [])}
    for row in rows.get(table, []):
        contact = contacts.get(row.get("contact_id"), {}) if table != "contact" else row
        yield from READERS[table](row, contact)


def contact(row: dict, _: dict) -> Iterator[Event]:
    lasted = None if None in (row["starts"], row["ends"]) else (row["ends"] - row["starts"]) / dt.timedelta(hours=1)
    yield Event(
        "contact", row["person"], row["starts"], row["receipt_id"], row["line"], row["ends"], row["contact_id"],
        row["contact_id"], row["course_id"], row["unit"], row["region"], row["contact_type"], number=lasted,
        text=row["priority"],
    )  # fmt: skip


def diagnosis(row: dict, at: dict) -> Iterator[Event]:
    if at and row["retracted"] is not True:
        yield Event(
            "diagnosis", row["person"] or at["person"], at["starts"], row["receipt_id"], row["line"], at["ends"], None,
            row["contact_id"], at["course_id"], at["unit"], at["region"], row["code"], row["type"], row["parent_code"],
        )  # fmt: skip


def procedure(row: dict, at: dict) -> Iterator[Event]:
    digits = re.fullmatch("V[A-Z]{2}([0-9]+)", row["code"] or "")
    yield Event(
        "procedure", row["person"] or at.get("person"), row["starts"], row["receipt_id"], row["line"], None,
        row["procedure_id"], row["contact_id"], row["course_id"] or at.get("course_id"), row["unit"] or at.get("unit"),
        at.get("region"), row["code"], row["type"], row["parent_code"], float(digits[1]) if digits else None,
    )  # fmt: skip


def lab(row: dict, _: dict) -> Iterator[Event]:
    yield Event(
        "lab", row["person"], row["taken"], row["receipt_id"], row["line"],
        code=row["code"], type=row["operator"], number=row["number"], text=row["text"],
    )  # fmt: skip


def person(row: dict, _: dict) -> Iterator[Event]:
    for code, column in (("born", "birth_date"), ("died", "died"), ("emigrated", "emigrated")):
        day = row[column] and dt.datetime.combine(row[column], dt.time())
        yield Event("person", row["person"], day, row["receipt_id"], row["line"], code=code, text=row["sex"])


READERS = {"contact": contact, "diagnosis": diagnosis, "procedure": procedure, "lab": lab, "person": person}


def fits(code: str | None, patterns: tuple[str, ...] | None) -> bool:
    return patterns is None or any(one_fits(code, pattern) for pattern in patterns)


def one_fits(code: str | None, pattern: str) -> bool:
    if pattern == "*":
        return True
    if code is None:
        return False
    if ".." in pattern:
        low, high = pattern.split("..")
        return low <= code[: len(low)] <= high
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def asks(number: float | None, bound: str | None) -> bool:
    if bound is None:
        return True
    sign, limit = re.fullmatch(r"([<>]=?)\s*(.*)", bound).groups()
    return number is not None and SIGNS[sign](number, float(limit))


def within(value: float | None, span: Span) -> bool:
    if span.min is None and span.max is None:
        return True
    return value is not None and (-math.inf if span.min is None else span.min) <= value <= (
        math.inf if span.max is None else span.max
    )


@dataclass(frozen=True)
class Record:
    """A record of the population, as far as variables are concerned."""

    id: str
    day: dt.date
    event: Event
    included_as: str
    dates: dict[str, Any] = field(default_factory=dict)


def is_itself(event: Event, said: Events) -> bool:
    """What a row must itself be."""
    if event.person is None or event.starts is None or not fits(event.code, said.codes):
        return False
    if said.belongs_to and not fits(event.parent, said.belongs_to):
        return False
    if said.type and event.type not in said.type:
        return False
    plain = not said.type and not said.belongs_to and said.table in ("diagnosis", "procedure")
    if (plain and event.type == "+") or not asks(event.number, said.number) or not fits(event.unit, said.unit):
        return False
    kind = said.contact
    return kind is None or (
        fits(event.text, kind.priority)
        and fits(event.unit, kind.unit)
        and (kind.lasting is None or within(event.number, kind.lasting))
    )


def chosen(said: Events, rows: Rows, record: Record | None = None) -> list[Event]:
    """The events that are chosen, each with the rows it came from."""
    if said.table == "event":
        own = replace(
            record.event, table="event", id=record.id, code=record.included_as, text=record.event.code,
            type=None, parent=None,
        )  # fmt: skip
        found = [(own, own.evidence)] if is_itself(own, said) else []
    else:
        found = [(e, (e.row,)) for e in events_of(said.table, rows) if is_itself(e, said)]
    return [complete for event, evidence in found if (complete := with_beside(said, event, evidence, rows))]


def with_beside(said: Events, event: Event, evidence: tuple, rows: Rows) -> Event | None:
    anchors = {"event": event.starts, "end": event.ends}
    for beside in said.without:
        if any(stands_beside(beside, other, event, anchors) for other in chosen(beside, rows)):
            return None
    for beside in said.companions:
        others = [other for other in chosen(beside, rows) if stands_beside(beside, other, event, anchors)]
        if not others:
            return None
        evidence += min(others, key=lambda other: other.ties).evidence
    return replace(event, evidence=evidence)


def stands_beside(said: Events, event: Event, other: Event, anchors: dict[str, Any]) -> bool:
    """Whether an event belongs to the one that it is held against."""
    if event.person != other.person:
        return False
    ids = {"contact": (event.contact_id, other.contact_id), "course": (event.course_id, other.course_id)}
    if said.same != "person" and (ids[said.same][0] is None or ids[said.same][0] != ids[said.same][1]):
        return False
    if said.other and ids[said.other][0] == ids[said.other][1]:
        return False
    return said.window is None or in_window(said, anchors[said.window.anchor], event.starts)


def in_window(said: Events, anchor: Any, time: dt.datetime) -> bool:
    if anchor is None:
        return False
    low, high = said.window.span
    away = distance(said, anchor, time)
    return (low is None or low <= away) and (high is None or away <= high)


def distance(said: Events, anchor: Any, time: dt.datetime) -> float:
    """Hours where the window is in hours, else calendar days."""
    if said.window and said.window.hours is not None:
        return (time - moment(anchor)) / dt.timedelta(hours=1)
    return (time.date() - moment(anchor).date()).days


def moment(day: Any) -> dt.datetime:
    return day if isinstance(day, dt.datetime) else dt.datetime.combine(day, dt.time())


def completed_years(born: dt.date, day: dt.date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def population(spec: DatabaseSpec, rows: Rows) -> list[Record]:
    """The records, in order of their id."""
    said = spec.population
    included = [(n, part, event) for n, part in enumerate(said.include) for event in chosen(part, rows)]
    included = [one for one in included if day_of(said, one[2])]
    records: dict[Any, tuple] = {}
    for n, part, event in included:
        if stays(said, event, included, rows):
            order = (event.starts, n, nulls_last(event.code), event.receipt_id, event.line)
            key = key_of(said, said.per, event)
            records[key] = min(records.get(key, (order, part, event)), (order, part, event), key=lambda one: one[0])
    kind = "of person" if said.per in ("person", "year") else said.per
    made = [Record(key_of(said, kind, e), day_of(said, e), e, part.name) for _, part, e in records.values()]
    return sorted(made, key=lambda record: record.id)


def day_of(said: Population, event: Event) -> dt.date | None:
    time = event.ends if said.date == "end" else event.starts
    return time and time.date()


def key_of(said: Population, per: str, event: Event) -> Any:
    own = event.id or f"{event.receipt_id}:{event.line}"
    return {
        "event": own,
        "contact": event.contact_id or own,
        "course": event.course_id or event.contact_id or own,
        "of person": event.id or event.contact_id or own,
        "year": (event.person, day_of(said, event).year),
        "person": event.person,
    }[per]


def stays(said: Population, event: Event, included: list, rows: Rows) -> bool:
    """Of age, not excluded, and not washed out by another that would be included."""
    anchors = {"event": event.starts, "end": event.ends}
    if any(stands_beside(out, other, event, anchors) for out in said.exclude for other in chosen(out, rows)):
        return False
    apart = [(event.starts.date() - e.starts.date()).days for _, _, e in included if e.person == event.person]
    if said.washout and any(1 <= days <= said.washout for days in apart):
        return False
    born = [row["birth_date"] for row in rows.get("person", []) if row["person"] == event.person and row["birth_date"]]
    return within(completed_years(max(born), day_of(said, event)) if born else None, said.age)


def value(
    spec: DatabaseSpec, name: str, ways: Sequence[Derivation], record: Record, rows: Rows
) -> tuple[Any, Any, set]:
    """A variable of one record: its value, its missing code, and the rows it came from."""
    variable = spec.variables[name]
    if not variable.valid.covers(record.day):
        return None, None, set()
    for way in ways:
        if found := of_record(spec, variable, way, record, rows):
            if way.pick == "count":
                return len({counted(way, e) for e in found}), None, {row for e in found for row in e.evidence}
            event = picked(way, found, anchor_of(spec, way, record))
            return read(variable, way, event, record, anchor_of(spec, way, record)), None, set(event.evidence)
    nothing = next((way for way in ways[::-1] if way.if_none is not None), ways[-1]).nothing(variable.type)
    return (None, nothing, set()) if nothing in variable.missing else (nothing, None, set())


def anchor_of(spec: DatabaseSpec, way: Derivation, record: Record) -> Any:
    anchors = {"event": record.event.starts, "end": record.event.ends, spec.event_date: record.day} | record.dates
    return anchors[way.window.anchor if way.window else "event"]


def of_record(spec: DatabaseSpec, variable: Variable, way: Derivation, record: Record, rows: Rows) -> list[Event]:
    anchors = {way.window.anchor: anchor_of(spec, way, record)} if way.window else {}
    found = [e for e in chosen(way, rows, record) if stands_beside(way, e, record.event, anchors)]
    if not way.valid.covers(record.day):
        return []
    if way.asks_number(variable.type):
        found = [e for e in found if e.number is not None]
    said = "text" if way.what == "text" else "code"
    return [e for e in found if not way.map or fits(getattr(e, said), tuple(way.map))]


def counted(way: Derivation, event: Event) -> Any:
    own = event.id or f"{event.receipt_id}:{event.line}"
    return {
        "event": (event.row, event.code), "day": event.starts.date(), "contact": event.contact_id or own,
        "course": event.course_id or event.contact_id or own,
    }[way.per]  # fmt: skip


def picked(way: Derivation, found: list[Event], anchor: Any) -> Event:
    orders = {
        "last": lambda e: -(e.starts - EARLIEST).total_seconds(),
        "closest": lambda e: abs(distance(way, anchor, e.starts)),
        "highest": lambda e: -e.number,
        "lowest": lambda e: e.number,
    }  # fmt: skip
    order = orders.get(way.pick, lambda e: e.starts)
    return min(found, key=lambda e: (order(e), *e.ties))


def read(variable: Variable, way: Derivation, event: Event, record: Record, anchor: Any) -> Any:
    """The value of the event that was picked."""
    what = way.what_of(variable.type)
    number = None if event.number is None else event.number * way.factor + way.offset
    if what == "yes_no":
        return ("yes" if asks(number, way.yes_if) else "no") if way.yes_if else mapped(way, event.code) or "yes"
    if what in ("date", "end"):
        time = event.starts if what == "date" else event.ends
        return time.date() if time and variable.type == "date" else time
    if what in ("code", "text"):
        found = getattr(event, what)
        return mapped(way, found) if way.map else found
    count = {
        "number": number,
        "days": (event.starts.date() - moment(anchor).date()).days if what == "days" else None,
        "hours": (event.starts - moment(anchor)) / dt.timedelta(hours=1) if what == "hours" else None,
        "years": completed_years(event.starts.date(), record.day) if what == "years" else None,
    }[what]
    if variable.type == "integer" and count is not None:
        return math.floor(count) if what == "hours" else (int(count) if count == round(count) else None)
    return count


def mapped(way: Derivation, code: str | None) -> str | None:
    return next((to for pattern, to in (way.map or {}).items() if one_fits(code, pattern)), None)
