"""Every kind that plain files can show, planted in an invented database, is named where it was planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.explain.cause import Explanation
from pipelines.explain.causes import explain
from pipelines.explain.sentences import Words
from pipelines.reconciliation.reconcile import reconcile
from pipelines.synthetic.faults import Fault
from pipelines.synthetic.invented import invented
from pipelines.synthetic.plain_faults import KINDS, Truth, plant_plain
from pipelines.synthetic.plain_sides import REFERENCE_DATE, agreeing, noisy

SPEC = invented(4)
SIDES = noisy(SPEC, agreeing(SPEC, 2000, 4), 4)
REGION, OTHER = SIDES.new["region"].unique().sort().to_list()[:2]
UNITS = SIDES.new.filter(region=OTHER)["unit"].unique().sort().to_list()
TWICE = {"submission": f"{OTHER}-13"}


def of_type(*types: str) -> list[str]:
    return [name for name, v in SPEC.variables.items() if v.type in types and name != SPEC.event_date]


DECIMALS, INTEGERS, DATES = of_type("decimal"), of_type("integer"), of_type("date")
EXACT = [name for name in DECIMALS if not SPEC.variables[name].compare.absolute]
SIDES_OF_BODY = [name for name, v in SPEC.variables.items() if "h" in v.domain]
CODES = [name for name in of_type("code") if name not in SIDES_OF_BODY]
WITH_CODES = [name for name, v in SPEC.variables.items() if len(v.missing) > 1]
# kind → variables that can show it, and parameters (made from the variable where they depend on it).
VALUES: dict[str, tuple[list[str], Any]] = {
    "variables_swapped": (INTEGERS[:1], {"other": INTEGERS[1]}),
    "wrong_pick": (DECIMALS[:1], {"other": DECIMALS[1], "which": DECIMALS[1]}),
    "unit_factor": (DECIMALS, {"factor": 1000}),
    "unit_linear": (DECIMALS, {"a": 1.8, "b": 32}),
    "constant_offset": (INTEGERS, {"offset": 7}),
    "decimal_lost": (DECIMALS, {"digits": 1}),
    "rounded": (EXACT, {"decimals": 0, "mode": "truncated"}),
    "sign_flipped": (DECIMALS, {}),
    "digits_transposed": (INTEGERS, {}),
    "stale_value": (INTEGERS, {}),
    "date_shift": (DATES, {"days": -1}),
    "timezone_shift": (of_type("timestamp"), {}),
    "day_month_swapped": (DATES, {}),
    "date_precision": (DATES, {"precision": "month"}),
    "code_recoded": (CODES, lambda name: {"mapping": dict([[*SPEC.variables[name].domain][:2]])}),
    "side_swapped": (SIDES_OF_BODY, {"mapping": {"h": "v", "v": "h"}}),
    "inverted": (of_type("yes_no"), {}),
    "code_truncated": (of_type("sks"), {"level": 4}),
    "code_prefix": (of_type("sks"), {"prefix": "D", "change": "lost"}),
    "text_form": (of_type("text"), {"which": "case"}),
    "constant_value": (CODES, lambda name: {"value": next(iter(SPEC.variables[name].domain))}),
    "missing_in_new": (of_type("text", "yes_no"), {}),
    "missing_in_reported": (of_type("yes_no", "code"), {}),
    "missing_collapsed": (WITH_CODES, lambda name: {"mapping": dict([[*SPEC.variables[name].missing][1::-1]])}),
}
# kind → slice, parameters, and the slice that is told where the parameters say the rest.
RECORDS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "unit_not_reporting": ({"unit": UNITS[0]}, {"unit": UNITS[0]}, {"unit": UNITS[0]}),
    "submission_twice": ({"submission": f"{OTHER}-05"}, TWICE, TWICE),
    "duplicate_record": ({"region": OTHER}, {}, {"region": OTHER}),
    "contact_split": ({"region": OTHER}, {"n": 2}, {"region": OTHER}),
    "contact_merged": ({"region": OTHER}, {"n": 2}, {"region": OTHER}),
    "retracted_kept": ({"region": OTHER}, {}, {"region": OTHER}),
    "test_persons": ({"region": OTHER}, {}, {"region": OTHER}),
    "unit_mapped_wrong": ({"unit": UNITS[0]}, {"from": UNITS[0], "to": UNITS[1]}, {"unit": UNITS[1]}),
    "person_id_damaged": ({"region": OTHER}, {"damage": "digits_transposed"}, {"region": OTHER}),
    "person_id_changed": ({"region": OTHER}, {}, {"region": OTHER}),
    "late_arrival": ({}, {"lag": 60}, {}),
}
PLANTED_APART = {"period_gap", "submission_lost", "population_too_narrow", "population_too_wide", "boundary_off"}


def rounds() -> list[list[tuple[str, str | None, Any]]]:
    """Faults that can be planted together: one of records, and those of values in variables of their own."""
    packed: list[list] = [[(kind, None, None)] for kind in RECORDS]
    for kind, (names, parameters) in VALUES.items():
        free = ((faults, name) for faults in packed for name in names if name not in _used(faults))
        faults, name = next(free)
        faults.append((kind, name, parameters(name) if callable(parameters) else parameters))
    return packed


def _used(faults: list) -> set[str]:
    other = {parameters["other"] for _, name, parameters in faults if name and "other" in parameters}
    return {name for _, name, _ in faults if name} | other


def planted(*faults: tuple[Fault, tuple[str, ...]]) -> tuple[Explanation, list[Truth]]:
    sides, truths = SIDES, []
    for fault, variables in faults:
        sides, truth = plant_plain(SPEC, sides, fault, variables, 4)
        truths.append(truth)
    return explain(SPEC, reconcile(SPEC, *sides.finished(SPEC), REFERENCE_DATE)), truths


def fault_of(kind: str, name: str | None, parameters: Any) -> tuple[Fault, tuple[str, ...]]:
    if name is None:
        return Fault(kind=kind, slice=RECORDS[kind][0], parameters=RECORDS[kind][1]), ()
    side = "reported" if kind == "missing_in_reported" else "new"
    return Fault(kind=kind, side=side, slice={"region": REGION}, parameters=parameters), (name,)


def test_every_kind_is_tested():
    assert {*VALUES, *RECORDS, *PLANTED_APART} == KINDS
    assert {kind for faults in rounds() for kind, *_ in faults} == {*VALUES, *RECORDS}


@pytest.mark.parametrize("faults", rounds(), ids=lambda faults: ", ".join(kind for kind, *_ in faults))
def test_faults_planted_together_are_each_named_with_slice_and_parameters(faults):
    explanation, truths = planted(*(fault_of(*fault) for fault in faults))
    told = {(c.kind, c.variables): c for c in explanation.causes}
    assert sorted(told) == sorted((t.kind, tuple(sorted(t.variables))) for t in truths)
    for truth in truths:
        cause = told[truth.kind, tuple(sorted(truth.variables))]
        assert cause.where == (RECORDS[truth.kind][2] if truth.kind in RECORDS else {"region": REGION})
        for name, value in truth.parameters.items():
            if name in cause.parameters:
                assert cause.parameters[name] == (pytest.approx(value, abs=15) if name == "lag" else value)


def test_codes_that_do_not_belong_or_are_left_out():
    sks = of_type("sks")[0]
    code = SIDES.new[sks].drop_nulls().sort()[0]
    narrow, _ = planted((Fault(kind="population_too_narrow", slice={sks: code[:4] + "*"}), ()))
    assert [(c.kind, c.parameters) for c in narrow.causes] == [("population_too_narrow", {"code": code[:4] + "*"})]
    fault = Fault(kind="population_too_wide", variable=sks, parameters={"code": "DZ999", "share": 0.05})
    wide, _ = planted((fault, ()))
    assert [c.kind for c in wide.causes] == ["population_too_wide"]
    assert wide.causes[0].parameters["code"].rstrip("*") in "DZ999"


def test_courses_at_the_very_edge():
    name = INTEGERS[0]
    edge = int(np.quantile(SIDES.new[name].drop_nulls().to_numpy(), 0.3))
    explanation, _ = planted((Fault(kind="boundary_off", parameters={"edge": {name: edge}}), ()))
    assert [(c.kind, c.parameters) for c in explanation.causes] == [("boundary_off", {"edge": {name: edge}})]
    said = explanation.contract(Words(SPEC))["causes"][0]["sentence"]["en"]
    assert f"({name.capitalize()} = {edge})" in said


def test_a_value_fault_that_is_not_planted_is_not_told():
    explanation = explain(SPEC, reconcile(SPEC, *SIDES.finished(SPEC), REFERENCE_DATE))
    assert explanation.causes == ()
    assert explanation.unexplained == explanation.discrepancies > 300


def test_most_of_what_a_fault_made_carries_its_cause_and_little_else():
    fault = Fault(kind="unit_factor", slice={"region": REGION}, parameters={"factor": 1000})
    sides, truth = plant_plain(SPEC, SIDES, fault, (DECIMALS[0],), 4)
    found = reconcile(SPEC, *sides.finished(SPEC), REFERENCE_DATE)
    told = found.discrepancies.join(explain(SPEC, found).cause_ids(), on="discrepancy_id", how="left")
    made = told.filter(pl.col("new_id").is_in(list(truth.new)) & (pl.col("variable") == DECIMALS[0]))
    assert made["cause_id"].is_not_null().mean() >= 0.9
    assert told.filter(pl.col("cause_id").is_not_null()).join(made, on="discrepancy_id", how="anti").height == 0
