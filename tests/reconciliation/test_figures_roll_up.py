"""figures.parquet from a small hand-made set of pairs: who is counted where, and what cannot be stated."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reconciliation.agreement_of_categories import two_by_two
from pipelines.reconciliation.figures import SCHEMA, estimated_totals
from pipelines.reconciliation.reconcile import reconcile
from pipelines.reconciliation.shape import completed
from pipelines.spec.model import DatabaseSpec

LABEL = {"da": "x"}
TYPES = {"integer": pl.Int64, "decimal": pl.Float64, "date": pl.Date, "timestamp": pl.Datetime("us")}


def spec_with(**variables: dict) -> DatabaseSpec:
    return DatabaseSpec.model_validate(
        {
            "database": "small",
            "title": LABEL,
            "official": False,
            "version": "1",
            "record": "one course",
            "event_date": "start_date",
            "variables": {name: {"label": LABEL, **said} for name, said in variables.items()},
            "match": [{"rule": "same day", "on": ["person", "start_date"]}],
        }
    )


def pairs_of(spec: DatabaseSpec, *rows: tuple) -> pl.DataFrame:
    """Rows of (region, unit, reported, new[, how many times]) for the specification's only variable."""
    ((name, variable),) = spec.variables.items()
    dtype = TYPES.get(variable.type, pl.String)
    places = dict.fromkeys(("region", "unit", "period"), pl.String)
    schema = {**places, f"{name}_reported": dtype, f"{name}_new": dtype}
    repeated = [
        (region, unit, "2025-01", reported, new)
        for region, unit, reported, new, *times in rows
        for _ in range(times[0] if times else 1)
    ]
    return pl.DataFrame(repeated, schema=schema, orient="row")


def figures_of(spec: DatabaseSpec, pairs: pl.DataFrame) -> pl.DataFrame:
    """The variable's figures of pairs whose records agree in all their keys: one person each."""
    keys = pl.int_range(pl.len()).cast(pl.String)
    (name,) = spec.variables
    columns = {"record_id": keys, "person": keys, "start_date": pl.lit(dt.date(2025, 1, 5))}
    sides = [
        completed(spec, pairs.select("region", "unit", pl.col(f"{name}_{side}").alias(name), **columns).lazy())
        for side in ("reported", "new")
    ]
    return reconcile(spec, *sides, dt.date(2025, 6, 1)).figures.filter(variable=name)


def one(figures: pl.DataFrame, figure: str, region=None, unit=None, level=None) -> dict:
    """The single row of a figure at a place and code level."""
    place = {"figure": figure, "region": region, "unit": unit, "level": level}
    rows = figures.filter(*(pl.col(name).eq_missing(pl.lit(value)) for name, value in place.items()))
    return rows.row(0, named=True) if len(rows) == 1 else pytest.fail(f"{len(rows)} rows of {place}")


YES_NO = spec_with(seen={"type": "yes_no"})


@pytest.fixture(scope="module")
def seen() -> pl.DataFrame:
    """Nord: 40/9/6/45 (Feinstein & Cicchetti) in unit n1; syd: everybody seen, on both sides, in unit s1."""
    pairs = pairs_of(
        YES_NO,
        ("nord", "n1", "yes", "yes", 40), ("nord", "n1", "yes", "no", 9),
        ("nord", "n1", "no", "yes", 6), ("nord", "n1", "no", "no", 45),
        ("nord", "n1", None, "yes", 5), ("nord", "n1", "no", None, 5),
        ("syd", "s1", "yes", "yes", 20),
    )  # fmt: skip
    return figures_of(YES_NO, pairs)


def test_columns_are_those_of_the_contract(seen):
    assert seen.schema == SCHEMA
    assert seen.columns == [
        "variable", "region", "unit", "period", "level", "figure", "value", "low", "high", "n", "reason",
    ]  # fmt: skip
    assert seen["variable"].unique().to_list() == ["seen"]
    assert seen["period"].null_count() == len(seen)


def test_levels_are_country_regions_and_units(seen):
    assert seen.select("region", "unit").unique(maintain_order=True).rows() == [
        (None, None), ("nord", None), ("syd", None), ("nord", "n1"), ("syd", "s1"),
    ]  # fmt: skip


