"""How often the two sides say the same: counts of outcomes, shares and their Wilson intervals."""

from __future__ import annotations

import polars as pl

from pipelines.reconciliation.compare import OUTCOME, OUTCOMES
from pipelines.reconciliation.intervals import wilson_columns
from pipelines.reconciliation.rollup import PLACES, rolled_up
from pipelines.spec.model import DatabaseSpec

# SKS diagnoses: D + three characters is the ICD-10 category, one more the subcategory. Agreement on codes is
# stated for both besides the whole code.
CODE_LEVELS = (4, 5)
COUNTS = dict.fromkeys(("variable", "level", *PLACES), pl.String) | dict.fromkeys(OUTCOMES, pl.Int64)


def agreement(spec: DatabaseSpec, compared: pl.DataFrame) -> pl.DataFrame:
    """agreement.parquet: one row per variable × place × code level.

    share = (agree + agree_within) ÷ both_known, with a 95 % Wilson interval; null where nothing is known.
    """
    parts = [_counts(spec, compared, name, level) for name in spec.compared for level in _levels(spec, name)]
    counts = rolled_up(pl.concat([pl.DataFrame(schema=COUNTS), *parts]), ("variable", "level"))
    both_known = pl.sum_horizontal("agree", "agree_within", "differ")
    relevant = pl.sum_horizontal(*OUTCOMES) - pl.col("not_applicable")
    counts = counts.with_columns(relevant=relevant, both_known=both_known)
    counts = counts.with_columns(agreeing=pl.col("agree") + pl.col("agree_within"))
    return wilson_columns(counts, "agreeing", "both_known", "share").select(
        "variable", *PLACES, "level", "relevant", "both_known", "agree", "agree_within", "differ",
        "missing_differs", "reported_missing", "new_missing", "both_missing", "not_applicable",
        "share", "share_low", "share_high",
    )  # fmt: skip


def _levels(spec: DatabaseSpec, name: str) -> tuple[int | None, ...]:
    return (None, *CODE_LEVELS) if spec.variables[name].type == "sks" else (None,)


def _counts(spec: DatabaseSpec, compared: pl.DataFrame, name: str, level: int | None) -> pl.DataFrame:
    """Pairs per place and outcome, one column per outcome; at a code level, equal prefixes agree."""
    outcome = pl.col(f"{name}_outcome")
    if level is not None:
        alike = pl.col(f"{name}_reported").str.head(level) == pl.col(f"{name}_new").str.head(level)
        within = pl.when(alike).then(pl.lit("agree_within", OUTCOME)).otherwise(pl.lit("differ", OUTCOME))
        # Each level is judged on the codes themselves, whatever the specification accepts for the variable.
        outcome = pl.when(outcome.is_in(["agree_within", "differ"])).then(within).otherwise(outcome)
    return (
        compared.select(*PLACES, outcome=outcome)
        .group_by(PLACES)
        .agg((pl.col("outcome") == name_).sum().cast(pl.Int64).alias(name_) for name_ in OUTCOMES)
        .select(
            pl.lit(name).alias("variable"),
            pl.lit(None if level is None else str(level), pl.String).alias("level"),
            *PLACES, *OUTCOMES,
        )
    )  # fmt: skip
