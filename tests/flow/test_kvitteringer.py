"""In the sample every file that arrived is answered, and the answers agree with the ledger."""

from __future__ import annotations

import json
import re

import polars as pl


def test_every_submission_of_the_sample_is_answered(sample_results) -> None:
    receipts = pl.read_parquet(sample_results / "receipts.parquet")
    findings = pl.read_parquet(sample_results / "findings.parquet").filter(severity="error")
    held = dict(findings.group_by("receipt_id").agg(pl.struct("line").n_unique()).iter_rows())
    told = [json.loads(path.read_text("utf-8")) for path in sample_results.glob("regions/*/kvitteringer/*.json")]
    assert len(told) == receipts.height
    assert {answer["outcome"] for answer in told} == set(receipts["verdict"])
    for answer in told:
        if answer["outcome"] in ("accepted", "partly"):
            assert held.get(answer["receipt"], 0) == answer["rows"]["quarantined"]
            assert answer["rows"]["in"] == answer["rows"]["accepted"] + answer["rows"]["quarantined"]


def test_no_answer_holds_a_person_number(sample_results) -> None:
    pages = [path.read_text("utf-8") for path in sample_results.glob("regions/*/kvitteringer/*.*")]
    assert len(pages) > 10
    assert not any(re.search(r"(?<!\w)[0-9]{6}-?[0-9]{4}(?!\w)", page) for page in pages)
