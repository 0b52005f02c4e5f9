"""What the four register-based sample databases make of one small course of events each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from event_rows import derived

from pipelines.spec.reading import read_spec

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
SPECS = {name: read_spec(EXPECTATIONS / name / "specification.yaml") for name in ("ddid", "dhrd", "drhofte", "drkol")}

PERSON = """
person      birth_date  sex     died        emigrated current_person
0101401111  1940-01-01  male    {died}      -         0101401111
"""
CONTACT = "contact_id course_id person unit region starts ends contact_type priority"
DIAGNOSIS = "contact_id person code type parent_code retracted"
PROCEDURE = "procedure_id contact_id course_id person code type parent_code starts unit"
LAB = "person code number operator text taken"
MEDICINE = "person atc dispensed packages"

HIP = {
    "contact": CONTACT + """
c1 f1 0101401111 6620056 midtjylland 2026-01-10T08:00 2026-01-18T12:00 ALCA00 ATA1
c2 f2 0101401111 6620056 midtjylland 2026-02-01T09:00 2026-02-02T09:00 ALCA00 ATA1
""",
    "diagnosis": DIAGNOSIS + "\nc1 0101401111 DS721 A - no",
    "procedure": PROCEDURE + """
p1 c1 f1 0101401111 KNFJ51 P - 2026-01-11T10:30 6620056
p1 c1 f1 0101401111 TUL1 + KNFJ51 2026-01-11T10:30 6620056
p2 c2 f2 0101401111 KNFU49 P - 2026-02-01T15:00 6620056
""",
    "medicine": MEDICINE + "\n0101401111 M05BA04 2026-03-01 1",
}  # fmt: skip


def of_one(name: str, died: str = "-", **tables: str) -> dict[str, Any]:
    """The one record that a database makes of these events."""
    [record] = derived(SPECS[name], person=PERSON.format(died=died), **tables).records.to_dicts()
    return record


def said(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """What a record says of some variables: the value, or else the missing code."""
    return {name: record[f"{name}_missing"] if record[name] is None else record[name] for name in names}


@pytest.mark.parametrize("name", SPECS)
def test_without_events_there_is_no_record(name):
    assert derived(SPECS[name], person=PERSON.format(died="-")).records.is_empty()


def test_a_hip_fracture_is_followed_from_admission_to_reoperation():
    record = of_one("drhofte", **HIP)
    assert record["surgery_date"] == dt.date(2026, 1, 11)
    expected = {
        "admission_time": dt.datetime(2026, 1, 10, 8), "surgery_time": dt.datetime(2026, 1, 11, 10, 30),
        "discharge_date": dt.date(2026, 1, 18), "fracture": "DS721", "operation": "KNFJ51", "method": "ost",
        "side": "h", "delay": 26.5, "osteoporosis_medicine": "yes", "readmission": "yes", "reoperation": "yes",
        "dead_30_days": "no",
    }  # fmt: skip
    assert said(record, *expected) == expected


def test_a_hip_patient_of_64_is_not_in_the_population():
    young = PERSON.format(died="-").replace("1940-01-01", "1961-01-12")
    assert derived(SPECS["drhofte"], person=young, **HIP).records.is_empty()
    old_enough = PERSON.format(died="-").replace("1940-01-01", "1961-01-11")
    assert derived(SPECS["drhofte"], person=old_enough, **HIP).records.height == 1


def test_an_operation_without_a_hip_fracture_is_not_in_the_population():
    other = HIP | {"diagnosis": DIAGNOSIS + "\nc1 0101401111 DM161 A - no"}
    assert derived(SPECS["drhofte"], person=PERSON.format(died="-"), **other).records.is_empty()


COPD = {
    "contact": CONTACT + "\nc1 f1 0101401111 6620034 midtjylland 2026-03-02T09:00 2026-03-02T10:00 ALCA00 ATA3",
    "diagnosis": DIAGNOSIS + "\nc1 0101401111 DJ441 A - no",
    "procedure": PROCEDURE + """
