"""Where it happens: the shortest description of the slice, its period to the day, and never more than is true."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from planted_sides import agreeing, changed, explained, noisy_sides, spec_with
from rows_of_frame import rows_of

from pipelines.explain.rows import Rows
from pipelines.explain.slices import Slice, best_slice

EMPTY = {"weight": None}


def where_of(explanation) -> list[dict]:
    assert {cause.kind for cause in explanation.causes} <= {"missing_in_new"}
    return [cause.where for cause in explanation.causes]


def sliced(where: pl.Expr, seed: int = 1) -> list[dict]:
    """The slices told of a variable that is empty in one slice of noisy sides."""
    reported, new = noisy_sides(seed)
    return where_of(explained(reported, changed(new, where, **EMPTY)))


REGION, SEX, WAVE = pl.col("region") == "nord", pl.col("sex") == "F", pl.col("wave") == "w1"


@pytest.mark.parametrize(
    "slices",
    [
        {
            "weight": (pl.col("region") == "syd", {"region": "syd"}),
            "pulse": (pl.col("unit") == "s2", {"unit": "s2"}),
            "echo_day": (pl.col("schema_version") == "1.1", {"schema_version": "1.1"}),
            "nyha": (pl.col("source_system") == "A", {"source_system": "A"}),
            "smoker": (pl.col("age_band") == "80+", {"age_band": "80+"}),
        },
        {
            "weight": (pl.col("sex") == "M", {"sex": "M"}),
            "pulse": (pl.col("wave") == "w2", {"wave": "w2"}),
            "echo_day": (pl.col("submission") == "syd-04", {"submission": "syd-04"}),
            "nyha": (REGION & SEX, {"region": "nord", "sex": "F"}),
            "smoker": (REGION & SEX & WAVE, {"region": "nord", "sex": "F", "wave": "w1"}),
        },
    ],
)
def test_each_variable_s_own_slice_is_found_with_the_right_attributes(slices):
    reported, new = noisy_sides(1, 1200)
    for name, (where, _) in slices.items():
        new = changed(new, where, **{name: None})
    causes = explained(reported, new).causes
    assert {cause.variables[0]: cause.where for cause in causes} == {name: found for name, (_, found) in slices.items()}
    assert len(causes) == len(slices)


def test_the_whole_country_has_no_attribute():
    assert sliced(pl.lit(True)) == [{}]


def test_the_shortest_description_wins():
    # Region ost has one unit, one hospital: the three describe the same rows, and the unit, who can mend it, is told.
    assert sliced(pl.col("unit") == "o1") == [{"unit": "o1"}]
    # Schema 1.1 came on 1 June: the version says it in one attribute, the period would be no shorter.
    assert sliced(pl.col("day") >= dt.date(2026, 6, 1)) == [{"schema_version": "1.1"}]


def test_a_fault_in_one_unit_does_not_make_its_region_a_cause():
    reported, new = noisy_sides(2, 1500, units=["n1"] * 8 + ["n2", "s1", "s2"])  # n1 is nearly all of nord
    planted = reported, changed(new, pl.col("unit") == "n1", **EMPTY)
    assert where_of(explained(*planted)) == [{"unit": "n1"}]


def test_a_schema_that_two_regions_share_is_named_and_not_they():
    reported, new = noisy_sides(12)
    two = pl.col("region").is_in(["nord", "syd"])
    new = new.with_columns(schema_version=pl.when(two).then(pl.lit("1.1")).otherwise(pl.lit("1.0")))
    assert where_of(explained(reported, changed(new, two, **EMPTY))) == [{"schema_version": "1.1"}]


def test_a_fault_in_one_unit_makes_neither_its_region_nor_its_months_a_cause():
    reported, new = noisy_sides(13, 1500)
    where = (pl.col("unit") == "n1") & (pl.col("day") < dt.date(2026, 6, 1))
    (found,) = where_of(explained(reported, changed(new, where, **EMPTY)))
    assert found in ({"unit": "n1", "schema_version": "1.0"}, {"unit": "n1", "period": {"to": "2026-05-31"}})


def test_one_fault_in_two_units_is_one_cause_and_not_the_country():
    where = (pl.col("unit") == "n1") | (pl.col("unit") == "s3")
    assert sliced(where) == [{"unit": ["n1", "s3"]}]


def test_two_units_of_a_region_are_not_the_region():
    assert sliced(pl.col("unit").is_in(["n1", "n2"])) == [{"unit": ["n1", "n2"]}]


def test_what_two_regions_share_is_named_before_the_two_regions():
    reported, new = noisy_sides(11)
    both = pl.col("region").is_in(["nord", "midt"])  # the regions of system A
    assert where_of(explained(reported, changed(new, both, **EMPTY))) == [{"source_system": "A"}]


@pytest.mark.parametrize("start", [dt.date(2026, 3, 9), dt.date(2026, 9, 14)])
def test_a_break_in_time_is_found_to_the_day(start):
    # A record stands on every day, so the day before and the day itself are told apart.
    reported, new = agreeing(3, 3000)
    assert len(new["day"].unique()) == 360
    for where, limits in [
        (pl.col("day") >= start, {"from": start.isoformat()}),
        (pl.col("day") < start, {"to": (start - dt.timedelta(days=1)).isoformat()}),
        (pl.col("day").is_between(start, start + dt.timedelta(days=20)),
         {"from": start.isoformat(), "to": (start + dt.timedelta(days=20)).isoformat()}),
    ]:  # fmt: skip
        assert where_of(explained(reported, changed(new, where, **EMPTY))) == [{"period": limits}]


def test_a_break_in_one_region_is_found_among_the_noise():
    reported, new = noisy_sides(4, 2500)
    where = (pl.col("region") == "nord") & (pl.col("day") >= dt.date(2026, 4, 13))
    (found,) = where_of(explained(reported, changed(new, where, **EMPTY)))
    assert found["region"] == "nord" and set(found) == {"region", "period"} and set(found["period"]) == {"from"}
    assert abs(dt.date.fromisoformat(found["period"]["from"]) - dt.date(2026, 4, 13)) <= dt.timedelta(days=3)


@pytest.mark.parametrize("seed", range(4))
def test_a_break_in_time_before_which_little_lies_is_found_to_the_day(seed):
    """Most days lie after it, so what is usual is hardly less than what is hit there."""
    _, frame = agreeing(seed, 3000)
    late = frame["day"].to_numpy() >= np.datetime64("2026-02-02")
    hits = late & (np.random.default_rng(seed).random(len(frame)) < 0.9)
    place = best_slice(rows_of(frame, "day", []), np.ones(len(frame), bool), hits)
    assert place.where == {"period": {"from": "2026-02-02"}}


def test_where_no_record_tells_the_days_apart_the_first_of_a_month_is_told():
    reported, new = (
        frame.filter(~pl.col("day").is_between(dt.date(2026, 2, 25), dt.date(2026, 3, 5))) for frame in agreeing(5)
    )
    late = pl.col("day") > dt.date(2026, 3, 1)
    assert where_of(explained(reported, changed(new, late, **EMPTY))) == [{"period": {"from": "2026-03-01"}}]


def test_shares_and_lift_are_the_contract_s():
    reported, new = agreeing(6)
    in_syd = pl.col("region") == "syd"
    also = pl.col("record_id").is_in(new.filter(~in_syd)["record_id"].head(20).to_list())
    (cause,) = explained(reported, changed(new, in_syd | also, **EMPTY)).causes
    syd = new.filter(in_syd).height
    assert (cause.where, cause.explained, cause.in_slice) == ({"region": "syd"}, syd, syd)
    assert cause.share == 1.0
    assert cause.lift == pytest.approx(1.0 / (20 / (len(new) - syd)))


def test_a_lift_over_nothing_is_null():
    reported, new = agreeing(6)
    (cause,) = explained(reported, changed(new, pl.col("region") == "syd", **EMPTY)).causes
    assert cause.lift is None


@pytest.mark.parametrize("size", [20, 30])
def test_small_slices_are_found_from_twenty_records(size):
    reported, new = noisy_sides(7, 1200)
    paired = reported.filter(unit="s1")["person"].head(size).to_list()
    few = [frame.filter((pl.col("unit") != "s1") | pl.col("person").is_in(paired)) for frame in (reported, new)]
    assert where_of(explained(few[0], changed(few[1], pl.col("unit") == "s1", **EMPTY))) == [{"unit": "s1"}]


def test_the_order_of_rows_changes_nothing():
    reported, new = noisy_sides(8)
    planted = changed(new, pl.col("wave") == "w1", **EMPTY)
    rng = np.random.default_rng(8)
    mixed = [frame[rng.permutation(len(frame))] for frame in (reported, planted)]
    one, other = explained(reported, planted), explained(*mixed)
    assert one == other
    assert [cause.id for cause in one.causes] == [cause.id for cause in other.causes]


# ---------------------------------------------------------------- best_slice by itself


def best(table: Rows, hits: np.ndarray) -> Slice | None:
    return best_slice(table, np.ones(len(hits), bool), hits)


def rows(**columns: list) -> pl.DataFrame:
    return pl.DataFrame(columns | {"day": [dt.date(2026, 1, 1)] * len(next(iter(columns.values())))})


def test_fewer_than_six_hits_are_no_evidence():
    frame = rows(unit=["a"] * 5 + ["b"] * 300)
    hits = (frame["unit"] == "a").to_numpy()
    assert best(rows_of(frame, "day", ["unit"]), hits) is None
    frame = rows(unit=["a"] * 6 + ["b"] * 300)
    assert best(rows_of(frame, "day", ["unit"]), (frame["unit"] == "a").to_numpy()).where == {"unit": "a"}


def test_a_slice_that_is_hit_less_than_half_is_no_cause():
    frame = rows(unit=["a"] * 100 + ["b"] * 900)
    hits = np.zeros(1000, dtype=bool)
    hits[:49] = True
    found = best(rows_of(frame, "day", ["unit"]), hits)
    assert found is None


def test_a_slice_describes_the_rows_it_was_measured_on():
    _, new = agreeing(9)
    table = rows_of(new, "day", ["region", "wave", "sex"])
    hits = new.select((pl.col("region") == "midt") & (pl.col("day") > dt.date(2026, 8, 8))).to_series().to_numpy()
    found = best(table, hits)
    assert set(found.where) == {"region", "period"}
    assert np.array_equal(table.inside(found.where), hits)
    assert (found.hits, found.trials) == (hits.sum(), hits.sum())


def test_no_more_than_three_attributes():
    reported, new = agreeing(10, 3000)
    where = (
        (pl.col("region") == "nord") & (pl.col("sex") == "F") & (pl.col("wave") == "w1") & (pl.col("age_band") == "80+")
    )
    assert all(len(cause.where) <= 3 for cause in explained(reported, changed(new, where, **EMPTY), spec_with()).causes)


@pytest.mark.parametrize("values", [127, 128, 129, 130])
def test_an_attribute_may_have_as_many_values_as_a_small_number_holds(values):
    # Codes are kept as narrow as they may be; 129 values were once one too many for theirs.
    unit = [f"u{n % values:04d}" for n in range(20 * values)]
    frame = rows(unit=unit, sex=["F" if n % 7 else "M" for n in range(20 * values)])
    hits = (frame["unit"] == f"u{values - 1:04d}").to_numpy() & (frame["sex"] == "F").to_numpy()
    found = best(rows_of(frame, "day", ["unit", "sex"]), hits)
    assert found.where == {"unit": f"u{values - 1:04d}", "sex": "F"}


def scattered(seed: int, n: int = 120_000) -> tuple[Rows, pl.DataFrame, np.ndarray]:
    """More rows than are searched whole, of which two in a hundred are hit wherever they stand."""
    rng = np.random.default_rng(seed)
    sizes = {"unit": 60, "sex": 2, "wave": 8, "form": 5}
    frame = rows(**{name: [f"{name}-{at}" for at in rng.integers(0, size, n)] for name, size in sizes.items()})
    return rows_of(frame, "day", list(sizes)), frame, rng.random(n) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_of_very_many_rows_a_small_slice_is_found_and_noise_is_none(seed):
    table, frame, noise = scattered(seed)
    assert best(table, noise) is None
    planted = frame.select((pl.col("unit") == "unit-7") & (pl.col("wave") == "wave-3")).to_series().to_numpy()
    found = best(table, noise | planted)
    assert 200 < planted.sum() < 300
    assert (found.where, found.hits, found.trials) == (
        {"unit": "unit-7", "wave": "wave-3"},
        planted.sum(),
        planted.sum(),
    )
