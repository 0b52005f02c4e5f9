"""From the values of a course to register events that its specification reads back to those values.

Generic over the YAML: the part of the population comes first, then each variable by its first register way. An
event is made only where nothing else would then read otherwise, so that what cannot stand together (no
participation, but a day on which it began) leaves the later value out: the registers say what they say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Any

import numpy as np

from pipelines.spec.derivation import Events, Included
from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic.codes_of import candidates
from pipelines.synthetic.events import Event, Record, chosen, fits, is_asked, is_beside, moment
from pipelines.synthetic.making import IN_PERSON, PLANNED, VISIT, Course, event_rows, number_asked
from pipelines.synthetic.reading import derived, nothing, ways_of
from pipelines.synthetic.tries import same_value, tries

OPENS, CLOSES = 8, 15  # hours of a contact's begin


def events_of(spec: DatabaseSpec, values: Mapping[str, Any], rng: np.random.Generator) -> tuple[Record, list[Event]]:
    """The record and the events of one course; `values` is a row of `courses` with a record_id."""
    course = min(_begun(spec, values, rng), key=lambda one: one[1])[0]
    names = [name for name in _order(spec) if _stands(values, name)]
    absent = [name for name in names if _is_nothing(spec, values, name) and name not in course.settled]
    for name in (*(name for name in names if name not in absent), *absent):
        _make(course, name)
    return course.record, course.events


def _stands(values: Mapping[str, Any], name: str) -> bool:
    return values[name] is not None or values[f"{name}_missing"] is not None


def _order(spec: DatabaseSpec) -> list[str]:
    """Dates before what is measured on them, and all before who dies of it; each after its anchors."""
    names = derived(spec)
    ordered = TopologicalSorter({name: spec.anchors_of(name) & set(names) for name in names}).static_order()
    return sorted((name for name in ordered if name in names), key=lambda name: _turn(spec, name))


def _turn(spec: DatabaseSpec, name: str) -> int:
    """A yes or no may be told by what others have made; a death comes when all else has happened."""
    way = ways_of(spec.variables[name])[0]
    what = way.what_of(spec.variables[name].type)
    return 3 if way.table == "person" else {"date": 0, "end": 0, "yes_no": 2}.get(what, 1)


def _begun(
    spec: DatabaseSpec, values: Mapping[str, Any], rng: np.random.Generator
) -> Iterator[tuple[Course, tuple[int, int]]]:
    """For each way into the population: the course begun so, and how many values it cannot give: of those
    that tell the way itself, and of those that were to be no."""
    for part in spec.population.include:
        course = Course(spec, values, rng)
        _begin(course, part)
        names = [name for name in derived(spec) if _stands(values, name)]
        noes = [name for name in names if spec.variables[name].type == "yes_no" and _is_nothing(spec, values, name)]
        course.settled = {name: course.reads(name) for name in noes}
        own = [name for name in names if ways_of(spec.variables[name])[0].table == "event"]
        wrong = sum(not same_value(course.reads(name)[0], values[name]) for name in own)
        yield course, (wrong, sum(said != nothing(spec.variables[name]) for name, said in course.settled.items()))


def _is_nothing(spec: DatabaseSpec, values: Mapping[str, Any], name: str) -> bool:
    """Whether the value is what stands where there is no event."""
    return values[name] is None or values[name] == nothing(spec.variables[name])[0]


def _begin(course: Course, part: Included) -> None:
    """The contact, the event that makes the record and what must stand beside it."""
    contact = _contact(course, part)
    course.events.append(contact)
    event = contact if part.table == "contact" else _first(course, part, contact)
    if event is not contact:
        course.events.append(event)
    course.record = Record(event, part.name, course.values[course.spec.event_date])
    for said in part.companions:
        if not any(
            is_beside(said, e, event, {"event": event.starts, "end": event.ends}) for e in chosen(said, course.events)
        ):
            code, when = _code(course, said), _when_beside(said, event)
            course.events += event_rows(course, said, code, when, number_asked(said.number))


def _when_beside(said: Events, event: Event) -> dt.datetime:
    """The moment of what stands beside an event, as near as its window lets it be."""
    if said.window is None:
        return event.starts
    low, high = said.window.span
    near = max(low if low is not None else 0, min(high if high is not None else 0, 0))
    anchor = event.ends if said.window.anchor == "end" and event.ends else event.starts
    return anchor + (dt.timedelta(hours=near) if said.window.hours is not None else dt.timedelta(days=near))


def _first(course: Course, part: Included, contact: Event) -> Event:
    """The diagnosis, procedure or other event that makes the record."""
    starts = contact.starts if part.table == "diagnosis" else _said(course, ("event",), "date") or contact.starts
    event = event_rows(course, part, _said(course, ("event",), "text", part.codes) or _code(course, part), starts)[-1]
    return replace(event, contact=contact.contact, course=contact.course, unit=contact.unit, region=contact.region)


def _contact(course: Course, part: Included) -> Event:
    values, spec = course.values, course.spec
    opening = dt.timedelta(minutes=int(course.rng.integers(OPENS * 12, CLOSES * 12)) * 5)
    starts = _said(course, ("contact",), "date") or moment(values[spec.event_date]) + opening
    starts = starts if isinstance(starts, dt.datetime) else moment(starts) + opening
    said = part.contact
    number = values["record_id"]
    return Event(
        "contact", course.person, starts, _code(course, part) if said else IN_PERSON, _end(course, starts, said),
        contact=number, course=f"{number}-F" if spec.population.per != "course" else number,
        unit=values["unit"], region=values["region"],
        text=said.priority[0].rstrip("*") if said and said.priority else PLANNED,
    )  # fmt: skip


def _end(course: Course, starts: dt.datetime, said: Any) -> dt.datetime | None:
    """The end that a variable tells; a contact whose end nobody knows is open."""
    ends = _said(course, ("contact",), "end")
    if ends == "open":
        return None
    if isinstance(ends, dt.date) and not isinstance(ends, dt.datetime):
        ends = moment(ends) + dt.timedelta(hours=16)
    least = dt.timedelta(hours=float(said.lasting.min)) if said and said.lasting and said.lasting.min else VISIT
    return max(ends, starts + VISIT) if ends else starts + least


def _said(course: Course, tables: tuple[str, ...], what: str, patterns: Iterable[str] = ("*",)) -> Any:
    """The value of a variable that reads just this of the record's own event or contact."""
    for name in derived(course.spec):
        variable, value = course.spec.variables[name], course.values[name]
        way = ways_of(variable)[0]
        if way.table not in tables or way.window or way.other or way.what_of(variable.type) != what:
            continue
        if way.table == "contact" and way.same == "person":
            continue
        if what == "end" and value is None and course.values[f"{name}_missing"]:
            return "open"
        if value is not None and (what != "text" or fits(value, patterns)) and _is_moment(value, what):
            return value
    return None


