"""A database that is not the sample: other types, no units, no levels, an event date that is no variable."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re

import pytest

from pipelines.project import InputError
from pipelines.spec.reading import read_spec
from pipelines.synthetic.generate import generate

SPEC = """
database: tiny
title: {da: Lille database}
official: false
version: "1"
record: one visit
event_date: visit
population: {age: {min: 1}}
variables:
  arrived: {label: {da: Ankomst}, type: timestamp, published: {after: [left, -1, 0]}}
  left: {label: {da: Afgang}, type: date, required: true, published: {after: [visit, 0, 5]}}
  smoker: {label: {da: Ryger}, type: yes_no, required: true, missing: {unknown: Uoplyst}}
  packs: {label: {da: Pakker}, type: integer, range: [1, 3], only_if: smoker = 'yes', required: true}
  level: {label: {da: Niveau}, type: decimal, published: {mean: 0.02, sd: 0.005}}
  code: {label: {da: Kode}, type: sks, codes: [DJ44*, DJ96]}
  note: {label: {da: Note}, type: text}
  reference: {label: {da: Reference}, type: text, pattern: "^[a-f]{4}-[0-9]+$"}
rules:
  left_late: {holds: left >= visit, label: {da: Afgang efter besøg}}
match: [{rule: same day, on: [person, visit]}]
changeover: {west: {new_from: 2025-03-01}}
published: {courses_per_year: 300, per_region: {west: 200, east: 100}}
"""
FORM = """
source: kip
version: "1"
notation: danish
identity: {record_id: id, person: cpr, unit: afd, visit: besoeg}
fields:
  rygning: {variable: smoker, values: {"1": "yes", "0": "no"}, missing: {"9": "unknown"}}
  promille: {variable: level, factor: 0.001}
  afgang: {variable: left}
  ref: {variable: reference}
"""
SCHEMA = """
source: wsapi
version: "1"
identity: {record_id: id, person: cpr, unit: unit, visit: visit}
fields:
  smoker: {variable: smoker}
  packs: {variable: packs}
  arrived: {variable: arrived}
  left: {variable: left}
  level: {variable: level}
  code: {variable: code}
  note: {variable: note}
  reference: {variable: reference}
"""


@pytest.fixture
def tiny(tmp_path):
    for name, text in (("specification", SPEC), ("kip-1", FORM), ("wsapi-1", SCHEMA)):
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    return tmp_path


def made(folder):
    spec = read_spec(folder / "specification.yaml")
    days = {"from_date": dt.date(2025, 1, 1), "reference_date": dt.date(2025, 12, 31)}
    return generate(spec, folder, folder / "out", seed=5, **days)


def test_another_database_needs_no_code(tiny):
    summary = made(tiny)
    assert summary.truth == ()
    assert {path.split("/")[1] for path in summary.files if path.startswith("kip/")} == {"west", "east"}
    assert {path.split("/")[1] for path in summary.files if path.startswith("wsapi/")} == {"west"}
    assert 280 < summary.reported <= 300


def test_the_form_says_factor_codes_and_event_date_in_its_own_words(tiny):
    made(tiny)
    text = (tiny / "out/tiny/kip/east/kip_2025_1.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert {row["rygning"] for row in rows} <= {"0", "1", "9"}
    assert all(re.fullmatch(r"\d\d-\d\d-2025", row["besoeg"]) for row in rows)
    per_mille = [float(row["promille"].replace(",", ".")) for row in rows if row["promille"]]
    assert 15 < sum(per_mille) / len(per_mille) < 25


def test_what_is_sent_follows_types_and_relevance(tiny):
    made(tiny)
    envelope = json.loads((tiny / "out/tiny/wsapi/west/WE-000002.json").read_text("utf-8"))
    for record in envelope["records"]:
        assert ("packs" in record) == (record.get("smoker") == "yes")
        assert record["left"] >= record["visit"]
        assert re.fullmatch("[a-f]{4}-[0-9]+", record["reference"])
        assert re.fullmatch("DJ44|DJ96", record["code"])
        assert "note" not in record


def test_variables_that_are_drawn_from_each_other_are_refused(tiny):
    path = tiny / "specification.yaml"
    path.write_text(SPEC.replace("after: [visit, 0, 5]", "after: [arrived, 0, 5]"), "utf-8")
    with pytest.raises(InputError, match="arrived, left"):
        made(tiny)


def test_a_side_without_a_format_is_refused(tiny):
    (tiny / "kip-1.yaml").unlink()
    with pytest.raises(InputError, match="no format of kip"):
        made(tiny)


def test_a_region_without_a_schema_version_in_force_is_refused(tiny):
    (tiny / "wsapi-1.yaml").write_text(SCHEMA + "valid: {from: 2025-06-01}\n", "utf-8")
    with pytest.raises(InputError, match="west has no schema version"):
        made(tiny)
