"""Which event is picked, what is read of it, and how ties fall: small tables with their answers beside them."""

from __future__ import annotations

import random

import pytest
from event_rows import derived, drawn, event_spec, ids, loaded, values

from pipelines.reconciliation.derive import derive

ONE = "{include: {contact: '*'}}"
VISIT = "contact_id course_id person starts ends\nk1 f1 p1 2026-03-10T12:00 2026-03-12T12:00"
LAB = """
person code number taken
p1     NPU1 5      2026-03-01T08:00
p1     NPU2 9      2026-03-09T23:00
p1     NPU1 2      2026-03-10T21:00
p1     NPU1 -      2026-03-10T11:00
p1     NPU1 7      2026-03-31T08:00
p2     NPU1 99     2026-03-10T12:00
"""
PICKED = {
    "pick: first": 5,
    "pick: last": 7,
    "pick: highest": 9,
    "pick: lowest": 2,
    "pick: any": 5,
    "pick: closest": 2,  # the same calendar day, though nine hours off
    "pick: closest, window: {around: event, days: [-30, -1]}": 9,
    "pick: closest, window: {around: event, hours: 400}": 2,  # 9 hours, against 13 to the evening before
    "pick: closest, window: {around: end, days: 30}": 2,
    "pick: closest, window: {before: event, hours: 400}": 9,
    "pick: last, window: {before: event, days: 30}": 2,  # a day has no hour: the evening counts as that day
    "pick: last, window: {before: event, hours: 720}": 9,
    "pick: first, number: '> 5'": 9,
    "pick: last, number: '< 7'": 2,
    "pick: count": 5,
    "pick: count, per: day": 4,
    "pick: count, number: '> 2'": 3,
    "pick: count, window: {after: event, days: [30, null]}": 0,
    "pick: last, what: days": 21,
    "pick: last, what: hours": 500,
    "pick: last, factor: 10, offset: -1": 69,
    "pick: last, window: {after: event, days: [30, 60]}, if_none: -1": -1,
}


@pytest.mark.parametrize("how", PICKED)
def test_what_is_picked(how: str) -> None:
    spec = event_spec(ONE, f"v: {{type: integer, from: {{lab: {{lab: NPU*, {how}}}}}}}")
    assert values(spec, "v", contact=VISIT, lab=LAB) == [PICKED[how]]


def test_ties_fall_to_the_earlier_then_the_code_then_receipt_and_line() -> None:
    spec = event_spec(
        ONE, "v: {type: sks, from: {lab: {lab: '*', pick: closest, what: code, window: {around: event, days: 9}}}}"
    )
    before_and_after = "person code taken\np1 NPU1 2026-03-12T01:00\np1 NPU2 2026-03-08T23:00"
    assert values(spec, "v", contact=VISIT, lab=before_and_after) == ["NPU2"]
    same_time = "person code taken\np1 NPU2 2026-03-08T23:00\np1 NPU1 2026-03-08T23:00"
    assert values(spec, "v", contact=VISIT, lab=same_time) == ["NPU1"]
    number = event_spec(ONE, "v: {type: decimal, from: {lab: {lab: '*', pick: last}}}")
    same_code = "person code number taken\np1 NPU1 4 2026-03-08T23:00\np1 NPU1 3 2026-03-08T23:00"
    assert values(number, "v", contact=VISIT, lab=same_code) == [4]


def test_the_order_of_rows_changes_nothing() -> None:
    spec = event_spec(
        "{include: [{contact: '*', with: {lab: '*', window: {around: event, days: 9}}}], per: person}",
        "v: {type: decimal, from: {lab: {lab: '*', pick: last}}}",
    )
    rows = {"contact": drawn("contact", VISIT), "lab": drawn("lab", LAB)}
    answers = []
    for seed in range(5):
        mixed = {table: random.Random(seed).sample(some, len(some)) for table, some in rows.items()}
        with loaded(mixed) as connection:
            found = derive(connection, spec)
        answers.append((found.records.write_json(), found.evidence.write_json()))
    assert len(set(answers)) == 1


