"""Two person numbers that one slip of the hand tells apart: the same person, if date and unit say so too.

One character wrong, two neighbours exchanged (the two commonest slips of typists: Damerau, CACM 1964;7:171-176),
or leading zeros lost (a number column in a spreadsheet).
"""

from __future__ import annotations

import numpy as np
import polars as pl


def damaged(reported: pl.Series, new: pl.Series) -> pl.Series:
    """True where two different person numbers are one slip apart, row by row; an empty one is never."""
    pairs = pl.DataFrame({"reported": reported, "new": new})
    ends = [pl.col(name).str.strip_chars_start("0") for name in pairs.columns]
    lost = pairs.select((ends[0] == ends[1]) & (pl.col("reported") != pl.col("new"))).to_series().fill_null(False)
    same_length = pairs.select(pl.col("reported").str.len_chars() == pl.col("new").str.len_chars())
    comparable = same_length.to_series().fill_null(False).to_numpy()
    slipped = np.zeros(len(pairs), dtype=bool)
    slipped[comparable] = _one_slip(*(_characters(pairs[name].filter(pl.Series(comparable))) for name in pairs.columns))
    return lost | pl.Series(slipped)


def _characters(numbers: pl.Series) -> np.ndarray:
    """Rows × characters, as code points."""
    text = numbers.to_numpy().astype(str) if len(numbers) else np.array([""])
    return text.view(np.uint32).reshape(len(text), -1)[: len(numbers)]


def _one_slip(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    differs = one != other
    count = differs.sum(axis=1)
    exchanged = (one[:, 1:] == other[:, :-1]) & (one[:, :-1] == other[:, 1:]) & differs[:, 1:] & differs[:, :-1]
    return (count == 1) | ((count == 2) & exchanged.any(axis=1))
