"""What a slice may name beside places and transport: codes, what the specification adds, and the clock."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from planted_sides import TYPES, explained, noisy_sides, spec_with
from pydantic import ValidationError

from pipelines.explain.sentences import Words
from pipelines.spec.clock import WEEKDAYS

CONTACT = {"type": "code", "values": {"1": "Fysisk", "2": "Virtuel", "3": "Akut"}}
WITH_CONTACTS = spec_with(variables={"contact": CONTACT})
IN_GRAMS = pl.col("weight") * 1000


def sides(seed: int = 5) -> list[pl.DataFrame]:
    return list(noisy_sides(seed, 3000))


def with_contacts(side: pl.DataFrame) -> pl.DataFrame:
    """A contact type that the person decides, alike on both sides."""
    number = pl.col("person").str.slice(1).cast(pl.Int64)
    return side.with_columns(contact=(number % 7 % 3 + 1).cast(pl.String), contact_missing=pl.lit(None, pl.String))


def struck(new: pl.DataFrame, where: pl.Expr, **changed: pl.Expr) -> pl.DataFrame:
    return new.with_columns(pl.when(where).then(value).otherwise(name).alias(name) for name, value in changed.items())


def first(reported: pl.DataFrame, new: pl.DataFrame, spec=None) -> tuple:
    cause = explained(reported, new, spec or spec_with()).causes[0]
    return cause.kind, cause.where


def test_a_code_is_where_the_values_of_another_variable_are_wrong():
    reported, new = map(with_contacts, sides())
    found = first(reported, struck(new, pl.col("contact") == "2", weight=IN_GRAMS), WITH_CONTACTS)
    assert found == ("unit_factor", {"contact": "2"})


def test_the_sentence_tells_the_text_of_the_code():
    reported, new = map(with_contacts, sides())
    explanation = explained(reported, struck(new, pl.col("contact") == "2", weight=IN_GRAMS), WITH_CONTACTS)
    said = explanation.contract(Words(WITH_CONTACTS))["causes"][0]["sentence"]
    assert said["da"].startswith("Prøve 2 (Virtuel): ")
    assert said["en"].startswith("Prøve 2 (Virtuel): ")


def test_a_code_does_not_say_where_it_is_wrong_itself():
    """The default floods in: it is the value and not the place."""
    reported, new = map(with_contacts, sides())
    found = first(reported, struck(new, pl.col("region") == "nord", contact=pl.lit("2")), WITH_CONTACTS)
    assert found == ("constant_value", {"region": "nord"})


def test_a_region_is_told_and_not_the_code_that_is_common_there():
    reported, new = map(with_contacts, sides())
    north = pl.col("region") == "nord"
    often = [
        side.with_columns(contact=pl.when(north).then(pl.lit("2")).otherwise("contact")) for side in (reported, new)
    ]
    assert first(often[0], struck(often[1], north, weight=IN_GRAMS), WITH_CONTACTS)[1] == {"region": "nord"}


def test_a_variable_that_the_specification_names_under_slices_says_where():
    reported, new = sides()
    spec = spec_with(slices=["wave", "smoker"])
    found = first(reported, struck(new, pl.col("smoker") == "yes", weight=IN_GRAMS), spec)
    assert found == ("unit_factor", {"smoker": "yes"})


def test_a_number_cannot_be_named_under_slices():
    with pytest.raises(
        ValidationError, match="slices names weight, which is a date or a number: name a code or a text"
    ):
        spec_with(slices=["weight"])


def test_weekdays_are_a_place():
    reported, new = sides()
    is_weekend = pl.col("day").dt.weekday() >= 6
    kind, where = first(reported, struck(new, is_weekend, weight=IN_GRAMS))
    assert (kind, sorted(where["weekday"])) == ("unit_factor", ["saturday", "sunday"])
    explanation = explained(reported, struck(new, is_weekend, weight=IN_GRAMS))
    sentence = explanation.contract(Words(spec_with()))["causes"][0]["sentence"]
    assert sentence["da"].startswith("Ugedag lørdag og søndag: ")
    assert sentence["en"].startswith("Weekday saturday and sunday: ")


def test_a_moved_day_is_told_by_the_weekday_that_was_reported():
    reported, new = sides()
    moved = struck(new, pl.col("day").dt.weekday() == 2, day=pl.col("day") + timedelta(days=1))
    assert first(reported, moved) == ("date_shift", {"weekday": "tuesday"})


def test_a_day_moved_beyond_every_window_is_told_so_too():
    reported, new = sides()
    moved = struck(new, pl.col("day").dt.weekday() == 2, day=pl.col("day") + timedelta(days=8))
    assert first(reported, moved) == ("date_shift", {"weekday": "tuesday"})


def test_a_duty_is_a_place_where_the_time_is_known():
    spec = spec_with(variables={"day": {"type": "timestamp"}})
    hour = pl.duration(hours=pl.col("person").str.slice(1).cast(pl.Int64) % 24)
    reported, new = (side.with_columns(day=pl.col("day").cast(TYPES["timestamp"]) + hour) for side in sides())
    wrong = struck(new, pl.col("day").dt.hour().is_between(15, 22), weight=IN_GRAMS)
    assert first(reported, wrong, spec) == ("unit_factor", {"hour_band": "15-23"})


def test_a_column_of_the_same_name_is_the_specification_s_own():
    """What the database calls so is told, and not the calendar."""
    spec = spec_with(slices=["wave", "weekday"])
    reported, new = (
        side.with_columns(weekday=pl.lit("w") + pl.col("pulse").cast(pl.String).str.tail(1)) for side in sides()
    )
    wrong = struck(new, pl.col("weekday") == "w3", weight=IN_GRAMS)
    assert first(reported, wrong, spec) == ("unit_factor", {"weekday": "w3"})


def test_names_of_weekdays_begin_with_monday():
    assert WEEKDAYS[0] == "monday"
    assert len(WEEKDAYS) == 7
