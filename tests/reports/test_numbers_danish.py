"""Numbers as Danes read them, and percentages that do not round a difference away."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reports import numbers
from pipelines.reports.values import value_text


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (79, 80, "98,75 %"),
        (96279, 96281, "99,998 %"),
        (0, 0, "ikke relevant"),
        (1, 1000000, "0,0001 %"),
        (80, 80, "100 %"),
        (0, 80, "0 %"),
        (1, 3, "33,33 %"),
    ],
)
def test_a_percentage_is_shown_as_agreed(part, whole, shown):
    assert numbers.percent(part, whole) == shown


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(deadline=None)
def test_a_percentage_is_0_or_100_exactly_when_nothing_or_everything_counts(case):
    part, whole = case
    shown = float(numbers.percent(part, whole).removesuffix(" %").replace(",", "."))
    assert (shown == 0) == (part == 0)
    assert (shown == 100) == (part == whole)
    assert abs(shown - 100 * part / whole) <= 0.0051


def test_a_share_without_value_or_interval_is_not_a_number():
    assert numbers.share(None) == numbers.share(float("nan")) == "–"
    assert numbers.share_with_interval(0.5, None, None) == "50,00 %"
    assert numbers.share_with_interval(0.5, 0.4, 0.6) == "50,00 % (40,00–60,00)"


def test_counts_dates_and_signs_are_danish():
    assert numbers.count(1234567) == "1.234.567"
    assert numbers.day(dt.date(2026, 3, 4)) == numbers.day("2026-03-04T10:00:00") == "04-03-2026"
    assert numbers.moment("2026-03-04 09:05:00.000000") == "04-03-2026 kl. 09.05"
    assert numbers.month("2026-03") == "03-2026"
    assert numbers.points(-0.0123) == "−1,23 pp"
    assert numbers.points(0.05) == "+5,00 pp"
    assert numbers.figure(-0.0001) == "0,000"


@pytest.mark.parametrize(
    ("variable", "raw", "shown"),
    [
        ("nyha", "3", "3 – III"),
        ("nyha", "unknown", "Uoplyst"),
        ("nyha", "9", "9"),
        ("echo", "yes", "Ja"),
        ("lvef", "27.50", "27,5"),
        ("lvef", "30.0", "30"),
        ("systolic_bp", "120", "120"),
        ("systolic_bp", "=1+1", "=1+1"),
        ("start_date", "2026-03-04", "04-03-2026"),
        ("contact_time", "2026-03-04 09:05:00", "04-03-2026 kl. 09:05"),
        ("diagnosis", "DI500", "DI500"),
        ("lvef", None, "(tom)"),
    ],
)
def test_a_value_is_shown_as_a_region_reads_it(spec, variable, raw, shown):
    assert value_text(spec.variables[variable], raw) == shown


def test_an_end_is_not_rounded_to_the_limit_it_is_judged_by():
    assert numbers.share_with_interval(0.8868, 0.8722, 0.89998, limit=0.9) == "88,68 % (87,22–89,998)"
    assert numbers.share_with_interval(0.9, 0.85, 0.95, limit=0.9) == "90,00 % (85,00–95,00)"
