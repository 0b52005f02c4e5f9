"""What cannot be meant is refused when the specification is read, with file, line and variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from event_rows import derived, drawn, event_spec, ids, loaded, values
from pydantic import ValidationError

from pipelines.project import InputError
from pipelines.reconciliation.derive import derive
from pipelines.spec.reading import read_spec

ONE = "{include: {contact: '*'}}"
WRONG_EVENTS = {
    "{diagnoses: DJ44*}": "Extra inputs",
    "{}": "events come from one table",
    "{diagnosis: DJ44*, lab: NPU1}": "events come from one table",
    "{diagnosis: DJ4*4}": "pattern",
    "{diagnosis: DJ13..DJ8}": "a range of codes",
    "{diagnosis: DJ18..DJ13}": "a range of codes",
    "{diagnosis: []}": "at least 1",
    "{lab: NPU1, value: VPH*}": "value belongs to procedure",
    "{lab: NPU1, parent: ZZ1}": "parent belongs to",
    "{medicine: C07*, type: A}": "type belongs to",
    "{person: married}": "died",
    "{medicine: C07*, window: {after: event, hours: 4}}": "knows days only",
    "{lab: NPU1, window: {around: event}}": "in days or in hours",
    "{lab: NPU1, window: {around: event, days: 3, hours: 3}}": "in days or in hours",
    "{lab: NPU1, window: {around: event, before: end, days: 3}}": "one anchor",
    "{lab: NPU1, window: {around: event, days: [3, -3]}}": "begins after its end",
    "{lab: NPU1, window: {before: event, days: [0, 365]}}": "ends at 0 or earlier",
    "{lab: NPU1, window: {after: event, days: [-1, 365]}}": "begins at 0 or later",
    "{contact: '*', with: {lab: NPU1, window: {around: day, days: 1}}}": "anchored at event or end",
}


@pytest.mark.parametrize("said", WRONG_EVENTS)
def test_events_that_cannot_be_meant_are_refused(said: str) -> None:
    with pytest.raises(ValidationError, match=WRONG_EVENTS[said]):
        event_spec(f"{{exclude: [{said}]}}")


WRONG_POPULATIONS = {
    "{include: {lab: NPU1, window: {around: event, days: 3}}}": "no window of its own",
    "{include: {event: '*'}}": "its own records",
    "{include: {contact: '*'}, washout: a year}": "washout",
    "{include: {contact: '*'}, per: month}": "per",
    "{exclude: [{lab: NPU1, window: {around: day, days: 3}}]}": "anchored at event or end",
}


@pytest.mark.parametrize("said", WRONG_POPULATIONS)
def test_populations_that_cannot_be_meant_are_refused(said: str) -> None:
    with pytest.raises(ValidationError, match=WRONG_POPULATIONS[said]):
        event_spec(said)


WRONG_VARIABLES = {
    "v: {type: decimal, from: {kip: {lab: NPU1}}}": "schema file of its own",
    "v: {type: decimal, from: {lmdb: {lab: NPU1}}}": "not a table of lmdb",
    "v: {type: decimal, from: {lab: {lab: NPU1, what: code}}}": "does not fit",
    "v: {type: yes_no, from: {lab: {lab: NPU1, pick: count}}}": "a count is a number",
    "v: {type: decimal, from: {lab: {lab: NPU1, yes_if: '< 59'}}}": "belongs to type yes_no",
    "v: {type: decimal, from: {lab: {lab: NPU1, if_none: unknown}}}": "neither a missing code nor a value",
    "v: {type: yes_no, from: {lab: {lab: NPU1, map: {NPU1: maybe}}}}": "no value of the variable",
    "v: {type: decimal, from: {lab: {lab: NPU1, window: {around: w, days: 1}}}}": "no date derived",
    "v: {type: date, from: {lab: {lab: NPU1, window: {around: v, days: 1}}}}": "anchored at itself",
    "v: {type: date, from: {lab: {lab: NPU1, window: {around: w, days: 1}}}}\n"
    "w: {type: date, from: {lab: {lab: NPU1, window: {around: v, days: 1}}}}": "anchored at itself",
    "day: {type: date, from: {lab: {lab: NPU1}}}": "the population decides the event date",
}


@pytest.mark.parametrize("said", WRONG_VARIABLES)
def test_derivations_that_cannot_be_meant_are_refused(said: str) -> None:
    with pytest.raises(ValidationError, match=WRONG_VARIABLES[said]):
        event_spec(ONE, said)


def test_a_wrong_key_is_named_with_file_line_and_variable(tmp_path: Path) -> None:
    path = tmp_path / "specification.yaml"
    path.write_text(
        """database: small