p1 c1 f1 0101401111 ZZ5010 P - 2026-03-02T09:10 6620034
p1 c1 f1 0101401111 VPH0145 + ZZ5010 2026-03-02T09:10 6620034
p2 c1 f1 0101401111 ZZ5015 P - {mrc} 6620034
p2 c1 f1 0101401111 VPH0003 + ZZ5015 {mrc} 6620034
p3 c1 f1 0101401111 ZZ5017C P - 2026-03-02T09:20 6620034
""",
    "medicine": MEDICINE + "\n0101401111 R03BB04 2025-12-01 1",
}  # fmt: skip


def copd(mrc: str) -> dict[str, str]:
    return COPD | {"procedure": COPD["procedure"].format(mrc=mrc)}


def test_a_copd_outpatient_has_values_from_pairs_of_procedure_and_tillaegskode():
    record = of_one("drkol", **copd("2025-03-02T09:15"))
    expected = {
        "setting": "amb", "diagnosis": "DJ441", "fev1": 1.45, "mrc": "3", "smoking": "smoker", "lama": "yes",
        "laba": "no", "bmi": "unknown",
    }  # fmt: skip
    assert said(record, *expected) == expected


def test_mrc_older_than_a_year_is_not_stated():
    assert said(of_one("drkol", **copd("2025-03-01T09:15")), "mrc") == {"mrc": "unknown"}


@pytest.mark.parametrize(("starts", "records"), [("2026-03-04T23:00", 1), ("2026-03-05T01:00", 0)])
def test_an_exacerbation_has_copd_as_aktionsdiagnose_within_two_days_of_admission(starts, records):
    contacts = f"""
c1 f1 0101401111 6620034 midtjylland 2026-03-02T09:00 2026-03-03T10:00 ALCA00 ATA1
c2 f1 0101401111 6620034 midtjylland {starts} 2026-03-09T10:00 ALCA00 ATA2
"""
    diagnoses = DIAGNOSIS + "\nc1 0101401111 DR060 A - no\nc2 0101401111 DJ441 A - no"
    made = derived(SPECS["drkol"], person=PERSON.format(died="-"), contact=CONTACT + contacts, diagnosis=diagnoses)
    assert made.records["setting"].to_list() == ["ind"] * records


HEART = {
    "contact": CONTACT + "\nc1 f1 0101401111 4202021 syddanmark 2026-01-05T09:00 2026-01-08T10:00 ALCA00 ATA1",
    "diagnosis": DIAGNOSIS + "\nc1 0101401111 DI214 A - no",
    "procedure": PROCEDURE + "\np1 c1 f1 0101401111 KFNG02 P - 2026-01-06T10:00 4202021",
    "lab": LAB + """
0101401111 NPU01568 1.6 - 1.6 2026-03-01T08:00
0101401111 NPU03835 6.0 - 6.0 2026-03-01T08:00
""",
    "medicine": MEDICINE + "\n0101401111 C10AA05 2026-01-20 1",
    "municipal": """
person kind code starts ends
0101401111 care_plan            5c160c02-e858-4c1f-925a-71ed64844749 2026-03-03T00:00 -
0101401111 planned_intervention ab87c0b5-40be-4e0a-b749-d9f833bfed2d 2026-03-10T00:00 -
0101401111 planned_intervention 2abe20c7-c0b4-41c1-b397-52acf36499ef 2026-03-11T00:00 -
""",  # the last is Fysisk træning of section 140, which is another code
}  # fmt: skip


def test_a_cardiac_course_is_one_record_with_hospital_laboratory_medicine_and_municipality():
    record = of_one("dhrd", died="2026-12-01", **HEART)
    assert record["index_date"] == dt.date(2026, 1, 5)
    expected = {
        "index_event": "ami", "diagnosis": "DI214", "ldl": 1.6, "statin": "yes", "beta_blocker": "no",
        "municipal_start": dt.date(2026, 3, 3), "municipal_contacts": 1, "dead_one_year": "yes",
        "diabetes_screened": "yes",
    }  # fmt: skip
    assert said(record, *expected) == expected
    assert record["hba1c"] == pytest.approx(42, abs=0.5)  # 6.0 % is 42 mmol/mol


DIABETES = {
    "contact": CONTACT + "\nc1 f1 0101401111 8001045 nordjylland 2026-02-10T09:00 2026-02-10T10:00 ALCA00 ATA3",
    "diagnosis": DIAGNOSIS + "\nc1 0101401111 DE119 A - no",
    "lab": LAB + """
0101401111 NPU27300 64 - 64 2025-06-01T08:00
0101401111 NPU27300 57 - 57 2026-02-01T08:00
0101401111 NPU04998 88 - 88 2024-01-01T08:00
""",
    "medicine": MEDICINE + "\n0101401111 A10BK01 2026-01-01 1",
}  # fmt: skip


def test_a_diabetes_status_takes_the_latest_laboratory_values():
    record = of_one("ddid", **DIABETES)
    expected = {
        "status_date": dt.date(2026, 2, 10), "diabetes_type": "2", "hba1c": 57.0,
        "hba1c_date": dt.date(2026, 2, 1), "creatinine": "not_done", "sglt2": "yes", "insulin": "no",
        "eye_exam_date": "not_done",
    }  # fmt: skip
    assert record["status_date"] == expected.pop("status_date")
    assert said(record, *expected) == expected