def test_of_several_ways_the_first_that_finds_an_event_counts() -> None:
    spec = event_spec(ONE, "v: {type: decimal, from: {lab: [{lab: NPU2, pick: last}, {lab: NPU1, pick: last}]}}")
    assert values(spec, "v", contact=VISIT, lab=LAB) == [9]
    assert values(spec, "v", contact=VISIT, lab=LAB.replace("NPU2", "NPU3")) == [7]


IN_LPR, IN_LAB = "procedure: KNFB20", "lab: NPU1, number: '> 90'"
DONE = "procedure_id person code type starts\nr1 p1 KNFB20 P 2026-03-10T13:00"


def test_of_several_registers_the_first_said_that_finds_an_event_counts() -> None:
    there = {"contact": VISIT, "lab": LAB.replace("p2", "p1")}
    for first, second in ((f"lpr: {{{IN_LPR}", f"lab: {{{IN_LAB}"), (f"lab: {{{IN_LAB}", f"lpr: {{{IN_LPR}")):
        spec = event_spec(ONE, f"v: {{type: sks, from: {{{first}, what: code}}, {second}, what: code}}}}}}")
        expected = "KNFB20" if first.startswith("lpr") else "NPU1"
        assert values(spec, "v", **there, procedure=DONE) == [expected]
        assert values(spec, "v", **there) == ["NPU1"]
        assert derived(spec, **there, procedure=DONE).trace("k1", "v").height == 1


def test_where_no_register_finds_an_event_the_last_that_says_what_stands_then_decides() -> None:
    said = "missing: {unknown: Uoplyst, not_done: Ikke udført}"
    ways = "lpr: {procedure: X, if_none: unknown}, lab: {lab: X, if_none: not_done}, lmdb: {medicine: X}"
    spec = event_spec(ONE, f"v: {{type: yes_no, {said}, from: {{{ways}}}}}")
    assert values(spec, "v", contact=VISIT) == ["missing: not_done"]
    with loaded({"contact": drawn("contact", VISIT)}) as connection:
        assert derive(connection, spec, registers=("lpr",)).records["v_missing"].to_list() == ["unknown"]


def test_outside_its_validity_a_variable_says_nothing() -> None:
    way = "missing: {unknown: Uoplyst}, from: {lab: {lab: X, if_none: unknown}}"
    variable = f"{{type: yes_no, valid: {{from: 2026-04-01}}, {way}}}"
    assert values(event_spec(ONE, f"v: {variable}"), "v", contact=VISIT) == [None]
    assert values(event_spec(ONE, f"v: {variable.replace('04', '03')}"), "v", contact=VISIT) == ["missing: unknown"]


def test_tillaegskoder_are_not_counted_as_procedures() -> None:
    spec = event_spec(ONE, "n: {type: integer, from: {lpr: {procedure: '*', same: contact, pick: count}}}")
    rows = """
    procedure_id contact_id person code    type parent_code starts
    r1           k1         p1     KNFB20  P    -           2026-03-10T13:00
    r1           k1         p1     TUL1    +    KNFB20      2026-03-10T13:00
    r2           -          p1     KNFB20  P    -           2026-03-10T13:00
    """
    assert values(spec, "n", contact=VISIT, procedure=rows) == [1]


def test_a_procedure_without_contact_is_found_through_its_course_or_its_person() -> None:
    rows = "procedure_id course_id person code type starts\nr1 f1 p1 KNFB20 P 2026-03-10T13:00"
    for same, found in (("contact", "no"), ("course", "yes"), ("person", "yes")):
        spec = event_spec(ONE, f"v: {{type: yes_no, from: {{lpr: {{procedure: '*', same: {same}}}}}}}")
        assert values(spec, "v", contact=VISIT, procedure=rows) == [found]


