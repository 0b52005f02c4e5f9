"""A share with its 95 % interval as three columns."""

from __future__ import annotations

import numpy as np
import polars as pl
from statsmodels.stats.proportion import proportion_confint


def wilson_columns(frame: pl.DataFrame, count: str, of: str, name: str) -> pl.DataFrame:
    """Add `name` = count ÷ of with `name_low`, `name_high` (Wilson score, statsmodels); null where of is 0."""
    counts, totals = frame[count].to_numpy().astype(float), frame[of].to_numpy().astype(float)
    low, high = proportion_confint(counts, np.maximum(totals, 1), method="wilson")
    bounds = frame.with_columns(pl.Series(f"{name}_low", low), pl.Series(f"{name}_high", high))
    known = pl.col(of) > 0
    return bounds.with_columns(
        pl.when(known).then(pl.col(count) / pl.col(of)).alias(name),
        pl.when(known).then(pl.col(f"{name}_low").clip(0, 1)).alias(f"{name}_low"),
        pl.when(known).then(pl.col(f"{name}_high").clip(0, 1)).alias(f"{name}_high"),
    )
