"""The vectorised reader never says anything else than the one that goes sign by sign: it answers the same or not."""

from __future__ import annotations

import io

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.sources import delimited, well_formed
from pipelines.sources.batch import LONGEST_CELL, Refused
from pipelines.sources.delimited import Table, read_blocks, read_table

COLUMNS = ("a", "b", "c")
SIGNS = st.text(alphabet='xæ1 ;"\n\r\0', max_size=40)
# Rows that are nearly right, so that most blocks come far into the reader before one sign is wrong.
CELLS = st.sampled_from(["", "1", "æ", '"x;y"', '"two\nlines"', '"a ""b"""', '""', 'x"y', '"x"y'])
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=4).map(";".join), max_size=8).map("\n".join)
BODIES = st.one_of(SIGNS, ROWS).map(lambda body: body + "\n")


def strictly(body: str) -> Table:
    return delimited._read_strictly(body.encode(), ";", COLUMNS, 2)


def said(read, *arguments) -> tuple:
    """Lines, cells and broken rows, or the code with which the file is refused."""
    try:
        table = read(*arguments)
    except Refused as refused:
        return (refused.code,)
    return table.rows.rows(), [(row.line, row.rule) for row in table.broken]


@settings(deadline=None, max_examples=400)
@given(BODIES)
@example("1;2;3\n\n4;5;6\n")
@example("1;2\n1;2;3;4\n")
@example('1;"2;3\n1;2;3\n1;2";3\n')
@example("\ufeff1;2;3\n")
def test_where_it_answers_it_says_what_the_strict_reader_says(body: str) -> None:
    rows = well_formed.well_formed(body.encode(), ";", COLUMNS, 2)
    if rows is not None:
        assert (rows.rows(), []) == said(strictly, body)


@settings(deadline=None, max_examples=400)
@given(BODIES, st.integers(1, 20), st.integers(1, 10))
@example("1;2;3\r4;5;6\r\n7;8;9\n", 4, 2)
@example('1;2;3\n1;x"y;"a\nb";3\n4;5;6\n', 8, 4)
def test_blocks_and_pieces_read_what_the_whole_reads(body: str, block: int, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "BLOCK", block)
        patch.setattr(delimited, "PIECE", piece)
        found = said(read_table, "a;b;c\n" + body, ";", COLUMNS)
    assert found == said(strictly, body)


@pytest.mark.parametrize(
    "body",
    ["1;2;3\n", "1;2;3\r\n;;\r\n", '"1";"two\nlines";"a ""b"""\n4;5;6\n', "æ;ø;å\n" * 1000],
    ids=["plain", "CRLF and empty", "quoted", "many"],
)
def test_what_is_written_by_the_rules_is_read_at_speed(body: str) -> None:
    rows = well_formed.well_formed(body.encode(), ";", COLUMNS, 2)
    assert (rows.rows(), []) == said(strictly, body)


@pytest.mark.parametrize(
    "body",
    [b"1;2\n", b"1;2;3;4\n", b"1;2;3\n\n", b"\n1;2;3\n", b"1;2\n1;2;3;4\n", b'1;x"y;3\n', b'1;"x"y;3\n', b'1;"x;3\n',
     b"1;\0;3\n", b"1;2;3", b"1;2\r3;4\n", "1;ø;3\n".encode("latin-1"), b"1;%s;3\n" % (b"x" * (LONGEST_CELL + 1))],
)  # fmt: skip
def test_anything_else_is_left_to_the_strict_reader(body: bytes) -> None:
    assert well_formed.well_formed(body, ";", COLUMNS, 2) is None


def test_one_broken_line_costs_its_own_piece_only(monkeypatch) -> None:
    read: list[int] = []
    strict = delimited._read_strictly
    monkeypatch.setattr(
        delimited, "_read_strictly", lambda block, *rest: read.append(len(block)) or strict(block, *rest)
    )
    monkeypatch.setattr(delimited, "PIECE", 1000)
    body = "1;2;3\n" * 5000 + "1;2\n" + "4;5;6\n" * 5000
    tables = [*read_blocks(io.BytesIO(body.encode()), ";", COLUMNS, 2)]
    assert [(row.line, row.rule) for table in tables for row in table.broken] == [(5002, "row.shape")]
    assert pl.concat(table.rows for table in tables)["line"].to_list() == [*range(2, 5002), *range(5003, 10_003)]
    assert len(read) == 1 and read[0] <= 1000
