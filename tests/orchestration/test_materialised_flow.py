"""The whole flow through Dagster: what the page says is what the verbs found."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import dagster as dg
import polars as pl
from tests_of_orchestration import DAY, REGIONS, installed

from pipelines import flow
from pipelines.orchestration.assets import registers
from pipelines.orchestration.metadata import coverage_table, view_of
from pipelines.orchestration.rule_checks import GROUPS
from pipelines.reports.rounding import rounded
from pipelines.reports.runs import latest_run
from pipelines.reports.suppression import shown_count
from pipelines.spec.constraints import constraints_of

EVERYTHING = {"conformed", "validated", "evidence", "reconciled", "explained", "reported", "decided"}


def rows_of(value: dg.TableMetadataValue) -> list[dict[str, str]]:
    return [dict(record.data) for record in value.records]


def test_every_step_from_received_rows_to_the_decision_is_materialised(done):
    assert done.result.success
    assert {e.asset_key.path[-1] for e in done.result.get_asset_materialization_events()} == EVERYTHING


def test_every_rule_of_the_specification_stands_once_among_the_checks(done):
    run = done.installation.run("dhd", DAY)
    for source in ("kip", "wsapi"):
        shown = [
            row["regel"] for group in GROUPS for row in rows_of(done.check(f"{source}_{group}").metadata["alle regler"])
        ]
        asked = [rule.id for rule in constraints_of(run.spec, source, run.reference_date)]
        assert sorted(shown) == sorted(asked)


def test_checks_say_what_validation_says(done):
    found = flow.validate(done.installation.run("dhd", DAY))
    for source, validation in found.items():
        for group, (_, kinds) in GROUPS.items():
            check, rules = (
                done.check(f"{source}_{group}"),
                [rule for rule in validation.rules if rule.kind in kinds],
            )
            broken = [rule for rule in rules if rule.violated]
            assert check.metadata["brud, afrundet"].value == rounded([sum(rule.violated for rule in rules)], 5)[0]
            assert check.passed == (not broken)
            if broken:
                worst = "ERROR" if any(rule.severity == "error" for rule in broken) else "WARN"
                assert check.severity.value == worst
            counts = {row["regel"]: (row["brudt"], row["kan brydes"]) for row in rows_of(check.metadata["alle regler"])}
            assert counts == {r.rule: (shown_count(r.violated, 5), shown_count(r.eligible, 5)) for r in rules}


def test_the_sample_has_both_broken_and_held_rules_so_that_the_checks_are_tried(done):
    assert not done.check("wsapi_record").passed
    assert done.check("kip_completeness").passed


def test_the_comparison_adds_up(done):
    assert done.check("every_record_once").passed
    assert done.check("regions_add_up").passed


def test_the_gate_check_passes_only_where_the_gate_does(done):
    outcomes = {row["udfald"] for row in rows_of(done.metadata("decided")["betingelser"])}
    assert done.check("gate_passed").passed == (outcomes == {"Bestået"})


def test_a_job_judges_its_own_gate_without_any_configuration(done):
    assert done.metadata("decided")["udfald"].value.startswith("Godkendelsestrin: Fortsat validering")


def test_the_same_findings_judged_by_another_gate_are_published_beside_the_first(done):
    run = done.installation.run("dhd", DAY)
    first = latest_run(run.project.results("dhd"))
    shutil.copytree(first, run.building)
    decision = flow.decide(run, "first_data")
    second = latest_run(run.project.results("dhd"))
    assert decision.gate == "first_data" and second != first
    assert [json.loads((folder / "gate.json").read_text())["gate"] for folder in (first, second)] == [
        "continued_validation",
        "first_data",
    ]


def test_the_published_report_is_where_the_page_says(done):
    report = Path(done.metadata("decided")["rapport"].value)
    assert report.is_file()
    assert done.installation.project.results("dhd") in report.parents


def test_the_evidence_of_each_source_can_be_opened(done):
    pages = {name: Path(page.value) for name, page in done.metadata("evidence").items()}
    assert set(pages) == {"dhd_kip", "dhd_wsapi"}
    assert all(page.is_file() for page in pages.values())


def test_the_comparison_shows_each_region_a_picture_and_the_worst_variables_first(done):
    shown = done.metadata("reconciled")
    places = [row["sted"] for row in rows_of(shown["komplethedsgrad"])]
    assert places == ["Hele landet", "Region Nordjylland", "Region Sjælland"]
    picture = shown["overensstemmelse pr. variabel"].value
    assert "data:image/svg+xml;base64," in picture
    assert len(picture) < 60_000
    assert shown["dagster/row_count"].value > 100
    assert shown["opgjort pr."].value == DAY


def test_small_cells_of_a_region_are_hidden(done):
    run = done.installation.run("dhd", DAY)
    published = Path(done.metadata("decided")["rapport"].value).parent
    coverage = pl.read_parquet(published / "coverage.parquet").filter(
        pl.col("region").is_not_null(), pl.all_horizontal(pl.col("unit", "period").is_null())
    )
    small = coverage.filter((pl.col("only_new") > 0) & (pl.col("only_new") < 5)).height
    shown = rows_of(coverage_table(view_of(run, published)))[1:]
    assert sum(row["kun ny"] == "<5" for row in shown) == small > 0


def test_causes_are_told_in_danish_with_who_mends_them(done):
    causes = rows_of(done.metadata("explained")["årsager, vigtigste først"])
    assert causes and all(row["årsag"].endswith(".") and row["rettes af"] for row in causes)


def test_receiving_region_by_region_gives_the_same_receipts_as_all_at_once(done, tmp_path):
    whole = flow.Run(installed(tmp_path).project, "dhd", dt.date.fromisoformat(DAY), dt.datetime(2026, 9, 30))
    flow.receive(whole)
    with flow.opened(whole) as warehouse:
        expected = flow.load(warehouse, "receipts")
    with flow.opened(done.installation.run("dhd", DAY)) as warehouse:
        found = flow.load(warehouse, "receipts")
    key = ["region", "file", "verdict", "sha256", "rows_in"]
    assert found.select(key).sort(key[:2]).filter(verdict="duplicate").height > 0
    kept = [frame.filter(pl.col("verdict").is_in(["refused", "duplicate"])) for frame in (found, expected)]
    assert kept[0].select(key).sort(key[:2]).equals(kept[1].select(key).sort(key[:2]))
    assert set(found["region"]) == set(REGIONS)


def test_the_registers_are_taken_in_once_for_all_databases(tmp_path):
    installation = installed(tmp_path, regions=())
    folder = installation.project.inbox("registers") / "lab" / "national"
    folder.mkdir(parents=True)
    (folder / "lab_forsker_2026-05-31.csv").write_text("pnr,samplingdate,analysiscode,value\nP1,2026-01-01,NPU1,<5\n")
    found = dg.materialize([registers], resources={"installation": installation})
    [event] = found.asset_materializations_for_node("registers")
    told = {name: event.metadata[name].value for name in ("filer", "modtaget", "fund")}
    assert told == {"filer": 1, "modtaget": 1, "fund": 1}  # the finding: a value that is a limit
