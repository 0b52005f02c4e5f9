"""The simulated truth: published levels, rules, persons; and the noise of typing."""

from __future__ import annotations

import datetime as dt
import math
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_one_by_one import broken
from scipy.stats import binom

from pipelines.project import InputError
from pipelines.spec.person_number import birth_date, passes_modulus_11
from pipelines.synthetic.courses import simulate
from pipelines.synthetic.noise import slip_digits, unit_rates
from pipelines.synthetic.patients import person_numbers
from pipelines.synthetic.patterns import text_of
from pipelines.synthetic.streams import stream

UNLIKELY = 1e-6  # a share further off than this is not chance


def plausible(count: int, n: int, share: float) -> bool:
    low, high = binom.ppf([UNLIKELY, 1 - UNLIKELY], n, share)
    return low <= count <= high


def test_shares_of_codes_are_the_published_ones(world):
    for name, variable in world.spec.variables.items():
        if variable.published and variable.published.share and not variable.only_if:
            values = world.courses[name].drop_nulls()
            total = sum(variable.published.share.values())
            for code, share in variable.published.share.items():
                assert plausible((values == code).sum(), len(values), share / total), (name, code)


def test_missing_codes_come_as_often_as_published(world):
    for name, variable in world.spec.variables.items():
        if variable.published and not variable.only_if:
            for code, share in variable.published.missing.items():
                codes = world.courses[f"{name}_missing"]
                assert plausible((codes == code).sum(), len(codes), share), (name, code)


def test_means_of_numbers_are_the_published_ones(world):
    for name, variable in world.spec.variables.items():
        if variable.published and variable.published.mean is not None:
            values = world.courses[name].drop_nulls()
            error = values.std() / math.sqrt(len(values))
            assert abs(values.mean() - variable.published.mean) < 5 * error + 0.01 * variable.published.sd, name


def test_volume_per_region_is_the_published_one(world):
    years = ((world.reference - dt.date(2024, 10, 1)).days + 1) / 365.25
    counts = dict(world.courses.group_by("region").len().iter_rows())
    published = world.spec.published.per_region
    assert counts == {region: round(n * 0.6 * years) for region, n in published.items()}


def test_a_variable_that_is_not_relevant_is_empty(world):
    without = world.courses.filter(pl.col("echo").is_null() | (pl.col("echo") == "no"))
    assert without.height and without["echo_date"].null_count() == without.height
    assert without["echo_date_missing"].null_count() == without.height


def test_clean_data_break_no_rule_but_the_check_digit(world):
    for side, source in (("reported", "kip"), ("new", "wsapi")):
        assert {rule for rule, _ in broken(world, world.sides[side].gather_every(3), source)} == {"person.check_digit"}


def test_the_naive_check_sees_a_broken_rule(world):
    wrong = world.sides["new"].with_columns(diastolic_bp=pl.col("systolic_bp") + 1, diagnosis=pl.lit("I50.9"))
    assert "diastolic_below_systolic" in {r for r, _ in broken(world, wrong.head(50), "wsapi")}
    assert "diagnosis.pattern" in {r for r, _ in broken(world, wrong.head(50), "wsapi")}


def test_a_specification_without_volumes_is_refused(world):
    with pytest.raises(InputError, match="published"):
        simulate(world.spec.model_copy(update={"published": None}), [], 1, 1.0, world.reference, world.reference)


def test_a_period_that_ends_before_it_begins_is_refused(world):
    with pytest.raises(InputError, match="period"):
        simulate(world.spec, world.units, 1, 1.0, world.reference, dt.date(2024, 1, 1))


def test_rules_that_the_levels_cannot_meet_are_refused(world):
    rule = world.spec.rules["diastolic_below_systolic"].model_copy(update={"holds": "diastolic_bp > 400"})
    spec = world.spec.model_copy(update={"rules": {"impossible": rule}})
    with pytest.raises(InputError, match="impossible"):
        simulate(spec, world.units, 1, 0.01, dt.date(2026, 9, 1), world.reference)


