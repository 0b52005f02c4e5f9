"""Is each record what the specification says? One pass of DuckDB SQL counts, a second names the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import polars as pl

from pipelines.project import InputError
from pipelines.spec.constraint_kinds import Constraint
from pipelines.spec.constraints import reason_of
from pipelines.spec.model import DatabaseSpec, Severity

Status = Literal["passed", "failed", "not_applicable", "error"]

FIRST_LINES = 5
FINDINGS = {
    "receipt_id": pl.String,
    "line": pl.Int64,
    "record_id": pl.String,
    "variable": pl.String,
    "rule": pl.String,
    "severity": pl.String,
    "reason": pl.String,
}


@dataclass(frozen=True)
class RuleResult:
    """How a table did against one rule: rows that broke it, of the rows that could (`eligible`).

    Both are None where the rule could not be evaluated. `first_lines` are the first lines that broke it.
    """

    rule: str
    variable: str | None
    kind: str
    severity: Severity
    reason: str
    violated: int | None
    eligible: int | None
    first_lines: tuple[int, ...] = ()

    @property
    def status(self) -> Status:
        """Zero of zero is not applicable, never passed; what could not be evaluated is an error."""
        if self.violated is None:
            return "error"
        if self.violated:
            return "failed"
        return "passed" if self.eligible else "not_applicable"


@dataclass(frozen=True)
class Validation:
    """The rules' results and the findings (one row per broken rule and line; never a value).

    rows_in = rows_accepted + rows_quarantined; a row is quarantined when it breaks a rule of severity error.
    """

    rules: tuple[RuleResult, ...]
    findings: pl.DataFrame
    rows_in: int
    rows_accepted: int
    rows_quarantined: int

    @property
    def unjudged(self) -> tuple[RuleResult, ...]:
        """The rules that could not be evaluated: nothing may count as passed while there are any."""
        return tuple(rule for rule in self.rules if rule.status == "error")


def check(
    connection: duckdb.DuckDBPyConnection,
    spec: DatabaseSpec,
    table: str,
    constraints: Sequence[Constraint],
) -> Validation:
    """Hold every row of a typed table (or view) against the rules.

    `table` is a relation name that `connection` knows and has the columns of `to_duckdb.typed_columns`.
    Raises InputError where the table itself cannot be read.
    """
    rows_in = _count(connection, table)
    counts = _counts(connection, table, constraints)
    broken = [rule for rule in constraints if counts[rule.id][0]]
    reasons = {rule.id: reason_of(spec, rule) for rule in constraints}
    findings = _findings(connection, table, broken, reasons)
    quarantined = _count(connection, table, _any([rule for rule in broken if rule.severity == "error"]))
    lines = _first_lines(findings)
    rules = tuple(
        RuleResult(
            rule=rule.id,
            variable=rule.variable,
            kind=rule.kind,
            severity=rule.severity,
            reason=reasons[rule.id],
            violated=counts[rule.id][0],
            eligible=counts[rule.id][1],
            first_lines=lines.get(rule.id, ()),
        )
        for rule in constraints
    )
    return Validation(rules, findings, rows_in, rows_in - quarantined, quarantined)


def mark_quarantined(connection: duckdb.DuckDBPyConnection, table: str, findings: pl.DataFrame) -> int:
    """Set `quarantined` on the rows of a typed table that a finding of severity error names, and only those.

    Rows of receipts that the findings do not name keep their mark. Gives back how many rows are held back now.
    """
    errors = findings.filter(pl.col("severity") == "error").select("receipt_id", "line").unique()
    connection.register("errors_to_mark", errors.to_arrow())
    try:
        connection.execute(
            f"update {table} set quarantined = true from errors_to_mark e "
            f"where {table}.receipt_id is not distinct from e.receipt_id and {table}.line = e.line"
        )
    finally:
        connection.unregister("errors_to_mark")
    return _count(connection, table, "quarantined")


def _counts(
    connection: duckdb.DuckDBPyConnection, table: str, constraints: Sequence[Constraint]
) -> dict[str, tuple[int | None, int | None]]:
    """Violated and eligible rows per rule, in one pass; rule by rule only where that pass fails."""
    try:
        return _count_rules(connection, table, constraints)
    except duckdb.Error:
        if len(constraints) == 1:
            return {constraints[0].id: (None, None)}
        return {rule.id: _counts(connection, table, [rule])[rule.id] for rule in constraints}


def _count_rules(
    connection: duckdb.DuckDBPyConnection, table: str, constraints: Sequence[Constraint]
) -> dict[str, tuple[int | None, int | None]]:
    asked = [f"count(*) filter (where {sql})" for rule in constraints for sql in (rule.violation(), rule.applies())]
    found = connection.execute(f"select {', '.join(asked) or '0'} from {table}").fetchone()
    return {rule.id: (found[2 * n], found[2 * n + 1]) for n, rule in enumerate(constraints)}


def _findings(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    broken: Sequence[Constraint],
    reasons: dict[str, str],
) -> pl.DataFrame:
    """One row per line and broken rule, in the order of the file and of the specification."""
    if not broken:
        return pl.DataFrame(schema=FINDINGS)
    numbers = ", ".join(f"case when {rule.violation()} then {n} end" for n, rule in enumerate(broken))
    found = connection.execute(
        "select receipt_id, line::bigint as line, record_id, unnest(numbers) as number from "
        f"(select receipt_id, line, record_id, list_filter([{numbers}], lambda n: n is not null) as numbers "
        f"from {table}) order by receipt_id, line, number"
    ).pl()
    rules = pl.DataFrame(
        {
            "number": range(len(broken)),
            "variable": [rule.variable for rule in broken],
            "rule": [rule.id for rule in broken],
            "severity": [rule.severity for rule in broken],
            "reason": [reasons[rule.id] for rule in broken],
        }
    ).with_columns(number=pl.col("number").cast(found.schema["number"]))
    joined = found.join(rules, on="number", how="left", maintain_order="left")
    return joined.select(pl.col(name).cast(kind) for name, kind in FINDINGS.items())


def _first_lines(findings: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    """The first lines of each rule, in the order of the file."""
    grouped = findings.group_by("rule", maintain_order=True).agg(pl.col("line").drop_nulls().head(FIRST_LINES))
    return {rule: tuple(lines) for rule, lines in grouped.iter_rows()}


def _any(rules: Sequence[Constraint]) -> str:
    return " or ".join(f"coalesce({rule.violation()}, false)" for rule in rules) or "false"


def _count(connection: duckdb.DuckDBPyConnection, table: str, where: str = "true") -> int:
    try:
        return connection.execute(f"select count(*) filter (where {where}) from {table}").fetchone()[0]
    except duckdb.Error:
        raise InputError(f"The table {table} cannot be read: load the file before it is checked.") from None
