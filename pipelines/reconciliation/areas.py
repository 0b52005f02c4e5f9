"""Where figures are stated: the country, each region and each unit, for the whole time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

LEVELS = ((), ("region",), ("region", "unit"))
ELSEWHERE = -1


@dataclass(frozen=True)
class Level:
    """The groups of one level: `places` has region and unit of each (null: all of them), `of` each area's group.

    An area without a region counts in the country only: its group is −1 elsewhere.
    """

    places: list[tuple[str | None, str | None]]
    of: np.ndarray


@dataclass(frozen=True)
class Areas:
    """`each`: the area (region and unit) of each pair; `levels`: how areas add up."""

    each: np.ndarray
    names: pl.DataFrame
    levels: tuple[Level, ...]


def areas_of(places: pl.DataFrame, place: np.ndarray) -> Areas:
    """The areas of pairs whose place (region, unit and period) is a row of `places`, in alphabetical order."""
    names = places.select("region", "unit").unique().sort("region", "unit")
    numbered = names.with_row_index("area")
    of = places.join(numbered, on=["region", "unit"], how="left", nulls_equal=True, maintain_order="left")["area"]
    each = of.to_numpy().astype(np.min_scalar_type(len(names)))[place]
    return Areas(each, names, tuple(_level(names, by) for by in LEVELS))


def _level(names: pl.DataFrame, by: tuple[str, ...]) -> Level:
    if not by:
        return Level([(None, None)], np.zeros(len(names), dtype=np.int64))
    groups = names.drop_nulls(list(by)).select(by).unique().sort(by).with_row_index("group")
    of = names.join(groups, on=list(by), how="left", maintain_order="left")["group"]
    places = [(region, *unit) if unit else (region, None) for region, *unit in groups.select(by).rows()]
    return Level(places, of.cast(pl.Int64).fill_null(ELSEWHERE).to_numpy())
