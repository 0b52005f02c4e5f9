"""The gate judges intervals, never point estimates, and an empty table never passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.handover.gate import judge
from pipelines.project import InputError
from pipelines.reconciliation.intervals import wilson
from pipelines.spec.model import DatabaseSpec

PLACE = dict.fromkeys(("region", "unit", "period"), pl.String)
COVERAGE = PLACE | dict.fromkeys(("reported", "new", "both", "only_reported", "only_new", "union"), pl.Int64)
AGREEMENT = {"variable": pl.String, **PLACE, "level": pl.String} | dict.fromkeys(
    ("agree", "agree_within", "differ", "both_known"), pl.Int64
)
LABEL = {"da": "x"}


def spec_with(**gate: Any) -> DatabaseSpec:
    return DatabaseSpec.model_validate(
        {
            "database": "small", "title": LABEL, "official": False, "version": "1", "record": "one course",
            "event_date": "day", "match": [{"rule": "same day", "on": ["person", "day"]}],
            "variables": {name: {"label": LABEL, "type": "integer"} for name in ("weight", "height")},
            "gates": {"first_data": gate},
        }
    )  # fmt: skip


def results(folder: Path, coverage=(), agreement=(), causes=()) -> Path:
    """A results directory with the country's counts, and a region's that must not be judged."""
    folder.mkdir(exist_ok=True)
    covered = [(None, None, None, *row) for row in coverage]
    agreed = [(name, None, None, None, None, same, 0, n - same, n) for name, same, n in agreement]
    elsewhere = [("weight", "nord", None, None, None, 0, 0, 900, 900), ("weight", None, None, None, "4", 0, 0, 9, 9)]
    pl.DataFrame(covered, COVERAGE, orient="row").write_parquet(folder / "coverage.parquet")
    pl.DataFrame([*agreed, *(elsewhere if agreed else [])], AGREEMENT, orient="row").write_parquet(
        folder / "agreement.parquet"
    )
    pl.DataFrame({"cause_id": list(causes)}, {"cause_id": pl.String}).write_parquet(folder / "discrepancies.parquet")
    return folder


def agreed(tmp_path: Path, *agreement: tuple, **gate: Any) -> str:
    spec = spec_with(agreement_each_variable=">= 0.95", **gate)
    return judge(spec, "first_data", results(tmp_path, agreement=agreement), {}).outcome


def test_it_passes_where_the_whole_interval_is_above_what_is_asked(tmp_path):
    assert wilson(990, 1000)[0] > 0.95
    assert agreed(tmp_path, ("weight", 990, 1000), ("height", 1000, 1000)) == "passed"


def test_it_does_not_pass_where_the_whole_interval_is_below(tmp_path):
    assert wilson(930, 1000)[1] < 0.95
    assert agreed(tmp_path, ("weight", 930, 1000), ("height", 1000, 1000)) == "not_passed"


@pytest.mark.parametrize("same", [940, 960])
def test_it_cannot_be_judged_where_the_interval_contains_what_is_asked(tmp_path, same):
    low, high = wilson(same, 1000)
    assert low < 0.95 < high
    assert agreed(tmp_path, ("weight", same, 1000)) == "cannot_be_judged"


def test_one_variable_that_fails_is_enough(tmp_path):
    assert agreed(tmp_path, ("weight", 500, 1000), ("height", 960, 1000)) == "not_passed"


def test_fewer_than_the_minimum_cannot_be_judged_however_good_or_bad(tmp_path):
    assert agreed(tmp_path, ("weight", 0, 19)) == "cannot_be_judged"
    assert agreed(tmp_path, ("weight", 0, 20)) == "not_passed"
    assert agreed(tmp_path, ("weight", 499, 499), minimum=500) == "cannot_be_judged"
    assert agreed(tmp_path, ("weight", 500, 500), minimum=500) == "passed"


def test_twenty_of_twenty_are_too_few_to_say_95_percent(tmp_path):
    assert agreed(tmp_path, ("weight", 20, 20)) == "cannot_be_judged"


def test_a_variable_nobody_filled_in_cannot_be_judged(tmp_path):
    assert agreed(tmp_path, ("weight", 990, 1000), ("height", 0, 0)) == "cannot_be_judged"


def test_an_empty_table_never_passes(tmp_path):
    spec = spec_with(completeness_of_new=">= 0.90", agreement_each_variable=">= 0.95")
    # Every record is new, so completeness is 100 %; but not one pair has been compared.
    decision = judge(spec, "first_data", results(tmp_path, coverage=[(0, 500, 0, 0, 500, 500)]), {})
    assert decision.outcome == "cannot_be_judged"
    assert [(c.condition, c.outcome, c.reason) for c in decision.conditions] == [
        ("completeness_of_new", "passed", "the whole interval meets what is asked"),
        ("agreement_each_variable", "cannot_be_judged", "nothing to judge"),
    ]
    assert judge(spec, "first_data", results(tmp_path), {}).outcome == "cannot_be_judged"


def test_a_gate_that_asks_nothing_is_not_passed(tmp_path):
    assert judge(spec_with(), "first_data", results(tmp_path), {}).outcome == "cannot_be_judged"


def test_completeness_has_the_union_as_its_denominator(tmp_path):
    coverage = [(900, 950, 850, 50, 100, 1000)]
    asked = {"completeness_of_new": ">= 0.93", "completeness_of_reported": ">= 0.93", "overlap": "<= 0.88"}
    decision = judge(spec_with(**asked), "first_data", results(tmp_path, coverage=coverage), {})
    found = {c.condition: (c.found, c.n, c.outcome) for c in decision.conditions}
    assert found == {
        "completeness_of_new": (0.95, 1000, "passed"),
        "completeness_of_reported": (0.9, 1000, "not_passed"),
        "overlap": (0.85, 1000, "passed"),
    }


def test_unexplained_is_a_share_of_the_discrepancies(tmp_path):
    spec = spec_with(unexplained="<= 0.25")
    few = results(tmp_path, causes=["C-1"] * 90 + [None] * 10)
    assert judge(spec, "first_data", few, {}).outcome == "passed"
    many = results(tmp_path, causes=["C-1"] * 10 + [None] * 90)
    assert judge(spec, "first_data", many, {}).outcome == "not_passed"


def test_changed_thresholds_are_judged_anew_on_the_same_files(tmp_path):
    stored = results(tmp_path, agreement=[("weight", 930, 1000)])
    before = {path.name: path.read_bytes() for path in stored.iterdir()}
    outcomes = {
        bound: judge(spec_with(agreement_each_variable=bound), "first_data", stored, {}).outcome
        for bound in (">= 0.95", ">= 0.93", ">= 0.90", "> 0.90", "<= 0.95", "< 0.90")
    }
    assert outcomes == {
        ">= 0.95": "not_passed", ">= 0.93": "cannot_be_judged", ">= 0.90": "passed", "> 0.90": "passed",
        "<= 0.95": "passed", "< 0.90": "not_passed",
    }  # fmt: skip
    assert {path.name: path.read_bytes() for path in stored.iterdir()} == before


def test_more_confidence_asks_for_more_evidence(tmp_path):
    assert agreed(tmp_path, ("weight", 976, 1000), confidence=0.95) == "passed"
    assert agreed(tmp_path, ("weight", 976, 1000), confidence=0.9999) == "cannot_be_judged"


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 3000), missing=st.integers(0, 3000), asked=st.integers(1, 99))
def test_what_passes_does_not_fail_the_opposite_question(tmp_path_factory, n, missing, asked):
    same = max(n - missing, 0)
    stored = results(tmp_path_factory.getbasetemp() / "generated", agreement=[("weight", same, n)])
    at_least, less = (
        judge(spec_with(agreement_each_variable=f"{sign} 0.{asked:02d}", minimum=1), "first_data", stored, {}).outcome
        for sign in (">=", "<")
    )
    assert {"passed": "not_passed", "not_passed": "passed"}.get(at_least, at_least) == less
    assert at_least != "passed" or same / n >= asked / 100


def test_an_unknown_gate_is_one_clear_sentence(tmp_path):
    with pytest.raises(InputError, match=r"^small has no gate 'final': choose one of first_data\.$"):
        judge(spec_with(), "final", results(tmp_path), {})


def test_a_folder_without_results_is_one_clear_sentence(tmp_path):
    spec = spec_with(agreement_each_variable=">= 0.95")
    with pytest.raises(InputError, match="holds no whole results"):
        judge(spec, "first_data", tmp_path, {})
    (results(tmp_path) / "agreement.parquet").write_bytes(b"PAR1 but not for long")
    with pytest.raises(InputError, match="holds no whole results"):
        judge(spec, "first_data", tmp_path, {})


def test_the_contract_tells_what_was_asked_and_on_what(tmp_path):
    evidence = {"agreement.parquet": "ab12"}
    spec = spec_with(agreement_each_variable=">= 0.95")
    told = judge(spec, "first_data", results(tmp_path, agreement=[("weight", 990, 1000)]), evidence).contract()
    low, high = wilson(990, 1000)
    assert told == {
        "gate": "first_data", "outcome": "passed", "evidence": evidence,
        "conditions": [
            {
                "condition": "agreement_each_variable", "of": "weight", "asked": ">= 0.95", "found": 0.99,
                "low": low, "high": high, "n": 1000, "outcome": "passed",
                "reason": "the whole interval meets what is asked", "region": None,
                "figure": {
                    "file": "agreement.parquet",
                    "rows": [{"region": None, "unit": None, "period": None, "variable": "weight"}],
                },
            }
        ],
    }  # fmt: skip


# ---------------------------------------------------------------- units, and signals


def of_units(folder: Path, *units: tuple[str, str, int, int]) -> Path:
    """Results in which each unit (region, unit, same, of) agrees on so many values."""
    results(folder)
    rows = [("weight", region, unit, None, None, same, 0, n - same, n) for region, unit, same, n in units]
    pl.DataFrame(rows, AGREEMENT, orient="row").write_parquet(folder / "agreement.parquet")
    return folder


def test_units_are_judged_one_by_one_and_small_ones_together(tmp_path):
    stored = of_units(
        tmp_path, ("r", "u1", 990, 1000), ("r", "u2", 15, 15), ("r", "u3", 3, 10), ("s", "u4", 4, 5), ("t", "u5", 6, 6)
    )
    decision = judge(spec_with(agreement_each_unit=">= 0.90"), "first_data", stored, {})
    found = [(c.of, c.region, c.found and round(c.found * c.n), c.n, c.outcome) for c in decision.conditions]
    assert found == [
        ("u1", "r", 990, 1000, "passed"),
        ("small units", "r", 18, 25, "not_passed"),  # u2 and u3
        ("small units", None, 10, 11, "cannot_be_judged"),  # u4 and u5: too few also together
    ]
    rows = decision.conditions[1].figure["rows"]
    assert [row["unit"] for row in rows] == ["u2", "u3"] and decision.outcome == "not_passed"


def charts(folder: Path, *signals: str) -> Path:
    """Two hundred judged months in 2026-01 to 2026-05, some of which signal."""
    periods = [f"2026-0{1 + i % 5}" for i in range(200)] + list(signals)
    rules = [None] * 200 + ["month"] * len(signals)
    frame = pl.DataFrame({"period": periods, "rule": rules}, {"period": pl.String, "rule": pl.String})
    frame.write_parquet(results(folder) / "control_charts.parquet")
    return folder


@pytest.mark.parametrize(
    ("signals", "outcome"),
    [((), "passed"), (("2026-03",), "passed"), (("2026-03", "2026-05"), "not_passed"), (("2026-02",) * 9, "passed")],
)
def test_a_gate_may_ask_how_many_signals_the_newest_months_have(tmp_path, signals, outcome):
    decision = judge(spec_with(signals="<= 1"), "first_data", charts(tmp_path, *signals), {})
    assert decision.outcome == outcome
    assert [row["period"] for row in decision.conditions[0].figure["rows"]] == ["2026-03", "2026-04", "2026-05"]


def test_without_a_chart_signals_cannot_be_judged(tmp_path):
    frame = pl.DataFrame(schema={"period": pl.String, "rule": pl.String})
    frame.write_parquet(results(tmp_path) / "control_charts.parquet")
    assert judge(spec_with(signals="<= 1"), "first_data", tmp_path, {}).outcome == "cannot_be_judged"
