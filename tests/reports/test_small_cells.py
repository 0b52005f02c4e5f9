"""What is told of counts and shares: bands, ranges that say no more than the counts beside them, rounded counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reports.rounding import rounded
from pipelines.reports.sections.shares import drawn_share
from pipelines.reports.suppression import (
    WIDE,
    Band,
    band_text,
    exact,
    first_band,
    share_of_bands,
    shown_count,
    shown_share,
    wider,
)

THRESHOLD = 5
COUNTS = st.integers(0, 60)


def test_counts_below_the_threshold_are_not_shown_but_nobody_is():
    assert [shown_count(n, THRESHOLD) for n in (0, 1, 4, 5)] == ["0", "<5", "<5", "5"]


def test_a_band_is_told_in_words_and_widens_on_a_fixed_grid():
    bands = [first_band(1007, THRESHOLD)]
    for _ in range(4):
        bands.append(wider(1007, bands[-1], THRESHOLD))
    told = [band_text(band, THRESHOLD, "skjult") for band in bands]
    assert told == ["1.007", "1.005–1.009", "1.000–1.009", "1.000–1.019", "skjult"]


def test_the_same_band_is_told_of_every_count_in_it():
    """Else the least cell of a band could be told from the others, and two releases would narrow it."""
    assert len({wider(number, exact(number), THRESHOLD) for number in range(5, 10)}) == 1


@pytest.mark.parametrize(
    ("parts", "rest", "said"),
    [
        ((exact(90),), (exact(10),), "90,00 % (80,00–95,00)"),
        ((exact(90),), (Band(1, 4),), "95–99 %"),
        ((exact(400),), (Band(1, 4),), "≥ 99 %"),
        ((Band(1, 4),), (exact(200),), "≤ 2 %"),
        ((Band(20, 24),), (Band(1, 4),), "83–96 %"),
        ((WIDE,), (exact(3),), "–"),
        ((exact(0),), (exact(0),), "–"),
    ],
)
def test_a_share_of_bands_is_the_range_of_what_it_can_be(parts, rest, said):
    assert share_of_bands(parts, rest, 0.8, 0.95).text == said


@given(COUNTS, COUNTS)
@settings(deadline=None)
def test_a_share_says_the_same_for_every_small_count_it_hides(part, rest):
    """The broken variant this catches: a share printed exactly beside a suppressed count."""
    said = shown_share(part, rest, 0.1, 0.9, THRESHOLD)
    if 0 < rest < THRESHOLD:
        assert all(shown_share(part, other, 0.1, 0.9, THRESHOLD) == said for other in range(1, THRESHOLD))
    if 0 < part < THRESHOLD:
        assert all(shown_share(other, rest, 0.1, 0.9, THRESHOLD) == said for other in range(1, THRESHOLD))


@given(st.lists(COUNTS, min_size=1, max_size=8), st.sampled_from([3, 5, 10]))
@settings(deadline=None)
def test_rounding_is_controlled(counts, base):
    """Each count becomes a neighbouring multiple, and so does their sum; none stays none."""
    multiples = rounded(counts, base)
    assert all(multiple % base == 0 and abs(multiple - n) < base for n, multiple in zip(counts, multiples, strict=True))
    assert abs(sum(multiples) - sum(counts)) < base
    assert rounded(counts, 1) == counts


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=12), st.sampled_from([3, 5, 10])
)
def test_a_share_of_rounded_counts_is_drawn_with_what_it_may_have_been(months, base):
    part, rest = (rounded(list(counts), base) for counts in zip(*months, strict=True))
    for (k, misses), multiple, others in zip(months, part, rest, strict=True):
        if (drawn := drawn_share([multiple], [others], base)) and k + misses:
            assert drawn["low"] <= k / (k + misses) <= drawn["high"]
            assert drawn["low"] <= drawn["share"] <= drawn["high"]


def test_a_regions_own_share_is_drawn_as_it_is():
    assert drawn_share([22], [2], 1) == {"share": 22 / 24, "low": None, "high": None}
    assert drawn_share([0], [0], 5) is None


def test_rounding_each_count_by_itself_would_tell_them():
    """Five units with 2 each, and the sum 10: the nearest multiples, all 0 (0 to 2), would say that each is 2."""
    assert sum(round(n / 5) * 5 for n in [2] * 5) == 0
    assert sum(rounded([2] * 5, 5)) == 10