def _is_moment(value: Any, what: str) -> bool:
    return what != "date" or isinstance(value, dt.datetime)


def _code(course: Course, said: Events) -> str:
    """A code for the event: the value of a variable that reads such a code, else one of the candidates."""
    for name in derived(course.spec):
        way = ways_of(course.spec.variables[name])[0]
        value = course.values[name]
        if way.table == said.table and not way.map and isinstance(value, str) and fits(value, said.codes):
            return value
    if said.contact and "*" in said.codes:
        return IN_PERSON
    found = list(candidates(course.spec, said.codes))
    return found[int(course.rng.integers(len(found)))]


def _make(course: Course, name: str) -> None:
    """Events for one variable, if there are any that leave all that is settled as it reads."""
    wanted = course.values[name]
    variable = course.spec.variables[name]
    if not (course.reads(name) == nothing(variable) and _is_nothing(course.spec, course.values, name)):
        for events in tries(course, name, wanted):
            if same_value(course.reads(name, events)[0], wanted) and not _disturbs(course, events):
                course.events += events
                break
    course.settled[name] = course.reads(name)
    if ways_of(variable)[0].what_of(variable.type) in ("date", "end"):
        course.record.dates[name] = course.settled[name][0]


def _disturbs(course: Course, events: Sequence[Event]) -> bool:
    """Whether a settled variable would read otherwise, or another record would come of it."""
    if any(_makes_a_record(course, event) for event in events):
        return True
    return any(
        course.reads(name, events) != said for name, said in course.settled.items() if _asks(course, name, events)
    )


def _asks(course: Course, name: str, events: Sequence[Event]) -> bool:
    return any(
        event.table == way.table and fits(event.code, way.codes)
        for way in ways_of(course.spec.variables[name])
        for event in events
    )


def _makes_a_record(course: Course, event: Event) -> bool:
    """A code that leads into the population, on a contact of its own or in place of the record's event."""
    population = course.spec.population
    if event.contact == course.record.event.contact and event.table == "diagnosis":
        return any(is_asked(event, part) for part in population.include)
    within_year = population.per == "year" and event.starts.year == course.record.day.year
    if event.starts > course.record.event.starts and (population.per == "person" or within_year):
        return False
    asked = [part for said in population.include for part in (said, *said.companions) if part.table != "contact"]
    return any(event.table == part.table and fits(event.code, part.codes) and event.type != "+" for part in asked)
