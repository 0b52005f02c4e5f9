"""Which rows have which value, a bit a row: a slice of several values is counted sixty-four rows at a time."""

from __future__ import annotations

import numpy as np

AT_ONCE = 1 << 18  # words, of 64 rows each, that are looked at together


def packed(marks: np.ndarray) -> np.ndarray:
    """Marks along the last axis as words of 64 bits; what is behind the last mark is not set."""
    octets = np.packbits(marks, axis=-1)
    words = np.zeros((*octets.shape[:-1], -(-octets.shape[-1] // 8)), dtype=np.uint64)
    words.view(np.uint8)[..., : octets.shape[-1]] = octets
    return words


def held(bits: np.ndarray, among: np.ndarray, values: np.ndarray) -> np.ndarray:
    """By slice (a column of `values`, places among the `bits`) how many rows it holds `among` some."""
    at_once = max(1, AT_ONCE // max(bits.shape[1], 1))
    parts = (values[:, at : at + at_once] for at in range(0, values.shape[1], at_once))
    return np.concatenate([np.zeros(0), *(_held(bits, among, part) for part in parts)])


def _held(bits: np.ndarray, among: np.ndarray, values: np.ndarray) -> np.ndarray:
    inside = bits[values[0]] & among
    for value in values[1:]:
        inside &= bits[value]
    return np.bitwise_count(inside).sum(axis=1, dtype=float)


def count(words: np.ndarray) -> int:
    return int(np.bitwise_count(words).sum(dtype=np.int64))
