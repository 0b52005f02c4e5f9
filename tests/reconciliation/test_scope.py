"""What can be compared at all: the parallel period of each place, and records that are too young."""

from __future__ import annotations

import datetime as dt

import pytest
from small_sides import drawn, small_spec

from pipelines.reconciliation.reconcile import Reconciliation, reconcile

DECEMBER = dt.date(2026, 12, 31)


def held(reported: str, new: str, day: dt.date | None = DECEMBER, **said) -> Reconciliation:
    spec = small_spec(**said)
    return reconcile(spec, drawn(spec, reported), drawn(spec, new), day)


def statuses(found: Reconciliation) -> dict[str, str]:
    return dict(found.records.select("record_id", "_status").rows())


def status(day: str, **said) -> str:
    """Of one record that only the new side has, in unit u1 of nord."""
    reported = "record_id person unit region day\nr p9 u1 nord -"
    return statuses(held(reported, f"record_id person unit region day\nn p1 u1 nord {day}", **said))["n"]


PARALLEL = {"new_from": "2026-03-01", "kip_until": "2026-06-30"}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("02-28", "not_comparable"), ("03-01", "unmatched"), ("06-30", "unmatched"), ("07-01", "not_comparable"),
        ("-", "unmatched"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["u1", "nord"])
def test_both_ends_of_the_parallel_period_are_inside(place, day, expected):
    assert status(day, changeover={place: PARALLEL}) == expected


def test_a_unit_s_own_changeover_goes_before_its_region_s():
    both = {"nord": PARALLEL, "u1": {"new_from": "2026-05-01"}}
    assert status("04-01", changeover=both) == "not_comparable"
    assert status("12-01", changeover=both) == "unmatched"
    assert status("04-01", changeover={"nord": PARALLEL, "u2": {"new_from": "2026-05-01"}}) == "unmatched"


def test_a_place_without_a_changeover_has_no_limits():
    assert status("01-01", changeover={"syd": PARALLEL}) == "unmatched"


@pytest.mark.parametrize("settling", [10, {"kip": 10, "wsapi": 2}, {"kip": 2, "wsapi": 10}, {"wsapi": 10}])
def test_a_record_must_be_older_than_both_sources_need(settling):
    # 31 December less 10 days: the 21st has settled, the 22nd has not.
    assert status("12-21", settling_days=settling) == "unmatched"
    assert status("12-22", settling_days=settling) == "not_comparable"


def test_a_pair_counts_only_where_both_its_records_do():
    found = held(
        "record_id person unit region day\nr1 p1 u1 nord 02-28\nr2 p2 u1 nord 03-02",
        "record_id person unit region day\nn1 p1 u1 nord 03-01\nn2 p2 u1 nord 03-02",
        changeover={"nord": PARALLEL},
    )
    assert statuses(found) == {"r1": "not_comparable", "n1": "not_comparable", "r2": "pair", "n2": "pair"}
    assert len(found.pairs) == 1
    assert found.unmatched.is_empty() and found.discrepancies.is_empty()


def test_what_is_not_comparable_is_counted_apart_and_nowhere_else():
    found = held(
        "record_id person unit region day\nr1 p1 u1 nord 01-01\nr2 p2 u1 nord 04-01",
        "record_id person unit region day\nn1 p9 u1 nord 08-01\nn2 p2 u1 nord 04-01",
        changeover={"nord": PARALLEL},
    )
    assert found.not_comparable["record_id"].to_list() == ["n1", "r1"]
    counts = found.counts()
    assert (counts["not_comparable_reported"], counts["not_comparable_new"]) == (1, 1)
    assert found.coverage.row(0, named=True)["union"] == 1
    assert found.discrepancies.is_empty()


def test_without_a_reference_date_the_newest_event_of_both_sides_is_today():
    found = held(
        "record_id person unit region day\nr1 p1 u1 nord 03-20",
        "record_id person unit region day\nn1 p2 u1 nord 03-01\nn2 p3 u1 nord 03-11",
        day=None,
        settling_days=10,
    )
    assert found.reference_date == dt.date(2026, 3, 20)
    assert statuses(found) == {"r1": "not_comparable", "n1": "unmatched", "n2": "not_comparable"}
