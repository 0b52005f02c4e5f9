"""The published rules of the diabetes databases (DDiD, DVDD, DanDiabKids), one test per sentence.

Beside what a rule takes in stand rows that miss it by little.
"""

from __future__ import annotations

import pytest
from event_rows import derived, event_spec, values
from published_rows import ONE, VISIT

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
