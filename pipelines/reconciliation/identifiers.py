"""Ids of pairs, discrepancies and causes: the beginning of a sha256 of what they are about.

An id stays the same whatever the order of rows, columns or files, and from run to run.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa


def hashed(database: str, *parts: Iterable[str | None]) -> list[str]:
    """Sixteen hexadecimal characters per row of `parts`; a null part is told from an empty one."""
    return written(numbered(database, *parts)).to_list()


def numbered(database: str, *parts: Iterable[str | None]) -> np.ndarray:
    """The same as 64-bit numbers. Every part is led by its length, so that no two rows say the same text."""
    columns = pl.DataFrame({f"p{n}": pl.Series(part, dtype=pl.String) for n, part in enumerate(parts)})
    said = [f"coalesce(length(p{n}) || ':' || p{n}, '-')" for n in range(columns.width)]
    query = f"select substr(sha256(concat($database, ',', {', '.join(said)})), 1, 16) as id from parts"
    with _hasher().cursor() as connection:
        connection.register("parts", columns.to_arrow())
        ids = connection.execute(query, {"database": database}).pl()["id"]
    text = ids.str.join("", ignore_nulls=False).item() or ""
    return np.frombuffer(bytes.fromhex(text), dtype=">u8").astype(np.uint64)


@cache
def _hasher() -> duckdb.DuckDBPyConnection:
    """One connection without a file for all: to open one takes as long as ten thousand ids."""
    return duckdb.connect(":memory:", config={"threads": 2})


def written(numbers: np.ndarray) -> pl.Series:
    """Numbers as ids of sixteen hexadecimal characters, which sort as the numbers do."""
    text = numbers.astype(">u8").tobytes().hex().encode()
    ends = np.arange(0, len(text) + 1, 16, dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(text))
    return pl.Series(pl.from_arrow(array), dtype=pl.String)
