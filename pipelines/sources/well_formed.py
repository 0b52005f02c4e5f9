"""Delimited bytes at the speed of a vectorised reader, but only where it cannot differ from the strict one.

A vectorised reader pads short rows, takes misplaced quotes as they come and knows no line numbers. So its answer
counts only where the signs of the block add up: quotes enclose cells, and each delimiter and newline either parts
two cells or stands inside one. Whatever else there is, `delimited` reads sign by sign.
"""

from __future__ import annotations

import io

import numpy as np
import polars as pl

from pipelines.sources.batch import LONGEST_CELL

QUOTE = ord('"')
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def well_formed(block: bytes, delimiter: str, header: tuple[str, ...], first: int) -> pl.DataFrame | None:
    """`line` and one text column per header of a block of whole records, the first of them on line `first`.

    None where a row lacks a field or has one too many, a line is blank, a quote is misplaced, a cell is too
    long or holds NUL, or the text is not UTF-8: the strict reader then says which and where.
    """
    quoted = b'"' in block
    if not _lines_are_plain(block) or (quoted and not quotes_enclose_cells(block, delimiter)):
        return None
    rows = _parsed(block, delimiter, header, quoted)
    if rows is None or not _adds_up(rows, block, delimiter, quoted):
        return None
    return rows.insert_column(0, _line_numbers(rows, first, quoted))


def quotes_enclose_cells(block: bytes, delimiter: str) -> bool:
    """Whether every quote opens or closes a whole cell, or is one of two that stand for one (RFC 4180, 2.5–2.7).

    The block ends with a newline. Counted from its beginning, odd quotes open and even ones close.
    """
    signs = np.frombuffer(b"\n" + block, dtype=np.uint8)
    quotes = np.flatnonzero(signs == QUOTE)
    before, after = signs[quotes[::2] - 1], signs[quotes[1::2] + 1]
    edges = np.frombuffer(delimiter.encode() + b'\r\n"', dtype=np.uint8)
    return quotes.size % 2 == 0 and bool(np.isin(before, edges).all() and np.isin(after, edges).all())


def _lines_are_plain(block: bytes) -> bool:
    """Whole lines that end with LF or CRLF, and no sign that means something to one reader only."""
    alone = b"\r" in block and block.count(b"\r") != block.count(b"\r\n")
    return block.endswith(b"\n") and not alone and b"\0" not in block and not block.startswith(BYTE_ORDER_MARK)


def _parsed(block: bytes, delimiter: str, header: tuple[str, ...], quoted: bool) -> pl.DataFrame | None:
    """What the vectorised reader makes of it; None where a row is too long or the text is not UTF-8."""
    try:
        return pl.read_csv(
            io.BytesIO(block),
            has_header=False,
            schema=dict.fromkeys(header, pl.String),
            separator=delimiter,
            quote_char='"' if quoted else None,
            empty_string_is_null=False,
        )
    except pl.exceptions.PolarsError:  # its message quotes the line
        return None


def _adds_up(rows: pl.DataFrame, block: bytes, delimiter: str, quoted: bool) -> bool:
    """Rows that are too long have raised: where delimiters and newlines add up, none is too short or blank either.

    In a single column a blank line could not be told from an empty cell.
    """
    inside = {sign: int(_inside(rows, sign).sum()) if quoted else 0 for sign in ("\n", delimiter)}
    longest = rows.select(pl.max_horizontal(pl.all().str.len_bytes().max())).item()
    return (
        rows.width > 1
        and block.count(b"\n") == rows.height + inside["\n"]
        and block.count(delimiter.encode()) == rows.height * (rows.width - 1) + inside[delimiter]
        and longest <= LONGEST_CELL
    )


def _line_numbers(rows: pl.DataFrame, first: int, quoted: bool) -> pl.Series:
    """The line on which each record begins: one further than the last, and one more per newline inside that."""
    lines = pl.Series("line", np.arange(first, first + rows.height), dtype=pl.Int64)
    return lines + _inside(rows, "\n").cum_sum().shift(1, fill_value=0) if quoted else lines


def _inside(rows: pl.DataFrame, sign: str) -> pl.Series:
    """How often a sign stands inside the cells of each row."""
    counts = [pl.col(name).str.count_matches(sign, literal=True).cast(pl.Int64) for name in rows.columns]
    return rows.select(pl.sum_horizontal(counts)).to_series()
