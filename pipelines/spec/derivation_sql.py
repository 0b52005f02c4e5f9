"""Population and derivations → SQL (DuckDB). Pure functions that return text; `derivation` tells what it means.

The population stands in the table `derived_population`: one row per record; birth and sex of its persons in
`derived_people`; a variable that another one's
window is anchored at stands in `derived_<variable>`. Every answer carries `evidence`,
the list of event rows it came from: {table, receipt_id, line}. Ties fall by time, code, receipt and line, so
that no answer depends on the order of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.derivation import Contact, Derivation, Events, Population, Span, Window
from pipelines.spec.event_views import matches
from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.spec.person_number import birth_date_sql
from pipelines.spec.primitives import Validity
from pipelines.spec.to_duckdb import TYPES

OWN = "coalesce({0}.id, {0}.receipt_id || ':' || {0}.line)"
KEYS = {
    "event": OWN,
    "contact": "coalesce({0}.contact_id, " + OWN + ")",
    "course": "coalesce({0}.course_id, {0}.contact_id, " + OWN + ")",
    "year": "{0}.person || year({0}.day)",
    "person": "{0}.person",
}
# A person's record is named by the event that made it: a contact may span two years and hold an event in each.
OF_PERSON = "coalesce({0}.id, {0}.contact_id, {0}.receipt_id || ':' || {0}.line)"


def events_sql(events: Events, tables: Mapping[str, str]) -> str:
    """The rows that `events` chooses, each with its evidence; a row stands once whatever stands beside it."""
    base = _rows_sql(events, tables, f", {own_evidence(events)} as evidence")
    if not events.companions and not events.without:
        return base
    beside = [(f"w{n}", one) for n, one in enumerate(events.companions)]
    joins = [f"join ({events_sql(one, tables)}) {w} on {_beside(one, w, 'e', EVENT)}" for w, one in beside]
    absent = [
        f"not exists (select 1 from ({events_sql(one, tables)}) x where {_beside(one, 'x', 'e', EVENT)})"
        for one in events.without
    ]
    evidence = "e.evidence" + "".join(f" || {w}.evidence" for w, _ in beside)
    order = ", ".join(f"{w}.{column}" for w, _ in beside for column in TIES) or "e.line"
    return (
        f"select e.* exclude (evidence), {evidence} as evidence from ({base}) e {' '.join(joins)} "
        f"where {' and '.join(absent) or 'true'} "
        f"qualify row_number() over (partition by e.code, e.receipt_id, e.line order by {order}) = 1"
    )


def _rows_sql(events: Events, tables: Mapping[str, str], more: str = "") -> str:
    """The rows that are themselves as `events` says, with `more` columns."""
    return f"select *{more} from {tables[events.table]} where {' and '.join(_filters(events))}"


def own_evidence(events: Events) -> str:
    """The row itself as evidence; a record's own event has that of the record."""
    own = "[{'table': \"table\", 'receipt_id': receipt_id, 'line': line}]"
    return "own_evidence" if events.table == "event" else own


TIES = ("starts", "code", "receipt_id", "line")
EVENT = {"event": "e.starts", "end": "e.ends"}


def _filters(events: Events) -> list[str]:
    """What a row must itself be: an event with a person and a time, of these codes, type and number."""
    parts = ["person is not null", "starts is not null", matches("code", events.codes)]
    if events.belongs_to:
        parts.append(matches("parent", events.belongs_to))
    if events.type:
        parts.append(f"type in ({', '.join(quoted(kind) for kind in events.type)})")
    elif events.table in ("diagnosis", "procedure") and not events.belongs_to:
        parts.append("type is distinct from '+'")
    if events.number:
        parts.append(f"number {events.number}")
    if events.unit:
        parts.append(matches("unit", events.unit))
    return parts + (_contact_filters(events.contact) if events.contact else [])


def _contact_filters(contact: Contact) -> list[str]:
    parts = [matches("text", contact.priority)] if contact.priority else []
    parts += [matches("unit", contact.unit)] if contact.unit else []
    return parts + ([_within(contact.lasting, "number")] if contact.lasting else [])


def _within(span: Span, value: str) -> str:
    ends = [(">=", span.min), ("<=", span.max)]
    return " and ".join(f"{value} {sign} {end!r}" for sign, end in ends if end is not None) or "true"


def _beside(events: Events, here: str, there: str, anchors: Mapping[str, str]) -> str:
    """When a row of `events` belongs to the row it is held against."""
    parts = [f"{here}.person = {there}.person"]
    if events.same != "person":
        parts.append(f"{here}.{events.same}_id = {there}.{events.same}_id")
    if events.other:
        parts.append(f"{here}.{events.other}_id is distinct from {there}.{events.other}_id")
    if events.window:
        parts.append(_in_window(events.window, anchors[events.window.anchor], f"{here}.starts"))
    return " and ".join(parts)


