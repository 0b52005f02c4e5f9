"""Numbers and dates as Danes read them: decimal comma, thousands point, dd-mm-yyyy.

A percentage is never rounded up to 100 or down to 0 while something differs.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from fractions import Fraction

from babel.dates import format_datetime
from babel.numbers import format_decimal

NOTHING = "–"
NOT_RELEVANT = "ikke relevant"
_MOST_DECIMALS = 12  # a float carries no more; 0.9999999999999 is 1 to a reader


def percent(part: int, whole: int) -> str:
    """`part` of `whole` in percent; 0 of 0 is "ikke relevant", never 0 or 100."""
    return share(Fraction(part, whole)) if whole else NOT_RELEVANT


def share(value: float | Fraction | None, limit: float | None = None) -> str:
    """A share between 0 and 1 in percent with two decimals, or as many as show that something differs.

    Nor is it rounded to the `limit` it is judged by: 89,998 % beside 90 % is not 90,00 %.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if isinstance(value, float):  # what arithmetic left of 1 is no difference
        value = round(value, _MOST_DECIMALS)
    if value in (0, 1):
        return f"{int(value) * 100} %"
    hundredths = _decimal(value) * 100
    special = {Decimal(0), Decimal(100)} if limit is None else {Decimal(0), Decimal(100), _decimal(limit) * 100}
    return f"{_fixed(hundredths, _decimals_that_differ(hundredths, special - {hundredths}))} %"


def whole_percent(value: float | None) -> str:
    """A share of rounded counts, which would be said too exactly with decimals."""
    if value is None or value in (0, 1):
        return share(value)
    return f"{min(max(round(value * 100), 1), 99)} %"


def share_with_interval(value: float | None, low: float | None, high: float | None, limit: float | None = None) -> str:
    """A share and its confidence interval, all in percent: "98,75 % (93,25–99,78)"."""
    if low is None or high is None:
        return share(value, limit)
    ends = "–".join(share(end, limit).removesuffix(" %") for end in (low, high))
    return f"{share(value, limit)} ({ends})"


def points(value: float | None) -> str:
    """A difference of two shares, signed, in percentage points."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{'+' if value > 0 else ''}{_fixed(_decimal(value) * 100, 2)} pp"


def count(number: int | None) -> str:
    """A count with thousands points."""
    return NOTHING if number is None else format_decimal(number, locale="da")


def figure(value: float | None, decimals: int = 3) -> str:
    """A statistical figure with a fixed number of decimals."""
    return NOTHING if value is None or not math.isfinite(value) else _fixed(_decimal(value), decimals)


def day(value: dt.date | str | None) -> str:
    """A date, or an ISO text of one, as dd-mm-yyyy."""
    if value is None:
        return NOTHING
    date = dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return format_datetime(date, "dd-MM-yyyy", locale="da")


def moment(value: str) -> str:
    """An ISO text of a time as dd-mm-yyyy kl. hh.mm."""
    return format_datetime(dt.datetime.fromisoformat(value), "dd-MM-yyyy 'kl.' HH.mm", locale="da")


def month(period: str) -> str:
    """A period YYYY-MM as mm-yyyy."""
    return "-".join(reversed(period.split("-")))


def _decimal(value: float | Fraction) -> Decimal:
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / Decimal(value.denominator)
    return Decimal(repr(float(value)))


def _fixed(value: Decimal, decimals: int) -> str:
    """Rounded to even on the half, with a true minus sign, and never minus nothing."""
    rounded = round(value, decimals)
    shown = format_decimal(abs(rounded), format="#,##0." + "0" * decimals, locale="da")
    return f"−{shown}" if rounded < 0 else shown


def _decimals_that_differ(hundredths: Decimal, special: set[Decimal]) -> int:
    """The fewest decimals, two or more, that do not round to a value that would say something else."""
    return next((d for d in range(2, _MOST_DECIMALS) if round(hundredths, d) not in special), _MOST_DECIMALS)


def limit(asked: str | None) -> float | None:
    """The number in what is asked: 0.9 of `>= 0.90`."""
    found = re.search(r"[0-9.]+", asked or "")
    return float(found[0]) if found else None
