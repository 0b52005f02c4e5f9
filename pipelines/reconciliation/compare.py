"""Do the two sides of a pair say the same? One outcome for each pair and variable, by the specification's rule.

Outcomes (exclusive, house contract): not_applicable, both_missing, missing_differs, reported_missing,
new_missing, agree, agree_within, differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl

from pipelines.spec.model import DatabaseSpec, Variable

OUTCOMES = (
    "agree", "agree_within", "differ", "missing_differs", "reported_missing", "new_missing",
    "both_missing", "not_applicable",
)  # fmt: skip
DISCREPANT = ("differ", "missing_differs", "reported_missing", "new_missing")
OUTCOME = pl.Enum(OUTCOMES)
# Decimal fractions are not exact in binary; a difference below this is no difference.
EXACT = 1e-9


def compare(spec: DatabaseSpec, pairs: pl.DataFrame) -> pl.DataFrame:
    """`pairs` with a column `v_outcome` for each compared variable.

    Needs for each variable `v_reported`, `v_new`, their `v_missing_reported`, `v_missing_new`, and for
    variables with conditional relevance the Boolean `v_relevant`.
    """
    return pairs.with_columns(
        outcome(name, variable, pairs.schema).alias(f"{name}_outcome") for name, variable in spec.compared.items()
    )


def outcome(name: str, variable: Variable, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The outcome of one variable as an Enum expression."""
    reported, new = pl.col(f"{name}_reported"), pl.col(f"{name}_new")
    same_missing = pl.col(f"{name}_missing_reported").eq_missing(pl.col(f"{name}_missing_new"))
    relevant = pl.col(f"{name}_relevant").fill_null(False) if f"{name}_relevant" in schema else pl.lit(True)
    filled = reported.is_not_null() | new.is_not_null()
    return (
        pl.when(~(relevant | filled)).then(pl.lit("not_applicable"))
        .when(~filled).then(pl.when(same_missing).then(pl.lit("both_missing")).otherwise(pl.lit("missing_differs")))
        .when(reported.is_null()).then(pl.lit("reported_missing"))
        .when(new.is_null()).then(pl.lit("new_missing"))
        .when(_equal(variable, reported, new)).then(pl.lit("agree"))
        .when(_within(variable, reported, new)).then(pl.lit("agree_within"))
        .otherwise(pl.lit("differ"))
        .cast(OUTCOME)
    )  # fmt: skip


def _equal(variable: Variable, reported: pl.Expr, new: pl.Expr) -> pl.Expr:
    return (new - reported).abs() <= EXACT if variable.numeric else reported == new


def _within(variable: Variable, reported: pl.Expr, new: pl.Expr) -> pl.Expr:
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