def _in_window(window: Window, anchor: str, time: str) -> str:
    low, high = window.span
    unit = 3_600_000_000 if window.hours is not None else 1
    ends = Span(min=None if low is None else low * unit, max=None if high is None else high * unit)
    return _within(ends, distance(window, anchor, time))


def distance(window: Window | None, anchor: str, time: str) -> str:
    """From anchor to time: microseconds where the window is in hours, else calendar days."""
    part = "microsecond" if window and window.hours is not None else "day"
    return f"date_diff('{part}', ({anchor})::timestamp, {time})"


def age(birth: str, day: str) -> str:
    """Completed years; one born on 29 February completes a year on 1 March where there is no such day."""
    before = f"month({day}) * 100 + day({day}) < month({birth}) * 100 + day({birth})"
    return f"(year({day}) - year({birth}) - case when {before} then 1 else 0 end)"


def people_sql(persons: str) -> str:
    """One row per person of the relation `persons`, whatever numbers the person has had."""
    return (
        "select coalesce(current_person, person) as person, max(birth_date) as birth_date, max(sex) as sex "
        f"from {persons} group by all"
    )


def population_sql(spec: DatabaseSpec, tables: Mapping[str, str]) -> str:
    """One row per record, from the relations `tables`: record_id, person, unit, region, contact_id, course_id,
    starts, ends, the event date, included_as, the event's code and number, receipt_id, line and evidence.

    A record's id is that of its contact, course or event, never made of the person's number.
    """
    said = spec.population
    event_date = f"e.{'ends' if said.date == 'end' else 'starts'}"
    included = " union all ".join(
        f"select *, {n} as part, '{part.name}' as included_as from ({events_sql(part, tables)})"
        for n, part in enumerate(said.include)
    )
    dated = f"select e.*, cast({event_date} as {_event_type(spec)}) as day from ({included}) e"
    where = [f"day is not null{' and not washed' if said.washout else ''}", _of_age(spec)]
    where += [
        f"not exists (select 1 from ({events_sql(one, tables)}) x where {_beside(one, 'x', 'e', EVENT)})"
        for one in said.exclude
    ]
    record = (OF_PERSON if said.per in ("person", "year") else KEYS[said.per]).format("e")
    return (
        f"select {record} as record_id, e.person, e.unit, e.region, e.contact_id, e.course_id, e.starts, e.ends, "
        f'day as "{spec.event_date}", included_as, e.code, e.number, e.receipt_id, e.line, e.evidence '
        f"from ({_with_washout(said, dated)}) e left join derived_people people on people.person = e.person "
        f"where {' and '.join(where)} qualify row_number() over "
        f"(partition by {KEYS[said.per].format('e')} order by e.starts, part, e.code, e.receipt_id, e.line) = 1"
    )


def _event_type(spec: DatabaseSpec) -> str:
    event = spec.variables.get(spec.event_date)
    return event.type if event else "date"


def _with_washout(said: Population, dated: str) -> str:
    """`washed`: another event that would be included lies 1 to so many days before."""
    if not said.washout:
        return dated
    before = f"range between interval {said.washout} days preceding and interval 1 day preceding"
    return (
        f"select *, count(*) over (partition by person order by cast(starts as date)::timestamp {before}) > 0 "
        f"as washed from ({dated})"
    )


def _of_age(spec: DatabaseSpec) -> str:
    """Age by the register of persons, else by the CPR number; one of unknown age is not of age."""
    if spec.population.age == Span():
        return "true"
    known = f"coalesce(people.birth_date, {birth_date_sql('e.person')})"
    return _within(spec.population.age, age(known if spec.person_number == "cpr" else "people.birth_date", "day"))


def variable_sql(spec: DatabaseSpec, name: str, ways: Sequence[Derivation], tables: Mapping[str, str]) -> str:
    """A variable of every record: record_id, value, missing (the missing code) and evidence.

    `tables` are the relations to read events from. Of several ways the first that finds an event counts; where
    none does, what the last of them says that says it (`if_none`).
    Outside the variable's validity nothing stands.
    """
    variable = spec.variables[name]
    found = " union all ".join(_picked(spec, variable, way, n, tables) for n, way in enumerate(ways))
    first = " qualify row_number() over (partition by record_id order by way) = 1" if len(ways) > 1 else ""
    kind = TYPES.get(variable.type, "varchar")
    nothing = next((way for way in reversed(ways) if way.if_none is not None), ways[-1]).nothing(variable.type)
    missing = quoted(nothing) if isinstance(nothing, str) and nothing in variable.missing else None
    value = "null" if missing or nothing is None else quoted(str(nothing))
    day = f'p."{spec.event_date}"'
    return (
        f"select p.record_id, case when not {_valid(variable.valid, day)} then null::{kind} "
        f"when f.record_id is null then cast({value} as {kind}) else cast(f.value as {kind}) end as value, "
        f"case when f.record_id is null and {_valid(variable.valid, day)} then {missing or 'null'}::varchar end "
        f"as missing, f.evidence from derived_population p left join "
        f"(select * from ({found}){first}) f "
        f"on f.record_id = p.record_id"
    )


