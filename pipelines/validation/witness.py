"""The second engine at the boundary: pandera holds the same rows against the same rules, row by row.

DuckDB's counts decide (docs/decisions/0003); a rule on which the engines differ has two meanings, and then
nothing may go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from pipelines.project import InputError
from pipelines.spec.constraint_kinds import Constraint
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.to_pandera import failures, pandera_schema, shared_rules
from pipelines.validation.check import Validation


def pandera_counts(
    connection: duckdb.DuckDBPyConnection, spec: DatabaseSpec, table: str, constraints: Sequence[Constraint]
) -> dict[str, int]:
    """Rows that broke each rule that pandera can say."""
    schema = pandera_schema(spec, constraints)
    broken = failures(schema, connection.execute(f"from {table}").pl())
    counts = dict(broken.group_by("rule").len().rows())
    return {rule: counts.get(rule, 0) for rule in shared_rules(schema)}


def hold_together(validation: Validation, witness: str, counts: Mapping[str, int]) -> None:
    """Raises InputError where a witness counts otherwise than DuckDB on a rule that both know."""
    for rule in validation.rules:
        said = counts.get(rule.rule, rule.violated)
        if said != rule.violated:
            raise InputError(
                f"The engines differ on the rule {rule.rule}: DuckDB finds {rule.violated} rows, {witness} {said}; "
                "mend the rule in the specification, nothing was published."
            )
