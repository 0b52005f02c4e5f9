"""The published rules of five databases, one test per sentence, on made-up rows.

Each rule is said in YAML as a specification would; beside what it takes in stand rows that miss it by little.
"""

from __future__ import annotations

import pytest
from event_rows import derived, event_spec, ids, values

PERSONS = """
person birth_date sex    died       emigrated
p1     1950-01-01 female -          -
p2     1950-01-01 male   -          -
p3     1950-01-01 male   -          -
p4     1996-03-02 female -          -
"""

# 5.1 DrKOL: outpatients.
OUTPATIENT = """
include:
  - contact: {diagnosis: DJ44*, type: A}
  - contact: {diagnosis: DJ44*, type: B}
    with: {diagnosis: DJ96*, type: A, same: contact}
age: {min: 30}
"""
CONTACTS = """
contact_id course_id person starts           ends             priority
k1         f1        p1     2026-03-01T10:00 2026-03-01T11:00 ATA3
k2         f2        p2     2026-03-01T10:00 2026-03-01T11:00 ATA3
k3         f3        p3     2026-03-01T10:00 2026-03-01T11:00 ATA3
k4         f4        p4     2026-03-01T10:00 2026-03-01T11:00 ATA3
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


# 5.1 DrKOL: acute exacerbation.
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


ONE = "{include: {contact: '*'}}"
VISIT = """
contact_id course_id person starts           ends
k1         f1        p1     2026-03-01T10:00 2026-03-01T11:00
"""


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


# 5.2 DHRD
REHABILITATION = """
include:
  - {name: ami, contact: {diagnosis: DI21*, type: A}}
  - {name: pci, procedure: KFNG*}
  - {name: cabg, procedure: KFNA..KFNE}
per: person
"""
PARTS = "reason: {type: text, from: {lpr: {event: '*', what: code}}}"


def test_rehabilitation_follows_ami_pci_or_cabg_once_for_each_person():
    contacts = """
    contact_id person starts
    k1         p1     2026-03-01T10:00
    k2         p2     2026-03-02T10:00
    k3         p3     2026-03-03T10:00
    """
    procedures = """
    procedure_id contact_id person code   type starts
    r1           k1         p1     KFNG05 P    2026-03-01T12:00
    r2           k2         p2     KFNC10 P    2026-03-02T12:00
    r3           k3         p3     KFNF00 P    2026-03-03T12:00
    """
    found = derived(
        event_spec(REHABILITATION, PARTS),
        contact=contacts, procedure=procedures, diagnosis="contact_id code type\nk1 DI210 A",
    ).records  # fmt: skip
    assert found.select("person", "reason").rows() == [("p1", "ami"), ("p2", "cabg")]


def test_a_suspected_stable_patient_needs_a_significant_stenosis_at_angiography():
    spec = event_spec("{include: {procedure: UXAC85, with: {diagnosis: DI251*, type: [A, B], same: contact}}}")
    procedures = """
    procedure_id contact_id person code   type starts
    r1           k1         p1     UXAC85 P    2026-03-01T12:00
    r2           k2         p2     UXAC85 P    2026-03-01T12:00
    """
    assert ids(spec, contact=CONTACTS, procedure=procedures, diagnosis="contact_id code type\nk1 DI251 A") == ["k1"]


def test_ldl_at_one_year_is_the_result_closest_to_that_day():
    spec = event_spec(
        ONE,
        """
        ldl: {type: decimal, missing: {unknown: Uoplyst},
          from: {lab: {lab: [NPU01568, NPU10171], window: {after: event, days: [275, 455]},
            pick: closest, if_none: unknown}}}
        """,
    )
    rows = """
    person code     number taken
    p1     NPU01568 1.4    2027-03-01T08:00
    p1     NPU10171 1.9    2026-12-01T08:00
    p1     NPU01568 4.4    2026-03-01T08:00
    """
    assert values(spec, "ldl", contact=VISIT, lab=rows) == [1.9]  # closest to the window's anchor
    assert values(spec, "ldl", contact=VISIT) == ["missing: unknown"]


def test_municipal_rehabilitation_is_unknown_where_the_municipality_sends_nothing():
    spec = event_spec(
        ONE,
        """
        rehabilitation: {type: yes_no, missing: {unknown: Uoplyst},
          from: {municipal: {municipal: '*', type: encounter,
            window: {after: event, days: 180}, if_none: unknown}}}
        """,
    )
    rows = "person kind code starts\np1 encounter G1.34 2026-04-01T09:00"
    assert values(spec, "rehabilitation", contact=VISIT, municipal=rows) == ["yes"]
    assert values(spec, "rehabilitation", contact=VISIT) == ["missing: unknown"]


# 5.3 Diabetes
GOOD_CONTROL = """
good_control:
  type: yes_no
  missing: {unknown: Uoplyst}
  from:
    lab:
      - &latest {lab: NPU27300, window: {before: event, days: 365}, pick: last, yes_if: "<= 59",
                 valid: {until: 2017-02-28}, if_none: unknown}
      - {<<: *latest, yes_if: "< 59", valid: {from: 2017-03-01}}
