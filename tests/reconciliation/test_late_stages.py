"""Damaged person numbers, codes as keys at a level, ambiguous pairs, and variables whose events may still come."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType

import polars as pl
import pytest
from pydantic import ValidationError
from small_sides import NEAR_DAY, SAME_DAY, drawn, small_spec

from pipelines.reconciliation.damaged import damaged
from pipelines.reconciliation.pending import settles_after
from pipelines.reconciliation.reconcile import reconcile

DAMAGED = MappingProxyType({"rule": "damaged identity", "on": ["unit", "day"], "identity": "damaged"})
DAY = dt.date(2026, 12, 31)


@pytest.mark.parametrize(
    ("reported", "new", "slip"),
    [
        ("0101801234", "0101801234", False),  # the same number is no damage
        ("0101801234", "0101801284", True),
        ("0101801234", "0101802134", True),  # two neighbours exchanged
        ("0101801234", "0101803214", False),  # two that are no neighbours
        ("0101801234", "0101801243", True),
        ("0101801234", "101801234", True),
        ("0001801234", "1801234", True),
        ("0101801234", "0101809999", False),
        ("0101801234", "01018012340", False),
        (None, "0101801234", False),
        (None, None, False),
    ],
)
def test_one_slip_of_the_hand(reported, new, slip):
    sides = [pl.Series([one], dtype=pl.String) for one in (reported, new)]
    assert damaged(*sides).to_list() == [slip]
    assert damaged(*reversed(sides)).to_list() == [slip]


def test_a_damaged_number_is_confirmed_by_unit_and_day_and_told_without_its_value():
    spec = small_spec(match=[SAME_DAY, DAMAGED])
    reported = drawn(spec, "record_id person unit region day\nr1 0101801234 u1 nord 03-01\nr2 0202801234 u1 nord 03-01")
    new = drawn(spec, "record_id person unit region day\nn1 0101801243 u1 nord 03-01\nn2 0202801235 u2 nord 03-01")
    found = reconcile(spec, reported, new, DAY)
    assert found.pairs.select("reported_id", "new_id", "rule").rows() == [("r1", "n1", "damaged identity")]
    told = found.discrepancies.filter(kind="key_differs")
    assert len(told) == 1 and "0101801234" not in str(told.rows())
    assert reconcile(small_spec(match=[SAME_DAY]), reported, new, DAY).pairs.is_empty()


def test_a_rule_that_looks_for_another_person_may_not_ask_for_the_same():
    with pytest.raises(ValidationError, match="`on` may not name person"):
        small_spec(match=[{**DAMAGED, "on": ["person", "day"]}])


@pytest.mark.parametrize(("level", "pairs"), [(4, 1), (5, 0)])
def test_a_code_is_a_key_as_far_as_its_level(level, pairs):
    rule = {"rule": "same category", "on": ["person", "diagnosis"], "level": {"diagnosis": level}}
    spec = small_spec({"diagnosis": {"type": "sks"}}, match=[rule])
    sides = [drawn(spec, f"record_id person day diagnosis\nx p1 03-01 {code}") for code in ("DI500", "DI509")]
    assert len(reconcile(spec, *sides, DAY).pairs) == pairs


def test_a_level_belongs_to_a_code_of_the_rule():
    for rule in ({"on": ["person"], "level": {"day": 2}}, {"on": ["person", "day"], "level": {"day": 2}}):
        with pytest.raises(ValidationError, match="level"):
            small_spec(match=[{"rule": "wrong", **rule}])


@pytest.mark.parametrize(
    ("days", "ambiguous"),
    [
        ({"r": ["03-01"], "n": ["03-01"]}, [False]),
        ({"r": ["03-03"], "n": ["03-02", "03-04"]}, [True]),  # as near before as after
        ({"r": ["03-03"], "n": ["03-03", "03-04"]}, [False]),
        ({"r": ["03-03", "03-03"], "n": ["03-03", "03-03"]}, [True, True]),
        ({"r": ["03-01", "03-03"], "n": ["03-04", "03-06"]}, [False, False]),
    ],
)
def test_a_pair_is_ambiguous_where_only_ids_decide(days, ambiguous):
    spec = small_spec(match=[NEAR_DAY])
    sides = [
        drawn(spec, "record_id person unit day\n" + "\n".join(f"{k}{n} p1 u1 {d}" for n, d in enumerate(days[k])))
        for k in "rn"
    ]
    assert reconcile(spec, *sides, DAY).pairs["ambiguous"].to_list() == ambiguous


def readmission(window: dict, **said):
    from_ = {"lpr": {"contact": "*", "window": window}}
    return small_spec({"readmitted": {"type": "yes_no", "from": from_}}, sides={"new": "lpr"}, **said)


@pytest.mark.parametrize(
    ("window", "days"),
    [
        ({"after": "day", "days": 30}, 75),
        ({"around": "day", "days": [-90, 10]}, 55),
        ({"before": "day", "days": 30}, 0),
        ({"after": "day", "hours": 25}, 47),
    ],
)
def test_a_variable_waits_for_its_window_and_its_register(window, days):
    assert settles_after(readmission(window, settling_days={"lpr": 45}), "readmitted") == days


def test_a_source_that_is_no_register_has_no_window_to_wait_for():
    spec = small_spec(
        {"x": {"type": "yes_no", "from": {"lpr": {"contact": "*", "window": {"after": "day", "days": 9}}}}}
    )
    assert settles_after(spec, "x") == 0


def test_a_younger_pair_is_not_applicable_for_the_variable_alone():
    spec = readmission({"after": "day", "days": 30}, settling_days={"lpr": 5})
    reported = drawn(spec, "record_id person unit region day readmitted\nr1 p1 u1 n 03-01 yes\nr2 p2 u1 n 03-02 yes")
    new = drawn(spec, "record_id person unit region day readmitted\nn1 p1 u1 n 03-01 no\nn2 p2 u1 n 03-02 no")
    found = reconcile(spec, reported, new, dt.date(2026, 4, 5))  # 35 days after the first of March
    assert len(found.pairs) == 2
    assert found.compared.sort("new_id")["readmitted_outcome"].to_list() == ["differ", "not_applicable"]
    country = found.agreement.filter(pl.col("region").is_null(), pl.col("period").is_null(), variable="readmitted")
    assert country.select("differ", "not_applicable", "relevant").row(0) == (1, 1, 1)
    assert found.discrepancies.filter(variable="readmitted")["reported_id"].to_list() == ["r1"]
    assert found.transitions.filter(pl.col("region").is_null())["n"].to_list() == [1]
    older = reconcile(spec, reported, new, dt.date(2026, 4, 6))
    assert older.agreement.filter(pl.col("region").is_null(), variable="readmitted")["not_applicable"].max() == 0