def _valid(valid: Validity, day: str) -> str:
    ends = [(">=", valid.from_), ("<=", valid.until)]
    return f"({' and '.join(f'{day}::date {sign} date {quoted(str(end))}' for sign, end in ends if end) or 'true'})"


def _picked(spec: DatabaseSpec, variable: Variable, way: Derivation, number: int, tables: Mapping[str, str]) -> str:
    """At most one row per record: record_id, way, value, evidence."""
    alone = not way.companions and not way.without
    # What stands alone is its own evidence: said of the one that is picked, not of every row that could be.
    found = _of_record(spec, variable, way, _rows_sql(way, tables) if alone else events_sql(way, tables))
    evidence = own_evidence(way) if alone else "evidence"
    if way.pick == "count":
        counted = "*" if way.per == "event" else f"distinct {COUNTED[way.per]}"
        order = ", ".join(TIES)
        return (
            f"select record_id, {number} as way, count({counted})::double as value, "
            f"flatten(list({evidence} order by {order})) as evidence from ({found}) e group by record_id"
        )
    order = ", ".join((_order(way), *TIES))
    return (
        f"select record_id, {number} as way, {_value(variable, way)} as value, {evidence} as evidence from ({found}) e "
        f"qualify row_number() over (partition by record_id order by {order}) = 1"
    )


COUNTED = {"day": "cast(starts as date)", "contact": KEYS["contact"].format("e"), "course": KEYS["course"].format("e")}


def _of_record(spec: DatabaseSpec, variable: Variable, way: Derivation, rows: str) -> str:
    """The events of each record that may be picked, with the anchor they are measured from."""
    day = f'p."{spec.event_date}"'
    anchors = {"event": "p.starts", "end": "p.ends", spec.event_date: day}
    anchor = way.window.anchor if way.window else "event"
    dated = "" if anchor in anchors else f'join "derived_{anchor}" a on a.record_id = p.record_id'
    anchors.setdefault(anchor, "a.value")
    parts = [_beside(way, "e", "p", anchors), _valid(way.valid, day)]
    if way.table == "event":
        parts.append("e.id = p.record_id")
    if way.asks_number(variable.type):
        parts.append("e.number is not null")
    if way.map:
        parts.append(matches("e.text" if way.what == "text" else "e.code", way.map))
    return (
        f"select e.*, p.record_id, {anchors[anchor]} as anchor, {day} as day "
        f"from derived_population p {dated} join ({rows}) e on {' and '.join(parts)}"
    )


def _order(way: Derivation) -> str:
    """What is picked stands first."""
    return {
        "last": "starts desc",
        "closest": f"abs({distance(way.window, 'anchor', 'starts')})",
        "highest": "number desc",
        "lowest": "number",
    }.get(way.pick, "starts")


def _value(variable: Variable, way: Derivation) -> str:
    """The value of the event that was picked, as the variable's type."""
    scaled = f"(number * {way.factor!r} + {way.offset!r})"
    read = {
        "number": scaled,
        "code": _mapped("code", way.map),
        "text": _mapped("text", way.map),
        "date": "starts",
        "end": "ends",
        "yes_no": _yes_or_no(way, scaled),
        "days": "date_diff('day', anchor::timestamp, starts)",
        "hours": "date_diff('microsecond', anchor::timestamp, starts) / 3.6e9",
        "years": age("starts", "day"),
    }[way.what_of(variable.type)]
    return _whole(read, way.what) if variable.type == "integer" else read


def _yes_or_no(way: Derivation, number: str) -> str:
    """Yes where there is an event, unless its number or its code says otherwise."""
    if way.yes_if:
        return f"case when {number} {way.yes_if} then 'yes' else 'no' end"
    return _mapped("code", way.map) if way.map else "'yes'"


def _whole(number: str, what: str | None) -> str:
    """Hours are completed hours; any other number that is not whole is none, as where text is read."""
    return f"floor({number})" if what == "hours" else f"case when {number} = round({number}) then {number} end"


def _mapped(column: str, said: Mapping[str, str] | None) -> str:
    """The specification's code for what was found: the first pattern that fits."""
    if not said:
        return column
    branches = " ".join(f"when {matches(column, [pattern])} then {quoted(code)}" for pattern, code in said.items())
    return f"case {branches} end"