title: {da: Prøve}
official: false
version: "1"
record: one
event_date: day
variables:
  hba1c:
    label: {da: HbA1c}
    type: decimal
    from:
      lab:
        lab: NPU27300
        windows: {before: event, days: 365}
match:
  - {rule: same day, on: [person, day]}
""",
        "utf-8",
    )
    with pytest.raises(InputError, match=r"specification\.yaml, line 14, variable hba1c: .*windows"):
        read_spec(path)


def test_the_example_of_the_contract_can_be_said() -> None:
    spec = event_spec(
        "{include: {contact: {diagnosis: [DI110, DI42*, DI50*], type: [A]}}, age: {min: 18}}",
        """
        lvef:
          type: decimal
          from: {lpr: {procedure: UXUC80, value: VPH*, window: {around: day, days: [-90, 90]}, pick: closest}}
        """,
    )
    pairs = """
    procedure_id person code    type parent_code starts
    r1           p1     UXUC80  P    -           2026-02-01T10:00
    r1           p1     VPH0035 +    UXUC80      2026-02-01T10:00
    r2           p1     VPH0055 +    UXUC80      2025-11-30T10:00
    """
    contact = "contact_id person starts\nk1 p1 2026-03-01T10:00"
    rows = {"contact": contact, "diagnosis": "contact_id code type\nk1 DI501B A", "procedure": pairs}
    assert values(spec, "lvef", **rows, person="person birth_date\np1 1950-01-01") == [35]


def test_a_register_that_is_not_given_is_asked_for() -> None:
    spec = event_spec(
        ONE,
        """
        died: {type: date, from: {cpr: {person: died}}}
        last: {type: decimal, from: {lab: {lab: NPU1, window: {before: died, days: 30}}}}
        """,
    )
    with pytest.raises(InputError, match="last is derived around died"):
        derive(None, spec, registers=("lpr", "lab"))


def test_every_value_can_be_traced_to_the_rows_it_came_from() -> None:
    spec = event_spec(
        "{include: {contact: {diagnosis: DI50*, type: A}}}",
        "tests: {type: integer, from: {lab: {lab: NPU1, pick: count}}}\n"
        "dead: {type: yes_no, from: {cpr: {person: died}}}",
    )
    found = derived(
        spec,
        contact="contact_id person starts\nk0 p1 2026-01-01T10:00\nk1 p1 2026-03-01T10:00",
        diagnosis="contact_id code type\nk1 DJ189 A\nk1 DI500 A",
        lab="person code taken\np1 NPU1 2026-01-01T08:00\np2 NPU1 2026-01-01T08:00\np1 NPU1 2026-01-02T08:00",
    )
    rows = ["table", "receipt_id", "line"]
    assert found.trace("k1").select(rows).rows() == [("contact", "contact-1", 3), ("diagnosis", "diagnosis-1", 3)]
    assert found.trace("k1", "tests").select(rows).rows() == [("lab", "lab-1", 2), ("lab", "lab-1", 4)]
    assert found.trace("k1", "dead").is_empty()
    assert found.records.select("tests", "dead", "receipt_id", "line").rows() == [(2, "no", "contact-1", 3)]


def test_nothing_is_left_behind_and_the_events_are_unchanged() -> None:
    spec = event_spec(ONE, "v: {type: yes_no, from: {lab: {lab: NPU1}}}")
    with loaded({"contact": drawn("contact", "contact_id person starts\nk1 p1 2026-03-01T10:00")}) as connection:
        before = connection.execute("show tables").fetchall()
        assert derive(connection, spec).records.equals(derive(connection, spec).records)
        assert connection.execute("show tables").fetchall() == before


def test_a_record_id_never_carries_the_persons_number() -> None:
    rows = {
        "lab": "person code number taken\n0101501234 NPU1 50 2026-03-01T08:00",
        "contact": "contact_id person starts\nk1 0101501234 2026-03-01T08:00",
    }
    for per in ("event", "contact", "course", "person", "year"):
        assert ids(event_spec(f"{{include: {{contact: '*'}}, per: {per}}}"), **rows) == ["k1"]
        assert ids(event_spec(f"{{include: {{lab: NPU1}}, per: {per}}}"), **rows) == ["lab-1:2"]
