"""Discrepancies (uoverensstemmelser): a variable of a pair that differs, or a record on one side only.

An id is a hash of database, reported_id, new_id and variable, so that it stays the same whatever the order
of rows, columns or files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import polars as pl

from pipelines.reconciliation.compare import DISCREPANT
from pipelines.spec.model import DatabaseSpec, Variable

COLUMNS = (
    "discrepancy_id", "pair_id", "reported_id", "new_id", "variable", "kind", "reported_value", "new_value",
    "region", "unit", "period",
)  # fmt: skip


def hashed(database: str, *parts: Iterable[str | None]) -> list[str]:
    """Sixteen hexadecimal characters of a sha256 per row; a null part is told from an empty one."""
    rows = zip(*parts, strict=True)
    return [hashlib.sha256(repr((database, *row)).encode()).hexdigest()[:16] for row in rows]


def discrepancies(spec: DatabaseSpec, compared: pl.DataFrame, unmatched: pl.DataFrame) -> pl.DataFrame:
    """All discrepancies of a run, sorted by id: of variables, of keys, and records on one side only."""
    of_variables = [_of_variable(compared, name, variable) for name, variable in spec.compared.items()]
    rows = pl.concat([*of_variables, _of_keys(compared), _of_records(unmatched)])
    ids = hashed(spec.database, rows["reported_id"], rows["new_id"], rows["variable"])
    return rows.with_columns(discrepancy_id=pl.Series(ids, dtype=pl.String)).select(COLUMNS).sort("discrepancy_id")


def _of_variable(compared: pl.DataFrame, name: str, variable: Variable) -> pl.DataFrame:
    differing = compared.filter(pl.col(f"{name}_outcome").is_in(DISCREPANT))
    return differing.select(
        "pair_id", "reported_id", "new_id",
        pl.lit(name).alias("variable"),
        pl.col(f"{name}_outcome").cast(pl.String).alias("kind"),
        shown(name, variable, "reported").alias("reported_value"),
        shown(name, variable, "new").alias("new_value"),
        "region", "unit", "period",
    )  # fmt: skip


def shown(name: str, variable: Variable, side: str) -> pl.Expr:
    """A value as canonical text (decimal point, ISO date), or its missing code; null for an empty cell."""
    value = pl.col(f"{name}_{side}")
    text = value.dt.strftime("%Y-%m-%d %H:%M:%S") if variable.type == "timestamp" else value.cast(pl.String)
    return pl.coalesce(text, pl.col(f"{name}_missing_{side}"))


def _of_keys(compared: pl.DataFrame) -> pl.DataFrame:
    """Pairs that a late stage made: another unit, or another person number (whose value is never told)."""
    units_differ = (pl.col("unit_reported") != pl.col("unit_new")).fill_null(False)
    persons_differ = (pl.col("person_reported") != pl.col("person_new")).fill_null(False)
    return compared.filter(units_differ | persons_differ).select(
        "pair_id", "reported_id", "new_id",
        pl.lit(None, pl.String).alias("variable"),
        pl.lit("key_differs").alias("kind"),
        pl.col("unit_reported").alias("reported_value"),
        pl.col("unit_new").alias("new_value"),
        "region", "unit", "period",
    )  # fmt: skip


def _of_records(unmatched: pl.DataFrame) -> pl.DataFrame:
    is_new = pl.col("side") == "new"
    kind = pl.when(pl.col("surplus")).then(pl.lit("surplus")).when(is_new).then(pl.lit("only_new"))
    nothing = pl.lit(None, pl.String)
    return unmatched.select(
        nothing.alias("pair_id"),
        pl.when(~is_new).then("record_id").alias("reported_id"),
        pl.when(is_new).then("record_id").alias("new_id"),
        nothing.alias("variable"),
        kind.otherwise(pl.lit("only_reported")).alias("kind"),
        nothing.alias("reported_value"), nothing.alias("new_value"),
        "region", "unit", "period",
    )  # fmt: skip
