"""What `validate --json` says of a file: verdict, rows and rules; and the official test persons."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
from reference import REFERENCE_DATE, typed

from pipelines.spec.constraints import constraints_of
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.person_number import passes_modulus_11
from pipelines.spec.reading import read_spec
from pipelines.validation.check import check
from pipelines.validation.plain import refusal_summary, validation_summary

HERE = Path(__file__).parent
DHD = HERE.parents[1] / "expectations/dhd/specification.yaml"
GOOD = {
    "person": "0101010101", "unit": "1301", "start_date": "2026-01-05", "care_setting": "amb",
    "diagnosis": "DI500", "echo": "yes", "lvef": "40", "nyha": "2",
}  # fmt: skip


def summary(spec: DatabaseSpec, rows, **options):
    constraints = constraints_of(spec, "kip", REFERENCE_DATE)
    validation = check(typed(spec, rows), spec, "typed", constraints)
    return validation_summary(validation, "file.csv", "abc", **options)


def official_test_persons() -> list[str]:
    lines = (HERE.parent / "data/dk_core/test_persons.csv").read_text("utf-8").splitlines()
    return [row["cpr"] for row in csv.DictReader(line for line in lines if not line.startswith("#"))]


def test_every_official_test_person_is_accepted_with_a_warning_and_none_is_refused():
    persons = official_test_persons()
    assert len(persons) == 38
    assert not any(passes_modulus_11(person) for person in persons)
    rows = [{**GOOD, "record_id": str(n), "person": person} for n, person in enumerate(persons)]
    said = summary(read_spec(DHD), rows)
    violated = {rule["rule"]: (rule["violated"], rule["severity"]) for rule in said["rules"] if rule["violated"]}
    assert (said["verdict"], said["rows_accepted"], said["rows_quarantined"]) == ("accepted", 38, 0)
    assert violated == {"person.check_digit": (38, "warning"), "person.test_person": (38, "warning")}


def test_an_invented_person_number_is_not_taken_for_an_official_one():
    said = summary(read_spec(DHD), [{**GOOD, "record_id": "1", "person": "3102589995"}])
    assert said["verdict"] == "refused"


def test_a_file_with_some_wrong_rows_is_accepted_in_part():
    rows = [{**GOOD, "record_id": "1"}, {**GOOD, "record_id": "2", "echo": "maybe"}]
    said = summary(read_spec(DHD), rows)
    assert (said["verdict"], said["reason"]) == ("partly", None)
    assert (said["rows_in"], said["rows_accepted"], said["rows_quarantined"]) == (2, 1, 1)
    rule = next(rule for rule in said["rules"] if rule["rule"] == "echo.allowed")
    assert rule == {
        "rule": "echo.allowed", "variable": "echo", "severity": "error", "status": "failed",
        "reason": "Ekkokardiografi udført skal være en af yes, no",
        "violated": 1, "eligible": 2, "first_lines": [3],
    }  # fmt: skip


def test_a_file_where_nothing_stands_is_refused_with_a_reason():
    said = summary(read_spec(DHD), [{**GOOD, "record_id": ""}])
    assert (said["verdict"], said["rows_accepted"], said["rows_quarantined"]) == ("refused", 0, 1)
    assert said["reason"]


def test_a_rule_that_cannot_be_evaluated_never_counts_as_passed():
    spec = read_spec(DHD)
    strange = {"strange": {"holds": "lvef = 'much'", "label": {"da": "Kan ikke regnes"}}}
    broken = DatabaseSpec.model_validate(spec.model_dump(by_alias=True, exclude_unset=True) | {"rules": strange})
    said = summary(broken, [{**GOOD, "record_id": "1"}])
    assert (said["verdict"], said["rows_accepted"]) == ("refused", 0)
    assert "strange" in said["reason"]


def test_rows_that_could_not_be_split_came_in_and_are_held_back():
    broken = pl.DataFrame({"line": [7, 3], "rule": ["row.columns"] * 2, "reason": ["For mange felter"] * 2})
    said = summary(read_spec(DHD), [{**GOOD, "record_id": "1"}], broken=broken)
    assert (said["verdict"], said["rows_in"], said["rows_accepted"], said["rows_quarantined"]) == (
        "partly", 3, 1, 2,
    )  # fmt: skip
    assert said["rules"][-1]["first_lines"] == [3, 7]


def test_the_summary_is_plain_json_without_any_value():
    said = json.dumps(summary(read_spec(DHD), [{**GOOD, "record_id": "1", "lvef": "98.765"}]))
    assert "98.765" not in said
    assert GOOD["person"] not in said


def test_a_refused_file_has_no_rows_and_one_reason():
    said = refusal_summary("file.csv", "abc", "Filen er ikke UTF-8.")
    assert said["verdict"] == "refused"
    assert said["rows_in"] == said["rows_accepted"] + said["rows_quarantined"] == 0
