"""SOR: the organisations' ids carry a check digit, which finds every mistyped digit and every swap of two."""

from __future__ import annotations

import re

# SOR ids are SNOMED-style: an item number, the namespace 1000016 with partition 00, and the check digit.
SOR = re.compile(r"[0-9]{1,9}100001600[0-9]")
SOR_LENGTH = range(12, 20)

# Verhoeff (1969), Error detecting decimal codes: multiplication in the dihedral group D5, and the permutation
# whose powers stand for the places. SNOMED CT uses the same tables for its identifiers.
MULTIPLY = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
PERMUTE = "1576283094"


def passes_verhoeff(digits: str) -> bool:
    """Whether a number with its check digit last is undamaged."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(MULTIPLY[check][_permuted(int(digit), place % 8)])
    return check == 0


def is_sor(text: str) -> bool:
    """Whether the text is a SOR id with the right check digit."""
    return SOR.fullmatch(text) is not None and passes_verhoeff(text)


def looks_like_sor(text: str) -> bool:
    """Whether the text is meant as a SOR id: digits only, and longer than any SHAK code."""
    return text.isascii() and text.isdigit() and len(text) in SOR_LENGTH


def _permuted(digit: int, times: int) -> int:
    for _ in range(times):
        digit = int(PERMUTE[digit])
    return digit
