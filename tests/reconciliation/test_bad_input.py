"""What cannot be held side by side is refused in one sentence; what is merely empty has a stated result."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from small_sides import drawn, side, small_spec

from pipelines.project import InputError
from pipelines.reconciliation.reconcile import reconcile

SPEC = small_spec(
    {"x": {"type": "integer"}, "seen": {"type": "yes_no"}},
    indicators={"seen": {"denominator": "true", "numerator": "seen = 'yes'", "unknown": "seen is missing"}},
)
TWO = drawn(SPEC, "record_id person unit region day x\nr1 p1 u1 nord 03-01 1\nr2 p2 u1 nord 03-02 2")
NOBODY = side(SPEC, [])
DAY = dt.date(2026, 12, 31)


def with_first(name: str, value: str | None) -> pl.DataFrame:
    return TWO.with_columns(pl.Series(name, [value, *TWO[name][1:]], dtype=pl.String))


def test_a_record_without_an_id_is_refused():
    with pytest.raises(InputError, match=r"^1 new records have no record_id: give every record one\.$"):
        reconcile(SPEC, TWO, with_first("record_id", None))


def test_a_repeated_id_is_refused_without_saying_it():
    with pytest.raises(InputError, match=r"^1 reported records repeat a record_id") as refusal:
        reconcile(SPEC, with_first("record_id", "r2"), TWO)
    assert "r2" not in str(refusal.value)


def test_another_type_is_refused_by_column_and_side():
    texts = TWO.with_columns(pl.col("x").cast(pl.String))
    with pytest.raises(InputError, match=r"^x is String on the new side, small says Int64: convert it first\.$"):
        reconcile(SPEC, TWO, texts)


def test_an_absent_column_is_refused_by_name():
    with pytest.raises(InputError, match=r"^The reported side has no column x_missing"):
        reconcile(SPEC, TWO.drop("x_missing"), TWO)


def test_without_any_date_a_reference_date_is_asked_for():
    undated = TWO.with_columns(day=pl.lit(None, pl.Date))
    for sides in ((undated, undated), (NOBODY, NOBODY)):
        with pytest.raises(InputError, match=r"^No record on either side has a day: give a reference date\.$"):
            reconcile(SPEC, *sides)
        assert reconcile(SPEC, *sides, DAY).reference_date == DAY


@pytest.mark.parametrize(
    ("reported", "new", "kind", "union"),
    [(TWO, NOBODY, "only_reported", 2), (NOBODY, TWO, "only_new", 2), (NOBODY, NOBODY, None, 0)],
)
def test_an_empty_side_leaves_the_other_alone(reported, new, kind, union):
    found = reconcile(SPEC, reported, new, DAY)
    assert set(found.discrepancies["kind"]) == ({kind} if kind else set())
    assert found.pairs.is_empty() and found.agreement.is_empty()
    country = found.coverage.row(0, named=True)
    assert country["union"] == union
    assert country["completeness_of_new"] == (None if not union else float(kind == "only_new"))


def test_nobody_with_a_person_pairs_with_nobody():
    nameless = TWO.with_columns(person=pl.lit(None))  # a column without any value and so without a type
    found = reconcile(SPEC, nameless, nameless, DAY)
    assert found.pairs.is_empty()
    assert set(found.unmatched["reason"]) == {"unknown"}
    assert found.coverage.row(0, named=True)["union"] == 4


@pytest.mark.parametrize("nothing", [pl.lit(None), pl.lit(None, pl.Int64)])
def test_a_variable_that_one_side_never_fills_in_is_missing_there(nothing):
    found = reconcile(SPEC, TWO, TWO.with_columns(x=nothing), DAY)
    assert set(found.compared["x_outcome"]) == {"new_missing"}
    country = found.agreement.filter(variable="x").row(0, named=True)
    assert (country["new_missing"], country["both_known"], country["share"]) == (2, 0, None)
    figures = found.figures.filter(variable="x")
    assert set(figures["reason"]) == {"no pairs"} and figures["value"].null_count() == len(figures)
