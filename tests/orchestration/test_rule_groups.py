"""Rules become checks: each kind has its group, and nothing unheld counts as passed."""

from __future__ import annotations

import shutil
from dataclasses import replace

import dagster as dg
import polars as pl
import pytest
from tests_of_orchestration import ROOT

from pipelines.orchestration.installation import installation, sources
from pipelines.orchestration.rule_checks import GROUPS, rule_check_results, rule_check_specs
from pipelines.spec import constraint_kinds, record_kinds
from pipelines.spec.constraint_kinds import OnVariable
from pipelines.validation.check import RuleResult, Validation

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def rule(violated: int | None, eligible: int | None, severity: str = "error", kind: str = "range") -> RuleResult:
    return RuleResult(f"lvef.{kind}", "lvef", kind, severity, "LVEF skal ligge fra 5 til 80", violated, eligible)


def check(*rules: RuleResult) -> dg.AssetCheckResult:
    """The plausibility check of a source on which these rules were tried."""
    found = {"kip": Validation(rules, pl.DataFrame(), 10, 10, 0)}
    return next(r for r in rule_check_results(found, threshold=5) if r.check_name == "kip_plausibility")


def test_every_kind_of_rule_has_one_group():
    modules = {constraint_kinds.__name__, record_kinds.__name__}
    kinds = {c.kind for c in OnVariable.__subclasses__() if c.__module__ in modules}
    grouped = [kind for _, kinds_of_group in GROUPS.values() for kind in kinds_of_group]
    assert sorted(grouped) == sorted(kinds)


def test_every_source_that_gives_rows_to_a_database_has_its_checks():
    names = {spec.name for spec in rule_check_specs("validated")}
    assert names == {f"{source}_{group}" for source in ("kip", "lpr", "manual", "wsapi") for group in GROUPS}


def test_a_specification_that_cannot_be_read_hides_no_other_database(tmp_path):
    project = replace(installation().project, expectations=tmp_path)
    for name, text in (("broken", "database: ["), ("dhd", None)):
        (tmp_path / name).mkdir()
        if text:
            (tmp_path / name / "specification.yaml").write_text(text)
    shutil.copytree(ROOT / "expectations" / "dhd", tmp_path / "dhd", dirs_exist_ok=True)
    shutil.copytree(ROOT / "expectations" / "codes", tmp_path / "codes")
    assert sources(project) == ["kip", "wsapi"]


@pytest.mark.parametrize(
    ("rules", "passed", "severity"),
    [
        ([rule(0, 10)], True, WARN),
        ([rule(0, 10), rule(0, 0)], True, WARN),
        ([rule(2, 10)], False, ERROR),
        ([rule(2, 10, "warning")], False, WARN),
        ([rule(None, None, "warning")], False, ERROR),
        ([rule(0, 0)], False, WARN),
        ([], False, WARN),
    ],
    ids=["held", "held, one idle", "broken", "broken warning", "not judged", "nothing to hold", "no rules"],
)
def test_a_check_passes_only_where_rules_were_held_and_none_broken(rules, passed, severity):
    found = check(*rules)
    assert (found.passed, found.severity) == (passed, severity)


def test_a_source_that_the_database_does_not_use_gives_no_alarm():
    found = {"kip": Validation([rule(2, 10)], pl.DataFrame(), 10, 10, 0)}
    others = [r for r in rule_check_results(found, threshold=5) if not r.check_name.startswith("kip_")]
    assert {r.check_name for r in others} == {f"{s}_{group}" for s in ("lpr", "manual", "wsapi") for group in GROUPS}
    assert all(r.passed and r.description.startswith("Databasen bruger ikke kilden") for r in others)


def test_rules_that_nothing_could_break_are_said_to_be_not_relevant():
    assert check(rule(0, 0)).description.startswith("Ikke relevant")
    assert check(rule(0, 10), rule(0, 0)).description == "1 af 1 regler er overholdt; 1 er ikke relevante."


def test_broken_rules_stand_first_with_their_lines():
    broken = RuleResult("nyha.allowed", "nyha", "range", "error", "…", 20, 100, (7, 9))
    records = check(rule(0, 10), broken).metadata["alle regler"].records
    assert records[0].data["regel"] == "nyha.allowed"
    assert records[0].data["første linjer"] == "7, 9"


def test_how_many_a_few_are_and_which_is_not_said():
    few = RuleResult("nyha.allowed", "nyha", "range", "error", "…", 2, 100, (7, 9))
    shown = check(few)
    row = shown.metadata["alle regler"].records[0].data
    assert (row["brudt"], row["første linjer"]) == ("<5", "")
    assert shown.metadata["brud, afrundet"].value in (0, 5)
