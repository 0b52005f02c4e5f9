"""Texts that have a pattern such as ^[A-Z]{2}[0-9]{6}$: literals, classes, \\d and counts."""

from __future__ import annotations

import re

import numpy as np

PIECE = re.compile(r"(\[[^\]^]+\]|\\d|\\.|[^\\\[\](){}|?*+.^$])(\{(\d+)(?:,(\d+))?\}|[?*+])?")
MOST = 3  # of an open-ended count


def text_of(pattern: str, rng: np.random.Generator) -> str | None:
    """One text that the whole pattern matches; None where the pattern uses more than this module knows."""
    body = pattern.removeprefix("^").removesuffix("$")
    pieces = list(PIECE.finditer(body))
    if "".join(piece[0] for piece in pieces) != body:
        return None
    text = "".join(_piece(piece, rng) for piece in pieces)
    return text if re.fullmatch(body, text) else None


def _piece(piece: re.Match[str], rng: np.random.Generator) -> str:
    letters = _letters(piece[1])
    low, high = _count(piece)
    return "".join(rng.choice(letters) for _ in range(rng.integers(low, high + 1)))


def _letters(atom: str) -> list[str]:
    if atom == r"\d":
        return list("0123456789")
    if not atom.startswith("["):
        return [atom.removeprefix("\\")]
    ranges = re.findall(r"(.)-(.)|(\\d)|(.)", atom[1:-1])
    return [letter for found in ranges for letter in _span(*found)]


def _span(first: str, last: str, digits: str, single: str) -> list[str]:
    if digits:
        return list("0123456789")
    return [chr(c) for c in range(ord(first), ord(last) + 1)] if first else [single]


def _count(piece: re.Match[str]) -> tuple[int, int]:
    open_ended = {"?": (0, 1), "*": (0, MOST), "+": (1, MOST), None: (1, 1)}
    if piece[2] in open_ended:
        return open_ended[piece[2]]
    return int(piece[3]), int(piece[4] or piece[3])
