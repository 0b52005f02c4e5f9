"""How many courses there are in all, estimated from two sources that each miss some (capture–recapture).

Both estimates suppose sources that miss independently of one another. KIP and the registers do not quite
(the same clinic feeds both), so they are a lower guess at the number that neither has.
"""

from __future__ import annotations

import numpy as np

from pipelines.reconciliation.intervals import Figure, Z, undefined


def lincoln_petersen(first: int, second: int, both: int) -> Figure:
    """first · second ÷ both, with the interval of Cannon & Roe (1982) that epiR's `epi.popsize` gives.

    Limits are first ÷ (p ± width) with p = first ÷ estimate; the lower one is never below the number seen,
    the upper one null where p − width is not above 0. Undefined where no record is in both.
    """
    seen = _seen(first, second, both)
    if both == 0:
        return undefined("lincoln_petersen", seen, "no record in both")
    total = first * second / both
    p = first / total
    width = Z * float(np.sqrt(p * (1 - p) / second * (1 - second / total))) + 1 / (2 * total)
    high = first / (p - width) if p > width else None
    return Figure("lincoln_petersen", total, max(first / (p + width), seen), high, seen)


def chapman(first: int, second: int, both: int) -> Figure:
    """(first + 1)(second + 1) ÷ (both + 1) − 1: Chapman's estimate (1951), also without a common record.

    Interval: ± z · √variance by Seber (1970), the lower limit never below the number seen. Undefined where
    nothing was seen.
    """
    seen = _seen(first, second, both)
    if seen == 0:
        return undefined("chapman", seen, "no records")
    product = (first + 1) * (second + 1)
    total = product / (both + 1) - 1
    variance = product * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    half = Z * float(np.sqrt(variance))
    return Figure("chapman", total, max(total - half, seen), total + half, seen)


def _seen(first: int, second: int, both: int) -> int:
    if not 0 <= both <= min(first, second):
        raise ValueError("The records in both sources cannot outnumber those of either.")
    return first + second - both
