"""Where nearly everybody has one value, what was typed otherwise meets it: no default, no recoding, no lost field."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from planted_sides import explained, noisy_sides, spec_with, told

SPEC = spec_with(
    variables={
        "sepsis": {"type": "yes_no", "missing": {"unknown": "Uoplyst", "not_relevant": "Ikke relevant"}},
        "triage": {"type": "code", "values": {"1": "Rød", "2": "Gul", "3": "Grøn"}},
    }
)
NORTH = pl.col("region") == "nord"
RARELY = np.array([0.2, 0.1, 0.002])  # sepsis, by triage: hardly ever in the green


def draws(seed: int, what: int, persons: np.ndarray) -> np.ndarray:
    """A number below one for each person, the same on both sides."""
    return np.random.default_rng([seed, what]).random(20_000)[persons]


def sides(seed: int, typed: float, unknown: float = 0.0) -> list[pl.DataFrame]:
    """So much of what forms say is `typed` otherwise than meant, and so much of it `unknown`; the register knows."""
    return [
        made(side, name, seed, typed, unknown)
        for name, side in zip(("typed", "new"), noisy_sides(seed, 3000), strict=True)
    ]


def made(side: pl.DataFrame, name: str, seed: int, typed: float, unknown: float) -> pl.DataFrame:
    persons = side["person"].str.slice(1).cast(pl.Int64).to_numpy()
    has = draws(seed, 1, persons) < RARELY[persons % 3]
    if name == "typed":
        has ^= draws(seed, 2, persons) < typed
    side = side.with_columns(
        pl.Series("triage", np.array(["1", "2", "3"])[persons % 3].tolist()),
        pl.Series("sepsis", np.where(has, "yes", "no").tolist()),
        pl.lit(None, pl.String).alias("triage_missing"),
        pl.lit(None, pl.String).alias("sepsis_missing"),
    )
    return missing(side, "unknown", pl.Series((draws(seed, 3, persons) < unknown) & (name == "typed")))


def missing(side: pl.DataFrame, code: str | None, where: pl.Series | pl.Expr) -> pl.DataFrame:
    return side.with_columns(
        sepsis=pl.when(~where).then("sepsis"),
        sepsis_missing=pl.when(where).then(pl.lit(code, pl.String)).otherwise("sepsis_missing"),
    )


def some(one_in: int) -> pl.Expr:
    return pl.col("person").str.slice(1).cast(pl.Int64) // 3 % one_in == 0


def causes(reported: pl.DataFrame, new: pl.DataFrame) -> list[tuple]:
    return [(kind, where) for kind, _, where, _ in told(explained(reported, new, SPEC))]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("typed", "unknown"), [(0.03, 0.0), (0.07, 0.0), (0.0, 0.02), (0.05, 0.05)])
def test_what_is_typed_otherwise_meets_the_common_value_and_is_no_cause(seed, typed, unknown):
    assert causes(*sides(seed, typed, unknown)) == []


@pytest.mark.parametrize("seed", range(4))
def test_what_was_typed_of_those_whom_it_does_not_concern_is_no_field_that_was_lost(seed):
    """Of the green the register says that it is not relevant. The forms sometimes say the one for the other."""
    green = pl.col("triage") == "3"
    reported, new = (missing(side, "not_relevant", green) for side in sides(seed, 0.0))
    mistyped = missing(reported, "not_relevant", ~green & some(25))
    mistyped = mistyped.with_columns(
        sepsis=pl.when(green & some(40)).then(pl.lit("no")).otherwise("sepsis"),
        sepsis_missing=pl.when(~(green & some(40))).then("sepsis_missing"),
    )
    assert causes(mistyped, new) == []


def test_a_default_of_the_common_value_is_found_where_it_strikes():
    reported, new = sides(1, 0.01)
    struck = new.with_columns(sepsis=pl.when(NORTH).then(pl.lit("no")).otherwise("sepsis"))
    (cause,) = causes(reported, struck)
    assert cause in [("constant_value", {"region": "nord"}), ("code_recoded", {"region": "nord"})]


def test_missing_codes_that_all_became_the_common_value_are_found():
    reported, new = (missing(side, "unknown", some(4)) for side in sides(1, 0.01))
    became = NORTH & some(4)
    struck = new.with_columns(
        sepsis=pl.when(became).then(pl.lit("no")).otherwise("sepsis"),
        sepsis_missing=pl.when(~became).then("sepsis_missing"),
    )
    assert causes(reported, struck) == [("missing_collapsed", {"region": "nord"})]


def test_a_field_that_few_fill_in_is_found_where_it_is_lost():
    reported, new = (missing(side, None, ~some(12)) for side in sides(1, 0.01))
    assert causes(reported, missing(new, None, NORTH)) == [("missing_in_new", {"region": "nord"})]


def test_a_place_where_many_err_is_no_default():
    """Of those with sepsis in the north six in ten are said to have none, and others the other way: by hand."""
    reported, new = sides(1, 0.0)
    errs = pl.col("person").str.slice(1).cast(pl.Int64) * 7919 % 100
    has = pl.col("sepsis") == "yes"
    wrong = NORTH & ((has & (errs < 60)) | (~has & (errs < 2)))
    struck = new.with_columns(
        sepsis=pl.when(wrong & has).then(pl.lit("no")).when(wrong).then(pl.lit("yes")).otherwise("sepsis")
    )
    assert causes(reported, struck) == []


def test_a_default_that_strikes_two_thirds_of_a_place_is_found():
    """More than hands would type, though a third stands as it was."""
    reported, new = sides(1, 0.0)
    struck = new.with_columns(triage=pl.when(NORTH & ~some(3)).then(pl.lit("3")).otherwise("triage"))
    assert causes(reported, struck) == [("constant_value", {"region": "nord"})]
