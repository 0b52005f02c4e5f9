"""Cases for the explainer: a fault of a kind, in a slice of about a size, in an invented database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from benchmarks.explain_record_cases import OF_RECORDS
from benchmarks.explain_worlds import World, in_slice, random_slice, sized
from pipelines.synthetic.faults import Fault
from pipelines.synthetic.plain_faults import Truth, plant_plain

EVERYWHERE = 0.1  # of the big faults strike the whole country
NOT_ALL, MOSTLY = 0.25, (0.85, 0.99)  # so many faults strike only so much of their slice
EVENT_DATE = 0.2  # of the faults in dates strike the date that pairs are made by
OFTEN_SEVERAL = ("missing_in_new", "missing_in_reported", "date_shift", "text_form", "date_precision")


@dataclass(frozen=True)
class Case:
    """A planted fault: its truth, the world before it, and which new records it could show in (null: all)."""

    fault: Fault
    truth: Truth
    before: World
    affected: pl.Expr | None


def drawn(world: World, kind: str, size: int, names: tuple[str, ...] = ()):
    """(fault, variables, affected) of the kind in a slice of about `size` changed records, of the attributes
    `names` if any; None where the database has none."""
    made = PARAMETERS[kind](world) if kind in PARAMETERS else OF_RECORDS[kind](world, size)
    if made is None or kind in OF_RECORDS:
        return made
    fault, variables, affected = made
    frame = world.sides.new
    able = pl.lit(True) if affected is None else affected.fill_null(False)
    able = frame.select(pl.repeat(True, pl.len()) & able).to_series()
    if able.sum() < 20:
        return None
    attributes = names or (*world.attributes, *(n for n in world.names("sks", "code") if n not in variables))
    where = sized(
        world,
        size,
        lambda w: int((in_slice(world, w, frame) & able).sum()),
        lambda: random_slice(world, attributes, dated=world.spec.event_date not in variables),
    )
    if size >= 2000 and not names and world.rng.random() < EVERYWHERE:
        where = {}
    struck = {"share": float(world.rng.uniform(*MOSTLY))} if world.rng.random() < NOT_ALL else {}
    changed = {"slice": where, "parameters": {**fault.parameters, **struck}}
    return fault.model_copy(update=changed), _with_others(world, kind, variables), affected


def _with_others(world: World, kind: str, variables: tuple[str, ...]) -> tuple[str, ...]:
    """One fault often strikes several variables of a type."""
    type_ = world.spec.variables[variables[0]].type
    others = [name for name in world.names(type_) if name not in variables]
    if kind not in OFTEN_SEVERAL or not others or world.spec.event_date in variables or world.rng.random() < 0.75:
        return variables
    return (*variables, world.one(others))


def planted(world: World, fault: Fault, variables: tuple[str, ...], affected: pl.Expr | None, seed: int):
    """(the world with the fault, the case)."""
    sides, truth = plant_plain(world.spec, world.sides, fault, variables, seed)
    return world.with_sides(sides), Case(fault, truth, world, affected)


def _value(kind: str, types: tuple[str, ...], draw: Callable[[World, str], Any]):
    """A maker of faults in one variable; `draw` gives parameters and which values are changed."""

    def make(world: World):
        options = world.names(*types)
        if not options:
            return None
        is_key = types == DATES and world.rng.random() < EVENT_DATE
        name = world.spec.event_date if is_key else world.one(options)
        drawn = draw(world, name)
        if drawn is None:
            return None
        parameters, affected = drawn
        side = "reported" if kind == "missing_in_reported" else "new"
        return Fault(kind=kind, side=side, parameters=parameters), (name,), affected

    return make


def _has(world: World, name: str) -> pl.Expr:
    return pl.col(name).is_not_null()


def _factor(world: World, name: str):
    factor = world.one([1000, 0.001, 100, 0.01, 0.1, 2.2046, 0.4536, 60, 18.016, 0.0555])
    return {"factor": factor, **_written(world, name, factor)}, _has(world, name)


def _written(world: World, name: str, factor: float) -> dict[str, int]:
    """Half of what is converted is written with as many decimals as give three figures."""
    size = world.spec.variables[name].published.mean * factor
    return {"written": max(0, 2 - int(np.floor(np.log10(size))))} if world.rng.random() < 0.5 else {}


def _linear(world: World, name: str):
    a, b = world.one([(10.929, -23.5), (1.8, 32), (0.5556, -17.78), (2, 7)])
    return {"a": a, "b": b, **_written(world, name, a)}, _has(world, name)


def _offset(world: World, name: str):
    mean = world.spec.variables[name].published.mean
    step = max(1, round(mean * float(world.rng.uniform(0.03, 0.2))))
    return {"offset": int(world.one([step, -step]))}, _has(world, name)


def _decimals(world: World, name: str):
    return {"digits": 1}, pl.col(name) != pl.col(name).round(0)


def _rounded(world: World, name: str):
    if world.spec.variables[name].compare.absolute:
        return None
    return {"decimals": 0, "mode": world.one(["rounded", "truncated"])}, pl.col(name) != pl.col(name).round(0)


def _days(world: World, name: str):
    return {"days": int(world.one([-1, 1, 7, 30, -3, 365, -14]))}, _has(world, name)


def _precision(world: World, name: str):
    return {"precision": world.one(["month", "year"])}, _has(world, name)


def _mapping(world: World, name: str):
    codes = world.rng.permutation(list(world.spec.variables[name].domain)).tolist()
    n = int(world.rng.integers(1, len(codes)))
    mapping = dict(list(pairwise(codes))[:n])
    return {"mapping": mapping}, pl.col(name).is_in(list(mapping))


def _constant(world: World, name: str):
    variable = world.spec.variables[name]
    defaults = {"decimal": 99.9, "integer": 999, "date": "1900-01-01", "sks": "DZ719"}
    value = world.one(variable.domain) if variable.domain else defaults[variable.type]
    return {"value": value}, (pl.col(name).cast(pl.String) != str(value)).fill_null(True)


def _collapsed(world: World, name: str):
    codes = list(world.spec.variables[name].missing)
    if len(codes) < 2:
        return None
    values = ["no"] if world.spec.variables[name].type == "yes_no" else []
    target = world.one([codes[0], None, *values])
    return {"mapping": {code: target for code in codes if code != target}}, (
        pl.col(f"{name}_missing").is_in([code for code in codes if code != target])
    )


def _text(world: World, name: str):
    which = world.one(["case", "blanks", "mojibake"])
    return {"which": which}, pl.col(name).str.contains("[æøåÆØÅ]") if which == "mojibake" else _has(world, name)


def _prefix(world: World, name: str):
    change = world.one(["lost", "added"])
    return {"prefix": "D" if change == "lost" else "A", "change": change}, _has(world, name)


def _swapped(world: World, kinds: tuple[str, ...] = ("decimal", "integer", "date")):
    names = world.names(world.one(kinds))
    if len(names) < 2:
        return None
    a, b = sorted(world.rng.permutation(names)[:2].tolist())
    return Fault(kind="variables_swapped", parameters={"other": b}), (a,), _has(world, a)


def _picked(world: World):
    names = world.names(world.one(("decimal", "integer", "date")))
    if len(names) < 2:
        return None
    a, b = world.rng.permutation(names)[:2].tolist()
    both = _has(world, a) & _has(world, b)
    return Fault(kind="wrong_pick", parameters={"other": b, "which": b}), (a,), both


def _earlier(world: World, name: str):
    return {}, pl.col("person").is_duplicated()


def _sides(world: World, name: str):
    mapping = {"h": "v", "v": "h"}
    return (
        ({"mapping": mapping}, pl.col(name).is_in(list(mapping))) if "h" in world.spec.variables[name].domain else None
    )


def _any_value(world: World, name: str):
    return {}, _has(world, name)


NUMBERS, DATES = ("decimal", "integer"), ("date",)
MOST_TYPES = (*NUMBERS, *DATES, "code", "yes_no")
PARAMETERS: dict[str, Callable] = {
    "unit_factor": _value("unit_factor", NUMBERS, _factor),
    "unit_linear": _value("unit_linear", ("decimal",), _linear),
    "constant_offset": _value("constant_offset", NUMBERS, _offset),
    "decimal_lost": _value("decimal_lost", ("decimal",), _decimals),
    "rounded": _value("rounded", ("decimal",), _rounded),
    "sign_flipped": _value("sign_flipped", NUMBERS, _any_value),
    "digits_transposed": _value("digits_transposed", ("integer",), _any_value),
    "date_shift": _value("date_shift", DATES, _days),
    "timezone_shift": _value("timezone_shift", ("timestamp",), _any_value),
    "day_month_swapped": _value("day_month_swapped", DATES, lambda w, n: ({}, pl.col(n).dt.day() <= 12)),
    "date_precision": _value("date_precision", DATES, _precision),
    "code_recoded": _value("code_recoded", ("code",), _mapping),
    "side_swapped": _value("side_swapped", ("code",), _sides),
    "inverted": _value("inverted", ("yes_no",), _any_value),
    "code_truncated": _value("code_truncated", ("sks",), lambda w, n: ({"level": int(w.one([3, 4, 5]))}, _has(w, n))),
    "code_prefix": _value("code_prefix", ("sks",), _prefix),
    "text_form": _value("text_form", ("text",), _text),
    "constant_value": _value("constant_value", ("code", "decimal", "integer", "date", "sks"), _constant),
    "missing_in_new": _value("missing_in_new", (*MOST_TYPES, "sks", "text"), _any_value),
    "missing_in_reported": _value("missing_in_reported", MOST_TYPES, _any_value),
    "missing_collapsed": _value("missing_collapsed", (*NUMBERS, *DATES, "code", "yes_no"), _collapsed),
    "stale_value": _value("stale_value", (*NUMBERS, *DATES, "code"), _earlier),
    "variables_swapped": _swapped,
    "wrong_pick": _picked,
}  # fmt: skip


KINDS = (*PARAMETERS, *OF_RECORDS)
