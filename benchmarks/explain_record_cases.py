"""Faults in whole records for the explainer's benchmark: of a kind, in a slice of about a size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from benchmarks.explain_worlds import PLACES, World, in_slice, period, random_slice, sized
from pipelines.synthetic.faults import Fault

DAMAGES = ["leading_zero_lost", "digit_wrong", "digits_transposed"]


def _in(world: World, size: int, draw: Callable[[], dict], share: float = 1.0) -> dict:
    frame = world.sides.new
    return sized(world, size, lambda w: int(in_slice(world, w, frame).sum() * share), draw)


def _unit(world: World) -> str:
    return world.one(world.sides.new["unit"].unique().sort())


def _not_reporting(world: World, size: int):
    def draw():
        started = {"from": next(iter(period(world, False).values()))}
        return {"unit": _unit(world)} | ({"period": started} if world.rng.random() < 0.5 else {})

    where = _in(world, size, draw)
    if not where:
        return None
    return Fault(kind="unit_not_reporting", slice=where, parameters={"unit": where["unit"]}), (), None


def _gap(world: World, size: int):
    def draw():
        name = world.one(PLACES)
        return {name: world.one(world.sides.new[name].unique().sort()), "period": period(world, True)}

    where = _in(world, size, draw)
    return (Fault(kind="period_gap", slice=where, parameters=dict(where["period"])), (), None) if where else None


def _lost(world: World, size: int):
    where = _in(world, size, lambda: {"submission": world.one(world.sides.new["submission"])})
    return (Fault(kind="submission_lost", slice=where, parameters=dict(where)), (), None) if where else None


def _too_narrow(world: World, size: int):
    name = world.one(world.names("sks"))
    codes = world.sides.new[name].drop_nulls()
    where = _in(world, size, lambda: {name: world.one([code := world.one(codes), code[:4] + "*", code[:5] + "*"])})
    fault = Fault(kind="population_too_narrow", slice=where, parameters={"code": where[name]}) if where else None
    return (fault, (), None) if fault else None


def _too_wide(world: World, size: int):
    name, share = world.one(world.names("sks")), min(1.0, size / len(world.sides.new))
    code = world.one(["DZ995", "DX10A", "DQ87", "KFNG02"])
    return Fault(kind="population_too_wide", variable=name, parameters={"code": code, "share": share}), (), None


def _boundary(world: World, size: int):
    name = world.one(world.names("integer"))
    counts = world.sides.new[name].drop_nulls().value_counts().filter(pl.col(name) < pl.col(name).mean())
    if counts.is_empty():
        return None
    near = counts.with_columns(off=(pl.col("count") - 1.2 * size).abs()).sort("off", name)
    return Fault(kind="boundary_off", parameters={"edge": {name: near[name][0]}}), (), None


def _late(world: World, size: int):
    lag = world.one([30, 45, 60, 90])
    day, end = world.sides.new[world.spec.event_date], world.sides.reference_date
    young = (pl.lit(end) - day).dt.total_days() < lag
    places = [{}, *({"region": region} for region in world.sides.new["region"].unique().sort())]
    where = min(
        places, key=lambda w: abs((in_slice(world, w, world.sides.new) & pl.select(young).to_series()).sum() / 2 - size)
    )
    return Fault(kind="late_arrival", slice=where, parameters={"lag": lag}), (), None


def _twice(world: World, size: int):
    first = _in(world, size, lambda: {"submission": world.one(world.sides.new["submission"])})
    if not first:
        return None
    again = world.one([first["submission"].rsplit("-", 1)[0] + "-900001", first["submission"] + "b"])
    return Fault(kind="submission_twice", slice=first, parameters={"submission": again}), (), None


def _placed(kind: str, share: float, **parameters: Any):
    def make(world: World, size: int):
        where = _in(world, size, lambda: random_slice(world, world.attributes, 2), share)
        chosen = {key: world.one(options) for key, options in parameters.items()}
        affected = pl.col("person").str.starts_with("0") if "leading_zero_lost" in chosen.values() else None
        return (Fault(kind=kind, slice=where, parameters=chosen), (), affected) if where else None

    return make


def _strangers(kind: str):
    def make(world: World, size: int):
        where = world.one([{}, {"region": world.one(world.sides.new["region"])}])
        n = int(in_slice(world, where, world.sides.new).sum())
        return Fault(kind=kind, slice=where, parameters={"share": min(1.0, size / n)}), (), None

    return make


def _mapped(world: World, size: int):
    def draw():
        started = {"from": next(iter(period(world, False).values()))}
        return {"unit": _unit(world)} | ({"period": started} if world.rng.random() < 0.4 else {})

    where = _in(world, size, draw)
    others = [unit for unit in world.sides.new["unit"].unique().sort() if unit != where.get("unit")]
    if not where or not others:
        return None
    parameters = {"from": where["unit"], "to": world.one(others)}
    return Fault(kind="unit_mapped_wrong", slice=where, parameters=parameters), (), None


OF_RECORDS: dict[str, Callable] = {
    "unit_not_reporting": _not_reporting, "period_gap": _gap, "submission_lost": _lost,
    "population_too_narrow": _too_narrow, "population_too_wide": _too_wide, "boundary_off": _boundary,
    "late_arrival": _late, "submission_twice": _twice,
    "duplicate_record": _placed("duplicate_record", 0.7), "contact_split": _placed("contact_split", 1, n=[2, 3]),
    "contact_merged": _placed("contact_merged", 1, n=[2, 3]), "retracted_kept": _strangers("retracted_kept"),
    "test_persons": _strangers("test_persons"), "unit_mapped_wrong": _mapped,
    "person_id_damaged": _placed("person_id_damaged", 0.8, damage=DAMAGES),
    "person_id_changed": _placed("person_id_changed", 1),
}  # fmt: skip
