"""Worlds for the explainer's benchmark: an invented database with two noisy sides, and slices drawn in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from pipelines.spec.clock import WEEKDAY, WEEKDAYS
from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic.faults import Fault, Planting
from pipelines.synthetic.invented import invented, invented_layout
from pipelines.synthetic.plain_sides import PlainSides, agreeing, noisy

TRIES = 80
LISTED = 0.1  # of the slices name two values of an attribute
CARRIED = ("region", "unit", "hospital", "age_band", "sex")  # attributes that stand on both sides
PLACES = ("region", "unit")
SOME = (5_000, 20_000)  # courses of a database


@dataclass(frozen=True)
class World:
    """An invented database with its two noisy sides, before or after faults."""

    spec: DatabaseSpec
    sides: PlainSides
    rng: np.random.Generator

    def names(self, *types: str) -> list[str]:
        """Variables of these types other than the event date."""
        return [n for n, v in self.spec.variables.items() if v.type in types and n != self.spec.event_date]

    def one(self, options: Any) -> Any:
        options = list(options)
        return options[int(self.rng.integers(len(options)))]

    def with_sides(self, sides: PlainSides) -> World:
        return replace(self, sides=sides)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute that a slice of values may name."""
        return (*CARRIED, "submission", "schema_version", "source_system", WEEKDAY, *self.spec.slices)


def world_of(seed: int, n: int | None = None, fewest: int = 0, worst: float = 0.10) -> World:
    """The seed's database of `n` courses, else of 5,000 to 20,000 (at least `fewest`); its variables disagree by 1 %
    to `worst`."""
    rng, spec = np.random.default_rng([seed, n or 0]), invented(seed)
    n = n or max(fewest, int(np.exp(rng.uniform(*np.log(SOME)))))
    return World(spec, noisy(spec, agreeing(spec, n, seed, invented_layout(seed)), seed, worst), rng)


def period(world: World, closed: bool | None = None) -> dict[str, dt.date]:
    """From a day, to a day, or both (`closed`); every other end lies on the first of a month, as changes do."""
    days = world.sides.new[world.spec.event_date]
    span = (days.max() - days.min()).days
    first, last = (days.min() + dt.timedelta(days=n) for n in sorted(world.rng.integers(span // 18, span, 2).tolist()))
    if world.rng.random() < 0.5:
        first = first.replace(day=1)
    way = 2 if closed else int(world.rng.integers(0, 2 if closed is False else 3))
    return [{"from": first}, {"to": last}, {"from": first, "to": last}][way]


def random_slice(world: World, names: tuple[str, ...], most: int = 3, dated: bool = True) -> dict[str, Any]:
    """At most three attributes with values of one of the records; one of them may be a period."""
    chosen = world.rng.permutation(names)[: int(world.rng.integers(0, most) + 1)].tolist()
    record = world.sides.new.row(int(world.rng.integers(len(world.sides.new))), named=True)
    record[WEEKDAY] = WEEKDAYS[record[world.spec.event_date].weekday()]
    where = {name: record[name] for name in chosen if record[name] is not None}
    if where and world.rng.random() < LISTED:
        where |= _listed(world, *next(iter(where.items())))
    if dated and len(where) < most and world.rng.random() < 0.3:
        where["period"] = period(world)
    return where


def _listed(world: World, name: str, value: str) -> dict[str, Any]:
    """Two values of one attribute, where it has more."""
    every = WEEKDAYS if name == WEEKDAY else world.sides.new[name].drop_nulls().unique().sort()
    others = [other for other in every if other != value]
    return {name: sorted([value, world.one(others)])} if len(others) > 1 else {name: value}


def sized(world: World, size: int, count: Callable[[dict], int], draw: Callable[[], dict]) -> dict[str, Any]:
    """Of many slices the first of nearly the size asked for; else the nearest (at least 20 records)."""
    best, nearest = {}, np.inf
    for _ in range(TRIES):
        where = draw()
        n = count(where)
        off = abs(np.log(max(n, 1) / size)) if n >= 20 else np.inf
        if off < nearest:
            best, nearest = where, off
        if nearest < 0.25:
            break
    return best


def in_slice(world: World, where: dict, frame: pl.DataFrame) -> pl.Series:
    fault = Fault(kind="any", slice=where)
    return Planting(world.spec, fault, world.rng, world.sides.reference_date, {}).in_slice(frame)
