"""Pairs of numbers, dates and times, counted so that they add up in any order: differences and moments by area."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.reconciliation.match import days_between
from pipelines.spec.model import Variable

SUMS = ("x", "y", "xx", "yy")
HALF = 1 << 28


@dataclass(frozen=True)
class Scale:
    """Numbers as whole multiples of one small step, measured from a centre: whole sums are the same in any order.

    The steps are powers of two so small that 63 bits hold the sum over all pairs (2⁻³⁸ of the largest number
    where there are ten million), and no larger than the rounding of a double where there are few.
    """

    centre: float
    step: float
    step_of_squares: float

    def whole(self, values: pl.Expr) -> pl.Expr:
        return ((values - self.centre) / self.step).round().cast(pl.Int64)

    def whole_square(self, values: pl.Expr) -> pl.Expr:
        return ((values - self.centre) ** 2 / self.step_of_squares).round().cast(pl.Int64)


@dataclass(frozen=True)
class Numerals:
    """`differences`: area, difference (new − reported: the unit, days or minutes), n pairs. `moments` (numbers only):
    area, n, sums and sums of squares of reported (x) and new (y) from the scale's centre, smallest and largest."""

    differences: pl.DataFrame
    moments: pl.DataFrame
    scale: Scale | None

    @staticmethod
    def together(parts: Iterable[Numerals], scale: Scale | None) -> Numerals:
        parts = list(parts)
        differences = pl.concat([pl.DataFrame(schema=DIFFERENCES), *(part.differences for part in parts)])
        moments = pl.concat([pl.DataFrame(schema=MOMENTS), *(part.moments for part in parts)])
        return Numerals(
            differences.group_by("area", "difference").agg(pl.col("n").sum()).sort("area", "difference"),
            moments.group_by("area").agg(_added()).sort("area"),
            scale,
        )


DIFFERENCES = {"area": pl.UInt64, "difference": pl.Float64, "n": pl.Int64}
MOMENTS = (
    {"area": pl.UInt64, "n": pl.Int64} | dict.fromkeys(SUMS, pl.Int64)
    | dict.fromkeys(("x_min", "x_max", "y_min", "y_max"), pl.Float64)
)  # fmt: skip


def measured(variable: Variable) -> bool:
    """May two of its values lie near to each other?"""
    return variable.numeric or variable.type in ("date", "timestamp")


def scale_of(columns: list[pl.Series], pairs: int) -> Scale:
    """The scale of the numbers in `columns`, for sums over so many pairs."""
    ends = [end for column in columns for end in _ends(column.cast(pl.Float64))] or [0.0]
    centre = (min(ends) + max(ends)) / 2
    reach = max(max(abs(end - centre) for end in ends), 2.0**-60)
    room = np.log2(max(pairs, 1)) + 1
    return Scale(centre, _power(np.log2(reach) + room - 62), _power(2 * np.log2(reach) + room - 62))


def _ends(column: pl.Series) -> list[float]:
    """The smallest and the largest finite number; nothing where there is none."""
    ends = [end for end in (column.min(), column.max()) if end is not None]
    return ends if np.isfinite(ends).all() else _ends(column.filter(column.is_finite()))


def _power(exponent: float) -> float:
    return float(2.0 ** np.ceil(exponent))


def numerals(name: str, variable: Variable, cells: pl.DataFrame, scale: Scale | None) -> Numerals:
    """The numerals of counted pairs (`v_reported`, `v_new`, area, n); those that lack a value do not count."""
    reported, new = pl.col(f"{name}_reported"), pl.col(f"{name}_new")
    if f"{name}_pending" in cells.columns:
        cells = cells.filter(~pl.col(f"{name}_pending"))
    if variable.type == "date":
        return Numerals(_counted(cells, days_between(reported, new)), pl.DataFrame(schema=MOMENTS), None)
    if variable.type == "timestamp":
        return Numerals(_counted(cells, (new - reported).dt.total_minutes()), pl.DataFrame(schema=MOMENTS), None)
    numbers = cells.select("area", "n", x=reported.cast(pl.Float64), y=new.cast(pl.Float64))
    numbers = numbers.filter(pl.col("x").is_finite() & pl.col("y").is_finite())
    return Numerals(_counted(numbers, pl.col("y") - pl.col("x")), _moments(numbers, scale), scale)


class Equals:
    """Pairs whose two values are one and the same, block by block; they differ by nothing."""

    def __init__(self, areas: int, scale: Scale | None) -> None:
        self.scale, self.n = scale, np.zeros(areas, np.int64)
        self.ends = np.full(areas, np.inf), np.full(areas, -np.inf)
        self.sums = np.zeros((2, areas), np.int64)

    def add(self, area: np.ndarray, values: np.ndarray) -> None:
        if not (finite := np.isfinite(values)).all():
            area, values = area[finite], values[finite]
        self.n += np.bincount(area, minlength=len(self.n))
        if self.scale is None:
            return
        values = values.astype(np.float64, copy=False)
        np.minimum.at(self.ends[0], area, values)
        np.maximum.at(self.ends[1], area, values)
        values = values - self.scale.centre
        self.sums[0] += self._added(area, np.rint(values / self.scale.step))
        self.sums[1] += self._added(area, np.rint(values**2 / self.scale.step_of_squares))

    def _added(self, area: np.ndarray, wholes: np.ndarray) -> np.ndarray:
        """Exact sums by area: the halves of a number of 63 bits add up without rounding where a double adds them."""
        high = np.floor(wholes * (1 / HALF))
        low = wholes - high * HALF
        high, low = (np.bincount(area, half, len(self.n)).astype(np.int64) for half in (high, low))
        return high * HALF + low

    def numerals(self) -> Numerals:
        said = np.flatnonzero(self.n)
        differences = {"area": said, "difference": np.zeros(len(said)), "n": self.n[said]}
        columns = [np.arange(len(self.n)), self.n, *np.repeat(self.sums, 2, axis=0), *self.ends, *self.ends]
        moments = pl.DataFrame(dict(zip(MOMENTS, columns, strict=True)), schema=MOMENTS).filter(pl.col("n") > 0)
        return Numerals(pl.DataFrame(differences, schema=DIFFERENCES), moments, self.scale)


def _counted(cells: pl.DataFrame, difference: pl.Expr) -> pl.DataFrame:
    """Differences by area."""
    said = cells.select("area", "n", difference=difference.cast(pl.Float64)).drop_nulls("difference")
    return said.group_by("area", "difference").agg(pl.col("n").sum()).select(list(DIFFERENCES))


def _moments(numbers: pl.DataFrame, scale: Scale) -> pl.DataFrame:
    wholes = numbers.with_columns(
        *((scale.whole(pl.col(v)) * pl.col("n")).alias(f"{v}_") for v in "xy"),
        *((scale.whole_square(pl.col(v)) * pl.col("n")).alias(f"{v}{v}") for v in "xy"),
    )
    sums = [pl.col("n").sum(), *(pl.col(f"{v}_").sum().alias(v) for v in "xy"), pl.col("xx").sum(), pl.col("yy").sum()]
    ends = [getattr(pl.col(v), end)().alias(f"{v}_{end}") for v in "xy" for end in ("min", "max")]
    return wholes.group_by("area").agg(*sums, *ends).select(list(MOMENTS))


def _added() -> list[pl.Expr]:
    return [pl.col("n", *SUMS).sum(), pl.col("x_min", "y_min").min(), pl.col("x_max", "y_max").max()]
