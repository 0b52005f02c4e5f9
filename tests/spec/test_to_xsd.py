"""The XSD takes what the JSON Schema takes, apart from the fields that a deletion does not need."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path

import jsonschema
import pytest
from lxml import etree

from pipelines.project import InputError
from pipelines.spec.model import SourceSchema
from pipelines.spec.reading import read_source_schemas, read_spec
from pipelines.spec.to_wsapi import json_schema
from pipelines.spec.to_xsd import xsd

FOLDER = Path(__file__).parents[2] / "expectations/dhd"
INBOX = Path(__file__).parents[2] / "sample_data/inbox/dhd/wsapi"
SPEC = read_spec(FOLDER / "specification.yaml")
SCHEMAS = read_source_schemas(FOLDER, SPEC)
RECORD = {
    "action": "create", "recordId": "W-1", "cpr": "0101010101", "shak": "6620031", "startDate": "2026-06-01",
    "contactTime": "2026-06-01T08:25:00", "careSetting": "amb", "diagnosis": "DI509", "echo": "Y", "lvef": "33.4",
    "heartRate": "NP", "localReference": "BZ953432", "nyha": "",
}  # fmt: skip
CLEAN = {
    "database": "dhd", "schemaVersion": "1.1", "region": "midtjylland", "submissionId": "MJ-000001",
    "sequenceNumber": "1", "sentAt": "2026-07-31T23:10:00+02:00",
    "records": [RECORD, {"action": "delete", "recordId": "W-2"}],
}  # fmt: skip


def schema_of(spec=SPEC, version="1.1") -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(xsd(spec, SCHEMAS["wsapi", version])))


def document(submission: dict) -> etree._Element:
    """The envelope as XML: each key an element, each record a <record>."""
    root = etree.Element("submission")
    for key, value in submission.items():
        element = etree.SubElement(root, key)
        if key != "records":
            element.text = str(value)
            continue
        for record in value:
            one = etree.SubElement(element, "record")
            for name, cell in record.items():
                etree.SubElement(one, name).text = "" if cell is None else str(cell)
    return root


def changed(**fields) -> etree._Element:
    submission = copy.deepcopy(CLEAN)
    submission["records"][0] |= fields
    return document(submission)


def test_a_clean_submission_passes_in_any_order_of_fields():
    assert schema_of().validate(document(CLEAN))
    backwards = {key: CLEAN[key] for key in reversed(CLEAN)}
    backwards["records"] = [dict(reversed(record.items())) for record in CLEAN["records"]]
    assert schema_of().validate(document(backwards))


@pytest.mark.parametrize(
    "fields",
    [
        {"startDate": "01-06-2026"}, {"startDate": "UNK"}, {"startDate": ""}, {"echo": "yes"}, {"nyha": "5"},
        {"lvef": "33,4"}, {"lvef": "Uoplyst"}, {"heartRate": "61.5"}, {"cpr": "010101-0101"}, {"recordId": ""},
        {"diagnosis": "I509"}, {"action": "update"}, {"localReference": "bz1"}, {"contactTime": "2026-06-01"},
        {"unheardOf": "1"}, {"mra": "Y"},
    ],
)  # fmt: skip
def test_each_fault_in_a_record_is_caught(fields):
    assert not schema_of().validate(changed(**fields))


@pytest.mark.parametrize("key", list(CLEAN))
def test_every_part_of_the_envelope_is_needed(key):
    assert not schema_of().validate(document({name: value for name, value in CLEAN.items() if name != key}))


@pytest.mark.parametrize(
    "part",
    [{"database": "dhrd"}, {"schemaVersion": "1.0"}, {"sequenceNumber": "-1"}, {"sentAt": "2026-07-31T23:10:00"}],
)
def test_a_fault_in_the_envelope_is_caught(part):
    assert not schema_of().validate(document(CLEAN | part))


def test_a_limit_that_holds_back_stands_in_the_schema_and_one_that_warns_does_not():
    strict = SPEC.variables["lvef"].model_copy(update={"severity": {"range": "error"}})
    spec = SPEC.model_copy(update={"variables": {**SPEC.variables, "lvef": strict}})
    assert schema_of().validate(changed(lvef="98"))
    assert not schema_of(spec).validate(changed(lvef="98"))
    assert schema_of(spec).validate(changed(lvef="79.5"))


def test_the_schema_is_the_same_each_time_and_says_what_is_needed_in_danish():
    said = xsd(SPEC, SCHEMAS["wsapi", "1.0"])
    assert said == xsd(SPEC, SCHEMAS["wsapi", "1.0"])
    text = said.decode()
    assert "Ekkokardiografi udført – Y: Ja, N: Nej, UNK: Uoplyst." in text
    assert "Skal udfyldes, undtagen når posten slettes." in text


def test_a_field_that_cannot_be_an_element_is_named():
    said = SCHEMAS["wsapi", "1.1"].model_dump(by_alias=True, exclude_unset=True)
    said["fields"] = {"start dato": {"variable": "start_date"}}
    with pytest.raises(InputError, match="start dato"):
        xsd(SPEC, SourceSchema.model_validate(said))


def test_on_the_sample_both_schemas_refuse_the_same_records():
    """Records of the sample, faults and all; a record that only lacks a field is refused by JSON Schema alone."""
    judged, refused = 0, 0
    for path in sorted(INBOX.rglob("*.json"))[:6]:
        with contextlib.suppress(ValueError):  # one file is cut off on purpose
            submission = json.loads(path.read_text("utf-8"), parse_float=str, parse_int=str)
            schema = SCHEMAS.get(("wsapi", submission["schemaVersion"]))
            if schema is None:
                continue
            item = json_schema(SPEC, schema)["properties"]["records"]["items"]
            by_json = jsonschema.Draft202012Validator({k: v for k, v in item.items() if k not in ("if", "else")})
            by_xml = schema_of(version=schema.version)
            for record in submission["records"]:
                valid = by_xml.validate(document(submission | {"records": [record]}))
                assert valid == by_json.is_valid(record), record["recordId"]
                judged, refused = judged + 1, refused + (not valid)
    assert judged > 200
    assert refused > 0
