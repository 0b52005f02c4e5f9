"""Coverage by the registries' own formula, both ways.

Komplethedsgrad = records in the one source ÷ records in either (union); overlap = both ÷ union is another
figure with another name (Dansk Frakturdatabase's published formula; the Nordic registries use the same).
"""

from __future__ import annotations

import polars as pl

from pipelines.reconciliation.intervals import wilson_columns
from pipelines.reconciliation.rollup import PLACES, rolled_up

SHARES = {"completeness_of_new": "new", "completeness_of_reported": "reported", "overlap": "both"}


def coverage(pairs: pl.DataFrame, only_reported: pl.DataFrame, only_new: pl.DataFrame) -> pl.DataFrame:
    """coverage.parquet from the places (region, unit, period) of pairs and of records on one side only.

    Surplus rows (duplicates) are outside all three, and so outside the union.
    """
    kinds = {"both": pairs, "only_reported": only_reported, "only_new": only_new}
    marked = pl.concat(
        frame.select(*PLACES, *((pl.lit(int(kind == name), pl.Int64)).alias(name) for name in kinds))
        for kind, frame in kinds.items()
    )
    counts = rolled_up(marked.group_by(PLACES).agg(pl.col(list(kinds)).sum()), ())
    counts = counts.with_columns(
        union=pl.sum_horizontal(*kinds),
        reported=pl.col("both") + pl.col("only_reported"),
        new=pl.col("both") + pl.col("only_new"),
    )
    for share, numerator in SHARES.items():
        counts = wilson_columns(counts, numerator, "union", share)
    shares = [f"{share}{end}" for share in SHARES for end in ("", "_low", "_high")]
    return counts.select(*PLACES, "reported", "new", "both", "only_reported", "only_new", "union", *shares)
