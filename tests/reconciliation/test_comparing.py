"""What one variable of one pair comes to: each outcome, each way of comparing, and the boundaries."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from small_sides import side, small_spec

from pipelines.reconciliation.compare import OUTCOMES
from pipelines.reconciliation.reconcile import Reconciliation, reconcile

KEYS = {"person": "p1", "unit": "u1", "region": "nord", "day": dt.date(2026, 3, 1)}
NOON = dt.datetime(2026, 3, 1, 12)


def found(variables: dict[str, Any], reported: dict[str, Any], new: dict[str, Any]) -> Reconciliation:
    spec = small_spec(variables)
    rows = [side(spec, [{"record_id": name, **KEYS, **said}]) for name, said in (("r", reported), ("n", new))]
    return reconcile(spec, *rows)


def outcome(variable: dict[str, Any], reported: Any, new: Any) -> str:
    return found({"x": variable}, {"x": reported}, {"x": new}).compared["x_outcome"].item()


def missing_outcome(reported: dict[str, Any], new: dict[str, Any], **variables: Any) -> str:
    x = {"type": "integer", "missing": {"unknown": "Uoplyst", "not_done": "Ikke udført"}} | variables.pop("x", {})
    return found({"x": x} | variables, reported, new).compared["x_outcome"].item()


@pytest.mark.parametrize(
    ("kind", "compare", "reported", "new", "expected"),
    [
        ("integer", {}, 70, 70, "agree"),
        ("integer", {}, 70, 71, "differ"),
        ("integer", {"absolute": 2}, 70, 72, "agree_within"),
        ("integer", {"absolute": 2}, 70, 68, "agree_within"),
        ("integer", {"absolute": 2}, 70, 73, "differ"),
        ("integer", {"absolute": 0}, 70, 70, "agree"),
        ("integer", {"absolute": 0}, 70, 71, "differ"),
        # 0.1 + 0.2 is 0.30000000000000004, and 1.1 − 1.0 is 0.10000000000000009.
        ("decimal", {}, 0.1 + 0.2, 0.3, "agree"),
        ("decimal", {}, 0.3, 0.3001, "differ"),
        ("decimal", {"absolute": 0.1}, 1.0, 1.1, "agree_within"),
        ("decimal", {"absolute": 0.1}, 1.0, 1.11, "differ"),
        ("decimal", {"absolute": 0.05}, 4.1, 4.15, "agree_within"),
        ("decimal", {"relative": 0.02}, 100.0, 102.0, "agree_within"),
        ("decimal", {"relative": 0.02}, 100.0, 98.0, "agree_within"),
        ("decimal", {"relative": 0.02}, 100.0, 102.01, "differ"),
        ("decimal", {"relative": 0.02}, -100.0, -102.0, "agree_within"),
        ("decimal", {"relative": 0.5}, 0.0, 0.1, "differ"),  # a share of nothing is nothing
        ("decimal", {"relative": 0.5}, 0.0, 0.0, "agree"),
        # Relative to what was reported: 150 is within half of 100, 100 not within a third of … 150's half.
        ("decimal", {"relative": 0.4}, 100.0, 150.0, "differ"),
        ("decimal", {"relative": 0.4}, 150.0, 100.0, "agree_within"),
        ("yes_no", {}, "yes", "yes", "agree"),
        ("yes_no", {}, "yes", "no", "differ"),
        ("yes_no", {"map": {"yes": "no"}}, "yes", "no", "agree_within"),
        ("yes_no", {"map": {"yes": "no"}}, "no", "yes", "differ"),
        ("text", {"map": {"1": "A"}}, "1", "A", "agree_within"),
        ("text", {"map": {"1": "A"}}, "1", "1", "agree"),
        ("text", {"map": {"1": "A"}}, "A", "1", "differ"),
        ("text", {"map": {"1": "A"}}, "2", "A", "differ"),
        ("sks", {"level": 5}, "DI501", "DI501B", "agree_within"),
        ("sks", {"level": 5}, "DI501", "DI509", "differ"),
        ("sks", {"level": 4}, "DI501", "DI509", "agree_within"),
        ("sks", {"level": 5}, "DI50", "DI501", "differ"),
        ("text", {}, "å", "Å", "differ"),
        ("text", {"normalise": True}, "æ ø", "ÆØ", "agree_within"),
        ("text", {"normalise": True}, "01", "1", "differ"),
        ("text", {"normalise": ["case"]}, "a b", "AB", "differ"),
        ("text", {"normalise": ["leading_zeros"]}, "007", "7", "agree_within"),
        ("text", {"normalise": ["leading_zeros"]}, "70", "7", "differ"),
        ("text", {"normalise": ["blanks", "leading_zeros"]}, " 0 07", "7", "agree_within"),
        ("date", {"days": 1}, dt.date(2026, 2, 28), dt.date(2026, 3, 1), "agree_within"),
        ("date", {"days": 1}, dt.date(2026, 2, 28), dt.date(2026, 3, 2), "differ"),
        ("date", {"days": 0}, dt.date(2026, 2, 28), dt.date(2026, 3, 1), "differ"),
        ("timestamp", {"minutes": 15}, NOON, NOON + dt.timedelta(minutes=15), "agree_within"),
        ("timestamp", {"minutes": 15}, NOON, NOON - dt.timedelta(minutes=15), "agree_within"),
        ("timestamp", {"minutes": 15}, NOON, NOON + dt.timedelta(minutes=15, microseconds=1), "differ"),
        ("timestamp", {"minutes": 15}, NOON, NOON - dt.timedelta(minutes=15, microseconds=1), "differ"),
        ("timestamp", {"days": 0}, NOON, NOON.replace(hour=23), "agree_within"),
        ("timestamp", {"days": 0}, NOON, NOON + dt.timedelta(hours=12), "differ"),
        ("timestamp", {}, NOON, NOON + dt.timedelta(microseconds=1), "differ"),
    ],
)  # fmt: skip
def test_each_way_of_comparing_at_its_boundary(kind, compare, reported, new, expected):
    assert outcome({"type": kind, "compare": compare}, reported, new) == expected


@pytest.mark.parametrize(
    ("reported", "new", "expected"),
    [
        ({}, {}, "both_missing"),
        ({"x_missing": "unknown"}, {"x_missing": "unknown"}, "both_missing"),
        ({"x_missing": "unknown"}, {"x_missing": "not_done"}, "missing_differs"),
        ({"x_missing": "unknown"}, {}, "missing_differs"),
        ({}, {"x_missing": "not_done"}, "missing_differs"),
        ({}, {"x": 1}, "reported_missing"),
        ({"x_missing": "not_done"}, {"x": 1}, "reported_missing"),
        ({"x": 1}, {}, "new_missing"),
        ({"x": 0}, {"x_missing": "unknown"}, "new_missing"),
        ({"x": 0}, {"x": 0}, "agree"),
    ],
)
def test_uoplyst_ikke_udfort_empty_and_zero_are_four_things(reported, new, expected):
    assert missing_outcome(reported, new) == expected


@pytest.mark.parametrize(
    ("reported", "new", "expected"),
    [
        ({"seen": "no"}, {"seen": "no"}, "not_applicable"),
        ({}, {}, "not_applicable"),
        ({"seen": "no", "x_missing": "unknown"}, {"seen": "no"}, "not_applicable"),
        ({"seen": "yes"}, {"seen": "no"}, "both_missing"),  # relevant as soon as one side says so
        ({"seen": "no"}, {"seen": "yes", "x_missing": "unknown"}, "missing_differs"),
        ({"seen": "no", "x": 5}, {"seen": "no"}, "new_missing"),  # filled in all the same
        ({"seen": "no", "x": 5}, {"seen": "no", "x": 5}, "agree"),
        ({"seen": "no", "x": 5}, {"seen": "no", "x": 6}, "differ"),
    ],
)
def test_only_if(reported, new, expected):
    assert missing_outcome(reported, new, x={"only_if": "seen = 'yes'"}, seen={"type": "yes_no"}) == expected


def test_not_a_number_equals_nothing():
    assert outcome({"type": "decimal", "compare": {"absolute": 1}}, float("nan"), float("nan")) == "differ"


def test_what_is_not_comparable_has_no_outcome_and_no_discrepancy():
    changed = {"type": "integer", "compare": {"not_comparable": "Another questionnaire."}}
    result = found({"x": changed}, {"x": 1}, {"x": 2})
    assert "x_outcome" not in result.compared.columns
    assert set(result.agreement["variable"]) == {"day"}
    assert result.discrepancies.is_empty()


def test_nothing_comparable_at_all_is_an_empty_account():
    changed = {"type": "date", "compare": {"not_comparable": "Another day."}}
    result = found({"day": changed}, {}, {})
    assert result.agreement.is_empty() and result.discrepancies.is_empty()
    assert set(result.figures["figure"]) == {"chapman"}  # courses are counted without comparing a variable
    assert len(result.pairs) == 1


def test_every_outcome_is_counted_once_and_stands_in_its_own_column():
    x = {"type": "integer", "compare": {"absolute": 1}, "only_if": "seen = 'yes'", "missing": {"unknown": "Uoplyst"}}
    spec = small_spec({"seen": {"type": "yes_no"}, "x": x})
    cases: list[tuple[str, dict, dict]] = [
        ("yes", {"x": 1}, {"x": 1}), ("yes", {"x": 1}, {"x": 2}), ("yes", {"x": 1}, {"x": 3}),
        ("yes", {"x_missing": "unknown"}, {}), ("yes", {}, {"x": 1}), ("yes", {"x": 1}, {}),
        ("yes", {}, {}), ("no", {}, {}),
    ]  # fmt: skip
    rows = [
        side(spec, [{"record_id": f"{n}", **KEYS, "person": f"{n}", "seen": seen, **(r, w)[at]}
                    for n, (seen, r, w) in enumerate(cases)])
        for at in (0, 1)
    ]  # fmt: skip
    counted = reconcile(spec, *rows).agreement.filter(variable="x").row(0, named=True)
    assert {name: counted[name] for name in OUTCOMES} == dict.fromkeys(OUTCOMES, 1)
    assert (counted["relevant"], counted["both_known"]) == (7, 3)
    assert counted["share"] == pytest.approx(2 / 3)


def test_a_discrepancy_shows_the_missing_code_and_canonical_text():
    variables = {
        "x": {"type": "decimal", "missing": {"unknown": "Uoplyst"}},
        "at": {"type": "timestamp"}, "on": {"type": "date"},
    }  # fmt: skip
    reported = {"x": 27.5, "at": NOON, "on": dt.date(2026, 1, 2)}
    new = {"x_missing": "unknown", "at": NOON + dt.timedelta(minutes=1), "on": dt.date(2026, 1, 3)}
    told = found(variables, reported, new).discrepancies.select("variable", "reported_value", "new_value").rows()
    assert sorted(told) == [
        ("at", "2026-03-01 12:00:00", "2026-03-01 12:01:00"),
        ("on", "2026-01-02", "2026-01-03"),
        ("x", "27.5", "unknown"),
    ]


def test_codes_agree_by_level_besides_the_whole_code():
    spec = small_spec({"x": {"type": "sks"}})
    rows = [
        side(spec, [{"record_id": p, **KEYS, "person": p, "x": code} for p, code in codes.items()])
        for codes in ({"a": "DI500", "b": "DI501", "c": "DI420"}, {"a": "DI500", "b": "DI509", "c": "DJ440"})
    ]
    country = reconcile(spec, *rows).agreement.filter(variable="x", period="2026-03").filter(unit="u1")
    assert country.select("level", "agree", "agree_within", "differ").rows() == [
        (None, 1, 0, 2), ("4", 1, 1, 1), ("5", 1, 0, 2),
    ]  # fmt: skip
