"""What the registers say of a course, variable by variable: the plain meaning of a derivation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pipelines.spec.derivation import Derivation
from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.synthetic.events import Event, Record, bound_holds, chosen, distance, fits, is_beside, moment

Said = tuple[Any, str | None]  # value, missing code


def ways_of(variable: Variable) -> tuple[Derivation, ...]:
    """Every register way of the variable, in the order in which they are said."""
    return variable.register_ways


def derived(spec: DatabaseSpec) -> tuple[str, ...]:
    """The variables that registers fill."""
    return spec.derived


def reading(spec: DatabaseSpec, name: str, record: Record, events: Sequence[Event]) -> Said:
    """The value that the registers give a variable of a record, or its missing code."""
    variable = spec.variables[name]
    ways = ways_of(variable)
    if not variable.valid.covers(record.day):
        return None, None
    for way in ways:
        if way.valid.covers(record.day) and (found := events_for(spec, variable, way, record, events)):
            return _value(spec, variable, way, record, found), None
    return nothing(variable)


def nothing(variable: Variable) -> Said:
    """What stands where the registers hold no event."""
    ways = ways_of(variable)
    said = next((way for way in ways if way.if_none is not None), ways[0]).nothing(variable.type)
    return (None, said) if said in variable.missing else (said, None)


def events_for(
    spec: DatabaseSpec, variable: Variable, way: Derivation, record: Record, events: Sequence[Event]
) -> list[Event]:
    """The events of a record that may be picked."""
    if way.table == "event":
        return [own for own in [record.own] if fits(own.code, way.codes) and _is_mapped(way, own)]
    anchors = record.anchors(spec.event_date)
    found = [event for event in chosen(way, events) if is_beside(way, event, record.event, anchors)]
    if way.asks_number(variable.type):
        found = [event for event in found if event.number is not None]
    return [event for event in found if _is_mapped(way, event)]


def _is_mapped(way: Derivation, event: Event) -> bool:
    return not way.map or fits(event.text if way.what == "text" else event.code, way.map)


def _value(spec: DatabaseSpec, variable: Variable, way: Derivation, record: Record, found: list[Event]) -> Any:
    if way.pick == "count":
        return len({counted(way, place, event) for place, event in enumerate(found)})
    anchors = record.anchors(spec.event_date)
    anchor = anchors[way.window.anchor if way.window else "event"]
    orders = {
        "last": lambda e: -(e.starts - moment(record.day)).total_seconds(),
        "closest": lambda e: abs(distance(way.window, anchor, e.starts)),
        "highest": lambda e: -e.number,
        "lowest": lambda e: e.number,
    }
    order = orders.get(way.pick, lambda e: e.starts)
    return _said(
        variable, way, min(found, key=lambda e: (order(e) if way.pick in orders else 0, *e.tie)), anchor, record
    )


def counted(way: Derivation, place: int, event: Event) -> Any:
    """What a count takes for one and the same."""
    return {
        "event": place,
        "day": event.starts.date(),
        "contact": event.contact or place,
        "course": event.course or place,
    }[way.per]


def _said(variable: Variable, way: Derivation, event: Event, anchor: Any, record: Record) -> Any:
    """The value of the event that was picked, as the variable's type."""
    what = way.what_of(variable.type)
    if what == "yes_no":
        return _yes_or_no(way, event)
    if what in ("code", "text"):
        return mapped(way, getattr(event, what))
    if what in ("date", "end"):
        time = event.starts if what == "date" else event.ends
        return time.date() if time and variable.type == "date" else time
    number = _number(way, what, event, anchor, record)
    if variable.type == "integer" and number is not None:
        return math.floor(number) if what == "hours" else int(number) if number == round(number) else None
    return number


def _number(way: Derivation, what: str, event: Event, anchor: Any, record: Record) -> float | None:
    if what == "number":
        return None if event.number is None else event.number * way.factor + way.offset
    if what == "years":
        born, day = event.starts.date(), record.day
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    between = event.starts - moment(anchor)
    return between.total_seconds() / 3600 if what == "hours" else (event.starts.date() - moment(anchor).date()).days


def _yes_or_no(way: Derivation, event: Event) -> str | None:
    if way.yes_if:
        return "yes" if bound_holds(event.number * way.factor + way.offset, way.yes_if) else "no"
    return mapped(way, event.code) if way.map else "yes"


def mapped(way: Derivation, found: str | None) -> str | None:
    """The specification's code for what was found: the first pattern that fits."""
    return next((code for pattern, code in way.map.items() if fits(found, [pattern])), None) if way.map else found
