"""What the literature says of a database: levels of variables and volumes, which synthetic data imitate."""

# ruff: noqa: RUF012 (pydantic copies the default of a field for each value)
from __future__ import annotations

from pydantic import Field

from pipelines.spec.primitives import Code, Frozen, Name, Number, Text


class Published(Frozen):
    """Levels from the literature, which synthetic data imitate: shares of codes, or mean and sd."""

    share: dict[Code, float] | None = None
    mean: Number | None = None
    sd: Number | None = None
    after: tuple[Name, int, int] | None = None  # a date: so many days after another date, from … to
    missing: dict[Code, float] = {}
    noise: float = Field(0.02, ge=0, le=1)  # share that is typed otherwise in KIP than sent in the new source
    source: Text | None = None


class Volume(Frozen):
    """Published volumes that synthetic data imitate."""

    courses_per_year: int
    per_region: dict[Code, int]
    completeness: dict[Code, float] = {}
    source: Text | None = None
