"""Forms that a kind may take, found missing by planting that knew the catalogue of faults and nothing of the search."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from planted_sides import MATCH, SPEC, changed, explained, noisy_sides, spec_with, told

from pipelines.spec.model import DatabaseSpec

IN_NORTH = pl.col("region") == "nord"
SLIP = {"rule": "slip of the hand", "on": ["unit", "day"], "identity": "damaged"}


def with_numbers(*sides: pl.DataFrame, **values: pl.Expr) -> list[pl.DataFrame]:
    """The same numbers in a variable of both sides, by the person."""
    person = pl.col("person").str.slice(1).cast(pl.Int64, strict=False).fill_null(1)
    return [side.with_columns(**{name: value(person) for name, value in values.items()}) for side in sides]


def told_first(new: pl.DataFrame, reported: pl.DataFrame, spec: DatabaseSpec = SPEC) -> tuple:
    return told(explained(reported, new, spec))[0]


@pytest.mark.parametrize(
    ("which", "becomes"),
    [("minus lost", pl.col("weight").abs()), ("minus added", -pl.col("weight").abs()), ("flipped", -pl.col("weight"))],
)
def test_a_sign_tells_something_only_of_the_numbers_that_it_changes(which, becomes):
    reported, new = with_numbers(*noisy_sides(3, 2000), weight=lambda n: (n * 37 % 401 - 200) / 10)
    struck = changed(new, IN_NORTH, weight=becomes)
    assert told_first(struck, reported) == ("sign_flipped", ("weight",), {"region": "nord"}, {"which": which})


def test_an_offset_of_whole_numbers_is_no_factor_near_1():
    reported, new = with_numbers(*noisy_sides(3, 2000), pulse=lambda n: 72 + n * 37 % 11)
    spec = spec_with(variables={"pulse": {"type": "integer", "compare": {"absolute": 0}}})
    struck = changed(new, IN_NORTH, pulse=pl.col("pulse") + 2)
    struck = changed(struck, IN_NORTH & pl.col("record_id").str.ends_with("00"), pulse=pl.col("pulse") + 1)
    assert told_first(struck, reported, spec)[::3] == ("constant_offset", {"offset": 2.0})


def test_numbers_are_rounded_to_hundreds():
    reported, new = with_numbers(*noisy_sides(3, 2000), pulse=lambda n: 35 + n * 37 % 365)
    struck = changed(
        new, IN_NORTH, pulse=(pl.col("pulse") / 100).round(mode="half_away_from_zero").cast(pl.Int64) * 100
    )
    kind, _, where, parameters = told_first(struck, reported)
    assert (kind, where, parameters["decimals"]) == ("rounded", {"region": "nord"}, -2)


@pytest.mark.parametrize("value", [0, 100])
def test_one_value_whatever_was_reported_is_no_rounding(value):
    reported, new = noisy_sides(3, 2000)
    struck = changed(new, IN_NORTH, pulse=pl.lit(value))
    assert told_first(struck, reported) == ("constant_value", ("pulse",), {"region": "nord"}, {"value": value})


def test_digits_behind_the_comma_are_exchanged():
    reported, new = with_numbers(*noisy_sides(3, 2000), weight=lambda n: (141 + n * 37 % 57) / 100)
    spec = spec_with(variables={"weight": {"type": "decimal", "compare": {"absolute": 0.01}}})
    whole = (pl.col("weight") * 100).round().cast(pl.Int64)
    exchanged = (whole // 100 * 100 + whole % 10 * 10 + whole // 10 % 10) / 100
    struck = changed(new, IN_NORTH, weight=exchanged)
    assert told_first(struck, reported, spec)[:3] == ("digits_transposed", ("weight",), {"region": "nord"})


def test_words_that_are_mistyped_alike_a_few_times_are_no_recoding():
    reported, new = noisy_sides(3, 2000)
    words = [f"ord nummer {n}" for n in range(60)]
    texts = pl.Series(np.random.default_rng(3).choice(words, 2000).tolist())
    of = pl.DataFrame({"person": [f"p{i}" for i in range(2000)], "remark": texts})
    sides = [side.join(of, on="person", how="left", maintain_order="left") for side in (reported, new)]
    for word in words[:3]:
        at = sides[0]["remark"].eq_missing(word).arg_true().head(5)
        sides[0][at.to_list(), "remark"] = word.replace("nummer", "nvmmer")
    spec = spec_with(variables={"remark": {"type": "text"}})
    empty = [side.with_columns(remark_missing=pl.lit(None, pl.String)) for side in sides]
    assert told(explained(*empty, spec)) == []


@pytest.mark.parametrize("late", [[], [SLIP]])
def test_a_damaged_number_is_told_whether_or_not_a_late_match_stage_bridges_it(late):
    reported, new = noisy_sides(3, 2000)
    number = pl.col("person").str.slice(1).cast(pl.Int64, strict=False).fill_null(0) * 104_729 % 9_999_999_967
    reported, new = (side.with_columns(person=number.cast(pl.String).str.zfill(10)) for side in (reported, new))
    begins = IN_NORTH & pl.col("person").str.starts_with("0")
    struck = changed(new, begins, person=pl.col("person").str.slice(1))
    spec = spec_with(match=[*MATCH[:2], *late])
    cause = explained(reported, struck, spec).causes[0]
    assert (cause.kind, cause.where) == ("person_id_damaged", {"region": "nord"})
    assert cause.parameters == {"damage": "leading_zero_lost"}


def test_a_boundary_is_told_though_typed_values_lie_beyond_it():
    reported, new = with_numbers(*noisy_sides(3, 3000), pulse=lambda n: 18 + n * 37 % 31)
    mistyped = pl.col("record_id").is_in([f"R{n:05d}" for n in range(0, 240, 30)])
    reported = changed(reported, mistyped, pulse=pl.lit(7))
    new = new.filter(pl.col("pulse") > 18)
    assert told_first(new, reported) == ("boundary_off", (), {}, {"edge": {"pulse": 18}})


def test_the_day_of_the_event_is_exchanged_with_another_date():
    reported, new = noisy_sides(3, 2000)
    far = pl.col("echo_day").dt.offset_by("-60d")
    reported, new = (side.with_columns(echo_day=far) for side in (reported, new))
    struck = changed(new, IN_NORTH, day=pl.col("echo_day"), echo_day=pl.col("day"))
    kind, variables, where, _ = told_first(struck, reported)
    assert (kind, variables, where["region"]) == ("variables_swapped", ("day", "echo_day"), "nord")
