"""Every fault planted in the sample inbox is reported at its place, and nothing else is."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest
from agreement_attacker import hold_agreement_hidden
from page_attacker import hold_hidden
from planted_truth import names, planted

from pipelines import flow

# Warnings that stand on clean data too: valid numbers fail modulus 11 since 2007.
ALWAYS = {"person.check_digit"}


@pytest.fixture(scope="module")
def causes(sample_results: Path) -> list[dict]:
    return json.loads((sample_results / "causes.json").read_text("utf-8"))["causes"]


@pytest.mark.parametrize("truth", planted("causes"), ids=lambda t: f"{t['fault_id']} {t['kind']}")
def test_planted_cause_is_named(causes: list[dict], truth: dict) -> None:
    assert [cause["kind"] for cause in causes if names(cause, truth)] == [truth["kind"]]


def test_no_other_cause_is_told(causes: list[dict]) -> None:
    truths = planted("causes")
    assert [cause["sentence"]["en"] for cause in causes if not any(names(cause, truth) for truth in truths)] == []


def test_a_cause_explains_most_of_what_was_planted(causes: list[dict]) -> None:
    """Not all: a silent unit hides the values of its region, and what KIP lacks cannot be missing."""
    for truth in planted("causes"):
        cause = next(cause for cause in causes if names(cause, truth))
        assert cause["explained"] >= 0.7 * int(truth["comparable"]), truth["fault_id"]


def found_records(results: Path) -> dict[str, set[str]]:
    findings = pl.read_parquet(results / "findings.parquet")
    records = defaultdict(set)
    for rule, record in findings.select("rule", "record_id").rows():
        records[rule].add(record)
    return records


@pytest.mark.parametrize("truth", planted("findings"), ids=lambda t: f"{t['fault_id']} {t['rule']}")
def test_planted_finding_is_found(sample_results: Path, truth: dict) -> None:
    assert set(json.loads(truth["records"])) <= found_records(sample_results)[truth["rule"]]


def test_no_other_finding_is_made(sample_results: Path) -> None:
    """Grams are out of a kilogram's range, and test persons are warned of: faults whose cause is told as well."""
    expected = defaultdict(set)
    for truth in [*planted("findings"), *planted("causes")]:
        if truth["rule"]:
            expected[truth["rule"]] |= set(json.loads(truth["records"]))
    found = found_records(sample_results)
    grams = found.pop("weight.range")
    assert {rule: found[rule] for rule in found if rule not in ALWAYS} == dict(expected)
    assert len(grams) <= sum(int(t["n"]) for t in planted("causes") if t["kind"] == "unit_factor")


def test_receipts_say_what_was_refused_and_what_came_twice(sample_results: Path) -> None:
    receipts = pl.read_parquet(sample_results / "receipts.parquet")
    told = {
        (region, verdict)
        for region, verdict in receipts.select("region", "verdict").rows()
        if verdict in ("refused", "duplicate")
    }
    true = {(truth["slice"]["region"], truth["rule"]) for truth in planted("receipts")}
    assert told == true
    assert receipts.filter(pl.col("verdict").is_in(["refused", "duplicate"])).height == len(planted("receipts"))


def test_a_truth_that_is_not_there_is_missed(causes: list[dict]) -> None:
    """The test itself can fail: another factor, slice or variable is not taken for the planted one."""
    truth = next(truth for truth in planted("causes") if truth["kind"] == "unit_factor")
    for broken in (
        truth | {"parameters": {"factor": 100}},
        truth | {"slice": {"region": "sjaelland"}},
        truth | {"variable": "height"},
    ):
        assert not any(names(cause, broken) for cause in causes)


def test_no_small_count_follows_from_the_countrys_page(sample_run: flow.Run, sample_results: Path) -> None:
    hold_hidden(sample_run.spec, sample_results, sample_run.names)
    hold_agreement_hidden(sample_run.spec, sample_results, sample_run.names)


def test_few_counts_beside_the_small_ones_are_told_as_bands(sample_results: Path) -> None:
    """Of the counts of both tables of coverage; 57 of their 132 cells read "skjult" before bands, and now none."""
    told = pl.read_parquet(sample_results / "published.parquet").filter(pl.col("table") == "coverage")
    banded = told.filter(pl.col("least") != pl.col("most"), pl.col("most") >= 5)
    assert told["most"].null_count() == 0
    assert len(banded) <= 0.12 * len(told)
