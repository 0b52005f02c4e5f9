"""Coverage by the registries' own formula, both ways.

Komplethedsgrad = records in the one source ÷ records in either (union); overlap = both ÷ union is another
figure with another name (Dansk Frakturdatabase's published formula; the Nordic registries use the same).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.reconciliation.intervals import wilson_columns
from pipelines.reconciliation.rollup import PLACES, rolled_up

KINDS = ("both", "only_reported", "only_new")
SHARES = {"completeness_of_new": "new", "completeness_of_reported": "reported", "overlap": "both"}


def coverage(counts: pl.DataFrame) -> pl.DataFrame:
    """coverage.parquet from records counted by place: region, unit, period, both, only_reported, only_new.

    Surplus rows (duplicates) are outside all three, and so outside the union.
    """
    counts = rolled_up(counts.group_by(PLACES).agg(pl.col(KINDS).sum()), ())
    counts = counts.with_columns(
        union=pl.sum_horizontal(*KINDS),
        reported=pl.col("both") + pl.col("only_reported"),
        new=pl.col("both") + pl.col("only_new"),
    )
    for share, numerator in SHARES.items():
        counts = wilson_columns(counts, numerator, "union", share)
    shares = [f"{share}{end}" for share in SHARES for end in ("", "_low", "_high")]
    return counts.select(*PLACES, "reported", "new", "both", "only_reported", "only_new", "union", *shares)


def counted_by_place(kind: str, places: pl.DataFrame, n: np.ndarray | None = None) -> pl.DataFrame:
    """So many (or one) records of a kind at each place."""
    many = pl.lit(1, pl.Int64) if n is None else pl.Series(n, dtype=pl.Int64)
    counts = {name: many if name == kind else pl.lit(0, pl.Int64) for name in KINDS}
    return places.select(PLACES).with_columns(**counts)
