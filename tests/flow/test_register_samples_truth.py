"""The four samples whose new side is made of registers: every planted fault is named, found, and nothing else is."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from agreement_attacker import hold_agreement_hidden
from page_attacker import hold_hidden
from planted_truth import names, planted

from pipelines import flow
from pipelines.project import Project
from pipelines.reports.places import place_names
from pipelines.spec.reading import read_spec
from pipelines.warehouse.key import make_key

REPOSITORY = Path(__file__).parents[2]
DAY = dt.date(2026, 9, 30)
ARRIVED = dt.datetime.combine(DAY, dt.time(12))
DATABASES = ("ddid", "dhrd", "drhofte", "drkol")
VERBS = (flow.receive, flow.conform, flow.validate, flow.reconcile, flow.explain)
# Traps of the registers that are told and change nothing, and valid numbers that fail modulus 11.
ALWAYS = {"person.check_digit", "event.not_a_number", "event.operator", "event.no_contact"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One installation with all registers, each database taken as far as its causes."""
    folder = tmp_path_factory.mktemp("registers")
    project = Project(folder / "home", REPOSITORY / "expectations", folder / "key" / "key")
    for name in ("registers", *DATABASES):
        shutil.copytree(REPOSITORY / "sample_data" / "inbox" / name, project.inbox(name))
    make_key(project)
    flow.registers(project, ARRIVED)
    runs = {name: flow.Run(project, name, DAY, ARRIVED) for name in DATABASES}
    for run in runs.values():
        for verb in VERBS:
            verb(run)
    return {name: run.building for name, run in runs.items()}


def causes_of(folder: Path) -> list[dict]:
    return json.loads((folder / "causes.json").read_text("utf-8"))["causes"]


def truths_of(database: str) -> list[dict]:
    """The planted causes, as the difference new − reported shows them."""
    truths = planted("causes", database)
    for truth in truths:
        if truth["kind"] == "date_shift" and truth["side"] == "reported":
            truth["parameters"] = {"days": -truth["parameters"]["days"]}
    return truths


@pytest.mark.parametrize("database", DATABASES)
def test_each_planted_cause_is_named_once_and_no_other(results, database):
    causes, truths = causes_of(results[database]), truths_of(database)
    assert [sum(names(cause, truth) for cause in causes) for truth in truths] == [1] * len(truths)
    assert [c["sentence"]["en"] for c in causes if not any(names(c, truth) for truth in truths)] == []


@pytest.mark.parametrize("database", DATABASES)
def test_planted_findings_are_found_and_no_other_error(results, database):
    findings = pl.read_parquet(results[database] / "findings.parquet")
    for truth in planted("findings", database):
        assert set(findings.filter(rule=truth["rule"])["record_id"]) == set(json.loads(truth["records"]))
    expected = {truth["rule"] for truth in planted("findings", database)}
    assert set(findings.filter(severity="error")["rule"]) <= expected
    shifted = {f"{t['variable']}.range" for t in planted("causes", database) if t["kind"] == "unit_factor"}
    assert set(findings["rule"]) <= expected | shifted | ALWAYS


@pytest.mark.parametrize("database", DATABASES)
def test_no_small_count_follows_from_the_countrys_page(results, database):
    specification = REPOSITORY / "expectations" / database / "specification.yaml"
    spec = read_spec(specification)
    for hold in (hold_hidden, hold_agreement_hidden):
        hold(spec, results[database], place_names(spec, specification))


@pytest.mark.parametrize("database", DATABASES)
def test_a_truth_that_is_not_there_is_missed(results, database):
    """The test itself can fail: the same fault in another region is not taken for the planted one."""
    for truth in truths_of(database):
        elsewhere = truth | {"slice": truth["slice"] | {"region": "oestdanmark", "unit": "0000"}}
        if truth["kind"] != "unit_mapped_wrong":
            assert not any(names(cause, elsewhere) for cause in causes_of(results[database]))


@pytest.mark.parametrize("database", DATABASES)
def test_each_course_counts_once_and_says_from_which_source(results, database):
    counted = pl.read_parquet(results[database] / "counted.parquet")
    pairs = pl.read_parquet(results[database] / "pairs.parquet")
    assert counted["record_id"].is_unique().all() and set(counted["datakilde"]) <= {"kip", "manual", "lpr"}
    both = pairs.filter(
        pl.col("reported_id").is_in(counted["record_id"]) & pl.col("new_id").is_in(counted["record_id"])
    )
    assert len(counted) and both.is_empty()
