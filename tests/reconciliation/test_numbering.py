"""What stands in for texts, keys and equal pairs while sides are compared: numbers that must say the same."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import numpy as np
import polars as pl
import pytest
from small_sides import side, small_spec

from pipelines.reconciliation import match
from pipelines.reconciliation.numerals import Equals, Numerals, numerals, scale_of
from pipelines.reconciliation.places import counted_by_day, places_of
from pipelines.reconciliation.shape import shaped
from pipelines.reconciliation.sides import among
from pipelines.reconciliation.words import ODD, SLOTS, coded


@pytest.mark.parametrize("different", [0, 1, 5, 900, 3 * SLOTS])
def test_words_are_numbered_in_alphabetical_order_with_null_behind(different):
    texts = pl.Series([f"ord {n * 7 % max(different, 1)}" for n in range(4 * different)] + [None], dtype=pl.String)
    others = pl.Series(["å", None, "ord 0"])
    words, codes = coded(texts, others)
    assert words.to_list() == sorted({*texts.drop_nulls(), *others.drop_nulls()}, key=lambda word: word.encode())
    for column, code in zip((texts, others), codes, strict=True):
        assert words.extend_constant(None, 1).gather(code).to_list() == column.to_list()


@pytest.mark.parametrize("part", [match.PART, 40])
@pytest.mark.parametrize(("reported", "new", "different"), [(0, 9, 3), (9, 0, 3), (300, 400, 90), (300, 400, 9000)])
def test_equal_numbers_meet_and_others_do_not(reported, new, different, part, monkeypatch):
    """Also where they are sorted part by part; those that met one to one are told apart."""
    monkeypatch.setattr(match, "PART", part)
    random = np.random.default_rng(reported + different)
    sides = [random.integers(1, different, n).astype(np.uint64) * np.uint64(ODD) for n in (reported, new)]
    lonely, crossed = (
        set(zip(*(of.tolist() for of in pairs), strict=True))
        for pairs in match.meeting(*((np.arange(len(side)), side) for side in sides))
    )
    equal = {(i, j) for i in range(reported) for j in range(new) if sides[0][i] == sides[1][j]}
    times = [Counter(of) for of in zip(*equal, strict=True)] or [Counter(), Counter()]
    assert lonely == {(i, j) for i, j in equal if times[0][i] == times[1][j] == 1}
    assert crossed == equal - lonely


def test_few_wanted_numbers_are_found_among_many_that_begin_alike():
    numbers = np.arange(2000, dtype=np.uint64) | np.uint64(7 << 50)
    wanted = numbers[::17]
    assert np.flatnonzero(among(numbers, wanted)).tolist() == list(range(0, 2000, 17))


def test_equal_pairs_are_counted_as_they_are_pair_by_pair():
    values = np.random.default_rng(3).normal(5, 2, 900).round(2)
    values[:3] = np.inf, -np.inf, 1e12
    area = np.arange(900) % 7
    series = pl.Series(values)
    scale, spec = scale_of([series, series], 900), small_spec({"x": {"type": "decimal"}})
    cells = pl.DataFrame({"x_reported": series, "x_new": series, "area": pl.Series(area, dtype=pl.UInt64)})
    cells = cells.with_columns(n=pl.lit(1, pl.Int64))
    one_by_one = Numerals.together([numerals("x", spec.variables["x"], cells, scale)], scale)
    equals = Equals(7, scale)
    for at in (slice(0, 500), slice(500, 900)):
        equals.add(area[at], values[at])
    found = Numerals.together([equals.numerals()], scale)
    assert found.moments.equals(one_by_one.moments)
    finite = np.bincount(area[np.isfinite(values)]).tolist()
    assert found.moments["n"].to_list() == finite
    assert found.differences.equals(one_by_one.differences)


def test_places_and_days_that_are_unknown_stand_last():
    spec = small_spec()
    days = [dt.date(9999, 1, 1), None, dt.date(2026, 2, 28), dt.date(1, 1, 1), None]
    units, regions = ["u", None, "u", "u", "u"], ["å", "å", "å", "å", None]
    rows = [
        {"record_id": f"r{n}", "person": "p", "unit": unit, "region": region, "day": day}
        for n, (unit, region, day) in enumerate(zip(units, regions, days, strict=True))
    ]
    held = shaped(spec, side(spec, rows), "new")
    places, place = places_of(spec, held, np.array([4, 0, 1, 2, 3], np.uint32))
    assert places.rows() == [
        ("å", "u", "0001-01"), ("å", "u", "2026-02"), ("å", "u", "9999-01"), ("å", None, None), (None, "u", None),
    ]  # fmt: skip
    assert place.tolist() == [4, 2, 3, 1, 0]
    assert counted_by_day(spec, held).rows()[-1] == (None, "u", None, 1)
