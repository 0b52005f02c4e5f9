"""Rows counted as bits are the rows counted one by one, wherever a word of 64 ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.explain.bits import count, held, packed
from pipelines.explain.coded import Coded
from pipelines.explain.rows import rows_from

VALUES = ("a", "b", "c")


@st.composite
def drawn_rows(draw):
    """Two attributes and some days, with unknown ones among them."""
    n = draw(st.integers(1, 200))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = {name: Coded(VALUES, rng.integers(-1, 3, n)) for name in ("one", "other")}
    return rows_from(
        columns, Coded(tuple(np.arange("2026-01-01", "2026-01-05", dtype="M8[D]")), rng.integers(-1, 4, n))
    )


@given(drawn_rows(), st.lists(st.sampled_from(VALUES), min_size=1, unique=True), st.sampled_from(VALUES),
       st.integers(0, 3), st.integers(0, 3))  # fmt: skip
def test_a_slice_holds_the_rows_that_it_describes(rows, some, one, first, last):
    named = {"one": tuple(_number(rows, "one", value) for value in some), "other": (_number(rows, "other", one),)}
    period = {"from": str(rows.days[first]), "to": str(rows.days[last])}
    for said, days in (({}, None), ({"period": period}, (first, last))):
        expected = rows.inside({"one": some, "other": one} | said)
        assert (rows.bits_in(named, days) == packed(expected)).all()
        assert count(rows.bits_in(named, days)) == expected.sum()


@given(drawn_rows(), st.integers(0, 2**32 - 1))
def test_slices_hold_so_many_of_some_rows(rows, seed):
    among = np.random.default_rng(seed).random(len(rows)) < 0.5
    slices = np.array([(_number(rows, "one", a), _number(rows, "other", b)) for a in VALUES for b in VALUES]).T
    expected = [(rows.inside({"one": a, "other": b}) & among).sum() for a in VALUES for b in VALUES]
    assert held(rows.bits, packed(among), slices).tolist() == expected


def _number(rows, name: str, value: str) -> int:
    return rows.starts[rows.names.index(name)] + 1 + VALUES.index(value)
