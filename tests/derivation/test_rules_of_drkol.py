"""The published rules of Dansk register for KOL (DrKOL) and Dansk Intensiv Database, one test per sentence.

Beside what a rule takes in stand rows that miss it by little.
"""

from __future__ import annotations

from event_rows import derived, event_spec, ids, values
from published_rows import CONTACTS, ONE, PERSONS, VISIT

OUTPATIENT = """
include:
  - contact: {diagnosis: DJ44*, type: A}
  - contact: {diagnosis: DJ44*, type: B}
    with: {diagnosis: DJ96*, type: A, same: contact}
age: {min: 30}
"""


def test_copd_outpatients_are_dj44_as_aktionsdiagnose_or_as_bidiagnose_with_dj96():
    diagnoses = """
    contact_id code   type
    k1         DJ449  A
    k2         DJ449  B
    k2         DJ960  A
    k3         DJ449  B
    k3         DI500  A
    """
    assert ids(event_spec(OUTPATIENT), contact=CONTACTS, diagnosis=diagnoses, person=PERSONS) == ["k1", "k2"]


def test_copd_counts_from_the_thirtieth_birthday():
    contacts = """
    contact_id person starts
    k1         p4     2026-03-01T10:00
    k2         p4     2026-03-02T10:00
    """
    diagnoses = """
    contact_id code   type
    k1         DJ449  A
    k2         DJ449  A
    """
    assert ids(event_spec(OUTPATIENT), contact=contacts, diagnosis=diagnoses, person=PERSONS) == ["k2"]


# acute exacerbation.
EXACERBATION = """
include:
  - name: exacerbation
    contact: {priority: ATA1, lasting: {min: 12}}
    with: {diagnosis: DJ44*, type: A, same: course, window: {after: event, hours: 48}}
  - name: respiratory
    contact: {priority: ATA1, lasting: {min: 12}}
    with:
      - {diagnosis: DJ44*, type: B, same: contact}
      - {diagnosis: [DJ96*, DJ13..DJ18], type: A, same: contact}
age: {min: 30}
per: course
"""
ADMISSION = """
contact_id course_id person starts           ends             priority
k1         f1        p1     2026-03-01T10:00 2026-03-02T10:00 ATA1
k2         f1        p1     {second}         2026-03-06T12:00 ATA3
"""


def test_an_exacerbation_has_dj44_as_aktionsdiagnose_within_two_days_of_admission():
    diagnoses = """
    contact_id code   type
    k1         DR060  A
    k2         DJ441  A
    """
    for second, taken in (("2026-03-03T10:00", ["f1"]), ("2026-03-03T10:01", [])):
        found = ids(
            event_spec(EXACERBATION), contact=ADMISSION.format(second=second), diagnosis=diagnoses, person=PERSONS
        )
        assert found == taken


def test_an_exacerbation_may_be_dj44_as_bidiagnose_with_respiratory_failure_or_pneumonia():
    contacts = "contact_id course_id person starts ends priority\n" + "\n".join(
        f"k{n} f{n} p1 2026-0{n}-01T10:00 2026-0{n}-03T10:00 ATA1" for n in range(1, 7)
    )
    aktion = ("DJ960", "DJ12", "DJ139", "DJ159", "DJ189", "DJ20")
    diagnoses = "contact_id code type\n" + "\n".join(f"k{n} {code} A\nk{n} DJ441 B" for n, code in enumerate(aktion, 1))
    found = ids(event_spec(EXACERBATION), contact=contacts, diagnosis=diagnoses, person=PERSONS)
    assert found == ["f1", "f3", "f4", "f5"]


def test_an_exacerbation_is_an_acute_admission():
    contacts = """
    contact_id course_id person starts           ends             priority
    k1         f1        p1     2026-03-01T10:00 2026-03-03T10:00 ATA3
    k2         f2        p2     2026-03-01T10:00 2026-03-01T14:00 ATA1
    k3         f3        p3     2026-03-01T10:00 2026-03-01T22:00 ATA1
    """
    diagnoses = """
    contact_id code   type
    k1         DJ441  A
    k2         DJ441  A
    k3         DJ441  A
    """
    assert ids(event_spec(EXACERBATION), contact=contacts, diagnosis=diagnoses, person=PERSONS) == ["f3"]


