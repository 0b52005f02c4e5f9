"""While regions change over one by one, each course counts exactly once, and says from which source."""

from __future__ import annotations

import datetime as dt
from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.spec.model import DatabaseSpec
from pipelines.spec.use import counted, counting_source, courses

REGIONS = ("nord", "syd", "øst")
UNITS = {"nord": ("n1", "n2"), "syd": ("s1",), "øst": ("o1",)}
START = dt.date(2026, 1, 1)


def spec_with(use: list[dict]) -> DatabaseSpec:
    return DatabaseSpec.model_validate({
        "database": "sample", "title": {"da": "Prøve"}, "official": False, "version": "1", "record": "a course",
        "event_date": "start", "variables": {"start": {"label": {"da": "Start"}, "type": "date"}},
        "match": [{"rule": "same", "on": ["person"]}], "use": use,
    })  # fmt: skip


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def side(rows: list[tuple[str, str, str, dt.date]]) -> pl.DataFrame:
    schema = {"record_id": pl.String, "region": pl.String, "unit": pl.String, "start": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def pairs(rows: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"reported_id": pl.String, "new_id": pl.String}, orient="row")


SWITCH = spec_with([
    {"region": "nord", "from": "2026-03-01", "source": "wsapi", "fallback": "kip"},
    {"unit": "n2", "from": "2026-04-01", "source": "kip"},
    {"source": "kip"},
])  # fmt: skip


@pytest.mark.parametrize(
    ("region", "unit", "on", "available", "source"),
    [
        ("nord", "n1", "2026-02-28", {"kip", "wsapi"}, "kip"),
        ("nord", "n1", "2026-03-01", {"kip", "wsapi"}, "wsapi"),
        ("nord", "n1", "2026-03-01", {"kip"}, "kip"),  # the fallback
        ("nord", "n2", "2026-03-31", {"kip", "wsapi"}, "wsapi"),
        ("nord", "n2", "2026-04-01", {"kip", "wsapi"}, "kip"),  # the unit goes before its region
        ("nord", "n2", "2026-04-01", {"wsapi"}, None),  # and has no fallback
        ("syd", "s1", "2026-05-01", {"kip", "wsapi"}, "kip"),
        (None, None, "2026-05-01", {"kip"}, "kip"),  # a practice without a region
        ("nord", "n1", "2026-03-01", set(), None),
    ],
)
def test_the_source_that_counts(region, unit, on, available, source):
    assert counting_source(SWITCH, region, unit, dt.date.fromisoformat(on), available) == source


def test_the_order_of_the_rules_does_not_matter():
    turned = SWITCH.model_copy(update={"use": SWITCH.use[::-1]})
    for number, (region, units) in product(range(0, 200, 9), UNITS.items()):
        for unit, available in product(units, ({"kip"}, {"wsapi"}, {"kip", "wsapi"})):
            place = region, unit, day(number), available
            assert counting_source(SWITCH, *place) == counting_source(turned, *place)


def test_without_use_the_reported_source_counts_and_a_place_that_is_not_named_does_not():
    nothing, one_region = spec_with([]), spec_with([{"region": "nord", "source": "kip"}])
    assert counting_source(nothing, "nord", "n1", START, {"kip", "wsapi"}) == "kip"
    assert counting_source(nothing, "nord", "n1", START, {"wsapi"}) == "wsapi"
    assert counting_source(one_region, "syd", "s1", START, {"kip"}) is None


# A course that was typed on the day before the change and received on the day after, and the other way round.
TYPED = side([("k1", "nord", "n1", dt.date(2026, 2, 28)), ("k2", "nord", "n1", dt.date(2026, 3, 1))])
RECEIVED = side([("w1", "nord", "n1", dt.date(2026, 3, 1)), ("w2", "nord", "n1", dt.date(2026, 2, 28))])
TWINS = pairs([("k1", "w1"), ("k2", "w2")])


def test_a_course_across_the_day_of_change_counts_once():
    made = counted(SWITCH, TYPED, RECEIVED, TWINS)
    assert made.select("record_id", "datakilde").rows() == [("k1", "kip"), ("w2", "wsapi")]


