"""How often the two sides say the same: counts of outcomes, shares and their Wilson intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.reconciliation.compare import OUTCOMES
from pipelines.reconciliation.intervals import wilson_columns
from pipelines.reconciliation.rollup import PLACES, rolled_up
from pipelines.spec.model import Variable

# SKS diagnoses: D + three characters is the ICD-10 category, one more the subcategory. Agreement on codes is
# stated for both besides the whole code.
CODE_LEVELS = (4, 5)
COUNTS = dict.fromkeys(("variable", "level", *PLACES), pl.String) | dict.fromkeys(OUTCOMES, pl.Int64)
Level = int | None


def levels(variable: Variable) -> tuple[Level, ...]:
    """The levels at which a variable's codes are compared; None is the whole code."""
    return (None, *CODE_LEVELS) if variable.type == "sks" else (None,)


def agreement(places: pl.DataFrame, counts: Mapping[tuple[str, Level], np.ndarray]) -> pl.DataFrame:
    """agreement.parquet: one row per variable × place × code level.

    `counts` has the pairs of each variable and level by place (a row of `places`) × outcome.
    share = (agree + agree_within) ÷ both_known, with a 95 % Wilson interval; null where nothing is known.
    """
    parts = [_counted(places, *key, table) for key, table in counts.items()]
    counted = rolled_up(pl.concat([pl.DataFrame(schema=COUNTS), *parts]), ("variable", "level"))
    both_known = pl.sum_horizontal("agree", "agree_within", "differ")
    relevant = pl.sum_horizontal(*OUTCOMES) - pl.col("not_applicable")
    counted = counted.with_columns(relevant=relevant, both_known=both_known)
    counted = counted.with_columns(agreeing=pl.col("agree") + pl.col("agree_within"))
    return wilson_columns(counted, "agreeing", "both_known", "share").select(
        "variable", *PLACES, "level", "relevant", "both_known", "agree", "agree_within", "differ",
        "missing_differs", "reported_missing", "new_missing", "both_missing", "not_applicable",
        "share", "share_low", "share_high",
    )  # fmt: skip


def _counted(places: pl.DataFrame, name: str, level: Level, table: np.ndarray) -> pl.DataFrame:
    """The counts of one variable and level, a row a place."""
    columns = {outcome: pl.Series(table[:, at], dtype=pl.Int64) for at, outcome in enumerate(OUTCOMES)}
    said = pl.lit(None if level is None else str(level), pl.String)
    return places.with_columns(**columns, variable=pl.lit(name), level=said).select(list(COUNTS))