def test_a_region_by_hand(seen):
    # n = 100, agreement 0.85, by chance (49·46 + 51·54) ÷ 100² = 0.5008.
    assert one(seen, "kappa", "nord")["value"] == pytest.approx((0.85 - 0.5008) / (1 - 0.5008))
    assert one(seen, "kappa", "nord")["n"] == 100
    assert one(seen, "pabak", "nord")["value"] == pytest.approx(0.70)
    assert one(seen, "sensitivity", "nord")["value"] == pytest.approx(40 / 49)
    assert one(seen, "ppv", "nord")["value"] == pytest.approx(40 / 46)
    assert one(seen, "specificity", "nord")["value"] == pytest.approx(45 / 51)
    assert one(seen, "npv", "nord")["value"] == pytest.approx(45 / 54)
    assert one(seen, "prevalence_index", "nord")["value"] == pytest.approx(-0.05)
    assert one(seen, "bias_index", "nord")["value"] == pytest.approx(0.03)
    assert one(seen, "positive_agreement", "nord")["value"] == pytest.approx(80 / 95)
    assert one(seen, "negative_agreement", "nord")["value"] == pytest.approx(90 / 105)


def test_the_country_adds_the_regions_and_is_not_their_mean(seen):
    # 60/9/6/45 of 120: agreement 105/120, by chance (69·66 + 51·54) ÷ 120².
    chance = (69 * 66 + 51 * 54) / 120**2
    found = one(seen, "kappa")
    assert (found["value"], found["n"]) == (pytest.approx((105 / 120 - chance) / (1 - chance)), 120)
    assert found["low"] < found["value"] < found["high"]


@pytest.mark.parametrize("unit", [None, "s1"])
def test_one_category_only_is_null_with_its_reason(seen, unit):
    found = one(seen, "kappa", "syd", unit)
    assert (found["value"], found["low"], found["high"]) == (None, None, None)
    assert (found["reason"], found["n"]) == ("one category only", 20)
    assert one(seen, "pabak", "syd", unit)["value"] == 1
    assert one(seen, "specificity", "syd", unit)["reason"] == "no reported negative"
    assert one(seen, "mcnemar_p", "syd", unit)["reason"] == "no pair differs"


def test_a_reason_stands_exactly_where_the_value_is_missing(seen):
    assert (seen["value"].is_null() == seen["reason"].is_not_null()).all()
    assert seen.filter(pl.col("value").is_null() & pl.col("low").is_not_null()).is_empty()


def test_fewer_than_ten_pairs_give_no_kappa_but_shares_with_their_interval():
    rows = [("r", "u", "yes", "yes", 4), ("r", "u", "no", "no", 4), ("r", "u", "no", "yes", 1)]
    nine = figures_of(YES_NO, pairs_of(YES_NO, *rows))
    assert one(nine, "kappa", "r", "u")["reason"] == "too few pairs"
    assert one(nine, "kappa", "r", "u")["value"] is None
    assert one(nine, "ppv", "r", "u")["value"] == pytest.approx(4 / 5)
    ten = figures_of(YES_NO, pairs_of(YES_NO, *rows, ("r", "u", "yes", "yes")))
    assert one(ten, "kappa", "r", "u")["value"] == pytest.approx((0.9 - 0.5) / 0.5)


def test_records_without_a_region_count_in_the_country_only():
    rows = [(None, "private", "yes", "no", 7), ("r", "u", "yes", "yes", 5), ("r", None, "no", "no", 6)]
    found = figures_of(YES_NO, pairs_of(YES_NO, *rows))
    assert one(found, "pabak")["n"] == 18
    assert one(found, "pabak", "r")["n"] == 11
    assert one(found, "pabak", "r", "u")["n"] == 5
    assert found.filter(unit="private").is_empty()


def test_no_pairs_at_all():
    found = figures_of(YES_NO, pairs_of(YES_NO))
    assert found["value"].null_count() == len(found) > 0
    assert one(found, "kappa")["reason"] == "no pairs"


# ---------------------------------------------------------------- codes

GRADE = {"type": "code", "values": {"1": "I", "2": "II", "3": "III"}, "ordinal": True}


def test_an_ordered_code_by_hand():
    spec = spec_with(grade=GRADE)
    cells = [("1", "1", 10), ("2", "1", 2), ("3", "3", 6), ("1", "3", 2)]
    found = figures_of(spec, pairs_of(spec, *(("r", "u", *cell) for cell in cells)))
    # Reported 12, 2, 6; new 12, 0, 8 of 20. κ: agreement 16/20, by chance (144 + 0 + 48) ÷ 400.
    assert one(found, "kappa")["value"] == pytest.approx((0.8 - 0.48) / 0.52)
    # Linear: observed 2·1 + 2·2 = 6 of 20; by chance (12·8·2 + 2·12 + 2·8 + 6·12·2) ÷ 20 = 18.8 of 20.
    assert one(found, "weighted_kappa")["value"] == pytest.approx(1 - 6 / 18.8)
    assert one(found, "pabak")["value"] == pytest.approx((3 * 0.8 - 1) / 2)


