"""Each kind of fault changes exactly the records of its slice, in exactly the cells it means."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from rules_one_by_one import broken

from pipelines.project import InputError
from pipelines.synthetic.faults import Fault, read_plan
from pipelines.synthetic.file_faults import FILE_FAULTS
from pipelines.synthetic.planting import KINDS, changed

NORTH = {"region": "nordjylland"}

# kind → fault, the columns it may change, and what the new value must be, from the old one.
VALUES = {
    "unit_factor": ({"variable": "weight", "parameters": {"factor": 1000}}, lambda v: round(v * 1000, 6)),
    "unit_linear": ({"variable": "weight", "parameters": {"a": 2, "b": 5}}, lambda v: round(v * 2 + 5, 6)),
    "constant_offset": ({"variable": "heart_rate", "parameters": {"offset": 3}}, lambda v: v + 3),
    "decimal_lost": (
        {"variable": "weight", "parameters": {"digits": 1}},
        lambda v: v if v == int(v) else round(v * 10),
    ),
    "sign_flipped": ({"variable": "height"}, lambda v: -v),
    "rounded": (
        {"variable": "weight", "parameters": {"decimals": 0, "mode": "truncated"}},
        lambda v: float(int(v)),
    ),
    "date_shift": ({"variable": "echo_date", "parameters": {"days": -1}}, lambda v: v - dt.timedelta(days=1)),
    "timezone_shift": (
        {"variable": "contact_time"},
        lambda v: v - dt.timedelta(hours=2 if summer_time(v) else 1),
    ),
    "date_precision": (
        {"variable": "referral_date", "parameters": {"precision": "month"}},
        lambda v: v.replace(day=1),
    ),
    "day_month_swapped": (
        {"variable": "referral_date"},
        lambda v: v.replace(day=v.month, month=v.day) if v.day <= 12 else v,
    ),
    "code_recoded": (
        {"variable": "nyha", "parameters": {"mapping": {"1": "2"}}},
        lambda v: "2" if v == "1" else v,
    ),
    "code_truncated": ({"variable": "diagnosis", "parameters": {"level": 4}}, lambda v: v[:4]),
    "code_prefix": (
        {"variable": "diagnosis", "parameters": {"prefix": "D", "change": "lost"}},
        lambda v: v.removeprefix("D"),
    ),
    "text_form": ({"variable": "local_reference", "parameters": {"which": "case"}}, str.lower),
    "inverted": ({"variable": "echo"}, lambda v: {"yes": "no", "no": "yes"}[v]),
    "side_swapped": (
        {"variable": "nyha", "parameters": {"mapping": {"1": "2", "2": "1"}}},
        lambda v: {"1": "2", "2": "1"}.get(v, v),
    ),
    "digits_transposed": ({"variable": "height"}, lambda v: int(str(v)[1] + str(v)[0] + str(v)[2:])),
}
CELLS = {
    "missing_in_new": ({"variable": "potassium"}, {"potassium", "potassium_missing"}),
    "missing_in_reported": (
        {"variable": "potassium", "side": "reported"},
        {"potassium", "potassium_missing"},
    ),
    "constant_value": ({"variable": "nyha", "parameters": {"value": "1"}}, {"nyha", "nyha_missing"}),
    "missing_collapsed": (
        {"variable": "lvef", "parameters": {"mapping": {"not_done": "unknown"}}},
        {"lvef_missing"},
    ),
    "wrong_pick": (
        {"variable": "systolic_bp", "parameters": {"other": "diastolic_bp"}},
        {"systolic_bp", "systolic_bp_missing"},
    ),
    "variables_swapped": (
        {"variable": "systolic_bp", "parameters": {"other": "diastolic_bp"}},
        {"systolic_bp", "systolic_bp_missing", "diastolic_bp", "diastolic_bp_missing"},
    ),
    "unit_mapped_wrong": ({"parameters": {"from": "8001101", "to": "8003021"}}, {"unit"}),
    "person_id_damaged": ({"parameters": {"damage": "digits_transposed"}}, {"person"}),
    "cast_error": ({"variable": "lvef"}, {"lvef_text"}),
    "unknown_code": ({"variable": "rhythm"}, {"rhythm"}),
    "out_of_range": ({"variable": "weight"}, {"weight"}),
    "missing_required": ({"variable": "echo"}, {"echo"}),
    "future_date": ({"variable": "start_date"}, {"start_date"}),
    "unknown_unit": ({}, {"unit"}),
    "foreign_unit": ({"parameters": {"unit": "1301041"}}, {"unit"}),
}
GONE = ("unit_not_reporting", "period_gap", "submission_lost", "population_too_narrow")
FOUND_BY_RULES = (
    "cast_error", "unknown_code", "missing_required", "future_date", "unknown_unit", "foreign_unit",
)  # fmt: skip
COME = ("submission_twice", "test_persons", "duplicate_record")


def summer_time(moment: dt.datetime) -> bool:
    """The last Sundays of March and October, away from the night itself."""
    start, end = (last_sunday(moment.year, month) for month in (3, 10))
    return start <= moment.date() < end


def last_sunday(year: int, month: int) -> dt.date:
    last = dt.date(year, month, 31)
    return last - dt.timedelta(days=(last.weekday() + 1) % 7)


def difference(before: pl.DataFrame, after: pl.DataFrame) -> set[str]:
    """The columns that differ between two frames of the same rows."""
    fresh = {column for column in after.columns if column not in before.columns}
    return {c for c in before.columns if not before[c].equals(after[c])} | fresh


def test_every_kind_is_tested():
    assert {*VALUES, *CELLS, *GONE, *COME, "retracted_kept", *FILE_FAULTS} == KINDS


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_fault_changes_every_value_of_its_slice_and_nothing_else(world, planted_by, kind):
    said, wrong = VALUES[kind]
    period = {"from": dt.date(2026, 1, 1), "to": dt.date(2026, 6, 30)}
    sides, truth = planted_by(Fault(kind=kind, slice={**NORTH, "period": period}, **said))
    before, after, name = world.sides["new"], sides["new"], said["variable"]
    assert difference(before, after) == {name}
    inside = (before["region"] == "nordjylland") & before["start_date"].is_between(*period.values())
    assert before.filter(~inside).equals(after.filter(~inside))
    expected = [None if value is None else wrong(value) for value in before.filter(inside)[name]]
    assert (
        after.filter(inside)[name].to_list() == pytest.approx(expected)
        if before[name].dtype.is_float()
        else (after.filter(inside)[name].to_list() == expected)
    )
    assert sides["reported"].equals(world.sides["reported"])
    assert truth[0].n == changed(before, after).height > 0


@pytest.mark.parametrize("kind", CELLS)
def test_an_entry_fault_changes_only_its_cells_and_only_in_its_slice(world, planted_by, kind):
    said, columns = CELLS[kind]
    sides, truth = planted_by(Fault(kind=kind, slice=NORTH, **said))
    side = said.get("side", "new")
    before, after = world.sides[side], sides[side]
    assert difference(before, after) <= columns
    touched = changed(before, after)
    assert set(after.filter(pl.col("record_id").is_in(touched["record_id"].to_list()))["region"]) == {"nordjylland"}
    assert truth[0].n == touched.height > 0
    if truth[0].rule:
        assert truth[0].records == tuple(touched["record_id"])


@pytest.mark.parametrize("kind", GONE)
def test_records_not_sent_are_those_of_the_slice(world, planted_by, kind):
    where = {"unit": "8003021", "period": {"from": dt.date(2026, 2, 1)}}
    sides, truth = planted_by(Fault(kind=kind, slice=where))
    before, after = world.sides["new"], sides["new"]
    inside = before.filter(unit="8003021").filter(pl.col("start_date") >= dt.date(2026, 2, 1))["record_id"].unique()
    assert after.equals(before.filter(~pl.col("record_id").is_in(inside.to_list())))
    assert truth[0].n == len(inside) > 0


def test_a_submission_sent_twice_repeats_its_records_under_new_ids(world, planted_by):
    sides, truth = planted_by(Fault(kind="submission_twice", parameters={"first": "NJ-000004"}))
    before, after = world.sides["new"], sides["new"]
    assert after.head(before.height).equals(before)
    extra = after.tail(after.height - before.height)
    assert not set(extra["record_id"]) & set(before["record_id"])
    first = before.filter(submission="NJ-000004", action="create")
    deleted = before.filter(action="delete")["course"]
    assert set(extra["course"]) == set(first["course"]) - set(deleted)
    assert extra["sequence"].unique().to_list() == [before.filter(**NORTH)["sequence"].max() + 1]
    assert truth[0].parameters == {"submission": extra["submission"][0]}
    assert truth[0].n == extra.height


def test_test_persons_come_beside_the_real_ones(world, planted_by):
    sides, truth = planted_by(Fault(kind="test_persons", slice=NORTH, parameters={"n": 12}))
    before, after = world.sides["new"], sides["new"]
    extra = after.tail(after.height - before.height)
    assert after.head(before.height).equals(before)
    assert extra.height == 12
    assert set(extra["person"]) <= set(world.spec.test_persons)
    assert truth[0].records == tuple(extra["record_id"])
    assert truth[0].comparable == 0


def test_a_duplicate_record_stands_beside_its_first(world, planted_by):
    sides, _ = planted_by(Fault(kind="duplicate_record", slice=NORTH, parameters={"n": 3}))
    extra = sides["new"].tail(3)
    same = [column for column in extra.columns if column != "record_id"]
    assert extra.join(world.sides["new"], on=same, how="semi", nulls_equal=True).height == 3


def test_a_retracted_record_that_is_kept_loses_its_deletion(world, planted_by):
    sides, _ = planted_by(Fault(kind="retracted_kept"))
    assert sides["new"].equals(world.sides["new"].filter(pl.col("action") != "delete"))


@pytest.mark.parametrize("kind", FOUND_BY_RULES)
def test_validation_finds_exactly_the_records_of_the_truth(world, planted_by, kind):
    sides, (truth,) = planted_by(Fault(kind=kind, slice=NORTH, **CELLS[kind][0]))
    assert broken(world, sides["new"].filter(**NORTH), "wsapi", "error") == {
        (truth.rule, record) for record in truth.records
    }


def test_a_lost_leading_zero_breaks_the_form_of_the_person_number(world, planted_by):
    fault = Fault(kind="person_id_damaged", slice=NORTH, parameters={"damage": "leading_zero_lost", "n": 4})
    sides, (truth,) = planted_by(fault)
    assert truth.n == 4
    assert broken(world, sides["new"].filter(**NORTH), "wsapi", "error") == {
        ("person.format", record) for record in truth.records
    }


def test_out_of_range_is_a_warning_on_the_side_it_is_planted(world, planted_by):
    sides, (truth,) = planted_by(Fault(kind="out_of_range", side="reported", variable="weight", slice=NORTH))
    found = broken(world, sides["reported"].filter(**NORTH), "kip", "warning")
    assert {pair for pair in found if pair[0] == truth.rule} == {(truth.rule, record) for record in truth.records}


def test_one_fault_does_not_move_another(world, planted_by):
    one = Fault(kind="cast_error", variable="lvef", slice={"region": "hovedstaden"})
    other = Fault(kind="unit_factor", variable="weight", slice=NORTH, parameters={"factor": 1000})
    alone, _ = planted_by(one)
    both, truth = planted_by(one, other)
    assert difference(alone["new"], both["new"]) == {"weight"}
    assert [t.fault_id for t in truth] == ["F01", "F02"]


def test_a_slice_may_list_values_and_say_a_prefix(world, planted_by):
    where = {"diagnosis": ["DI50*", "DI110"], "sex": "female"}
    sides, _ = planted_by(Fault(kind="missing_in_new", variable="rhythm", slice=where))
    touched = changed(world.sides["new"], sides["new"])["record_id"].to_list()
    rows = world.sides["new"].filter(pl.col("record_id").is_in(touched))
    assert set(rows["sex"]) == {"female"}
    assert all(code.startswith("DI50") or code == "DI110" for code in rows["diagnosis"])


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(kind="gremlin"), "gremlin"),
        (Fault(kind="unit_factor", variable="weight"), "factor"),
        (Fault(kind="unit_factor", variable="wait", parameters={"factor": 2}), "variable"),
        (Fault(kind="missing_in_new", variable="weight", slice={"planet": "Mars"}), "planet"),
        (Fault(kind="missing_in_new", variable="weight", slice={"region": "atlantis"}), "changes nothing"),
        (Fault(kind="submission_twice", parameters={"first": "NJ-999999"}), "NJ-999999"),
        (Fault(kind="unit_factor", variable="diagnosis", parameters={"factor": 2}), "do not fit"),
        (Fault(kind="person_id_damaged", parameters={"damage": "burnt"}), "do not fit"),
        (Fault(kind="out_of_range", variable="nyha"), "do not fit"),
        (Fault(kind="missing_in_new", variable="nyha", slice={"period": "spring"}), "do not fit"),
    ],
)
def test_a_fault_that_cannot_be_planted_is_refused_with_its_reason(planted_by, fault, said):
    with pytest.raises(InputError, match=said):
        planted_by(fault)


def test_a_plan_that_is_wrong_is_refused_with_file_and_line(tmp_path):
    plan = tmp_path / "faults.yaml"
    plan.write_text("seed: 1\nfrom_date: 2025-01-01\nreference_date: 2026-01-01\nfaults:\n  - {kindd: x}\n")
    with pytest.raises(InputError, match=r"faults\.yaml, line 5"):
        read_plan(plan)
