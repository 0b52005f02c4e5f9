"""Conditions in a specification: SQL text, parsed and held against the known variables.

Only comparisons, arithmetic, boolean logic and a few functions are let through; anything else
(a subquery, another table, a function that reads files) is refused when the specification is read.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

ALLOWED = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Neg,
    exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Between, exp.Like,
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Abs, exp.Coalesce, exp.Case, exp.If,
    exp.Cast, exp.DataType,
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A parsed condition: `text` as the specification says it, `sql` as DuckDB and Polars run it."""

    text: str
    sql: str
    columns: tuple[str, ...]

    def holds(self, row: Mapping[str, Any]) -> bool | None:
        """The naive meaning for one row, with SQL's three values (null: cannot be said)."""
        return evaluate(sqlglot.parse_one(self.sql, dialect="duckdb"), row)


def parse_condition(text: str, known: Collection[str]) -> Condition:
    """Read a condition such as `echo = 'yes'`; `echo is missing` may be said for `echo is null`.

    Raises ValueError with one sentence where the text is no condition on `known` columns.
    """
    plain = re.sub(r"\bis\s+(not\s+)?missing\b", r"is \1null", text, flags=re.IGNORECASE)
    try:
        tree = sqlglot.parse_one(plain, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        raise ValueError(f"'{text}' is not a condition that can be read") from None
    for node in tree.walk():
        if not isinstance(node, ALLOWED):
            raise ValueError(f"'{text}' uses {node.key.upper()}, which a specification may not use")
    columns = sorted({column.name for column in tree.find_all(exp.Column)})
    if strange := [c.to.sql() for c in tree.find_all(exp.Cast) if c.to.this not in CASTS]:
        raise ValueError(f"'{text}' casts to {strange[0]}, which a specification may not use")
    if qualified := [c.sql() for c in tree.find_all(exp.Column) if c.table]:
        raise ValueError(f"'{text}' names {qualified[0]}: variables stand without a table name")
    if unknown := [name for name in columns if name not in known]:
        raise ValueError(f"'{text}' names {unknown[0]}, which is not a variable of this specification")
    return Condition(text, tree.sql(dialect="duckdb"), tuple(columns))


def evaluate(node: exp.Expression, row: Mapping[str, Any]) -> Any:
    """One value at a time, in plain Python: the meaning that SQL is tested against."""
    match node:
        case exp.Column():
            return row.get(node.name)
        case exp.Literal():
            return node.this if node.is_string else float(node.this)
        case exp.Boolean():
            return node.this
        case exp.Null():
            return None
        case exp.Paren():
            return evaluate(node.this, row)
        case exp.And() | exp.Or():
            return _logic(node, evaluate(node.this, row), evaluate(node.expression, row))
        case exp.Not():
            inner = evaluate(node.this, row)
            return None if inner is None else not inner
        case exp.Is():
            return evaluate(node.this, row) is evaluate(node.expression, row)
        case exp.Coalesce():
            values = [evaluate(item, row) for item in (node.this, *node.expressions)]
            return next((value for value in values if value is not None), None)
        case exp.Case():
            return _case(node, row)
        case exp.If():
            return _branch([node], node.args.get("false"), row)
        case exp.Between():
            low, high = (
                exp.GTE(this=node.this, expression=node.args["low"]),
                exp.LTE(this=node.this, expression=node.args["high"]),
            )
            return evaluate(exp.And(this=low, expression=high), row)
        case exp.In():
            return _among(evaluate(node.this, row), [evaluate(item, row) for item in node.expressions])
        case exp.Cast():
            value = evaluate(node.this, row)
            return None if value is None else CASTS[node.to.this](value)
    return _strict(node, row)


def _logic(node: exp.Expression, left: bool | None, right: bool | None) -> bool | None:
    decisive = isinstance(node, exp.Or)
    if decisive in (left, right):
        return decisive
    return None if None in (left, right) else not decisive


def _case(node: exp.Case, row: Mapping[str, Any]) -> Any:
    """`case when … then …`, or `case x when value then …`, which asks whether x is that value."""
    branches = node.args["ifs"]
    if node.this is not None:
        branches = [
            exp.If(this=exp.EQ(this=node.this, expression=branch.this), true=branch.args["true"]) for branch in branches
        ]
    return _branch(branches, node.args.get("default"), row)


def _branch(branches: Sequence[exp.If], default: exp.Expression | None, row: Mapping[str, Any]) -> Any:
    for branch in branches:
        if evaluate(branch.this, row) is True:
            return evaluate(branch.args["true"], row)
    return evaluate(default, row) if default is not None else None


def _among(value: Any, values: list[Any]) -> bool | None:
    if value is None:
        return None
    first, *rest = _alike([value, *values])
    if first in rest:
        return True
    return None if None in rest else False


def _strict(node: exp.Expression, row: Mapping[str, Any]) -> Any:
    """Operators whose answer is null as soon as one of their values is."""
    operands = [evaluate(item, row) for item in node.iter_expressions()]
    if any(value is None for value in operands):
        return None
    first, *rest = _alike(operands)
    match node:
        case exp.Like():
            pattern = re.escape(rest[0]).replace("%", ".*").replace("_", ".")
            return re.fullmatch(pattern, first, re.DOTALL) is not None
        case exp.Neg():
            return -first
        case exp.Abs():
            return abs(first)
        case exp.Div():
            return first / rest[0] if rest[0] else math.copysign(math.inf, first)  # as DuckDB does
    return BINARY[type(node)](first, rest[0])


def _alike(operands: list[Any]) -> list[Any]:
    """A text or a date beside a time is read as a time, a text beside a date as a date, as DuckDB does."""
    if any(isinstance(value, dt.datetime) for value in operands):
        return [dt.datetime.fromisoformat(str(v)) if isinstance(v, str | dt.date) else v for v in operands]
    if any(isinstance(value, dt.date) for value in operands):
        return [dt.date.fromisoformat(value) if isinstance(value, str) else value for value in operands]
    return operands


BINARY = {
    exp.EQ: lambda a, b: a == b,
    exp.NEQ: lambda a, b: a != b,
    exp.GT: lambda a, b: a > b,
    exp.GTE: lambda a, b: a >= b,
    exp.LT: lambda a, b: a < b,
    exp.LTE: lambda a, b: a <= b,
    exp.Add: lambda a, b: a + _days(b) if isinstance(a, dt.date) else a + b,
    exp.Sub: lambda a, b: _minus(a, b) if isinstance(a, dt.date) else a - b,
    exp.Mul: lambda a, b: a * b,
}

CASTS = {
    exp.DataType.Type.DATE: lambda value: dt.date.fromisoformat(str(value)[:10]),
    exp.DataType.Type.TIMESTAMP: lambda value: dt.datetime.fromisoformat(str(value)),
    exp.DataType.Type.TEXT: lambda value: f"{value:g}" if isinstance(value, float) else str(value),
    exp.DataType.Type.DOUBLE: float,
    exp.DataType.Type.INT: lambda value: round(float(value)),
    exp.DataType.Type.BIGINT: lambda value: round(float(value)),
}


def _minus(day: dt.date, other: Any) -> Any:
    """Days between two dates, or the date so many days before."""
    return (day - other).days if isinstance(other, dt.date) else day - _days(other)


def _days(number: float) -> dt.timedelta:
    return dt.timedelta(days=number)
