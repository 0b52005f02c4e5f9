"""Ids of pairs, discrepancies and causes: numbers of 64 bits, written as sixteen hexadecimal characters.

An id stays the same whatever the order of rows, columns or files, and from run to run. The number of a text is the
MurmurHash64A of its UTF-8 bytes (A. Appleby, 2008), that of a null a constant; an id folds the numbers of its parts
in order, each by the finaliser of MurmurHash3. So a record's id is hashed once, a pair's number is made of two of
these, and a discrepancy's of its pair's and its variable's: arithmetic on whole columns, not on texts row by row.
An id tells things apart and protects nothing: what must not be guessed or forged is a sha256 or a pseudonym.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import numpy as np
import polars as pl
import pyarrow as pa

SEED = 0x53616D6D656E686F  # "Sammenho": with seed 0 the empty text would have the number 0
OF_NOTHING = np.uint64(0x9E3779B97F4A7C15)
MURMUR_2 = np.uint64(0xC6A4A7935BD1E995)
MURMUR_3 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
PART = 1 << 20  # texts that are laid out together: those of millions of records would take as much again
CHUNK = 1 << 15  # texts that are hashed together: their bytes stay in the processor's cache


def hashed(database: str, *parts: Iterable[str | None]) -> list[str]:
    """Sixteen hexadecimal characters per row of `parts`; a null part is told from an empty one."""
    return written(numbered(database, *parts)).to_list()


def numbered(database: str, *parts: Iterable[str | None]) -> np.ndarray:
    """The same as 64-bit numbers."""
    return folded(database, *(numbers_of(pl.Series(part, dtype=pl.String)) for part in parts))


def folded(start: str | np.ndarray, *parts: np.ndarray) -> np.ndarray:
    """The number of an id from those of its parts, `start` first: a database, or the number of fewer parts.

    A part of one number is the same in every row.
    """
    number = numbers_of(pl.Series([start])) if isinstance(start, str) else start
    for part in parts:
        number = _finished(number ^ part)
    return number


def numbers_of(texts: pl.Series) -> np.ndarray:
    """The number of each text; of words that recur (Enum) each word's is found once."""
    if texts.dtype == pl.Enum:
        numbers = np.append(numbers_of(texts.dtype.categories), OF_NOTHING)
        return numbers[texts.to_physical().fill_null(len(numbers) - 1).to_numpy()]
    parts = [_numbers_of(texts.slice(first, PART)) for first in range(0, max(len(texts), 1), PART)]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _numbers_of(texts: pl.Series) -> np.ndarray:
    said = texts.fill_null("").to_arrow(compat_level=pl.CompatLevel.oldest())
    _, ends, content = said.buffers()
    ends = np.frombuffer(ends, np.int64)[said.offset : said.offset + len(said) + 1]
    content = np.frombuffer(content, np.uint8) if content else np.zeros(0, np.uint8)
    number = np.empty(len(texts), np.uint64)
    for rows, letters in _of_one_length(content, ends):
        number[rows] = _murmur(letters)
    if texts.null_count():
        number[texts.is_null().to_numpy()] = OF_NOTHING
    return number


def _of_one_length(content: np.ndarray, ends: np.ndarray) -> Iterator[tuple[slice | np.ndarray, np.ndarray]]:
    """Rows whose texts are of one length, a chunk at a time, with the bytes of each as a row."""
    lengths = np.diff(ends)
    if len(lengths) and (lengths == lengths[0]).all():
        letters = content[ends[0] : ends[-1]].reshape(len(lengths), -1)
        yield from ((slice(at, at + CHUNK), letters[at : at + CHUNK]) for at in range(0, len(lengths), CHUNK))
        return
    order = np.argsort(lengths, kind="stable")
    for alike in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        for rows in (alike[at : at + CHUNK] for at in range(0, len(alike), CHUNK)):
            yield rows, content[ends[rows, None] + np.arange(lengths[rows[0]])]


def _murmur(letters: np.ndarray) -> np.ndarray:
    """MurmurHash64A of each row of bytes; the last word is filled up with zeros, which is what the original does."""
    count, length = letters.shape
    padded = np.zeros((count, -(-length // 8) * 8), np.uint8)
    padded[:, :length] = letters
    number = np.full(count, (SEED ^ length * int(MURMUR_2)) % 2**64, np.uint64)
    for n, word in enumerate(padded.view("<u8").T):
        if n < length // 8:
            word = word * MURMUR_2
            word ^= word >> np.uint64(47)
            word *= MURMUR_2
        number ^= word
        number *= MURMUR_2
    number ^= number >> np.uint64(47)
    number *= MURMUR_2
    return number ^ (number >> np.uint64(47))


def _finished(number: np.ndarray) -> np.ndarray:
    """MurmurHash3's finaliser (fmix64), which no two numbers share; the numbers themselves are changed."""
    for first in range(0, len(number), CHUNK):
        some = number[first : first + CHUNK]
        for factor in MURMUR_3:
            some ^= some >> np.uint64(33)
            some *= factor
        some ^= some >> np.uint64(33)
    return number


def written(numbers: np.ndarray) -> pl.Series:
    """Numbers as ids of sixteen hexadecimal characters, which sort as the numbers do."""
    text = hexlify(numbers.astype(">u8"))
    ends = np.arange(0, len(text) + 1, 16, dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(text))
    # By the interface alone: for an array of pyarrow's, Polars loads pyarrow.compute, which takes a tenth of a second.
    return pl.Series(values=SimpleNamespace(__arrow_c_array__=array.__arrow_c_array__))


def numbers_written(ids: pl.Series) -> np.ndarray:
    """The numbers that ids were `written` from."""
    text = ids.str.join("", ignore_nulls=False).item() or ""
    return np.frombuffer(bytes.fromhex(text), ">u8").astype(np.uint64)
