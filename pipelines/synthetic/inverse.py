"""From the values of a course to register events that its specification reads back to those values.

Generic over the YAML: the part of the population comes first, then each variable by its first register way. An
event is made only where nothing else would then read otherwise, so that what cannot stand together (no
participation, but a day on which it began) leaves the later value out: the registers say what they say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any

import numpy as np

from pipelines.spec.derivation import TABLES, Derivation, Events, Included, Window
from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.synthetic.codes_of import candidates
from pipelines.synthetic.events import Event, Record, chosen, fits, is_asked, is_beside, moment
from pipelines.synthetic.reading import nothing, reading, ways_of

OPENS, CLOSES = 8, 15  # hours of a contact's begin
VISIT = dt.timedelta(minutes=45)
IN_PERSON, PLANNED = "ALCA00", "ATA3"
NEAR = 120  # days: how far away an event is looked for in a window that is wider
CLOSE = 1e-9


@dataclass
class Course:
    """One course while its events are made. `settled`: what each variable reads, and must go on reading."""

    spec: DatabaseSpec
    values: Mapping[str, Any]
    rng: np.random.Generator
    record: Record | None = None
    events: list[Event] = field(default_factory=list)
    settled: dict[str, tuple] = field(default_factory=dict)

    @property
    def person(self) -> str:
        return self.values["person"]

    def reads(self, name: str, more: Sequence[Event] = ()) -> tuple:
        return reading(self.spec, name, self.record, [*self.events, *more])

    def new_id(self, kind: str) -> str:
        return f"{self.values['record_id']}-{kind}{len(self.events)}"


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


def derived(spec: DatabaseSpec) -> list[str]:
    """The variables that registers fill."""
    return [name for name, variable in spec.variables.items() if name != spec.event_date and ways_of(variable)]


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
        wrong = sum(not _same(course.reads(name)[0], values[name]) for name in own)
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
            code = _code(course, said)
            course.events += _event(course, said, code, contact.starts)


def _first(course: Course, part: Included, contact: Event) -> Event:
    """The diagnosis, procedure or other event that makes the record."""
    starts = contact.starts if part.table == "diagnosis" else _said(course, ("event",), "date") or contact.starts
    event = _event(course, part, _said(course, ("event",), "text", part.codes) or _code(course, part), starts)[-1]
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
        for events in _tries(course, name, wanted):
            if _same(course.reads(name, events)[0], wanted) and not _disturbs(course, events):
                course.events += events
                break
    course.settled[name] = course.reads(name)
    if ways_of(variable)[0].what_of(variable.type) in ("date", "end"):
        course.record.dates[name] = course.settled[name][0]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= CLOSE or (abs(one - other) <= 0.5 and one == round(one))
    return one == other


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


def _tries(course: Course, name: str, wanted: Any) -> Iterator[list[Event]]:
    """Events that may say the value, the likeliest first."""
    variable = course.spec.variables[name]
    if wanted is None:
        return
    for way in ways_of(variable)[:1]:
        if way.table == "event" or not way.valid.covers(course.record.day):
            continue
        yield from _completed(course, variable, way, wanted)
        for code in _codes(course, variable, way, wanted):
            for when in _times(course, variable, way, wanted):
                yield _events(course, variable, way, wanted, code, when)


def _events(
    course: Course, variable: Variable, way: Derivation, wanted: Any, code: str, when: dt.datetime
) -> list[Event]:
    number = _number(way, variable, wanted)
    text = str(wanted) if way.what == "text" and not way.map else None
    if way.pick != "count":
        return _event(course, way, code, when, number, text)
    made: list[Event] = []
    for step in range(int(wanted)):
        made += _event(course, way, code, when + dt.timedelta(days=step), number, text)
    return made


def _completed(course: Course, variable: Variable, way: Derivation, wanted: Any) -> Iterator[list[Event]]:
    """An event that stands already without its number: the number is written there."""
    number = _number(way, variable, wanted)
    if number is None or way.value:
        return
    for event in course.events:
        if is_asked(event, way) and event.number is None:
            event.number = number
            if _same(course.reads(variable_name(course.spec, variable))[0], wanted):
                yield []
            event.number = None


def variable_name(spec: DatabaseSpec, variable: Variable) -> str:
    return next(name for name, one in spec.variables.items() if one is variable)


def _number(way: Derivation, variable: Variable, wanted: Any) -> float | None:
    if way.what_of(variable.type) == "number" and way.pick != "count":
        return round((float(wanted) - way.offset) / way.factor, 6)
    bound = way.yes_if or way.number
    if bound is None:
        return None
    limit = float(bound.lstrip("<>= "))
    return limit - 1 if bound.startswith("<") else limit + 1


def _codes(course: Course, variable: Variable, way: Derivation, wanted: Any) -> list[str]:
    """Codes that say the value; those that other variables ask for as well come last."""
    if way.value and way.what_of(variable.type) == "number":
        return [f"{way.value[0].rstrip('*')}{round(_number(way, variable, wanted)):04d}"]
    if way.map and way.what != "text":
        patterns = [pattern for pattern, code in way.map.items() if code == wanted]
    elif way.what_of(variable.type) == "code":
        return [wanted] if fits(wanted, way.codes) else []
    else:
        patterns = way.codes
    found = [code for code in candidates(course.spec, patterns) if fits(code, way.codes)]
    if way.contact:
        found = [IN_PERSON if "*" in way.codes else found[0]]
    others = [
        one for name in derived(course.spec) for one in ways_of(course.spec.variables[name]) if one.table == way.table
    ]
    return sorted(found, key=lambda code: sum(fits(code, one.codes) for one in others))


def _times(course: Course, variable: Variable, way: Derivation, wanted: Any) -> list[dt.datetime]:
    """Moments at which the event may stand: the one that is told, else some of its window."""
    clock = course.record.event.starts.time()
    if way.what_of(variable.type) == "date":
        return [wanted if isinstance(wanted, dt.datetime) else dt.datetime.combine(wanted, clock)]
    if way.window is None:
        return [course.record.event.starts]
    anchor = course.record.anchors(course.spec.event_date).get(way.window.anchor)
    if anchor is None:
        return []
    if way.what in ("days", "hours"):
        return [moment(anchor) + dt.timedelta(**{way.what: wanted})]
    return _times_around(course, way, way.window, moment(anchor), clock)


def _times_around(
    course: Course, way: Derivation, window: Window, anchor: dt.datetime, clock: dt.time
) -> list[dt.datetime]:
    low, high = window.span
    if window.hours is not None:
        return [anchor + dt.timedelta(hours=float(min(high if high is not None else 1, max(low or 0, 1))))]
    low, high = max(-NEAR, low if low is not None else -NEAR), high if high is not None else NEAR
    low, high = (high - NEAR, high) if low > high else (low, min(high, max(low, 0) + NEAR))
    if way.pick == "count":
        return [dt.datetime.combine(anchor + dt.timedelta(days=low + 1), clock)]
    drawn = course.rng.integers(low, high + 1, 2).tolist()
    at_once = [0] if low <= 0 <= high and way.table in ("procedure", "diagnosis") and not way.other else []
    ends = [high] if way.table == "person" else [low, high]
    days = [*at_once, *drawn, *ends]
    if way.table == "person":
        days = sorted(days, reverse=True)
    return [dt.datetime.combine(anchor + dt.timedelta(days=day), clock) for day in days]


def _event(
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
    if said.table == "procedure":
        event.id = course.new_id("P")
        if said.value:
            return [*around, *_with_parent(course, event)]
    if said.table not in TABLES["lpr"]:
        event = replace(event, contact=None, course=None)
    return [*around, event]


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
