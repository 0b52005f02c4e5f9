"""Generated specifications and events: SQL derives what the naive reference derives, value by value, row by row."""

from __future__ import annotations

import datetime as dt
import json
import random
from typing import Any

from event_rows import KINDS, event_spec, loaded
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive_derivation import population, value

from pipelines.reconciliation.derive import derive, in_order, ways_of

PERSONS, COURSES, CONTACTS = ["p1", "p2"], ["f1", "f2", "f3", None], [f"k{n}" for n in range(1, 9)]
CODES = {
    "contact": ["ALCA00", "ALCA10", None],
    "diagnosis": ["DJ44", "DJ441", "DJ13", "DJ189", "DI50"],
    "procedure": ["KNFB20", "KNFJ51", "VPH0012", "VPH0040", "ZZ1"],
    "lab": ["NPU1", "NPU2"],
}
PATTERNS = {
    "contact": ["*", "ALCA*"],
    "diagnosis": ["*", "*", "DJ44*", ["DJ441", "DJ13..DJ18"]],
    "procedure": ["*", "*", "KNFB..KNFJ", ["KNFB*", "ZZ1"]],
    "lab": ["NPU1", "*"],
}


def rows_by(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Event tables as full as twelve days of two persons can be, with ties, nulls and rows without a contact."""
    some = random.Random(seed)
    any_of, time = some.choice, lambda: dt.datetime(2026, 2, 25) + dt.timedelta(hours=6 * some.randrange(48))
    tables: dict[str, list[dict[str, Any]]] = {"contact": [], "diagnosis": [], "procedure": [], "lab": [], "person": []}
    for name in CONTACTS:
        starts, lasts = time(), any_of([None, 0, 5, 12, 30, 30])
        tables["contact"].append({
            "contact_id": name, "course_id": any_of(COURSES), "person": any_of([*PERSONS, *PERSONS, None]),
            "starts": starts, "ends": None if lasts is None else starts + dt.timedelta(hours=lasts),
            "contact_type": any_of(CODES["contact"]), "priority": any_of(["ATA1", "ATA3"]), "unit": any_of("uv"),
        })  # fmt: skip
    for _ in range(14):
        tables["diagnosis"].append({
            "contact_id": any_of([*CONTACTS, "k9"]), "code": any_of(CODES["diagnosis"]), "type": any_of("AAB+"),
            "retracted": any_of([True, False, None]),
        })  # fmt: skip
        person = any_of(PERSONS)
        at = [row["contact_id"] for row in tables["contact"] if row["person"] == person]
        tables["procedure"].append({
            "procedure_id": any_of([f"{person}r1", f"{person}r2", None]), "contact_id": any_of([*at, None]),
            "course_id": any_of(COURSES), "person": person, "code": any_of(CODES["procedure"]),
            "type": any_of("PP+"), "parent_code": any_of(["KNFB20", "ZZ1", None]),
            "starts": any_of([time(), time(), None]),
        })  # fmt: skip
        tables["lab"].append({
            "person": any_of(PERSONS), "code": any_of(CODES["lab"]), "taken": time(),
            "number": any_of([None, 1.0, 2.5, 59.0, 59.0]),
        })  # fmt: skip
    born = [dt.date(1996, 2, 29), dt.date(1950, 3, 1), dt.date(1996, 3, 1), None]
    tables["person"] = [{"person": name, "birth_date": any_of(born)} for name in PERSONS]
    return {table: _numbered(table, rows, some) for table, rows in tables.items()}


def _numbered(table: str, rows: list[dict[str, Any]], some: random.Random) -> list[dict[str, Any]]:
    """Whole rows with receipt and line, standing in any order."""
    whole = [
        dict.fromkeys(KINDS[table]) | row | {"receipt_id": f"{table}-{line % 2}", "line": line}
        for line, row in enumerate(rows, 2)
    ]
    return some.sample(whole, len(whole))


@st.composite
def windows(draw: st.DrawFn, anchors: tuple[str, ...]) -> dict[str, Any]:
    low, high = sorted((draw(st.integers(-6, 6)), draw(st.integers(-6, 6))))
    unit = draw(st.sampled_from(["days", "hours"]))
    span = draw(st.sampled_from([[low, high], [low, None], [None, high]]))
    said = {"around": draw(st.sampled_from(anchors)), unit: span}
    short = {draw(st.sampled_from(["before", "after", "around"])): said["around"], unit: abs(low)}
    return draw(st.sampled_from([said, short]))


@st.composite
def some_events(draw: st.DrawFn, depth: int = 1, anchors: tuple[str, ...] = (), tables: str = "") -> dict[str, Any]:
    """Any selection of events, with others beside it down to `depth`."""
    table = draw(st.sampled_from(tables.split() or ["contact", "diagnosis", "procedure", "lab"]))
    said: dict[str, Any] = {table: draw(st.sampled_from(PATTERNS[table]))}
    if table == "diagnosis" and draw(st.booleans()):
        said["type"] = draw(st.sampled_from(["A", ["A", "B"], "+"]))
    if table == "procedure":
        said |= draw(st.sampled_from([{}, {"value": "VPH*"}, {"parent": "ZZ1"}, {"type": "P"}]))
    if table == "contact":
        said["contact"] = draw(
            st.sampled_from(
                ["*", {"priority": "ATA1"}, {"lasting": {"min": 5, "max": 12}}, {"diagnosis": "DJ44*", "type": "A"}]
            )
        )
    if table == "lab" and draw(st.booleans()):
        said["number"] = draw(st.sampled_from(["< 59", ">= 2.5"]))
    if anchors:
        said["same"] = draw(st.sampled_from(["person", "person", "person", "contact", "course"]))
        said |= draw(st.sampled_from([{}, {}, {"other": "contact"}, {"other": "course"}]))
        said |= {"window": draw(windows(anchors))} if draw(st.booleans()) else {}
    if depth:
        beside = some_events(depth - 1, ("event", "end"))
        said |= {key: [draw(beside)] for key in ("with", "without") if draw(st.integers(0, 4)) == 0}
    return said


@st.composite
def populations(draw: st.DrawFn) -> dict[str, Any]:
    include = [
        {**draw(some_events(tables="contact diagnosis procedure")), "name": f"part{n}"}
        for n in range(draw(st.integers(1, 2)))
    ]
    said = {"include": include, "per": draw(st.sampled_from(["contact", "course", "person", "year", "event"]))}
    said |= draw(st.sampled_from([{}, {}, {"date": "end"}, {"washout": 2}, {"age": {"min": 30}}]))
    if draw(st.integers(0, 3)) == 0:
        said["exclude"] = [draw(some_events(0, ("event", "end")))]
    return said


TABLES = {"lpr": "contact diagnosis procedure", "lab": "lab"}
READ = {
    "decimal": [{}, {"what": "hours"}, {"what": "days"}, {"pick": "count"}, {"factor": 10, "offset": -1.5}],
    "integer": [{}, {"what": "hours"}, {"pick": "count", "per": "day"}, {"pick": "count", "per": "course"}],
    "yes_no": [{}, {"yes_if": "< 59"}, {"if_none": "unknown"}, {"if_none": "yes"}],
    "sks": [{}, {"what": "text"}, {"if_none": "unknown"}, {"map": {"DJ44*": "kol", "KNF*": "hofte", "NPU1": "svar"}}],
    "date": [{}, {"what": "end"}],
    "timestamp": [{}],
}


@st.composite
def variables(draw: st.DrawFn) -> dict[str, Any]:
    """A date that windows may be anchored at, and a variable of each of a few types."""
    dated = {"type": "date", "from": {"lpr": draw(some_events(0, ("event", "end", "day"), "contact procedure"))}}
    said: dict[str, Any] = {"dated": dated}
    for kind in draw(st.lists(st.sampled_from(sorted(READ)), min_size=2, max_size=4, unique=True)):
        registers = draw(st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=2, unique=True))
        ways = {one: [draw(a_way(kind, TABLES[one])) for _ in range(draw(st.integers(1, 2)))] for one in registers}
        said[f"v_{kind}"] = {"type": kind, "missing": {"unknown": "Uoplyst"}, "from": ways}
        said[f"v_{kind}"] |= draw(st.sampled_from([{}, {}, {"only_if": "dated >= day"}]))
    return {name: {"label": {"da": "Prøve"}, **variable} for name, variable in said.items()}


@st.composite
def a_way(draw: st.DrawFn, kind: str, tables: str) -> dict[str, Any]:
    pick = draw(st.sampled_from(["first", "last", "closest", "highest", "lowest", "any"]))
    said = {"pick": pick, **draw(some_events(1, ("event", "end", "day", "dated"), tables))}
    if draw(st.integers(0, 5)) == 0:
        said = {"pick": "first", "event": draw(st.sampled_from(["*", "part0"]))}
    said |= draw(st.sampled_from(READ[kind]))
    return said | draw(st.sampled_from([{}, {}, {"valid": {"until": "2026-03-01"}}]))


def belonging(spec, name, record, found):
    """What was found, or nothing where `only_if` (dated >= day) is known not to hold of the record."""
    dated = record.dates.get("dated")
    outside = spec.variables[name].only_if and dated is not None and dated < record.day
    return (None, None, set()) if outside else found


@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.integers(0, 2**32), populations(), variables())
def test_sql_derives_what_the_naive_reference_derives(seed, said, derived_variables):
    rows = rows_by(seed)
    spec = event_spec(json.dumps(said), json.dumps(derived_variables))
    with loaded(rows) as connection:
        found = derive(connection, spec)
    records = population(spec, rows)
    assert [(r.id, r.day, r.event.person) for r in records] == found.records.select("record_id", "day", "person").rows()
    made = {(r.id, None, *row) for r in records for row in r.event.evidence}
    ways = ways_of(spec, ("lpr", "lab"))
    for name in in_order(spec, ways):
        expected = [belonging(spec, name, record, value(spec, name, ways[name], record, rows)) for record in records]
        assert found.records.select(name, f"{name}_missing").rows() == [one[:2] for one in expected], name
        made |= {(r.id, name, *row) for r, one in zip(records, expected, strict=True) for row in one[2]}
        for record, one in zip(records, expected, strict=True):
            record.dates[name] = one[0]
    assert set(found.evidence.rows()) == made
