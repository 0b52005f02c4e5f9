"""The variables of a course: drawn from the published levels, relevant where only_if says so, rules kept."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

import numpy as np
import polars as pl
from scipy.stats import truncnorm

from pipelines.project import InputError
from pipelines.spec.expressions import Condition
from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.spec.published import Published
from pipelines.synthetic.patterns import text_of
from pipelines.synthetic.streams import stream

TYPES = {"decimal": pl.Float64, "integer": pl.Int64, "date": pl.Date, "timestamp": pl.Datetime("us")}
ROUNDS = 50  # of drawing again what breaks a rule
FIRST_HOUR, LAST_HOUR = 8, 16  # of an outpatient clinic; also keeps clear of the change of summer time


def with_values(spec: DatabaseSpec, courses: pl.DataFrame, seed: int, reference_date: dt.date) -> pl.DataFrame:
    """The courses with each variable `v` typed and its missing code `v_missing`.

    A course that breaks a rule across variables is drawn again whole, so that the levels stay as published
    given the rules. Raises InputError where no drawing meets the rules.
    """
    rules = [spec.condition(rule.holds) for rule in spec.rules.values()]
    kept, waiting = [], courses
    for attempt in range(ROUNDS):
        drawn = _drawn(spec, waiting, seed, attempt, reference_date)
        broken = breaks_any(drawn, rules)
        kept.append(drawn.filter(~broken))
        waiting = waiting.filter(broken)
        if waiting.is_empty():
            return pl.concat(kept).sort("course")
    raise InputError(
        f"{spec.database}: its published levels cannot meet its rules; loosen one of {', '.join(spec.rules)}."
    )


def breaks_any(frame: pl.DataFrame, conditions: Iterable[Condition]) -> pl.Series:
    """True for each row that breaks one of the conditions; unknown does not break it."""
    broken = pl.Series("broken", np.zeros(frame.height, dtype=bool))
    for condition in conditions:
        broken |= ~truth_of(frame, condition).fill_null(True)
    return broken


def truth_of(frame: pl.DataFrame, condition: Condition) -> pl.Series:
    """The condition for each row, with null where it cannot be said."""
    absent = [pl.lit(None, pl.String).alias(name) for name in condition.columns if name not in frame.columns]
    answer = frame.with_columns(absent).select(pl.sql_expr(condition.sql).alias("truth"))
    return answer["truth"].cast(pl.Boolean)


def order_of(spec: DatabaseSpec) -> list[str]:
    """The variables in an order in which each follows those it is drawn from."""
    waiting = [name for name in spec.variables if name != spec.event_date]
    ordered: list[str] = []
    while waiting:
        ready = [name for name in waiting if not _drawn_from(spec, name) & set(waiting)]
        if not ready:
            raise InputError(f"{spec.database}: {', '.join(waiting)} depend on each other (after, only_if).")
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return ordered


def _drawn_from(spec: DatabaseSpec, name: str) -> set[str]:
    variable = spec.variables[name]
    dates = {variable.published.after[0]} if variable.published and variable.published.after else set()
    if not variable.only_if:
        return dates
    return dates | {column.removesuffix("_missing") for column in spec.condition(variable.only_if).columns}


def _drawn(spec: DatabaseSpec, courses: pl.DataFrame, seed: int, attempt: int, reference_date: dt.date) -> pl.DataFrame:
    frame = courses
    if spec.event_date in spec.variables:
        frame = frame.with_columns(pl.lit(None, pl.String).alias(f"{spec.event_date}_missing"))
    for name in order_of(spec):
        rng = stream(seed, "value", name, str(attempt))
        frame = frame.with_columns(_variable(spec, name, frame, rng, reference_date))
    return frame


def _variable(
    spec: DatabaseSpec, name: str, frame: pl.DataFrame, rng: np.random.Generator, reference_date: dt.date
) -> list[pl.Series]:
    """The value and the missing code of one variable for every row; both null where it is not relevant."""
    variable = spec.variables[name]
    kind = TYPES.get(variable.type, pl.String)
    values = pl.Series(name, draw(variable, spec, frame, rng, reference_date), dtype=kind)
    codes = pl.Series(f"{name}_missing", missing_codes(variable, frame.height, rng), dtype=pl.String)
    relevant = _relevant(spec, variable, frame)
    stands = relevant & codes.is_null()
    table = pl.DataFrame([values, codes, stands.alias("stands"), relevant.alias("relevant")])
    return [
        table.select(pl.when("stands").then(name))[name],
        table.select(pl.when("relevant").then(f"{name}_missing"))[f"{name}_missing"],
    ]


def _relevant(spec: DatabaseSpec, variable: Variable, frame: pl.DataFrame) -> pl.Series:
    relevant = pl.Series(np.ones(frame.height, dtype=bool))
    if variable.only_if:
        relevant &= truth_of(frame, spec.condition(variable.only_if)).fill_null(False)
    low, high = variable.valid.from_ or dt.date.min, variable.valid.until or dt.date.max
    return relevant & frame[spec.event_date].cast(pl.Date).is_between(low, high)


def missing_codes(variable: Variable, n: int, rng: np.random.Generator) -> list[str | None]:
    """A missing code for the published share of rows, None for the rest."""
    shares = variable.published.missing if variable.published else {}
    codes = np.array([None, *shares], dtype=object)
    return rng.choice(codes, n, p=[1 - sum(shares.values()), *shares.values()]).tolist()


def draw(
    variable: Variable,
    spec: DatabaseSpec,
    frame: pl.DataFrame,
    rng: np.random.Generator,
    reference_date: dt.date,
) -> pl.Series | np.ndarray | list:
    """A value for every row, from the published levels or, where nothing is published, evenly."""
    published = variable.published or Published()
    if variable.numeric:
        return _numbers(variable, published, frame.height, rng)
    if variable.type in ("date", "timestamp"):
        return _dates(variable, published, spec, frame, rng, reference_date)
    if variable.type == "text":
        return [text_of(variable.pattern, rng) if variable.pattern else None for _ in range(frame.height)]
    return draw_codes(variable, frame.height, rng)


def draw_codes(variable: Variable, n: int, rng: np.random.Generator) -> list[str]:
    """Codes at their published shares; else each code of the domain as often as the others."""
    published = variable.published or Published()
    listed = [*variable.domain] or [code.rstrip("*") for code in variable.codes or []]
    shares = published.share or dict.fromkeys(listed, 1.0)
    weights = np.array([*shares.values()], dtype=float)
    return rng.choice(np.array([*shares], dtype=object), n, p=weights / weights.sum()).tolist()


def _numbers(variable: Variable, published: Published, n: int, rng: np.random.Generator) -> np.ndarray:
    low, high = variable.range or (-math.inf, math.inf)
    if published.mean is not None and published.sd:
        mean, sd = published.mean, published.sd
        drawn = truncnorm.rvs((low - mean) / sd, (high - mean) / sd, mean, sd, size=n, random_state=rng)
    else:
        drawn = rng.uniform(*(variable.range or (0, 100)), size=n)
    return drawn.round(decimals_of(variable)) if variable.type == "decimal" else drawn.round().astype(int)


def decimals_of(variable: Variable) -> int:
    """As many decimals as a clinic writes: one, or more where the published spread is smaller than that."""
    if variable.type == "integer":
        return 0
    spread = variable.published.sd if variable.published and variable.published.sd else 1
    return max(1, -math.floor(math.log10(spread)))


def _dates(
    variable: Variable,
    published: Published,
    spec: DatabaseSpec,
    frame: pl.DataFrame,
    rng: np.random.Generator,
    reference_date: dt.date,
) -> pl.Series:
    """So many days after another date, never after the reference date; a timestamp lies in opening hours."""
    anchor, low, high = published.after or (spec.event_date, 0, 0)
    days = pl.Series(rng.integers(low, high + 1, frame.height)) * dt.timedelta(days=1)
    dates = (frame[anchor].cast(pl.Date) + days).clip(upper_bound=reference_date)
    if variable.type == "date":
        return dates
    minutes = rng.integers(FIRST_HOUR * 12, LAST_HOUR * 12, frame.height) * 5
    return dates.cast(pl.Datetime("us")) + pl.Series(minutes) * dt.timedelta(minutes=1)
