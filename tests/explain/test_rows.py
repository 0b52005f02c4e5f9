"""Attributes and codes of pairs as numbers: what says the same is left out, counting is as good as sorting."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.explain import codes
from pipelines.explain.coded import coded_column, coded_days
from pipelines.explain.rows import Rows, rows_from


@pytest.mark.parametrize(
    ("submission", "source_file", "named"),
    [
        ("a a b b c", "1 1 2 2 3", ["submission"]),
        ("a a b b ∅", "1 1 2 2 ∅", ["submission"]),  # what is unknown on both sides says nothing
        ("a a b b c", "1 1 2 3 3", ["submission", "source_file"]),  # as many, otherwise cut
        ("a a b b c", "1 1 2 3 4", ["submission", "source_file"]),  # one submission in two files
        ("a a b b c", "1 1 1 1 3", ["submission", "source_file"]),  # one file of two submissions
        ("a a b b c", "1 ∅ 2 2 3", ["submission", "source_file"]),
        ("a ∅ b b c", "1 1 2 2 3", ["submission", "source_file"]),
    ],
)
def test_a_file_is_named_where_it_is_more_than_the_submission(submission, source_file, named):
    assert rows_of(submission=submission, source_file=source_file).names == named


def test_other_attributes_stay_though_they_say_the_same():
    """A unit may be the only one of its hospital here, and not on the other side."""
    assert rows_of(unit="a b c", hospital="1 2 3").names == ["unit", "hospital"]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.sampled_from([0, codes.SPARSE]))
def test_numbers_are_counted_as_they_would_be_sorted(numbers, sparse):
    """Where each stands first, and how often; 0 lets none be counted."""
    with pytest.MonkeyPatch.context() as limit:
        limit.setattr(codes, "SPARSE", sparse)
        found = codes._seen(np.array(numbers))
    wanted = np.unique(np.array(numbers), return_index=True, return_counts=True)
    assert [one.tolist() for one in found] == [one.tolist() for one in wanted]


def rows_of(**columns: str) -> Rows:
    said = {name: pl.Series([None if v == "∅" else v for v in text.split()]) for name, text in columns.items()}
    days = coded_days(pl.Series(np.zeros(len(next(iter(said.values()))), np.int32)).cast(pl.Date))
    return rows_from({name: coded_column(column) for name, column in said.items()}, days)