def test_a_code_outside_the_domain_has_no_rank():
    spec = spec_with(grade=GRADE)
    rows = [("r", "u", "1", "1", 10), ("r", "u", "3", "3", 6), ("r", "u", "2", "0", 4)]
    found = figures_of(spec, pairs_of(spec, *rows))
    assert (one(found, "weighted_kappa")["value"], one(found, "weighted_kappa")["n"]) == (
        pytest.approx(1),
        16,
    )
    assert (one(found, "kappa")["n"], one(found, "pabak")["value"]) == (20, pytest.approx((4 * 0.8 - 1) / 3))


def test_an_unordered_code_has_no_weighted_kappa():
    spec = spec_with(grade={**GRADE, "ordinal": False})
    found = figures_of(spec, pairs_of(spec, ("r", "u", "1", "1", 10)))
    assert set(found["figure"]) == {"kappa", "pabak"}


def test_an_accepted_recoding_is_agreement_and_an_unknown_one_is_not():
    rows = [("r", "u", "1", "3", 8), ("r", "u", "2", "2", 8), ("r", "u", "3", "3", 4)]
    mapped = spec_with(grade={**GRADE, "compare": {"map": {"1": "3"}}})
    assert one(figures_of(mapped, pairs_of(mapped, *rows)), "kappa")["value"] == pytest.approx(1)
    plain = spec_with(grade=GRADE)
    assert one(figures_of(plain, pairs_of(plain, *rows)), "kappa")["value"] < 0.6


def test_a_code_is_the_same_whatever_its_writing():
    spec = spec_with(grade={"type": "code", "values": {"a": "A", "b": "B"}, "compare": {"normalise": ["case"]}})
    found = figures_of(spec, pairs_of(spec, ("r", "u", "a", "A", 6), ("r", "u", "B", "b", 6)))
    assert one(found, "kappa")["value"] == pytest.approx(1)
    assert one(found, "pabak")["value"] == pytest.approx(1)


def test_sks_codes_agree_by_level_of_their_hierarchy():
    spec = spec_with(diagnosis={"type": "sks", "codes": ["DI*"]})
    rows = [
        ("r", "u", "DI500", "DI500", 4), ("r", "u", "DI501", "DI501B", 4),
        ("r", "u", "DI500", "DI509", 4), ("r", "u", "DI420", "DI420", 8),
    ]  # fmt: skip
    found = figures_of(spec, pairs_of(spec, *rows))
    assert found["level"].unique(maintain_order=True).to_list() == [None, "4", "5"]
    assert set(found["figure"]) == {"kappa"}
    # Whole: agreement 12/20; reported 8, 4, 8, new 4, 8 of DI500, DI420 in common: (8·4 + 8·8) ÷ 400.
    assert one(found, "kappa")["value"] == pytest.approx((12 / 20 - 96 / 400) / (1 - 96 / 400))
    # Five characters: DI501B is DI501, 16/20 agree; by chance (8·4 + 4·4 + 8·8) ÷ 400.
    assert one(found, "kappa", level="5")["value"] == pytest.approx((16 / 20 - 112 / 400) / (1 - 112 / 400))
    assert one(found, "kappa", level="4")["value"] == pytest.approx(1)


# ---------------------------------------------------------------- numbers and dates


def test_numbers_by_hand():
    spec = spec_with(dose={"type": "integer"})
    rows = [("r", "u", 100 + i, 100 + i + (2 if i % 2 else 4)) for i in range(10)]
    found = figures_of(spec, pairs_of(spec, *rows, ("r", "u", None, 7), ("r", "u", 7, None)))
    assert (one(found, "mean_difference")["value"], one(found, "mean_difference")["n"]) == (3, 10)
    sd = (10 / 9) ** 0.5
    assert one(found, "sd_difference")["value"] == pytest.approx(sd)
    assert one(found, "loa_low")["value"] == pytest.approx(3 - 1.96 * sd)
    assert one(found, "loa_high")["value"] == pytest.approx(3 + 1.96 * sd)
    assert (one(found, "p2_5")["value"], one(found, "p97_5")["value"]) == (2, 4)
    # Reported 100…109 has variance 8.25; differences 4 and 2 alternate: covariance 8.25 − 0.5.
    new = np.array([row[3] for row in rows], float)
    assert one(found, "ccc")["value"] == pytest.approx(2 * 7.75 / (8.25 + new.var() + 9))