def test_a_procedure_that_leaves_its_person_to_its_contact_is_found_where_nothing_asks_for_contacts() -> None:
    """Another contact of the person, and one of another person on which the procedure names hers."""
    visits = VISIT + "\nk2 f2 p1 2026-03-11T08:00 2026-03-11T09:00\nk3 f3 p2 2026-03-11T08:00 2026-03-11T09:00"
    diagnoses = "contact_id person code type\nk1 p1 DI500 A"
    rows = """
    procedure_id contact_id person code   type starts
    r1           k2         -      KNFB20 P    2026-03-11T08:30
    r2           k3         p1     KNFJ50 P    2026-03-11T08:30
    r3           k3         -      KNFJ60 P    2026-03-11T08:30
    """
    spec = event_spec(
        "{include: {diagnosis: DI50*, type: A}}",
        "{n: {type: integer, from: {lpr: {procedure: KNF*, pick: count}}},"
        " other: {type: integer, from: {lpr: {procedure: [KNFB*, KNFJ*], other: course, pick: count, per: course}}}}",
    )
    found = derived(spec, contact=visits, diagnosis=diagnoses, procedure=rows).records
    assert found.select("record_id", "n", "other").rows() == [("k1", 2, 2)]


CONTACTS = """
contact_id course_id person starts           ends
k1         f1        p1     2025-12-30T12:00 2026-01-02T12:00
k2         f1        p1     2026-01-02T12:00 -
k3         f2        p1     2026-01-09T12:00 2026-01-09T13:00
k4         -         p2     2026-01-09T12:00 2026-01-09T13:00
"""


@pytest.mark.parametrize(
    ("how", "records"),
    [
        ("per: contact", ["k1", "k2", "k3", "k4"]),
        ("per: course", ["f1", "f2", "k4"]),
        ("per: person", ["k1", "k4"]),
        ("per: year", ["k1", "k2", "k4"]),
        ("date: end, per: year", ["k1", "k4"]),
        ("washout: 6", ["k1", "k3", "k4"]),
        ("washout: 7", ["k1", "k4"]),
    ],
)
def test_one_record_for_each(how: str, records: list[str]) -> None:
    assert ids(event_spec(f"{{include: {{contact: '*'}}, {how}}}"), contact=CONTACTS) == records


def test_a_record_has_sex_and_age_band_of_the_register_of_persons() -> None:
    found = derived(event_spec(ONE), contact=VISIT, person="person birth_date sex\np1 1946-03-11 female").records
    assert found.select("sex", "age_band").rows() == [("female", "70-79")]


def test_one_born_on_29_february_is_a_year_older_on_1_march() -> None:
    spec = event_spec("{include: {contact: '*'}, age: {min: 18}}")
    contacts = "contact_id person starts\nk1 p1 2026-02-28T12:00\nk2 p1 2026-03-01T12:00"
    assert ids(spec, contact=contacts, person="person birth_date\np1 2008-02-29") == ["k2"]


def test_what_does_not_belong_to_a_record_is_not_derived_and_has_no_rows_behind_it() -> None:
    spec = event_spec(
        ONE,
        "{kind: {type: text, from: {lpr: {contact: '*', same: contact, what: code}}}, "
        "end_day: {type: date, only_if: \"kind = 'ind'\", from: {lpr: {contact: '*', same: contact, what: end}}}}",
    )
    visits = "contact_id contact_type person starts ends\n" + "\n".join(
        f"{name} {kind} {name} 2026-03-10T12:00 2026-03-12T12:00"
        for name, kind in (("k1", "ind"), ("k2", "amb"), ("k3", "-"))
    )
    found = derived(spec, contact=visits)
    assert found.records["end_day"].cast(str).to_list() == ["2026-03-12", None, "2026-03-12"]  # k3: nobody can say
    assert [len(found.trace(name, "end_day")) for name in ("k1", "k2", "k3")] == [1, 0, 1]
