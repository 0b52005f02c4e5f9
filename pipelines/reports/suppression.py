"""What is told of a count: the number itself, or a band in which it lies. A share of banded counts is a range.

A small count (1 to threshold − 1) always stands as "<5"; protection.py says which others must stand as a band.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.reports.numbers import NOTHING, count, share, share_with_interval


class Band(NamedTuple):
    """The least and the most that a count may be, as far as a reader is told; no most: nothing is told."""

    least: int
    most: int | None

    @property
    def is_exact(self) -> bool:
        return self.least == self.most


WIDE = Band(0, None)


def exact(number: int) -> Band:
    """The number is told as it is."""
    return Band(number, number)


def is_small(number: int, threshold: int) -> bool:
    """Is this a count of somebody, but of too few? (0 is nobody.)"""
    return 0 < number < threshold


def first_band(number: int, threshold: int) -> Band:
    """What is told of a count that no other count gives away: itself, or that it is small."""
    return Band(1, threshold - 1) if is_small(number, threshold) else exact(number)


def banded(number: int, width: int) -> Band:
    """The band of a fixed grid, so that a count that is the same in two releases is in the same band: 5–9 for 7."""
    least = number - number % width
    return Band(least, least + width - 1)


def wider(number: int, told: Band, threshold: int) -> Band:
    """The next band when less is to be told of a number: of the threshold's width, twice and four times that, and
    then nothing."""
    if told.most is None:
        return WIDE
    widths = (threshold, 2 * threshold, 4 * threshold)
    return next((banded(number, width) for width in widths if width > told.most - told.least + 1), WIDE)


def band_text(band: Band, threshold: int, hidden: str) -> str:
    """A count, "<5", "5–9", or the word for what is not told at all."""
    if band.is_exact:
        return count(band.least)
    if band.most is None:
        return hidden
    return f"<{threshold}" if band.most < threshold else f"{count(band.least)}–{count(band.most)}"


def shown_count(number: int | None, threshold: int) -> str:
    """A count that stands by itself, or "<5" where it is small."""
    return NOTHING if number is None else band_text(first_band(number, threshold), threshold, NOTHING)


@dataclass(frozen=True)
class ShownShare:
    """A share as it may be shown. Where only a range is told there is no value, and its ends are the range's."""

    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None


def shown_share(part: int, rest: int, low: float | None, high: float | None, threshold: int) -> ShownShare:
    """`part` ÷ (`part` + `rest`) with its interval, or the range that small counts leave."""
    bands = (first_band(part, threshold), first_band(rest, threshold))
    return share_of_bands((bands[0],), (bands[1],), low, high)


def share_of_bands(
    parts: tuple[Band, ...], rest: tuple[Band, ...], low: float | None = None, high: float | None = None
) -> ShownShare:
    """The sum of `parts` ÷ that of `parts` and `rest`: with its interval where all are told, else as the range of
    what it can be, so that a share never tells more than the counts beside it."""
    least, most = _least(parts), _most(parts)
    other_least, other_most = _least(rest), _most(rest)
    if all(band.is_exact for band in (*parts, *rest)):
        whole = least + other_least
        value = least / whole if whole else None
        return ShownShare(share_with_interval(value, low, high) if whole else NOTHING, value, low, high)
    lowest = least / (least + other_most) if least else 0.0
    highest = most / (most + other_least) if other_least and math.isfinite(most) else 1.0
    if most == 0 or other_most == 0:  # whatever the other is
        return ShownShare(share(lowest), lowest)
    return ShownShare(_range_text(lowest, highest), None, lowest, highest)


def _least(bands: tuple[Band, ...]) -> int:
    return sum(band.least for band in bands)


def _most(bands: tuple[Band, ...]) -> float:
    return sum(math.inf if band.most is None else band.most for band in bands)


def _range_text(lowest: float, highest: float) -> str:
    """Whole percents, outwards, so that the range is never narrower than what is told."""
    low, high = math.floor(lowest * 100 + 1e-9), math.ceil(highest * 100 - 1e-9)
    if low <= 0 and high >= 100:
        return NOTHING
    if high >= 100:
        return f"≥ {low} %"
    return f"≤ {high} %" if low <= 0 else f"{low}–{high} %"
