"""Controlled rounding: counts that only a picture or a long list shows become multiples of the threshold.

Each count becomes one of its two neighbouring multiples, and those of a whole add up to a neighbouring multiple of
it (Cox & Ernst 1982, "Controlled rounding"): so no count can be pinned by the others, whether or not the whole is
told. A count of none stays none.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def rounded(counts: Sequence[int], base: int) -> list[int]:
    """The parts of one whole, each as a multiple of `base`; base 1 changes nothing.

    What the multiples below leave out is given back in whole steps to the parts that lost most.
    """
    down = [count - count % base for count in counts]
    steps = (sum(counts) - sum(down) + base // 2) // base
    lost_most = sorted(range(len(counts)), key=lambda place: (-(counts[place] % base), place))
    up = {place for place in lost_most[:steps] if counts[place] % base}
    return [number + base * (place in up) for place, number in enumerate(down)]


def rounded_columns(frame: pl.DataFrame, base: int, *names: str) -> pl.DataFrame:
    """The frame with each named column of counts rounded as the parts of one whole."""
    return frame.with_columns(pl.Series(name, rounded(frame[name].to_list(), base), pl.Int64) for name in names)


def possible_share(part: Sequence[int], rest: Sequence[int], base: int) -> tuple[float, float] | None:
    """The lowest and the highest share that counts rounded to these multiples may have had; None for base 1, where
    nothing was rounded. A share of few counts says little, and a picture shows how little."""
    if base == 1:
        return None
    (least, most), (rest_least, rest_most) = (_bounds(counts, base - 1) for counts in (part, rest))
    return least / (least + rest_most), most / (most + rest_least)


def _bounds(counts: Sequence[int], slack: int) -> tuple[int, int]:
    return sum(max(n - slack, 0) for n in counts), sum(n + slack for n in counts)
