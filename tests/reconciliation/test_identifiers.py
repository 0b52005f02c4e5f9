"""Ids: the published hash, told apart by nulls and by order, and back from text to number."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipelines.reconciliation import identifiers
from pipelines.reconciliation.identifiers import folded, hashed, numbered, numbers_of, numbers_written, written

TEXTS = ["", "a", "abcdefgh", "abcdefghi", "æøå" * 9, "x" * 100]
ALL_BITS = 2**64 - 1


def murmur(text: str, seed: int) -> int:
    """MurmurHash64A one byte string at a time, as its author wrote it."""
    said, factor = text.encode(), 0xC6A4A7935BD1E995
    number, whole = (seed ^ len(said) * factor) & ALL_BITS, len(said) // 8 * 8
    for at in range(0, whole, 8):
        word = int.from_bytes(said[at : at + 8], "little") * factor & ALL_BITS
        word = (word ^ word >> 47) * factor & ALL_BITS
        number = (number ^ word) * factor & ALL_BITS
    if said[whole:]:
        number = (number ^ int.from_bytes(said[whole:], "little")) * factor & ALL_BITS
    number = (number ^ number >> 47) * factor & ALL_BITS
    return number ^ number >> 47


@pytest.mark.parametrize("texts", [TEXTS, ["abcdefghi"] * 3, TEXTS * 50])
def test_texts_are_hashed_as_one_by_one(texts):
    assert numbers_of(pl.Series(texts)).tolist() == [murmur(text, identifiers.SEED) for text in texts]


def test_the_hash_is_the_published_one(monkeypatch):
    monkeypatch.setattr(identifiers, "SEED", 0)
    assert numbers_of(pl.Series(["hello"])).tolist() == [0x1E68D17C457BF117] == [murmur("hello", 0)]


def test_nulls_order_and_database_tell_ids_apart():
    ids = [*hashed("d", ["a", None, ""], ["b", "b", "b"]), *hashed("d", ["b"], ["a"]), *hashed("e", ["a"], ["b"])]
    assert len(set(ids)) == 5 and all(len(one) == 16 for one in ids)


def test_a_discrepancy_is_numbered_from_its_pair():
    pair, variable = numbered("d", ["a"], ["b"]), pl.Series(["lvef"])
    assert folded(pair, numbers_of(variable)) == numbered("d", ["a"], ["b"], variable)


def test_ids_are_read_back_as_the_numbers_they_were_written_from():
    numbers = np.array([0, 1, 2**63, ALL_BITS], dtype=np.uint64)
    assert numbers_written(written(numbers)).tolist() == numbers.tolist()
    assert written(numbers).is_sorted() and len(numbers_written(written(numbers[:0]))) == 0
