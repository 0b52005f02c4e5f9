"""The small types that every part of a specification is written with: names, codes, bounds, dates in force."""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
Code = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=40)]
Bound = Annotated[str, StringConstraints(strict=True, pattern=r"^(>=|<=|>|<)\s*-?[0-9]+(\.[0-9]+)?$")]
Number = int | float

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def meets(bound: str, value: float) -> bool:
    """Is `value` within a bound such as `>= 0.90`?"""
    sign, limit = re.match(r"(>=|<=|>|<)\s*(.+)", bound).groups()
    return COMPARISONS[sign](value, float(limit))


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Validity(Frozen):
    """When something is in force; either end may be open, both days are included."""

    from_: dt.date | None = Field(None, alias="from")
    until: dt.date | None = None

    def covers(self, day: dt.date) -> bool:
        return (self.from_ or dt.date.min) <= day <= (self.until or dt.date.max)
