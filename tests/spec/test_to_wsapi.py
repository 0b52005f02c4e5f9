"""The schema for regions takes what validation takes: clean submissions pass, each fault is caught."""

from __future__ import annotations

import contextlib
import copy
import csv
import json
from pathlib import Path

import jsonschema
import pytest

from pipelines.spec.model import SourceSchema
from pipelines.spec.reading import read_source_schemas, read_spec
from pipelines.spec.to_wsapi import json_schema

FOLDER = Path(__file__).parents[2] / "expectations/dhd"
SAMPLE = Path(__file__).parents[2] / "sample_data"
SPEC = read_spec(FOLDER / "specification.yaml")
SCHEMAS = read_source_schemas(FOLDER, SPEC)
CLEAN = {
    "database": "dhd", "schemaVersion": "1.1", "region": "midtjylland", "submissionId": "MJ-000001",
    "sequenceNumber": 1, "sentAt": "2026-07-31T23:10:00+02:00",
    "records": [
        {
            "action": "create", "recordId": "W-1", "cpr": "0101010101", "shak": "6620031", "sourceSystem": "EPJ Midt",
            "startDate": "2026-06-01", "contactTime": "2026-06-01T08:25:00", "careSetting": "amb",
            "diagnosis": "DI509", "echo": "Y", "echoDate": "UNK", "lvef": 33.4, "nyha": "2", "systolicBp": "136",
            "heartRate": "NP", "exclusion": "NA", "sglt2Inhibitor": "NI", "localReference": "BZ953432",
        },
        {"action": "delete", "recordId": "W-2"},
    ],
}  # fmt: skip


def validator(spec=SPEC, version="1.1") -> jsonschema.Draft202012Validator:
    made = json_schema(spec, SCHEMAS["wsapi", version])
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def with_changes(**changes) -> dict:
    """The clean submission with another first record; None takes the field away."""
    submission = copy.deepcopy(CLEAN)
    for name, value in changes.items():
        submission["records"][0].pop(name, None)
        if value is not None:
            submission["records"][0][name] = value
    return submission


def test_a_clean_submission_passes():
    assert validator().is_valid(CLEAN)


@pytest.mark.parametrize(
    "changes",
    [
        {"startDate": None}, {"startDate": "01-06-2026"}, {"startDate": "UNK"}, {"echo": "yes"}, {"echo": None},
        {"nyha": 2}, {"nyha": "5"}, {"lvef": "33,4"}, {"lvef": "Uoplyst"}, {"heartRate": 61.5}, {"cpr": "010101-0101"},
        {"cpr": None}, {"recordId": None}, {"recordId": ""}, {"diagnosis": "I509"}, {"action": "update"},
        {"localReference": "bz1"}, {"contactTime": "2026-06-01"}, {"unheardOf": "1"}, {"mra": "Y"},
    ],
)  # fmt: skip
def test_each_fault_in_a_record_is_caught(changes):
    assert not validator().is_valid(with_changes(**changes))


@pytest.mark.parametrize("key", list(CLEAN))
def test_every_part_of_the_envelope_is_needed(key):
    assert not validator().is_valid({name: value for name, value in CLEAN.items() if name != key})


def test_a_version_takes_only_its_own_submissions_and_fields():
    assert not validator(version="1.0").is_valid(CLEAN)
    older = with_changes(sglt2Inhibitor=None, mra="Y") | {"schemaVersion": "1.0"}
    assert validator(version="1.0").is_valid(older)


def test_a_limit_that_only_warns_does_not_refuse_and_one_that_holds_back_does():
    outside = with_changes(lvef=98)
    assert validator().is_valid(outside)
    strict = SPEC.variables["lvef"].model_copy(update={"severity": {"range": "error"}})
    spec = SPEC.model_copy(update={"variables": {**SPEC.variables, "lvef": strict}})
    assert not validator(spec).is_valid(outside)
    assert validator(spec).is_valid(CLEAN)


def test_limits_stand_in_the_unit_of_the_source():
    strict = SPEC.variables["lvef"].model_copy(update={"severity": {"range": "error"}})
    spec = SPEC.model_copy(update={"variables": {**SPEC.variables, "lvef": strict}})
    said = SCHEMAS["wsapi", "1.1"].model_dump(by_alias=True, exclude_unset=True)
    said["fields"] = {"ef": {"variable": "lvef", "factor": 100}}
    made = json_schema(spec, SourceSchema.model_validate(said))
    value = made["properties"]["records"]["items"]["properties"]["ef"]["anyOf"][0]
    assert (value["minimum"], value["maximum"]) == (0.05, 0.8)


def test_descriptions_are_danish_and_the_assumption_is_said():
    made = json_schema(SPEC, SCHEMAS["wsapi", "1.1"])
    echo = made["properties"]["records"]["items"]["properties"]["echo"]["description"]
    assert echo == "Ekkokardiografi udført – Y: Ja, N: Nej, UNK: Uoplyst."
    assert "antagelse" in made["x-notice"]
    assert json.loads(json.dumps(made)) == made


def planted_in_one_field() -> set[str]:
    """The sample's records with a fault that one field shows (truth.csv)."""
    shown = (".format", ".castable", ".pattern", ".allowed", ".required")
    with (SAMPLE / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["database"], row["side"]) == ("dhd", "new")]
        rows = [row for row in rows if row["rule"].endswith(shown)]
    return {record for row in rows for record in json.loads(row["records"])}


def test_in_the_sample_exactly_the_records_with_a_planted_fault_are_refused():
    validators = {version: validator(version=version) for version in ("1.0", "1.1")}
    refused = set()
    for path in sorted((SAMPLE / "inbox/dhd/wsapi").rglob("*.json")):
        with contextlib.suppress(ValueError):  # one file is cut off on purpose
            submission = json.loads(path.read_text("utf-8"))
            held = validators.get(submission["schemaVersion"])
            errors = held.iter_errors(submission) if held else ()
            refused |= {submission["records"][error.absolute_path[1]]["recordId"] for error in errors}
    assert refused == planted_in_one_field() != set()
