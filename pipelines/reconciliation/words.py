"""Texts that repeat, as small numbers."""

from __future__ import annotations

import numpy as np
import polars as pl


def coded(*columns: pl.Series) -> tuple[pl.Series, list[np.ndarray]]:
    """The words of all columns in alphabetical order, and each column as positions among them.

    A null is at the position behind the last word.
    """
    words = pl.concat([column.unique() for column in columns]).unique().drop_nulls().sort()
    kind = pl.Enum(words)
    size = len(words)
    width = np.min_scalar_type(size)
    return words, [column.cast(kind).to_physical().cast(pl.UInt32).fill_null(size).to_numpy().astype(width)
                   for column in columns]  # fmt: skip
