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
    """`of`: the area (region and unit) of each place (region, unit and period); `levels`: how areas add up."""

    of: np.ndarray
    names: pl.DataFrame
    levels: tuple[Level, ...]


def areas_of(places: pl.DataFrame) -> Areas:
    """The areas of places, in alphabetical order."""
    names = places.select("region", "unit").unique().sort("region", "unit")
    numbered = names.with_row_index("area")
    of = places.join(numbered, on=["region", "unit"], how="left", nulls_equal=True, maintain_order="left")["area"]
    return Areas(of.cast(pl.Int64).to_numpy(), names, tuple(_level(names, by) for by in LEVELS))


def _level(names: pl.DataFrame, by: tuple[str, ...]) -> Level:
    if not by:
        return Level([(None, None)], np.zeros(len(names), dtype=np.int64))
    groups = names.drop_nulls(list(by)).select(by).unique().sort(by).with_row_index("group")
    of = names.join(groups, on=list(by), how="left", maintain_order="left")["group"]
    places = [(region, *unit) if unit else (region, None) for region, *unit in groups.select(by).rows()]
    return Level(places, of.cast(pl.Int64).fill_null(ELSEWHERE).to_numpy())
