"""A kvittering per outcome: what is said, to whom, and what is never said."""

from __future__ import annotations

import json

import polars as pl
import pytest

from pipelines.reports.kvittering import kvitteringer
from pipelines.reports.packages import Package, write_receipts

REASONS = {
    "accepted": None,
    "partly": None,
    "refused": "unclosed_quote: Et anførselstegn i posten fra linje 7 lukkes ikke, så rækkerne kan ikke skilles ad.",
    "duplicate": "duplicate: Samme indhold som NJ-1.json, der er modtaget tidligere.",
}
FINDINGS = [
    ("partly", 9, "W-2", "lvef", "lvef.range", "warning", "LVEF skal ligge fra 5 til 80."),
    ("partly", 3, "W-1", "start_date", "start_date.required", "error", "Startdato skal være udfyldt."),
    ("partly", 5, None, None, "row.shape", "error", "Rækken har 3 felter; overskriften har 4."),
    ("partly", 6, "010170-1234", "nyha", "nyha.allowed", "error", "NYHA-klasse er <script>alert(1)</script>."),
    ("accepted", 2, "W-9", "lvef", "lvef.range", "warning", "LVEF skal ligge fra 5 til 80."),
    ("other", 1, "W-7", "lvef", "lvef.range", "error", "En anden regions post."),
]


def receipt(outcome: str, number: int, receipt_id: str | None = None, region: str = "nordjylland") -> dict:
    counts = {
        "accepted": (4, 4, 0),
        "partly": (9, 6, 3),
        "refused": (0, 0, 0),
        "duplicate": (4, 0, 0),
        "other": (1, 0, 1),
    }
    rows = dict(zip(("rows_in", "rows_accepted", "rows_quarantined"), counts[outcome], strict=True))
    return {
        "receipt_id": receipt_id or outcome, "file": f"NJ-{number}.json", "sha256": "ab" * 32, "source": "wsapi",
        "region": region, "schema_version": None if outcome == "refused" else "1.1", "submission": f"NJ-{number}",
        "received_at": "2026-10-01 06:00:00", "verdict": "partly" if outcome == "other" else outcome, **rows,
        "reason": REASONS.get(outcome),
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    rows = [receipt(outcome, n) for n, outcome in enumerate(("accepted", "partly", "refused"), 1)]
    rows += [receipt("duplicate", 4, "accepted"), receipt("duplicate", 5, "accepted")]
    rows += [receipt("other", 6, region="midtjylland")]
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(tmp_path / "receipts.parquet")
    columns = ("receipt_id", "line", "record_id", "variable", "rule", "severity", "reason")
    pl.DataFrame(FINDINGS, schema=columns, orient="row").write_parquet(tmp_path / "findings.parquet")
    return tmp_path


@pytest.fixture
def told(spec, folder):
    return {receipt.name: receipt for receipt in kvitteringer(spec, folder, "nordjylland")}


def test_accepted_says_that_all_rows_were_taken_in_and_tells_of_warnings(told):
    said = told["accepted"].contract()
    assert (said["outcome"], said["sentence"]) == ("accepted", "Alle rækker i filen er modtaget.")
    assert said["rows"] == {"in": 4, "accepted": 4, "quarantined": 0}
    assert told["accepted"].held_back == []
    assert [record["severity"] for record in said["records"]] == ["warning"]


def test_partly_names_each_record_with_line_rule_and_a_danish_sentence(told):
    said = told["partly"].contract()
    assert said["sentence"].startswith("3 af 9 rækker er tilbageholdt; resten er modtaget.")
    assert [(r["record_id"], r["line"], r["rule"]) for r in said["records"][:2]] == [
        ("W-1", 3, "start_date.required"),
        (None, 5, "row.shape"),
    ]
    assert said["records"][0]["sentence"] == "Startdato skal være udfyldt."
    assert len(told["partly"].held_back) == said["rows"]["quarantined"] == 3
    page = told["partly"].page()
    assert "Tilbageholdte poster" in page and "Advarsler (de holder ingen poster tilbage)" in page
    assert "Startdato skal være udfyldt." in page and "Delvist tilbageholdt" in page
    assert said["received_at"] == "2026-10-01 06:00:00" and "01-10-2026 kl. 06.00" in page


def test_refused_says_its_one_reason(told):
    said = told["refused"].contract()
    assert said["outcome"] == "refused"
    assert said["sentence"] == REASONS["refused"].removeprefix("unclosed_quote: ")
    assert said["records"] == []
    assert "Afvist" in told["refused"].page() and said["sentence"] in told["refused"].page()


def test_a_copy_has_a_kvittering_of_its_own_without_the_remarks(told):
    assert [name for name in told if "kopi" in name] == ["accepted-kopi-2", "accepted-kopi-3"]
    said = told["accepted-kopi-2"].contract()
    assert said["sentence"] == "Samme indhold som NJ-1.json, der er modtaget tidligere."
    assert said["records"] == []


def test_nothing_active_and_no_person_number_is_told(told):
    for receipt in told.values():
        both = json.dumps(receipt.contract(), ensure_ascii=False) + receipt.page()
        assert "010170-1234" not in both
    assert "██████-████" in told["partly"].page()
    assert "<script>" not in told["partly"].page()


def test_each_region_gets_its_own_and_the_same_bytes_each_time(spec, names, folder):
    written = write_receipts(Package(folder, spec, names))
    assert len(written) == 6
    before = {path: path.read_bytes() for path in sorted((folder / "regions").rglob("*.*"))}
    places = {path.parent.parent.name for path in before}
    assert places == {"nordjylland", "midtjylland"}
    north = b"".join(content for path, content in before.items() if "nordjylland" in path.parts)
    assert b"En anden regions post." not in north
    write_receipts(Package(folder, spec, names))
    assert {path: path.read_bytes() for path in before} == before
