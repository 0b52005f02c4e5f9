"""Events that may say a value: which code, which number and which moment, the likeliest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from pipelines.spec.derivation import Derivation, Window
from pipelines.spec.model import Variable
from pipelines.synthetic.codes_of import candidates
from pipelines.synthetic.events import Event, fits, moment
from pipelines.synthetic.making import IN_PERSON, Course, event_rows, number_asked
from pipelines.synthetic.reading import derived, ways_of

NEAR = 120  # days: how far away an event is looked for in a window that is wider
CLOSE = 1e-9
MEASURED = ("lab", "result")


def same_value(one: Any, other: Any) -> bool:
    """Whether a value reads as it should; a register of whole numbers gives the nearest."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= CLOSE or (abs(one - other) <= 0.5 and one == round(one))
    return one == other


def tries(course: Course, name: str, wanted: Any) -> Iterator[list[Event]]:
    """Events that may say the value, the likeliest first."""
    variable = course.spec.variables[name]
    if wanted is None:
        return
    way = ways_of(variable)[0]
    if way.table != "event" and way.valid.covers(course.record.day):
        for code in _codes(course, variable, way, wanted):
            for when in _times(course, variable, way, wanted):
                yield _events(course, variable, way, wanted, code, when)


def _events(
    course: Course, variable: Variable, way: Derivation, wanted: Any, code: str, when: dt.datetime
) -> list[Event]:
    """As many events as are counted, or the one that is picked."""
    number = _number(way, variable, wanted)
    number = _number_beside(course, way.table, code) if number is None else number
    text = str(wanted) if way.what == "text" and not way.map else None
    if way.pick != "count":
        return event_rows(course, way, code, when, number, text)
    made: list[Event] = []
    for step in range(int(wanted)):
        made += event_rows(course, way, code, when + dt.timedelta(days=step), number, text)
    return made


def _number_beside(course: Course, table: str, code: str) -> float | None:
    """The number of a result that was asked for something else: that of the variable that reads it, if it has one."""
    if table not in MEASURED:
        return None
    firsts = {name: ways_of(course.spec.variables[name])[0] for name in derived(course.spec)}
    readers = [name for name, way in firsts.items() if way.table == table and fits(code, way.codes)]
    readers = [name for name in readers if firsts[name].what_of(course.spec.variables[name].type) == "number"]
    for name in readers:
        if course.values[name] is not None:
            return _number(firsts[name], course.spec.variables[name], course.values[name])
    return None if readers else round(float(course.rng.lognormal(3, 0.6)), 1)


def _number(way: Derivation, variable: Variable, wanted: Any) -> float | None:
    """The number in the register's unit, or one that meets what is asked of it."""
    if way.what_of(variable.type) == "number" and way.pick != "count":
        return round((float(wanted) - way.offset) / way.factor, 6)
    return number_asked(way.yes_if or way.number)


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
    """Some moments of a window, the near ones first; who dies does so late."""
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