def test_record_by_record_it_would_count_twice_or_not_at_all():
    by_record = [
        (record, source)
        for source, frame in (("kip", TYPED), ("wsapi", RECEIVED))
        for record, region, unit, on in frame.iter_rows()
        if counting_source(SWITCH, region, unit, on, {"kip", "wsapi"}) == source
    ]
    assert by_record == [("k1", "kip"), ("w1", "wsapi")]  # course 1 twice, course 2 not at all


def test_a_patient_who_moved_counts_where_the_course_was_typed():
    received = side([("w1", "syd", "s1", dt.date(2026, 3, 2))])
    typed = side([("k1", "nord", "n1", dt.date(2026, 3, 2))])
    made = counted(SWITCH, typed, received, pairs([("k1", "w1")]))
    assert made.select("record_id", "region", "datakilde").rows() == [("w1", "syd", "wsapi")]


@st.composite
def go_lives(draw, fallbacks: bool):
    """Regions, and one unit, that change over on days of their own, or not yet; perhaps without a fallback."""
    use = [{"source": "kip", "fallback": "wsapi" if fallbacks or draw(st.booleans()) else None}]
    for place in (*({"region": region} for region in REGIONS), {"unit": "n2"}):
        if (number := draw(st.none() | st.integers(0, 60))) is not None:
            back = "kip" if fallbacks or draw(st.booleans()) else None
            use.append({**place, "from": day(number), "source": "wsapi", "fallback": back})
    return spec_with(draw(st.permutations(use)))


@st.composite
def staggered(draw):
    """Courses that stand in one source or both, a few days and perhaps a region apart."""
    place = st.sampled_from([(region, unit) for region, units in UNITS.items() for unit in units])
    typed, received, twins = [], [], []
    for number in range(draw(st.integers(0, 12))):
        where, on = draw(place), draw(st.integers(0, 60))
        holds = draw(st.sampled_from(("kip", "wsapi", "both")))
        if holds != "wsapi":
            typed.append((f"k{number}", *where, day(on)))
        if holds != "kip":
            elsewhere = draw(st.sampled_from((where, where, draw(place))))
            received.append((f"w{number}", *elsewhere, day(on + draw(st.integers(-3, 3)))))
        if holds == "both":
            twins.append((f"k{number}", f"w{number}"))
    return side(typed), side(received), pairs(twins)


def course_of(record: str) -> str:
    return record[1:]


@settings(deadline=None, max_examples=150)
@given(go_lives(fallbacks=True), staggered())
def test_in_every_state_of_a_staggered_go_live_each_course_counts_exactly_once(spec, frames):
    typed, received, twins = frames
    made = counted(spec, typed, received, twins)
    every = {course_of(record) for record in (*typed["record_id"], *received["record_id"])}
    assert sorted(course_of(record) for record in made["record_id"]) == sorted(every)
    assert made["datakilde"].to_list() == [{"k": "kip", "w": "wsapi"}[record[0]] for record in made["record_id"]]


@settings(deadline=None, max_examples=150)
@given(go_lives(fallbacks=False), staggered())
def test_without_a_fallback_a_course_never_counts_twice_and_is_named_where_it_does_not_count(spec, frames):
    typed, received, twins = frames
    made, every = counted(spec, typed, received, twins), courses(spec, typed, received, twins)
    assert made["record_id"].map_elements(course_of, pl.String).is_unique().all()
    assert made.height == every["datakilde"].count()
    for left_out in every.filter(pl.col("datakilde").is_null()).to_dicts():
        assert None in (left_out["reported_id"], left_out["new_id"]), "the one source that counts lacks the course"


@settings(deadline=None, max_examples=50)
@given(go_lives(fallbacks=True), staggered(), st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(spec, frames, random):
    shuffled = [frame.sample(fraction=1, shuffle=True, seed=random.randint(0, 99)) for frame in frames]
    made, again = counted(spec, *frames), counted(spec, *shuffled)
    assert made.sort("record_id").equals(again.sort("record_id"))
