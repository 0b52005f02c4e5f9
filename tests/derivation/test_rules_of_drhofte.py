"""The published rules of Dansk Tværfagligt Register for Hoftenære Lårbensbrud (DrHofte), one test per sentence.

Beside what a rule takes in stand rows that miss it by little.
"""

from __future__ import annotations

from event_rows import derived, event_spec, ids, values
from published_rows import VISIT

HIP = """
include:
  procedure: [KNFB0..KNFB1, KNFJ4..KNFJ8]
  with: {diagnosis: [DS720..DS722], type: [A, B], same: contact}
age: {min: 65}
"""
HIP_VARIABLES = """
admitted: {type: timestamp, from: {lpr: {contact: '*', same: contact, what: date}}}
delay: {type: decimal, from: {lpr: {event: '*', window: {after: admitted, hours: [0, 720]}, what: hours}}}
mobilised: {type: yes_no, from: {lpr: {procedure: ZZMOB, window: {after: event, hours: 24}}}}
reoperated: {type: yes_no, from: {lpr: {procedure: KNFU*, other: contact, window: {after: event, days: 730}}}}
"""
SURGERY = """
procedure_id contact_id person code   type starts
r1           k1         p1     KNFB20 P    2026-03-02T16:00
"""


def test_hip_fractures_are_operated_by_arthroplasty_or_osteosynthesis_from_age_65():
    contacts = "contact_id person starts\n" + "\n".join(f"k{n} p{n} 2026-03-01T10:00" for n in range(1, 6))
    operations = ("KNFB02", "KNFB12", "KNFJ51", "KNFB62", "KNFJ81")
    procedures = "procedure_id contact_id person code type starts\n" + "\n".join(
        f"r{n} k{n} p{n} {code} P 2026-03-02T10:00" for n, code in enumerate(operations, 1)
    )
    diagnoses = "contact_id code type\nk1 DS720 A\nk2 DS721B A\nk3 DS722 B\nk4 DS720 A\nk5 DS723 A"
    born = "person birth_date\np1 1961-03-02\np2 1961-03-03\np3 1940-01-01\np4 1940-01-01\np5 1940-01-01"
    found = ids(event_spec(HIP), contact=contacts, procedure=procedures, diagnosis=diagnoses, person=born)
    assert found == ["k1", "k3"]


def test_surgical_delay_is_the_hours_from_admission_to_operation():
    spec = event_spec(HIP.replace("age: {min: 65}", ""), HIP_VARIABLES)
    rows = {
        "contact": "contact_id person starts\nk1 p1 2026-03-01T10:30",
        "procedure": SURGERY.replace("KNFB20", "KNFB12") + "r2 k1 p1 ZZMOB P 2026-03-03T16:00",
        "diagnosis": "contact_id code type\nk1 DS720 A",
    }
    found = derived(spec, **rows).records
    assert found["delay"].to_list() == [29.5]
    assert found["mobilised"].to_list() == ["yes"]


def test_mobilised_within_24_hours_of_the_operation():
    spec = event_spec(
        "{include: {procedure: KNFB*}}",
        "mobilised: {type: yes_no, from: {lpr: {procedure: ZZMOB, window: {after: event, hours: 24}}}}",
    )
    for time, found in (("2026-03-03T16:00", "yes"), ("2026-03-03T16:01", "no"), ("2026-03-02T15:59", "no")):
        rows = SURGERY + f"r2 k1 p1 ZZMOB P {time}"
        assert values(spec, "mobilised", procedure=rows, contact=VISIT) == [found]


def test_reoperation_is_another_operation_within_two_years():
    spec = event_spec(
        "{include: {procedure: KNFB*}}",
        """
        reoperated: {type: yes_no,
          from: {lpr: {procedure: KNFU*, other: contact, window: {after: event, days: 730}}}}
        """,
    )
    for contact, day, found in (("k2", "2028-03-01", "yes"), ("k2", "2028-03-02", "no"), ("k1", "2026-03-03", "no")):
        rows = SURGERY + f"r2 {contact} p1 KNFU49 P {day}T10:00"
        assert values(spec, "reoperated", procedure=rows, contact=VISIT) == [found]


def test_thirty_day_survival_is_that_no_death_follows():
    spec = event_spec(
        "{include: {procedure: KNFB*}}",
        """
        alive:
          type: yes_no
          from: {cpr: {person: died, window: {after: event, days: 30}, map: {died: "no"}, if_none: "yes"}}
        """,
    )
    for died, found in (("2026-04-01", "no"), ("2026-04-02", "yes"), ("-", "yes")):
        rows = f"person died\np1 {died}"
        assert values(spec, "alive", procedure=SURGERY, contact=VISIT, person=rows) == [found]
