"""DatabaseSpec → pandera schema over the typed layer: the same rules, said in Polars, row by row.

Every constraint is a check on its variable's column, with the rule's id as the error. All kinds can be
said; a condition that Polars cannot evaluate as DuckDB does (it casts texts less freely, and adds no days
to dates) is left out, and `shared_rules` says which stand. DuckDB's counts decide (validation.check);
this is a second opinion.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandera.errors
import pandera.polars as pa
import polars as pl
import sqlglot
from sqlglot import exp

from pipelines.project import InputError
from pipelines.spec.constraint_kinds import (
    Allowed,
    Castable,
    Constraint,
    Holds,
    InForce,
    InRange,
    Matches,
    NotInFuture,
    Required,
)
from pipelines.spec.expressions import Condition
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.person_number import CPR, MODULUS_11, REPLACEMENT_CPR
from pipelines.spec.record_kinds import CheckDigit, KnownUnit, OncePerFile, OwnRegion, PersonNumber, Present
from pipelines.spec.record_kinds import TestPerson as KnownTestPerson
from pipelines.spec.to_duckdb import typed_columns

POLARS_TYPES = {
    "varchar": pl.String,
    "double": pl.Float64,
    "bigint": pl.Int64,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
}
FAILURES = {"rule": pl.String, "row": pl.Int64}


def pandera_schema(spec: DatabaseSpec, constraints: Sequence[Constraint]) -> pa.DataFrameSchema:
    """The schema of typed rows (a DataFrame, not a LazyFrame: pandera skips the data of those)."""
    types = polars_types(spec)
    checks: dict[str, list[pa.Check]] = {name: [] for name in types}
    for rule in constraints:
        violated = _said_in_polars(rule, types)
        if violated is not None:
            checks[rule.variable].append(_check(rule.id, violated))
    columns = {name: pa.Column(types[name], made, nullable=True) for name, made in checks.items()}
    return pa.DataFrameSchema(columns, name=f"{spec.database} {spec.version}")


def shared_rules(schema: pa.DataFrameSchema) -> tuple[str, ...]:
    """The ids of the rules that the schema holds rows against."""
    return tuple(check.error for column in schema.columns.values() for check in column.checks)


def failures(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> pl.DataFrame:
    """Every broken rule with the row (counted from 0) that breaks it; never a value.

    Raises InputError where `frame` lacks a column of the typed layer or has it in another type, and where
    a rule could not be evaluated.
    """
    _refuse_other_shape(schema, frame)
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as problem:
        found = problem.failure_cases.select(rule="check", row=pl.col("index").cast(pl.Int64))
    else:
        return pl.DataFrame(schema=FAILURES)
    if strange := found.filter(pl.col("row").is_null())["rule"].to_list():
        raise InputError(f"The rule {strange[0]} cannot be evaluated: mend it in the specification.")
    return found.sort("row", "rule")


def polars_types(spec: DatabaseSpec) -> dict[str, pl.DataType]:
    """The columns of the typed layer that rules speak of, with their Polars types."""
    not_ruled = ("receipt_id", "line", "action", "sequence")
    return {name: POLARS_TYPES[kind] for name, kind in typed_columns(spec).items() if name not in not_ruled}


def _check(rule: str, violated: pl.Expr) -> pa.Check:
    stands = ~violated.fill_null(False)
    return pa.Check(lambda data: data.lazyframe.select(stands), error=rule, name=rule, ignore_na=False)


def _said_in_polars(rule: Constraint, types: dict[str, pl.DataType]) -> pl.Expr | None:
    """Where the rule is broken, or None where Polars cannot evaluate it (asked of an empty frame)."""
    try:
        violated = _violated(rule, types)
        pl.DataFrame(schema=types).select(violated)
    except pl.exceptions.PolarsError:
        return None
    return violated


def _refuse_other_shape(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> None:
    for name, column in schema.columns.items():
        if frame.schema.get(name) != column.dtype.type:
            raise InputError(f"The column {name} is not as in the typed layer: load the file with conform.")


def _violated(rule: Constraint, types: dict[str, pl.DataType]) -> pl.Expr:
    """True where the rule is broken; null counts as not broken."""
    value = pl.col(rule.variable)
    match rule:
        case Required():
            return _required(rule, types)
        case Castable():
            return pl.col(f"{rule.variable}_uncast")
        case InRange():
            return ~value.is_between(rule.low, rule.high)
        case Allowed():
            return ~value.is_in(rule.codes)
        case Matches():
            return ~value.str.contains(rule.pattern)
        case InForce():
            return value.is_not_null() & _outside(rule)
        case NotInFuture():
            return value.cast(pl.Date) > rule.reference_date
        case Holds():
            return ~condition_in_polars(rule.condition, types)
    return _record_violated(rule, value)


def _record_violated(rule: Constraint, value: pl.Expr) -> pl.Expr:
    match rule:
        case Present():
            return value.cast(pl.String).fill_null("") == ""
        case OncePerFile():
            return pl.col("same_id") > 0
        case PersonNumber():
            known = value.str.contains(REPLACEMENT_CPR)
            return (value != "") & ~known & (~value.str.contains(CPR) | ~_has_birth_date(value))
        case CheckDigit():
            fails = value.str.contains(CPR) & (_weighed(value) % 11 != 0)
            return fails | value.str.contains(REPLACEMENT_CPR)
        case KnownTestPerson():
            return value.is_in(rule.persons)
        case KnownUnit():
            return (value != "") & pl.col("unit_region").is_null()
        case OwnRegion():
            return pl.col("unit_region") != pl.col("channel_region")
    raise TypeError(f"{rule.kind} is not said in Polars")


def _required(rule: Required, types: dict[str, pl.DataType]) -> pl.Expr:
    name = rule.variable
    empty = pl.col(name).is_null() & pl.col(f"{name}_missing").is_null() & ~pl.col(f"{name}_uncast")
    return empty & condition_in_polars(rule.only_if, types) if rule.only_if else empty


def _outside(rule: InForce) -> pl.Expr:
    day = pl.col(rule.event_date).cast(pl.Date)
    first, last = rule.validity.from_ or dt.date.min, rule.validity.until or dt.date.max
    return ~day.is_between(first, last)


def _weighed(person: pl.Expr) -> pl.Expr:
    digits = [person.str.slice(place, 1).cast(pl.Int64, strict=False) for place in range(len(MODULUS_11))]
    return pl.sum_horizontal(weight * digit for weight, digit in zip(MODULUS_11, digits, strict=True))


def _has_birth_date(person: pl.Expr) -> pl.Expr:
    """29 February needs a leap year; digit 7 decides the century (person_number.birth_date)."""
    year, seventh = person.str.slice(4, 2), person.str.slice(6, 1)
    early = pl.when(year <= "36").then(pl.lit("20")).otherwise(pl.lit("19"))
    late = pl.when(year <= "57").then(pl.lit("20")).otherwise(pl.lit("18"))
    ruled = pl.when(seventh.is_in(["4", "9"])).then(early).otherwise(late)
    century = pl.when(seventh <= "3").then(pl.lit("19")).otherwise(ruled)
    text = pl.concat_str(century, year, person.str.slice(2, 2), person.str.slice(0, 2))
    return text.str.to_date("%Y%m%d", strict=False).is_not_null()


def condition_in_polars(condition: Condition, types: dict[str, pl.DataType]) -> pl.Expr:
    """A condition as a Polars expression: the same SQL, with the dates among its texts said as dates.

    Raises InvalidOperationError for sums of dates: Polars counts their difference in microseconds.
    """
    tree = sqlglot.parse_one(condition.sql, dialect="duckdb")
    if any(_time_beside(node, types) for node in tree.find_all(exp.Add, exp.Sub)):
        raise pl.exceptions.InvalidOperationError("a sum of dates")
    for literal in list(tree.find_all(exp.Literal)):
        kind = _time_beside(literal.parent, types)
        if literal.is_string and kind and not isinstance(literal.parent, exp.Cast):
            literal.replace(exp.cast(literal.copy(), kind))
    return pl.sql_expr(tree.sql(dialect="duckdb"))


def _time_beside(node: exp.Expression, types: dict[str, pl.DataType]) -> str | None:
    """The kind of time among the columns of a part of a condition."""
    beside = {types.get(column.name) for column in node.find_all(exp.Column)}
    if POLARS_TYPES["timestamp"] in beside:
        return "timestamp"
    return "date" if POLARS_TYPES["date"] in beside else None
