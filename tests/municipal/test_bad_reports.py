"""Each fault of a report is told with its line and reason; the other entries are taken in, and none is lost."""

from __future__ import annotations

import json

import pytest
from reports import CODES, NAMES, SECTION_119, SECTION_140, changed, coded, taken_in

from pipelines.project import InputError
from pipelines.sources.batch import Refused
from pipelines.sources.fsiii import read_codes, read_fsiii

PERSON = "1502779995"
REPORT = SECTION_140[1]  # lines 5 to 12 are events: 9 and 10 conditions, 11 a care plan, 12 an intervention
TRAINING_140 = "2abe20c7-c0b4-41c1-b397-52acf36499ef"
TRAINING_119 = "ab87c0b5-40be-4e0a-b749-d9f833bfed2d"


def intervention(code: str) -> list[dict]:
    return [{"detail": {"code": coded(code)}}]


@pytest.mark.parametrize(
    ("line", "field", "spelling", "name"),
    [
        (12, "activity", TRAINING_140, "Fysisk træning"),
        (12, "activity", TRAINING_140.replace("-", "_"), "Fysisk træning"),
        (12, "activity", "Nikotin_og_tobaksafvaenning", "Nikotin- og tobaksafvænning"),
        (12, "activity", "G1.34", "Sondeernæring"),
        (9, "code", "I4.4", "Problemer med tryksår"),
        (9, "code", "J1.1", "Vaske sig"),
        (9, "code", "Forflytte_sig", "Forflytte sig"),
    ],
)
def test_all_three_spellings_become_the_present_code(tmp_path, line, field, spelling, name):
    said = intervention(spelling) if field == "activity" else coded(spelling)
    receipt, events, _ = taken_in(changed(REPORT, tmp_path, line, **{field: said}))
    code = events.filter(line=line)["code"][0]
    assert (receipt.verdict, NAMES[code]) == ("accepted", name)
    assert len(code) == 36 and "-" in code


def test_the_same_name_in_two_sections_of_the_law_is_two_codes():
    assert NAMES[TRAINING_119] == NAMES[TRAINING_140]
    assert (CODES[TRAINING_119].section, CODES[TRAINING_140].section) == ("119", "140")


@pytest.mark.parametrize(
    ("line", "fields", "rule"),
    [
        (12, {"activity": intervention("2abe20c7c0b441c1b39752acf36499ef")}, "fsiii.code"),
        (12, {"activity": intervention(TRAINING_140.upper())}, "fsiii.code"),
        (12, {"activity": intervention("Z9.99")}, "fsiii.code"),
        (12, {"activity": intervention("Forflytte_sig")}, "fsiii.code"),  # a condition, not an intervention
        (9, {"code": coded(TRAINING_140)}, "fsiii.code"),
        (11, {"category": [coded("another")]}, "fsiii.code"),
        (11, {"category": None, "activity": None}, "fsiii.resource"),
        (12, {"period": {"end": "2022-06-23"}}, "fsiii.resource"),
        (12, {"status": None}, "fsiii.resource"),
        (12, {"status": {"code": PERSON}}, "fsiii.resource"),
        (12, {"id": f"{PERSON} {PERSON}"}, "fsiii.resource"),
        (12, {"resourceType": "Observation"}, "fsiii.resource"),
        (12, {"period": {"start": "2022-06"}}, "fsiii.time"),
        (12, {"period": {"start": "2022-02-30"}}, "fsiii.time"),
        (12, {"period": {"start": PERSON}}, "fsiii.time"),
        (12, {"subject": {"reference": "Patient/another"}}, "fsiii.subject"),
    ],
)
def test_a_fault_holds_its_entry_back_alone(tmp_path, line, fields, rule):
    receipt, events, broken = taken_in(changed(REPORT, tmp_path, line, **fields))
    assert broken.select("line", "rule").rows() == [(line, rule)]
    assert broken["reason"][0] and PERSON not in broken["reason"][0]
    assert sorted([*events["line"], *broken["line"]]) == list(range(5, 13))
    counts = (receipt.verdict, receipt.rows_in, receipt.rows_accepted, receipt.rows_quarantined)
    assert counts == ("partly", 8, 7, 1)


def test_an_entry_without_a_resource_is_told_and_the_rest_taken_in(tmp_path):
    path = tmp_path / "report.json"
    lines = REPORT.read_text("utf-8").split("\n")
    lines[8] = '{"fullUrl": "https://example.org/Condition/1"},'
    path.write_text("\n".join(lines), "utf-8")
    receipt, _, broken = taken_in(path)
    assert (receipt.rows_in, broken.select("line", "rule").rows()) == (8, [(9, "fsiii.resource")])


IDENTIFIER = {"system": "urn:oid:1.2.208.176.1.2", "value": PERSON}


@pytest.mark.parametrize(
    "fields",
    [
        {"identifier": []},
        {"identifier": [IDENTIFIER, IDENTIFIER]},
        {"identifier": [IDENTIFIER | {"system": "urn:oid:1.2.208.176.1.1"}]},
        {"identifier": None},
        {"resourceType": "Organization"},
    ],
)
def test_a_report_is_about_exactly_one_citizen_with_one_person_number(tmp_path, fields):
    receipt, events, _ = taken_in(changed(REPORT, tmp_path, 2, **fields))
    assert receipt.verdict == "refused"
    assert receipt.reason.startswith("citizen: ")
    assert PERSON not in receipt.reason and events.height == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"{}", "not_the_format"),
        (b"[]", "not_the_format"),
        (b'{"resourceType": "Bundle", "type": "transaction", "entry": []}', "not_the_format"),
        (b'{"resourceType": "Bundle", "type": "collection", "entry": []}', "not_the_format"),
        (b'{"resourceType": "Bundle", "type": "collection", "timestamp": "2022-06-23", "entry": []}', "not_the_format"),
        (REPORT.read_bytes()[:-20], "broken_json"),
    ],
)
def test_what_is_no_report_is_refused(content, code):
    with pytest.raises(Refused) as caught:
        read_fsiii(content, CODES)
    assert caught.value.code == code


def test_the_same_report_twice_changes_nothing_and_retracting_what_never_came_is_no_fault(tmp_path):
    receipt, events, broken = taken_in(SECTION_140[4])
    assert (receipt.verdict, broken.height) == ("accepted", 0)
    assert (receipt.rows_in, events.height) == (9, 6)


def test_a_condition_that_is_not_true_is_retracted_by_its_verification(tmp_path):
    path = changed(REPORT, tmp_path, 9, verificationStatus=coded("entered-in-error"))
    _, events, _ = taken_in(path)
    assert 9 not in events["line"].to_list()


def test_an_id_may_stand_in_the_address_alone(tmp_path):
    path = tmp_path / "report.json"
    lines = SECTION_119[0].read_text("utf-8").split("\n")
    entry = json.loads(lines[3].removesuffix(","))
    entry = {"fullUrl": f"https://example.org/Condition/{entry['resource'].pop('id')}", **entry}
    lines[3] = json.dumps(entry) + ","
    path.write_text("\n".join(lines), "utf-8")
    assert taken_in(path)[1]["municipal_id"].to_list()[0] == "fe9664a3"


def test_a_list_in_which_two_codes_are_spelled_alike_is_refused(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("code,earlier,kind,section,name\na-b,X1,condition,119,A\nc-d,X1,condition,119,B\n", "utf-8")
    with pytest.raises(InputError, match="X1"):
        read_codes(path)
    with pytest.raises(InputError, match="put the list"):
        read_codes(tmp_path / "none.csv")
