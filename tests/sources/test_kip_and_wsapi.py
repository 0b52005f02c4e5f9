"""The two adapters: form versions by their columns, envelopes by their own words."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.arrivals import arrivals
from pipelines.sources.batch import Refused
from pipelines.sources.kip import columns_of, read_kip
from pipelines.sources.wsapi import read_wsapi
from pipelines.spec.reading import read_source_schemas, read_spec

FOLDER = Path(__file__).parents[2] / "expectations" / "dhd"
SCHEMAS = read_source_schemas(FOLDER, read_spec(FOLDER / "specification.yaml"))
COLUMNS = columns_of(SCHEMAS["kip", "4"])
ENVELOPE = {
    "database": "dhd", "schemaVersion": "1.1", "region": "nordjylland", "submissionId": "NJ-000001",
    "sequenceNumber": 1, "sentAt": "2026-03-02T02:10:00+01:00",
}  # fmt: skip
RECORD = {"action": "create", "recordId": "W-1", "cpr": "0101701234", "shak": "8001101", "lvef": 32.50}


def export(*rows: dict[str, str], columns: list[str] = COLUMNS, end: str = "\n") -> bytes:
    lines = [";".join(columns), *(";".join(row.get(name, "") for name in columns) for row in rows)]
    return ("\n".join(lines) + end).encode()


def submission(*records: object, **changes: object) -> bytes:
    return json.dumps({**ENVELOPE, "records": list(records)} | changes).encode()


def code(read, content: bytes) -> str:
    with pytest.raises(Refused) as caught:
        read(content, SCHEMAS)
    assert "0101701234" not in f"{caught.value} {caught.value.reason}"
    return caught.value.code


def test_an_export_is_read_whatever_the_order_of_its_columns():
    batch = read_kip(export({"skema_id": "K-1", "lvef_pct": "32,5"}, columns=COLUMNS[::-1]), SCHEMAS)
    assert batch.schema_version == "4"
    assert batch.rows.select("line", "action", "skema_id", "lvef_pct").row(0) == (2, "create", "K-1", "32,5")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (export(columns=COLUMNS[:-1]), "missing_column"),
        (export(columns=[*COLUMNS, "navn"]), "unknown_column"),
        (export(columns=[*COLUMNS, COLUMNS[0]]), "duplicate_column"),
        (export().replace(b";", b","), "wrong_delimiter"),
        (export({"skema_id": "K-1"}, end=""), "truncated"),
        (b"0101701234;x\n", "no_header"),
        (b'{"database": "dhd"}\n', "no_header"),
    ],
)
def test_what_is_no_export_is_refused(content, expected):
    assert code(read_kip, content) == expected


def test_numbers_stand_as_they_were_written():
    text = submission(RECORD, RECORD | {"lvef": True, "nyha": None}).replace(b"32.5,", b"32.50,", 1)
    batch = read_wsapi(submission(RECORD | {"recordId": "W-9"}).replace(b"32.5}", b"32.500}"), SCHEMAS)
    assert batch.rows["lvef"].to_list() == ["32.500"]
    assert read_wsapi(text, SCHEMAS).rows["lvef"].to_list() == ["32.5", "true"]
    assert (batch.sequence, batch.region, batch.submission) == (1, "nordjylland", "NJ-000001")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[]", "not_the_format"),
        (b"nothing", "not_the_format"),
        (submission(RECORD)[:-10], "broken_json"),
        (submission(RECORD) + b" {}", "broken_json"),
        (submission(RECORD).replace(b"32.5", b"NaN"), "broken_json"),
        (submission(RECORD).replace(b"32.5", b"-Infinity"), "broken_json"),
        (submission(RECORD).replace(b'"create"', b'"create", "cpr": "x"'), "duplicate_key"),
        (submission(RECORD).replace(b'"region"', b'"database"'), "duplicate_key"),
        (submission(RECORD).replace(b"32.5", b"[" * 100_000), "broken_json"),
        (submission(RECORD).replace(b'"records": [', b'"records": [,'), "broken_json"),
        (submission(RECORD).replace(b"}]}", b"},]}"), "broken_json"),
        (submission(schemaVersion="9.9"), "unknown_schema_version"),
        (submission(schemaVersion=1.1), "not_the_format"),
        (submission(sequenceNumber="1"), "not_the_format"),
        (submission(sequenceNumber=-1), "not_the_format"),
        (submission(sentAt="2026-03-02T02:10:00"), "not_the_format"),
        (submission(submissionId="010170-1234"), "not_the_format"),
        (submission(records={}), "not_the_format"),
        (submission(name="x"), "unknown_column"),
        (submission(region=None), "not_the_format"),
        (b"PK\x03\x04", "not_the_format"),
        (b"\xff\xfe{", "not_utf8"),
        (b" ", "empty"),
    ],
)
def test_what_is_no_submission_is_refused(content, expected):
    assert code(read_wsapi, content) == expected


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ("a text", "row.shape"),
        (RECORD | {"lvef": {"value": 1}}, "row.shape"),
        (RECORD | {"lvef": "\ud800"}, "row.shape"),
        (RECORD | {"lvef": "1\0"}, "row.nul"),
        (RECORD | {"lvef": "x" * 100_001}, "row.long"),
        (RECORD | {"cpr": 101701234}, "row.number"),
        (RECORD | {"weigth": 80}, "row.unknown_field"),
        (RECORD | {"action": "replace"}, "row.action"),
        ({"action": "delete"}, "row.action"),
    ],
)
def test_a_record_that_is_no_row_is_held_back_alone(record, rule):
    batch = read_wsapi(submission(RECORD, record), SCHEMAS)
    assert batch.rows["recordId"].to_list() == ["W-1"]
    assert batch.broken["rule"].to_list() == [rule]
    assert "0101701234" not in str(batch.broken["reason"].to_list())


def test_a_deletion_needs_only_the_id():
    batch = read_wsapi(submission({"action": "delete", "recordId": "W-1"}), SCHEMAS)
    assert batch.rows.select("action", "recordId", "cpr").row(0) == ("delete", "W-1", None)


blanks = st.text(" \n\t\r", max_size=5)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(blanks, blanks, blanks), min_size=1, max_size=6), blanks)
def test_a_record_knows_its_line_in_any_layout_or_its_number_where_lines_are_shared(gaps, before):
    text = json.dumps(ENVELOPE)[:-1] + "," + before + '"records"' + before + ":[" + before
    lines = []
    for number, (ahead, inside, after) in enumerate(gaps):
        text += ("," if number else "") + ahead
        lines.append(text.count("\n") + 1)
        text += '{"action":' + inside + f'"create","recordId":"W-{number}"' + "}" + after
    batch = read_wsapi((text + "]" + before + "}" + before).encode(), SCHEMAS)
    apart = len(set(lines)) == len(lines)
    assert batch.rows["line"].to_list() == (lines if apart else list(range(1, len(lines) + 1)))


def test_an_inbox_is_read_in_a_fixed_order_and_half_files_are_left(tmp_path):
    for name in ("wsapi/b/2.json", "kip/a/x.csv", "kip/a/x.csv.part", "kip/a/.hidden", "wsapi/b/1.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "kip/a/link.csv").symlink_to(tmp_path / "kip/a/x.csv")
    found = [(a.source, a.region, a.path.name) for a in arrivals(tmp_path)]
    assert found == [("kip", "a", "x.csv"), ("wsapi", "b", "1.json"), ("wsapi", "b", "2.json")]
