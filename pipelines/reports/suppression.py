"""Small cells: counts under the threshold are not shown, and shares that would give them away are bounded.

Primary suppression, table by table: a count from 1 to threshold − 1 stands as "<5" and a share whose
numerator or rest is such a count is stated as a limit that any such count would give.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.reports.numbers import NOTHING, count, share, share_with_interval


@dataclass(frozen=True)
class ShownShare:
    """A share as it may be shown; `value` is the limit where it is bounded, and then there is no interval."""

    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


def is_small(number: int, threshold: int) -> bool:
    """Is this a count of somebody, but of too few? (0 is nobody.)"""
    return 0 < number < threshold


def shown_count(number: int | None, threshold: int) -> str:
    """A count, or "<5" where it is small."""
    return f"<{threshold}" if number is not None and is_small(number, threshold) else count(number)


def shown_share(part: int, rest: tuple[int, ...], low: float | None, high: float | None, threshold: int) -> ShownShare:
    """`part` ÷ (`part` + all of `rest`), bounded where `part` or one of `rest` is small.

    A reader sees the unsuppressed counts beside the share, so each small one alone must stay unknown.
    """
    whole = part + sum(rest)
    if whole == 0:
        return ShownShare(NOTHING)
    if whole in (part, *rest) and is_small(whole, threshold):  # of several small parts the sum would tell
        return ShownShare(f"<{threshold}")
    if is_small(part, threshold):
        least = sum(1 if is_small(number, threshold) else number for number in rest)
        limit = (threshold - 1) / (threshold - 1 + least)
        return ShownShare(f"≤ {share(limit)}", limit)
    if any(is_small(number, threshold) for number in rest):
        most = sum(threshold - 1 if is_small(number, threshold) else number for number in rest)
        limit = part / (part + most)
        return ShownShare(f"≥ {share(limit)}", limit)
    return ShownShare(share_with_interval(part / whole, low, high), part / whole, low, high)
