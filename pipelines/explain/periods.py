"""A break in time as a slice: the interval of days that gains most, and its ends in the words of the contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np

COARSE_BOUNDS = 40  # bounds of periods that are all tried against each other


def best_interval(
    k: np.ndarray, n: np.ndarray, gain: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> tuple[int, int]:
    """First and last day (positions) of the interval that gains most, from running sums of hits and trials.

    All pairs of a coarse grid of bounds first, then all days near the two best: the gain changes little
    within one step of the grid.
    """
    step = max(1, len(n) // COARSE_BOUNDS)
    start = stop = np.unique(np.append(np.arange(0, len(n), step), len(n) - 1))
    for _ in range(2):
        a, b = (bound.ravel() for bound in np.meshgrid(start, stop, indexing="ij"))
        a, b = a[a < b], b[a < b]
        best = gain(k[b] - k[a], n[b] - n[a]).argmax()
        start, stop = (np.unique(np.clip(np.arange(x - step, x + step + 1), 0, len(n) - 1)) for x in (a[best], b[best]))
    return int(a[best]), int(b[best]) - 1


def limits_of(days: np.ndarray, first: int, last: int) -> dict[str, str]:
    """{from, to} of the interval; an end that coincides with the data's own is left open."""
    limits = {}
    if first > 0:
        limits["from"] = _likely_start(days[first - 1].item(), days[first].item()).isoformat()
    if last < len(days) - 1:
        limits["to"] = (_likely_start(days[last].item(), days[last + 1].item()) - dt.timedelta(days=1)).isoformat()
    return limits


def _likely_start(before: dt.date, at: dt.date) -> dt.date:
    """Of the days after the last of one state to the first of the next: a month's first day if there is one.

    The data cannot tell these days apart; new versions and practices start on the first more often than not.
    """
    between = (before + dt.timedelta(days=n) for n in range(1, (at - before).days + 1))
    return next((day for day in between if day.day == 1), at)
