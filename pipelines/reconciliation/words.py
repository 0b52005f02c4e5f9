"""Texts that repeat, as small numbers."""

from __future__ import annotations

import numpy as np
import polars as pl

SLOTS = 1 << 16
FIRST_BITS = np.uint64(64 - 16)
ODD = 0x9E3779B97F4A7C15  # 2⁶⁴ ÷ the golden ratio: multiplied by it, high bits depend on all others
FEW = 10_000
BLOCK = 1 << 15  # rows whose numbers stay in the processor's cache


# The different values in any order, the number of each, and for each row the number of its value.
Numbered = tuple[pl.Series, np.ndarray, np.ndarray]


def coded(*columns: pl.Series) -> tuple[pl.Series, list[np.ndarray]]:
    """The words of all columns in alphabetical order, and each column as positions among them.

    A null is at the position behind the last word.
    """
    return in_common(*map(numbered, columns))


def in_common(*columns: Numbered) -> tuple[pl.Series, list[np.ndarray]]:
    """The same of columns that were `numbered` one by one, so that their texts need not be in memory together."""
    words = pl.concat([found for found, _, _ in columns]).unique().drop_nulls().sort()
    return words, [_positions(words, *found) for found in columns]


def counted(numbers: np.ndarray, size: int) -> np.ndarray:
    """How often each number below `size` occurs, counted like `gathered`."""
    times, block = np.zeros(size, np.int64), max(BLOCK, size)
    for first in range(0, len(numbers), block):
        times += np.bincount(numbers[first : first + block], minlength=size)
    return times


def repeats(column: pl.Series) -> bool:
    """Are some of the values few different ones? Then it is worth while to number them."""
    some = column.gather_every(max(len(column) // FEW, 1))
    return some.n_unique() <= max(len(some) // 4, 100)


def _positions(words: pl.Series, found: pl.Series, numbers: np.ndarray, number: np.ndarray) -> np.ndarray:
    size = len(words)
    places = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.min_scalar_type(size))
    positions = np.arange(size, dtype=np.uint32)
    places[numbers] = found.replace_strict(words, positions, default=size, return_dtype=pl.UInt32).to_numpy()
    return gathered(places, number)


def gathered(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """values[at], some at a time: narrow positions are made wide, as they are needed, without leaving the cache."""
    found = np.empty(len(at), values.dtype)
    for first in range(0, len(at), BLOCK):
        here = slice(first, first + BLOCK)
        values.take(at[here].astype(np.intp, copy=False), out=found[here], mode="wrap")
    return found


def numbered(column: pl.Series) -> Numbered:
    """A column by itself, in numbers that only it has.

    Round by round each slot goes to one value, and the rows of values that found theirs taken go on: many times
    as fast as a dictionary where few different ones occur.
    """
    hashes = column.hash().to_numpy()
    slot, rows, lost = _round(hashes, 0)
    firsts, numbers, number, rounds = [rows], [slot[rows].astype(np.int64)], slot, 1
    while len(lost):
        if rounds == 1:
            number = slot.astype(np.uint32)
        slot, rows, still = _round(hashes[lost], rounds)
        number[lost] = slot + np.uint32(rounds * SLOTS)
        firsts.append(lost[rows])
        numbers.append(number[firsts[-1]].astype(np.int64))
        lost, rounds = lost[still], rounds + 1
    found = column.gather(np.concatenate(firsts))
    return found + 0.0 if found.dtype.is_float() else found, np.concatenate(numbers), number  # no zero below zero


def _round(hashes: np.ndarray, turn: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slot of each row, a row of each value that got one, and the rows whose slot went to another value."""
    slot, factor = np.empty(len(hashes), dtype=np.uint16), np.uint64(pow(ODD, turn, 2**64))
    holder, values, lost = np.full(SLOTS, -1), np.zeros(SLOTS, dtype=np.uint64), [np.arange(0)]
    for at in range(0, len(hashes), BLOCK):
        block = hashes[at : at + BLOCK]
        here = ((block * factor if turn else block) >> FIRST_BITS).view(np.intp)
        slot[at : at + BLOCK] = here
        unlike = np.flatnonzero(values.take(here, mode="clip") != block)
        if len(unlike):
            free = unlike[holder[here[unlike]] < 0]
            holder[here[free]] = at + free
            values[here[free]] = hashes[holder[here[free]]]
            lost.append(at + unlike[values[here[unlike]] != block[unlike]])
    return slot, holder[holder >= 0], np.concatenate(lost)