def test_limits_of_few_numbers_are_not_stated():
    spec = spec_with(dose={"type": "decimal"})
    found = figures_of(spec, pairs_of(spec, *(("r", "u", 1.0 * i, 1.5 * i) for i in range(9))))
    few = {"loa_low", "loa_high", "p2_5", "p97_5", "ccc"}
    assert set(found.filter(reason="too few pairs")["figure"]) == few
    assert one(found, "mean_difference", "r", "u")["value"] == pytest.approx(2)


def test_dates_have_a_mean_difference_in_days():
    spec = spec_with(seen_on={"type": "date"})
    day = dt.date(2025, 3, 30)
    rows = [("r", "u", day, day + dt.timedelta(days=shift)) for shift in (0, 0, 1, 3)]
    found = figures_of(spec, pairs_of(spec, *rows, ("r", "u", None, day)))
    assert set(found["figure"]) == {"mean_difference"}
    assert (one(found, "mean_difference")["value"], one(found, "mean_difference")["n"]) == (1, 4)


@pytest.mark.parametrize("kind", [{"type": "text"}, {"type": "timestamp"}])
def test_texts_and_timestamps_have_no_figures(kind):
    spec = spec_with(note=kind)
    assert figures_of(spec, pairs_of(spec, ("r", "u", None, None, 3))).is_empty()


def test_what_is_not_comparable_has_no_figures():
    spec = spec_with(dose={"type": "integer", "compare": {"not_comparable": "Another questionnaire."}})
    assert figures_of(spec, pairs_of(spec, ("r", "u", 1, 2, 12))).is_empty()


# ---------------------------------------------------------------- the roll-up against one group at a time

answers = st.sampled_from(["yes", "no", None])
places = st.sampled_from([("r", "u1"), ("r", "u2"), ("s", "u3"), (None, "u4"), ("s", None)])
drawn = st.lists(st.tuples(places, answers, answers), max_size=60)


@settings(deadline=None, max_examples=40)
@given(rows=drawn)
def test_every_group_is_counted_as_if_it_were_alone(rows):
    found = figures_of(YES_NO, pairs_of(YES_NO, *((*place, *values) for place, *values in rows)))
    for region, unit in [(None, None), ("r", None), ("s", None), ("r", "u1"), ("s", "u3")]:
        inside = [
            values for place, *values in rows if (region or place[0]) == place[0] and (unit or place[1]) == place[1]
        ]
        table = np.array([[inside.count([a, b]) for b in ("yes", "no")] for a in ("yes", "no")])
        if region and not inside:
            assert found.filter((pl.col("region") == region) & pl.col("unit").eq_missing(pl.lit(unit))).is_empty()
            continue
        for figures in two_by_two(table, frame_of_non_cases=True):
            (figure,) = figures.each()
            row = one(found, figure.figure, region, unit)
            assert row["n"] == figure.n
            assert row["reason"] == "too few pairs" or row["value"] == figure.value


@settings(deadline=None, max_examples=20)
@given(rows=drawn, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(rows, seed):
    pairs = pairs_of(YES_NO, *((*place, *values) for place, *values in rows))
    shuffled = pairs[np.random.default_rng(seed).permutation(len(pairs))]
    assert figures_of(YES_NO, pairs).equals(figures_of(YES_NO, shuffled))


def test_estimated_totals_come_from_the_whole_time_only():
    coverage = pl.DataFrame(
        {
            "region": [None, "r", "r"], "unit": [None, None, None], "period": [None, None, "2025-01"],
            "reported": [400, 9, 4], "new": [400, 9, 4], "both": [40, 9, 4],
        },
        schema_overrides={"unit": pl.String},
    )  # fmt: skip
    found = estimated_totals(coverage)
    assert found.schema == SCHEMA
    assert found.select("variable", "region", "figure", "n").rows() == [
        (None, None, "chapman", 760), (None, "r", "chapman", 9),
    ]  # fmt: skip
    assert found["value"].to_list() == pytest.approx([401 * 401 / 41 - 1, 9])
