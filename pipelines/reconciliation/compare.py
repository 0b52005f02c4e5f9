"""Do the two sides of a pair say the same? One outcome for each pair and variable, by the specification's rule.

Outcomes (exclusive, house contract): not_applicable, both_missing, missing_differs, reported_missing,
new_missing, agree, agree_within, differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl

from pipelines.spec.model import Variable

OUTCOMES = (
    "agree", "agree_within", "differ", "missing_differs", "reported_missing", "new_missing",
    "both_missing", "not_applicable",
)  # fmt: skip
DISCREPANT = ("differ", "missing_differs", "reported_missing", "new_missing")
OUTCOME = pl.Enum(OUTCOMES)
# Decimal fractions are not exact in binary; a difference below this is no difference.
EXACT = 1e-9


def outcome(name: str, variable: Variable, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The outcome of one variable as an Enum expression.

    Needs `v_reported`, `v_new`, `v_missing_reported`, `v_missing_new`; where there are any, the Boolean
    `v_relevant` (a condition of the specification holds) and `v_pending` (its registers may still change it).
    """
    reported, new = pl.col(f"{name}_reported"), pl.col(f"{name}_new")
    same_missing = pl.col(f"{name}_missing_reported").eq_missing(pl.col(f"{name}_missing_new"))
    relevant = pl.col(f"{name}_relevant").fill_null(False) if f"{name}_relevant" in schema else pl.lit(True)
    pending = pl.col(f"{name}_pending") if f"{name}_pending" in schema else pl.lit(False)
    filled = reported.is_not_null() | new.is_not_null()
    return (
        pl.when(pending | ~(relevant | filled)).then(_code("not_applicable"))
        .when(~filled).then(pl.when(same_missing).then(_code("both_missing")).otherwise(_code("missing_differs")))
        .when(reported.is_null()).then(_code("reported_missing"))
        .when(new.is_null()).then(_code("new_missing"))
        .when(_equal(variable, reported, new)).then(_code("agree"))
        .when(within(variable, reported, new)).then(_code("agree_within"))
        .otherwise(_code("differ"))
        .cat.to(OUTCOME)
    )  # fmt: skip


def outcome_at_level(name: str, whole: pl.Expr, level: int) -> pl.Expr:
    """The outcome where only so many leading characters of a code count, whatever the specification accepts."""
    alike = pl.col(f"{name}_reported").str.head(level) == pl.col(f"{name}_new").str.head(level)
    within_level = pl.when(alike).then(_code("agree_within")).otherwise(_code("differ")).cat.to(OUTCOME)
    return pl.when(whole.is_in(["agree_within", "differ"])).then(within_level).otherwise(whole)


def _code(outcome: str) -> pl.Expr:
    """Numbers are chosen faster than words."""
    return pl.lit(OUTCOMES.index(outcome), pl.UInt8)


def _equal(variable: Variable, reported: pl.Expr, new: pl.Expr) -> pl.Expr:
    return (new - reported).abs() <= EXACT if variable.numeric else reported == new


def within(variable: Variable, reported: pl.Expr, new: pl.Expr) -> pl.Expr:
    """Equal enough by the variable's own way of comparing."""
    way = variable.compare
    if way.absolute is not None:
        return (new - reported).abs() <= way.absolute + EXACT
    if way.relative is not None:
        return (new - reported).abs() <= way.relative * reported.abs() + EXACT
    if way.days is not None:
        return (new.cast(pl.Date) - reported.cast(pl.Date)).dt.total_days().abs() <= way.days
    if way.minutes is not None:
        return (new - reported).abs() <= dt.timedelta(minutes=way.minutes)
    if way.map is not None:
        return reported.replace_strict(way.map, default=None, return_dtype=pl.String) == new
    if way.level is not None:
        return reported.str.slice(0, way.level) == new.str.slice(0, way.level)
    if way.normalise:
        return normalised(reported, way.normalise) == normalised(new, way.normalise)
    return pl.lit(False)


def normalised(text: pl.Expr, which: bool | list[str]) -> pl.Expr:
    """The text without the differences that do not count: case, blanks, leading zeros."""
    parts = ("case", "blanks") if which is True else which
    if "case" in parts:
        text = text.str.to_uppercase()
    if "blanks" in parts:
        text = text.str.replace_all(r"\s+", "")
    return text.str.strip_chars_start("0") if "leading_zeros" in parts else text
