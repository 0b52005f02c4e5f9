"""The XML envelope says what the JSON envelope says, and nothing in it is followed, expanded or guessed."""

import json
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.batch import Refused
from pipelines.sources.wsapi import read_wsapi
from pipelines.sources.wsapi_xml import is_xml, read_wsapi_xml
from pipelines.spec.reading import read_source_schemas, read_spec

FOLDER = Path(__file__).parents[2] / "expectations" / "dhd"
SCHEMAS = read_source_schemas(FOLDER, read_spec(FOLDER / "specification.yaml"))
ENVELOPE = {
    "database": "dhd", "schemaVersion": "1.1", "region": "nordjylland", "submissionId": "NJ-000001",
    "sequenceNumber": 1, "sentAt": "2026-03-02T02:10:00+01:00",
}  # fmt: skip
RECORD = {"action": "create", "recordId": "W-1", "cpr": "0101701234", "shak": "8001101", "lvef": "32.50"}
BOMB = '<!DOCTYPE s [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


def fields(record: dict) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in record.items())


def xml(*records: dict | str, before: str = "", **changes: object) -> bytes:
    """One record a line, the first on line 2; a text stands as it is."""
    head = "".join(f"<{name}>{value}</{name}>" for name, value in (ENVELOPE | changes).items() if value is not None)
    lines = [one if isinstance(one, str) else f"<record>{fields(one)}</record>" for one in records]
    text = "\n".join([f"{before}<submission>{head}<records>", *lines, "</records></submission>"])
    return text.encode()


def code(content: bytes) -> str:
    with pytest.raises(Refused) as caught:
        read_wsapi_xml(content, SCHEMAS)
    assert "0101701234" not in f"{caught.value} {caught.value.reason}"
    return caught.value.code


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cc", "Cs", "Cn"]), max_size=8
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(texts, texts), max_size=4))
def test_both_forms_are_read_to_the_same_batch(cells):
    records = [RECORD | {"lvef": lvef, "localReference": said} for lvef, said in cells]
    form = json.dumps(ENVELOPE)[:-1] + ', "records": [\n' + ",\n".join(json.dumps(r) for r in records) + "\n]}"
    by_json, by_xml = read_wsapi(form.encode(), SCHEMAS), read_wsapi_xml(xml(*records), SCHEMAS)
    assert by_xml.rows.equals(by_json.rows)
    assert by_xml.broken.equals(by_json.broken)
    said = ("source", "schema_version", "database", "region", "submission", "sequence", "sent_at")
    assert [getattr(by_xml, name) for name in said] == [getattr(by_json, name) for name in said]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (xml(RECORD, before=BOMB), "document_type"),
        (xml(RECORD, before=OUTSIDE), "document_type"),
        (xml(RECORD, before='<!DOCTYPE s SYSTEM "http://127.0.0.1/s.dtd">'), "document_type"),
        (xml(RECORD | {"lvef": "x"}).replace(b">x<", b">&a;<"), "broken_xml"),
        (xml(RECORD)[:-10], "broken_xml"),
        (xml(RECORD) + b"<more/>", "broken_xml"),
        (b"<" + b"a><" * 5000 + b"b/>", "broken_xml"),
        (xml("<record>" + "<a>" * 50 + "</a>" * 50 + "</record>"), "broken_xml"),
        (xml("<record><lvef>1</lvef><lvef>2</lvef></record>"), "duplicate_key"),
        (xml(RECORD).replace(b"<region>", b"<region>x</region><region>"), "duplicate_key"),
        (xml(RECORD).replace(b"submission>", b"envelope>"), "not_the_format"),
        (xml(RECORD).replace(b"<submission>", b'<submission xmlns="urn:x">'), "not_the_format"),
        (xml(RECORD, name="x"), "unknown_column"),
        (xml(RECORD).replace(b"<region>", b"<region of='x'>"), "unknown_column"),
        (xml("text", RECORD), "not_the_format"),
        (xml(RECORD, region=None), "not_the_format"),
        (xml(RECORD, sequenceNumber="one"), "not_the_format"),
        (xml(RECORD, schemaVersion="9.9"), "unknown_schema_version"),
        (xml(RECORD, submissionId="010170-1234"), "not_the_format"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><submission>\xe6</submission>', "not_utf8"),
    ],
)
def test_what_is_no_submission_is_refused(content, expected):
    assert code(content) == expected


def test_a_larger_file_than_any_submission_is_not_even_parsed(monkeypatch):
    monkeypatch.setattr("pipelines.sources.batch.LARGEST_SUBMISSION", 100)
    assert code(xml(RECORD)) == "too_large"


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ("<note>a text</note>", "row.shape"),
        ("<record>loose text</record>", "row.shape"),
        ("<record id='1'><action>create</action></record>", "row.shape"),
        (f"<record>{fields(RECORD).replace('32.50', '<value>1</value>')}</record>", "row.shape"),
        ("<record><action>create</action><lvef unit='%'>1</lvef></record>", "row.shape"),
        (RECORD | {"weigth": "80"}, "row.unknown_field"),
        (RECORD | {"action": "replace"}, "row.action"),
        ({"action": "delete"}, "row.action"),
        (RECORD | {"lvef": "x" * 100_001}, "row.long"),
    ],
)
def test_a_record_that_is_no_row_is_held_back_alone(record, rule):
    batch = read_wsapi_xml(xml(RECORD, record, RECORD | {"recordId": "W-3"}), SCHEMAS)
    assert batch.rows["recordId"].to_list() == ["W-1", "W-3"]
    assert batch.broken.select("line", "rule").rows() == [(3, rule)]
    assert batch.rows_in == 3


def test_lines_are_exact_far_into_a_long_file():
    """libxml2 keeps a line in 16 bits and estimates beyond."""
    batch = read_wsapi_xml(xml("\n" * 70_000, RECORD, "\n\n", RECORD), SCHEMAS)
    assert batch.rows["line"].to_list() == [70_003, 70_007]


def test_a_schema_location_is_passed_over_and_an_empty_element_is_an_empty_text():
    said = b'<submission xmlns:xsi="urn:i" xsi:noNamespaceSchemaLocation="http://127.0.0.1/x.xsd">'
    batch = read_wsapi_xml(xml("<record><action>delete</action><recordId>W</recordId><lvef/></record>")
                           .replace(b"<submission>", said), SCHEMAS)  # fmt: skip
    assert batch.rows.select("recordId", "lvef", "nyha").row(0) == ("W", "", None)
    assert batch.rows.schema["lvef"] == pl.String


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"\xef\xbb\xbf \n<a/>", True), (b'{"a": "<b/>"}', False), (b"", False), (b"a;b\n<;>\n", False)],
)
def test_the_form_is_told_by_the_content(content, expected):
    assert is_xml(content) is expected
