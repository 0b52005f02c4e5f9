"""Small cells are hidden in themselves and in the shares that would give them away."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reports.sections.coverage import completeness
from pipelines.reports.suppression import shown_count, shown_share

THRESHOLD = 5
COUNTS = st.integers(0, 60)


def test_counts_below_the_threshold_are_not_shown_but_nobody_is():
    assert [shown_count(n, THRESHOLD) for n in (0, 1, 4, 5)] == ["0", "<5", "<5", "5"]


@given(COUNTS, COUNTS)
@settings(deadline=None)
def test_a_share_says_the_same_for_every_small_count_it_hides(part, rest):
    """The broken variant this catches: a share printed exactly beside a suppressed count."""
    said = shown_share(part, (rest,), 0.1, 0.9, THRESHOLD)
    if 0 < rest < THRESHOLD <= part:
        assert all(shown_share(part, (other,), 0.1, 0.9, THRESHOLD) == said for other in range(1, THRESHOLD))
    if 0 < part < THRESHOLD <= rest:
        assert all(shown_share(other, (rest,), 0.1, 0.9, THRESHOLD) == said for other in range(1, THRESHOLD))


@given(COUNTS, COUNTS, COUNTS)
@settings(deadline=None, max_examples=200)
def test_the_three_shares_of_a_place_hide_each_small_part(both, only_reported, only_new):
    parts = {"both": both, "only_reported": only_reported, "only_new": only_new}
    for hidden, number in parts.items():
        if 0 < number < THRESHOLD:
            said = {_said({**parts, hidden: other}) for other in range(1, THRESHOLD)}
            assert len(said) == 1, hidden


def _said(parts: dict[str, int]) -> tuple[str, ...]:
    names = ("completeness_of_new", "completeness_of_reported", "overlap")
    row = parts | {f"{name}{end}": 0.5 for name in names for end in ("_low", "_high")}
    return tuple(completeness(row, name, THRESHOLD).text for name in names)
