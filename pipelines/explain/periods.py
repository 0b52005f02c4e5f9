"""A break in time as a slice: the interval of days that gains most, and its ends in the words of the contract."""

from __future__ import annotations

import datetime as dt
from math import log

import numpy as np

# Of hits inside (outside, where more is usual), for each of which the best interval is found exactly.
SHARES = (0.3, 0.6, 0.95)


def best_intervals(k: np.ndarray, n: np.ndarray, usual: float) -> set[tuple[int, int]]:
    """First and last position of the intervals of days that gain most, one for each of SHARES, from hits and trials
    by day.

    For given shares inside and outside, of which the `usual` is one, a day's log-likelihood ratio is a number, and the
    best interval is the one with the largest sum (Kadane's scan, Bentley 1984).
    """
    total = np.zeros((len(SHARES), len(k) + 1))
    np.cumsum(_weights(k, n, usual), axis=1, out=total[:, 1:])
    last = (total[:, 1:] - np.minimum.accumulate(total, axis=1)[:, :-1]).argmax(axis=1).tolist()
    return {(int(of[: end + 1].argmin()), end) for of, end in zip(total, last, strict=True)}


def _weights(k: np.ndarray, n: np.ndarray, usual: float) -> np.ndarray:
    """By share and day the log-likelihood ratio of the higher share to the lower: where the interval is most of the
    days, the usual share is its own."""
    ends = [(max(share, usual), min(share, usual)) for share in SHARES]
    return np.outer([log(high / low) for high, low in ends], k) + np.outer(
        [log((1 - high) / (1 - low)) for high, low in ends], n - k
    )


def best_sums(k: np.ndarray, n: np.ndarray, usual: float) -> np.ndarray:
    """By row the most that an interval of days gains where nearly all is hit, from hits and trials by row and day."""
    weight = k * np.log(SHARES[-1] / usual) + (n - k) * np.log((1 - SHARES[-1]) / (1 - usual))
    total = np.cumsum(weight, axis=1)
    return (total - np.minimum(np.minimum.accumulate(total, axis=1), 0)).max(axis=1, initial=0)


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