def test_persons_have_a_birth_date_and_most_a_check_digit(world):
    persons = world.courses["person"].unique().to_list()
    assert all(birth_date(person) for person in persons)
    with_check_digit = sum(passes_modulus_11(person) for person in persons)
    assert plausible(len(persons) - with_check_digit, len(persons), 0.01)
    assert not set(persons) & set(world.spec.test_persons)


def test_a_person_comes_back_only_after_a_month(world):
    returns = world.courses.sort("person", "start_date").with_columns(
        gap=pl.col("start_date").diff().over("person").dt.total_days()
    )["gap"]
    assert returns.count() > 10
    assert returns.min() > 30


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2036, 12, 31)), min_size=1, max_size=20),
    st.integers(0, 99),
)
def test_a_number_says_the_birth_date_it_was_made_for(days, seed):
    numbers = person_numbers(np.array(days, dtype="datetime64[D]"), [], np.random.default_rng(seed))
    assert [birth_date(number) for number in numbers] == days
    assert len(set(numbers)) == len(days)


@pytest.mark.parametrize("pattern", ["^[A-Z]{2}[0-9]{6}$", r"\d{3}-\d+", "AB?[xyz]{1,3}", r"[a-c\d]{4}\."])
def test_a_text_has_its_pattern(pattern):
    rng = stream(1, pattern)
    assert all(re.fullmatch(pattern, text_of(pattern, rng)) for _ in range(50))


@pytest.mark.parametrize("pattern", ["(a|b)", "[^a]", "a$b"])
def test_a_pattern_that_is_not_known_gives_no_text(pattern):
    assert text_of(pattern, stream(1, "x")) is None


@settings(deadline=None)
@given(st.from_regex(r"[0-9]{1,4}(\.[0-9])?", fullmatch=True), st.integers(0, 999))
def test_a_slip_of_digits_differs_and_keeps_the_length(text, seed):
    other = slip_digits(text, np.random.default_rng(seed))
    assert other != text
    assert len(other) == len(text)


def test_noise_is_near_its_published_rate_and_varies_between_units(world):
    units = pl.Series([f"{n}" for n in range(4000)])
    rates = unit_rates(units, 0.05, stream(3, "rates"))
    assert abs(rates.mean() - 0.05) < 0.003
    assert 0.02 < rates.std() < 0.04
    assert (unit_rates(units, 0.0, stream(3, "rates")) == 0).all()


def test_typing_differs_from_sending_about_as_often_as_published(world):
    typed = world.sides["reported"].join(world.courses, on="course", suffix="_true")
    for name in ("weight", "nyha", "rhythm", "contact_time"):
        noise = world.spec.variables[name].published.noise
        known = typed.filter(pl.col(f"{name}_true").is_not_null())
        share = known.select((pl.col(name) != pl.col(f"{name}_true")).fill_null(True).mean()).item()
        assert noise / 3 < share < noise * 2.5, name


def test_each_side_holds_nearly_all_of_its_courses(world):
    taken = world.courses.filter(~pl.col("mistaken"))
    typing_ends = {region: change.kip_until for region, change in world.spec.changeover.items()}
    sending_begins = {region: change.new_from for region, change in world.spec.changeover.items()}
    typed = taken.filter(pl.col("start_date") <= pl.col("region").replace_strict(typing_ends))
    sent = taken.filter(pl.col("start_date") >= pl.col("region").replace_strict(sending_begins))
    for side, expected in (("reported", typed), ("new", sent)):
        held = set(world.sides[side].filter(pl.col("course").is_in(taken["course"].to_list()))["course"])
        assert held <= set(expected["course"])
        assert plausible(len(held), expected.height, 0.98)


def test_what_one_side_lost_the_other_holds_as_often_as_anything(world):
    typed, sent = (set(world.sides[side]["course"]) for side in ("reported", "new"))
    lost = [
        c
        for c in world.courses.filter(region="nordjylland", mistaken=False).filter(
            pl.col("start_date") >= world.spec.changeover["nordjylland"].new_from
        )["course"]
        if c not in typed
    ]
    assert plausible(sum(course in sent for course in lost), len(lost), 0.98)
