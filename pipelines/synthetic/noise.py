"""Typing by hand: digits transposed, the neighbouring code, a date some days off, a value left out.

The rate varies between units as it does in practice (beta distributed around the published rate);
it never makes a record break a rule, since a form refuses what is out of bounds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from pipelines.spec.constraint_kinds import Constraint, Holds, Required
from pipelines.spec.constraints import constraints_of
from pipelines.spec.expressions import Condition
from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.spec.published import Published
from pipelines.synthetic.streams import stream
from pipelines.synthetic.values import decimals_of, draw_codes, truth_of

SPREAD = 0.02  # intraclass correlation of errors within a unit
LEFT_OUT = 0.2  # share of the errors that are a value left out
MOST_DAYS = 3

Slip = Callable[[Any, np.random.Generator], Any]


def typed_by_hand(
    spec: DatabaseSpec, courses: pl.DataFrame, source: str, seed: int, reference_date: dt.date, purpose: str
) -> pl.DataFrame:
    """The courses as somebody typed them: every variable wrong at about its published rate of noise."""
    rules = [c for c in constraints_of(spec, source, reference_date) if not isinstance(c, Holds)]
    frame = courses
    for name in spec.variables:
        rng = stream(seed, purpose, name)
        about = [rule for rule in rules if rule.variable == name]
        frame = frame.with_columns(_typed_variable(spec, name, courses, about, rng))
    return _rules_kept(spec, source, courses, frame)


def unit_rates(units: pl.Series, mean: float, rng: np.random.Generator) -> np.ndarray:
    """A rate for every row: one per unit, beta distributed around `mean` (intraclass correlation SPREAD)."""
    if not 0 < mean < 1:
        return np.full(len(units), mean)
    names = units.unique().sort().to_list()
    weight = 1 / SPREAD - 1
    rates = dict(zip(names, rng.beta(mean * weight, (1 - mean) * weight, len(names)), strict=True))
    return np.array([rates[unit] for unit in units])


def _typed_variable(
    spec: DatabaseSpec, name: str, courses: pl.DataFrame, rules: list[Constraint], rng: np.random.Generator
) -> list[pl.Series]:
    variable = spec.variables[name]
    noise = (variable.published or Published()).noise
    wrong = rng.random(courses.height) < unit_rates(courses["unit"], noise, rng)
    left_out = rng.random(courses.height) < LEFT_OUT
    values, codes = courses[name].to_list(), courses[f"{name}_missing"].to_list()
    optional = not any(isinstance(rule, Required) for rule in rules)
    slip = slip_of(variable)
    for place in np.flatnonzero(wrong):
        if values[place] is None:
            continue
        if left_out[place] and (optional or (variable.missing and name != spec.event_date)):
            values[place], codes[place] = None, _code_left_out(variable, rng)
        else:
            values[place] = _within(rules, name, values[place], slip(values[place], rng))
    kind = courses.schema[name]
    return [pl.Series(name, values, dtype=kind), pl.Series(f"{name}_missing", codes, dtype=pl.String)]


def _code_left_out(variable: Variable, rng: np.random.Generator) -> str | None:
    codes = [*(variable.published.missing if variable.published else {})] or [*variable.missing]
    return str(rng.choice(codes)) if codes else None


def _within(rules: list[Constraint], name: str, value: Any, other: Any) -> Any:
    """The other value, unless a rule on the variable refuses it."""
    return value if any(rule.violated({name: other}) for rule in rules) else other


def slip_of(variable: Variable) -> Slip:
    """How a hand goes wrong on a variable of this type."""
    if variable.numeric:
        decimals = decimals_of(variable)
        number = int if variable.type == "integer" else float
        return lambda value, rng: number(slip_digits(f"{value:.{decimals}f}", rng))
    if variable.type == "date":
        return lambda value, rng: value + dt.timedelta(days=_some(MOST_DAYS, rng))
    if variable.type == "timestamp":
        return lambda value, rng: value + dt.timedelta(minutes=20 * _some(9, rng))
    if variable.type == "text":
        return slip_digits
    return lambda value, rng: _other_code(variable, value, rng)


def slip_digits(text: str, rng: np.random.Generator) -> str:
    """Two neighbouring digits exchanged, or where they are alike one digit typed as its neighbour."""
    places = [place for place, letter in enumerate(text) if letter.isdigit()]
    if not places:
        return text
    place = int(rng.choice(places))
    letters = list(text)
    follower = place + 1
    if follower in places and letters[place] != letters[follower]:
        letters[place], letters[follower] = letters[follower], letters[place]
    else:
        letters[place] = str((int(letters[place]) + 1) % 10)
    return "".join(letters)


def _some(most: int, rng: np.random.Generator) -> int:
    """A whole number from -most to most, not 0."""
    return int(rng.integers(1, most + 1)) * (1 if rng.random() < 0.5 else -1)


def _other_code(variable: Variable, value: str, rng: np.random.Generator) -> str:
    """The neighbouring class of an ordinal variable; else another code, as often as it is used."""
    codes = [*variable.domain]
    if variable.ordinal and value in codes:
        place = codes.index(value) + (1 if rng.random() < 0.5 else -1)
        return codes[min(max(place, 0), len(codes) - 1)]
    if len(codes) == 2:
        return codes[1 - codes.index(value)]
    return draw_codes(variable, 1, rng)[0]


def _rules_kept(spec: DatabaseSpec, source: str, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Where an error broke a rule across variables, what the rule names stands as it was.

    One pass per rule: what one rule restores may have broken another.
    """
    conditions = _conditions(spec, source)
    for condition in conditions * len(conditions):
        broken = ~truth_of(after, condition).fill_null(True)
        named = {column.removesuffix("_missing") for column in condition.columns} & set(spec.variables)
        columns = [column for name in sorted(named) for column in (name, f"{name}_missing")]
        after = after.with_columns(
            pl.when(broken).then(before[column]).otherwise(after[column]).alias(column) for column in columns
        )
    return after


def _conditions(spec: DatabaseSpec, source: str) -> list[Condition]:
    """The rules, and for each variable that is required only somewhere, that it is filled in there."""
    conditional = [
        f"not ({variable.only_if}) or {name} is not null or {name}_missing is not null"
        for name, variable in spec.variables.items()
        if variable.only_if and variable.required_in(source)
    ]
    return [spec.condition(text) for text in (*(rule.holds for rule in spec.rules.values()), *conditional)]