"""


def test_hba1c_is_below_59_and_until_1_march_2017_at_most_59():
    spec = event_spec(ONE, GOOD_CONTROL)
    for visit, number, found in (
        ("2017-02-28", "59", "yes"), ("2017-03-01", "59", "no"), ("2017-03-01", "58.9", "yes"),
        ("2017-02-28", "59.1", "no"),
    ):  # fmt: skip
        contact = f"contact_id person starts\nk1 p1 {visit}T10:00"
        lab = f"person code number taken\np1 NPU27300 30 2016-05-01T08:00\np1 NPU27300 {number} {visit}T08:00"
        assert values(spec, "good_control", contact=contact, lab=lab) == [found]
    assert values(spec, "good_control", contact=VISIT) == ["missing: unknown"]


def test_hba1c_of_75_or_more_asks_of_the_latest_not_of_any():
    spec = event_spec(ONE, "high: {type: yes_no, from: {lab: {lab: NPU27300, pick: last, yes_if: '>= 75'}}}")
    lab = "person code number taken\np1 NPU27300 90 2025-05-01T08:00\np1 NPU27300 {} 2026-02-01T08:00"
    assert values(spec, "high", contact=VISIT, lab=lab.format(75)) == ["yes"]
    assert values(spec, "high", contact=VISIT, lab=lab.format(74.9)) == ["no"]


def test_hba1c_in_per_cent_is_brought_to_mmol_per_mol():
    spec = event_spec(
        ONE,
        """
        hba1c: {type: decimal,
          from: {lab: [{lab: NPU27300, pick: last}, {lab: NPU03835, pick: last, factor: 10.93, offset: -23.5}]}}
        """,
    )
    percent = "person code number taken\np1 NPU03835 7.5 2026-02-01T08:00"
    assert values(spec, "hba1c", contact=VISIT, lab=percent) == pytest.approx([7.5 * 10.93 - 23.5])
    assert values(spec, "hba1c", contact=VISIT, lab=percent + "\np1 NPU27300 61 2025-02-01T08:00") == [61]


def test_examined_at_least_once_a_year_or_every_second_year():
    spec = event_spec(
        ONE,
        """
        blood_pressure: {type: yes_no, from: {lpr: {result: BP*, window: {before: event, days: 365}}}}
        albuminuria: {type: yes_no, from: {lab: {lab: [NPU03918, NPU19661], window: {before: event, days: 730}}}}
        eyes: {type: yes_no, from: {lpr: {procedure: UCZ*, window: {before: event, days: 730}}}}
        feet: {type: yes_no, from: {lpr: {procedure: BLXA*, window: {before: event, days: 730}}}}
        """,
    )
    rows = {
        "result": "contact_id person code taken\nk1 p1 BP1 2025-02-28T08:00",
        "lab": "person code taken\np1 NPU19661 2024-03-01T08:00",
        "procedure": "procedure_id person code type starts\n"
        "r1 p1 UCZ10 P 2024-03-01T09:00\nr2 p1 BLXA5 P 2024-02-29T09:00",
    }
    found = derived(spec, contact=VISIT, **rows).records
    assert found.select("blood_pressure", "albuminuria", "eyes", "feet").row(0) == ("no", "yes", "yes", "no")


def test_a_child_is_examined_for_albuminuria_in_its_twelfth_year():
    spec = event_spec(
        "{include: {contact: '*'}, age: {min: 11, max: 11}}",
        "age: {type: integer, from: {cpr: {person: born, what: years}}}",
    )
    contacts = "contact_id person starts\nk1 p1 2026-03-01T10:00\nk2 p2 2026-03-01T10:00\nk3 p3 2026-03-01T10:00"
    born = "person birth_date\np1 2015-03-01\np2 2015-03-02\np3 2014-03-01"
    found = derived(spec, contact=contacts, person=born).records
    assert found.select("record_id", "age").rows() == [("k1", 11)]


def test_severe_hypoglycaemia_and_ketoacidosis_are_diagnoses_of_the_year():
    spec = event_spec(
        ONE,
        """
        ketoacidosis: {type: yes_no,
          from: {lpr: {diagnosis: DE101, type: [A, B], window: {around: event, days: [-365, 0]}}}}
        """,
    )
    assert values(spec, "ketoacidosis", contact=VISIT, diagnosis="contact_id code type\nk1 DE101 B") == ["yes"]
    assert values(spec, "ketoacidosis", contact=VISIT, diagnosis="contact_id code type\nk1 DE101 +") == ["no"]


# 5.4 DrHofte
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


# 5.5 Stroke
def test_stroke_is_one_of_five_groups_of_codes():
    spec = event_spec("{include: {contact: {diagnosis: [DI60*, DI61*, DI63*, DI64*, DG45*], type: A}}}")
    contacts = "contact_id person starts\n" + "\n".join(f"k{n} p1 2026-03-0{n}T10:00" for n in range(1, 7))
    diagnoses = "contact_id code type\n" + "\n".join(
        f"k{n} {code} A" for n, code in enumerate(("DI609", "DI61", "DI629", "DI634", "DI649", "DG459"), 1)
    )
    assert ids(spec, contact=contacts, diagnosis=diagnoses) == ["k1", "k2", "k4", "k5", "k6"]


def test_admitted_within_three_hours_of_onset():
    spec = event_spec(
        ONE,
        """
        onset_to_door: {type: integer,
          from: {lpr: {result: ONSET, same: contact, window: {before: event, hours: 3}, what: hours}}}
        """,
    )
    for onset, found in (("2026-03-01T07:00", -3), ("2026-03-01T06:59", None)):
        rows = f"contact_id person code taken\nk1 p1 ONSET {onset}"
        assert values(spec, "onset_to_door", contact=VISIT, result=rows) == [found]


# 5.6 DHD
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
