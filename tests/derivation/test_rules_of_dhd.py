"""The published rules of Dansk Hjertesvigtsdatabase (DHD), one test per sentence.

Beside what a rule takes in stand rows that miss it by little.
"""

from __future__ import annotations

from event_rows import event_spec, ids, values
from published_rows import ONE, VISIT


def test_heart_failure_is_incident_in_adults():
    spec = event_spec(
        """
        {include: {contact: {diagnosis: [DI110, DI42*, DI50*], type: A}}, age: {min: 18}, washout: 1825 days}
        """
    )
    contacts = """
    contact_id person starts
    k1         p1     2020-03-01T10:00
    k2         p1     2025-02-28T10:00
    k3         p2     2020-03-01T10:00
    k4         p2     2025-03-01T10:00
    k5         p3     2026-03-01T10:00
    """
    diagnoses = "contact_id code type\n" + "\n".join(f"k{n} DI500 A" for n in range(1, 6))
    born = "person birth_date\np1 1950-01-01\np2 1950-01-01\np3 2008-03-02"
    assert ids(spec, contact=contacts, diagnosis=diagnoses, person=born) == ["k1", "k3", "k4"]


def test_an_excluded_diagnosis_before_the_course_leaves_the_patient_out():
    spec = event_spec(
        """
        {include: {contact: {diagnosis: DI50*, type: A}},
          exclude: [{diagnosis: DI05..DI08, type: [A, B], window: {before: event, days: 3650}},
            {person: emigrated, window: {before: event, days: 3650}}]}
        """
    )
    contacts = """
    contact_id person starts
    k0         p1     2024-03-01T10:00
    k1         p1     2026-03-01T10:00
    k2         p2     2026-03-01T10:00
    k3         p3     2026-03-01T10:00
    """
    diagnoses = "contact_id code type\nk0 DI060 B\nk1 DI500 A\nk2 DI500 A\nk3 DI500 A"
    left = "person emigrated\np3 2025-01-01"
    assert ids(spec, contact=contacts, diagnosis=diagnoses, person=left) == ["k2"]


def test_treatment_begins_within_twelve_weeks_of_the_first_contact():
    spec = event_spec(ONE, "started: {type: yes_no, from: {lmdb: {medicine: C07*, window: {after: event, days: 84}}}}")
    for day, found in (("2026-05-24", "yes"), ("2026-05-25", "no")):
        assert values(spec, "started", contact=VISIT, medicine=f"person atc dispensed\np1 C07AB02 {day}") == [found]


def test_cause_of_death_is_plain_icd_10():
    spec = event_spec(ONE, "cause: {type: sks, codes: [I50*], from: {dar: {death: I50*, what: code}}}")
    assert values(spec, "cause", contact=VISIT, death="person died cause\np1 2026-05-01 I509") == ["I509"]