def test_a_diagnosis_later_retracted_takes_no_one_in_but_one_never_judged_does():
    diagnoses = """
    contact_id code   type retracted
    k1         DJ449  A    yes
    k2         DJ449  A    no
    k3         DJ449  A    -
    """
    assert ids(event_spec(OUTPATIENT), contact=CONTACTS, diagnosis=diagnoses, person=PERSONS) == ["k2", "k3"]


def test_mrc_is_uoplyst_and_the_patient_not_excluded_when_none_is_registered_within_a_year():
    mrc = """
    mrc:
      type: code
      values: {"1": Ingen, "3": Går langsomt}
      missing: {unknown: Uoplyst}
      from:
        lpr:
          {procedure: ZZ5003, value: VPH*, map: {VPH0001: "1", VPH0003: "3"},
           window: {before: event, days: 365}, pick: last, if_none: unknown}
    """
    spec = event_spec(ONE, mrc)
    pair = """
    procedure_id person code    type parent_code starts
    r1           p1     ZZ5003  P    -           {day}T09:00
    r1           p1     VPH0003 +    ZZ5003      {day}T09:00
    """
    for day, found in (("2025-03-01", "3"), ("2025-02-28", "missing: unknown"), ("2026-03-02", "missing: unknown")):
        assert values(spec, "mrc", contact=VISIT, procedure=pair.format(day=day)) == [found]


def test_lung_function_is_the_number_of_the_value_code_under_its_own_procedure():
    spec = event_spec(
        ONE, "fev1: {type: integer, from: {lpr: {procedure: ZZ3160, value: VPH*, same: contact, pick: closest}}}"
    )
    pairs = """
    procedure_id contact_id person code    type parent_code starts
    r1           k1         p1     ZZ3160  P    -           2026-03-01T10:10
    r1           k1         p1     VPH0062 +    ZZ3160      2026-03-01T10:10
    r2           k1         p1     ZZ0240  P    -           2026-03-01T10:05
    r2           k1         p1     VPH0027 +    ZZ0240      2026-03-01T10:05
    """
    assert values(spec, "fev1", contact=VISIT, procedure=pairs) == [62]


def test_saps_3_of_dansk_intensiv_database_is_the_pair_zzv020p_and_vph():
    spec = event_spec(
        "{include: {procedure: ZZV020P}, per: event}",
        "saps: {type: integer, from: {lpr: {procedure: ZZV020P, value: VPH*, same: contact}}}",
    )
    pair = """
    procedure_id contact_id person code    type parent_code starts
    r1           k1         p1     ZZV020P P    -           2026-03-01T10:10
    r1           k1         p1     VPH0057 +    ZZV020P     2026-03-01T10:10
    """
    assert values(spec, "saps", contact=VISIT, procedure=pair) == [57]


def test_lama_or_laba_is_a_long_acting_bronchodilator_dispensed_within_the_year():
    spec = event_spec(
        ONE,
        """
        laba: {type: yes_no,
          from: {lmdb: {medicine: [R03AC12..R03AC19, R03BB04..R03BB07, R03AK*, R03AL*],
            window: {before: event, days: 365}}}}
        """,
    )
    for atc, day, found in (
        ("R03AC13", "2026-01-10", "yes"), ("R03BB04", "2025-03-01", "yes"), ("R03AC02", "2026-01-10", "no"),
        ("R03BB04", "2025-02-28", "no"), ("R03BB04", "2026-03-02", "no"),
    ):  # fmt: skip
        assert values(spec, "laba", contact=VISIT, medicine=f"person atc dispensed\np1 {atc} {day}") == [found]


def test_two_exacerbations_are_two_admissions_not_two_contacts_of_one():
    spec = event_spec(
        "{include: {contact: '*', name: visit}, per: course}",
        """
        exacerbations: {type: integer,
          from: {lpr: {contact: {diagnosis: DJ44*, type: A, priority: ATA1}, other: course,
            pick: count, per: course, window: {before: event, days: 365}}}}
        """,
    )
    contacts = """
    contact_id course_id person starts           ends             priority
    k1         f1        p1     2025-06-01T10:00 2025-06-02T10:00 ATA1
    k2         f1        p1     2025-06-02T10:00 2025-06-04T10:00 ATA1
    k3         f2        p1     2025-09-02T10:00 2025-09-04T10:00 ATA1
    k4         f3        p1     2026-03-01T10:00 2026-03-01T11:00 ATA3
    """
    diagnoses = "contact_id code type\nk1 DJ441 A\nk2 DJ441 A\nk3 DJ441 A"
    assert values(spec, "exacerbations", contact=contacts, diagnosis=diagnoses)[-1] == 2


def test_niv_is_a_procedure_of_the_admission():
    spec = event_spec(ONE, "niv: {type: yes_no, from: {lpr: {procedure: BGDA1*, same: contact}}}")
    for contact, found in (("k1", "yes"), ("k9", "no")):
        rows = f"procedure_id contact_id person code type starts\nr1 {contact} p1 BGDA1 P 2026-03-01T10:30"
        assert values(spec, "niv", contact=VISIT, procedure=rows) == [found]


READMISSION = """
readmission:
  type: yes_no
  from: {lpr: {contact: {priority: ATA1, lasting: {min: 12}}, other: course, window: {after: end, days: 30}}}
dead:
  type: yes_no
  from: {cpr: {person: died, window: {after: end, days: 30}}}
dead_after_admission:
  type: yes_no
  from: {cpr: {person: died, window: {after: event, days: 30}}}
"""
DISCHARGED = "{include: {contact: {diagnosis: DJ44*}}}"


def test_readmission_is_an_acute_admission_within_thirty_days_of_discharge():
    spec = event_spec(DISCHARGED, READMISSION)
    contacts = """
    contact_id course_id person starts           ends             priority
    k1         f1        p1     2026-03-01T10:00 2026-03-05T11:00 ATA1
    k2         {course}  p1     {day}T10:00      {day}T23:00      {priority}
    """
    for course, day, priority, found in (
        ("f2", "2026-04-04", "ATA1", "yes"), ("f2", "2026-04-05", "ATA1", "no"),
        ("f2", "2026-03-20", "ATA3", "no"), ("f1", "2026-03-05", "ATA1", "no"),
    ):  # fmt: skip
        rows = contacts.format(course=course, day=day, priority=priority)
        assert values(spec, "readmission", contact=rows, diagnosis="contact_id code type\nk1 DJ441 A") == [found]


def test_readmission_leaves_out_who_died_within_thirty_days_of_discharge():
    spec = event_spec(DISCHARGED, READMISSION)
    admitted = "contact_id course_id person starts ends\nk1 f1 p1 2026-03-01T10:00 2026-03-05T11:00"
    for died, found in (("2026-04-04", "yes"), ("2026-04-05", "no"), ("-", "no")):
        rows = f"person birth_date died\np1 1950-01-01 {died}"
        assert values(spec, "dead", contact=admitted, diagnosis="contact_id code type\nk1 DJ441 A", person=rows) == [
            found
        ]


def test_thirty_day_mortality_counts_from_admission():
    spec = event_spec(DISCHARGED, READMISSION)
    admitted = "contact_id course_id person starts ends\nk1 f1 p1 2026-03-01T10:00 2026-03-05T11:00"
    for died, found in (("2026-03-31", "yes"), ("2026-04-01", "no")):
        rows = f"person birth_date died\np1 1950-01-01 {died}"
        answers = derived(spec, contact=admitted, diagnosis="contact_id code type\nk1 DJ441 A", person=rows)
        assert answers.records["dead_after_admission"].to_list() == [found]
