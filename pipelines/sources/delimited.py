"""Strict delimited text (RFC 4180): nothing is guessed, no row is lost, every row knows its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from pipelines.sources.batch import LONGEST_CELL, Broken, Refused, utf8
from pipelines.sources.well_formed import quotes_enclose_cells, well_formed

DELIMITERS = {
    ";": ("semikolon", "semicolon"),
    ",": ("komma", "comma"),
    "\t": ("tabulator", "tab"),
    "|": ("lodret streg", "vertical bar"),
}
ROWS_AT_A_TIME = 10_000
BLOCK = 64 * 1024 * 1024
PIECE = 1024 * 1024
LONGEST_HEADER = 1_000_000  # signs; a form has some hundred columns
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


@dataclass(frozen=True)
class Table:
    """`rows`: line (where the record begins, 1 = the header's first line) and one text column per header."""

    header: tuple[str, ...]
    rows: pl.DataFrame
    broken: tuple[Broken, ...]


def header_of(text: str, delimiter: str, known: Collection[str]) -> tuple[str, ...]:
    """The header's names. Refused: another delimiter, no header, or a name that stands twice."""
    header, *_ = _first_record(text, delimiter)
    if not set(header) & set(known):
        _name_the_delimiter(text, delimiter, known)
        raise Refused(
            "no_header",
            "Filens første linje er ikke en overskrift med de aftalte kolonnenavne.",
            "The first line is not a header with the agreed column names.",
        )
    if len(set(header)) < len(header):
        position = next(n for n, name in enumerate(header, 1) if name in header[: n - 1])
        raise Refused(
            "duplicate_column",
            f"Kolonne {position} har samme navn som en tidligere kolonne.",
            f"Column {position} has the name of an earlier column.",
        )
    return header


def hold_against(header: Collection[str], expected: Collection[str]) -> None:
    """Every expected column stands in the header, and no other: more than was agreed is not taken in."""
    if missing := [name for name in expected if name not in header]:
        raise Refused(
            "missing_column",
            f"Kolonnen {missing[0]} mangler ({len(missing)} i alt).",
            f"The column {missing[0]} is missing ({len(missing)} in all).",
        )
    if unknown := [n for n, name in enumerate(header, 1) if name not in expected]:
        raise Refused(
            "unknown_column",
            f"Kolonne {unknown[0]} er ikke aftalt ({len(unknown)} i alt).",
            f"Column {unknown[0]} was not agreed ({len(unknown)} in all).",
        )


def read_table(text: str, delimiter: str, header: tuple[str, ...]) -> Table:
    """The rows below the header, as text; an empty cell is an empty text. Blank lines are not rows.

    Refused: a quote that is never closed, so that nobody can say where the rows begin.
    """
    _, end, line = _first_record(text, delimiter)
    return joined(header, read_blocks(io.BytesIO(text[end:].encode()), delimiter, header, line))


def read_blocks(file: BinaryIO, delimiter: str, header: tuple[str, ...], line: int) -> Iterator[Table]:
    """What is left of a file, `line` being the next one, in tables of as many rows as a block has.

    Where quotes stand as they must, a block can be read by itself. Where they do not, nobody knows where it
    ends: it and all that follows are read as one.
    """
    while block := _block(file):
        if b'"' not in block or quotes_enclose_cells(block, delimiter):
            yield joined(header, _pieces(block, delimiter, header, line))
        else:
            yield _read_strictly(block + file.read(), delimiter, header, line)
            return
        line += _lines_in(block)


def joined(header: tuple[str, ...], tables: Iterable[Table]) -> Table:
    """Tables of one file as one."""
    found = [*tables]
    rows = pl.concat([_frame(header, [], []), *(table.rows for table in found)])
    return Table(header, rows, tuple(row for table in found for row in table.broken))


def _block(file: BinaryIO) -> bytes:
    """The next lines up to one after which no quote is open; nothing at the end of the file."""
    lines = [file.read(BLOCK), file.readline()]
    is_open = sum(part.count(b'"') for part in lines) % 2 == 1
    while is_open and (line := file.readline()):
        lines.append(line)
        is_open ^= line.count(b'"') % 2 == 1
    return b"".join(lines)


def _pieces(block: bytes, delimiter: str, header: tuple[str, ...], line: int) -> Iterator[Table]:
    """A block of whole records: only the pieces in which something is wrong are read sign by sign."""
    rows = well_formed(block, delimiter, header, line)
    if rows is not None:
        yield Table(header, rows, ())
    elif len(block) <= PIECE or (half := _half(block)) == len(block):
        yield _read_strictly(block, delimiter, header, line)
    else:
        yield from _pieces(block[:half], delimiter, header, line)
        yield from _pieces(block[half:], delimiter, header, line + _lines_in(block[:half]))


def _half(block: bytes) -> int:
    """The end of a record near the block's middle; its length where no record ends after that."""
    end = block.find(b"\n", len(block) // 2) + 1
    while end and block.count(b'"', 0, end) % 2:
        end = block.find(b"\n", end) + 1
    return end or len(block)


def _lines_in(block: bytes) -> int:
    """How many lines end in it: with LF, CRLF or (as the strict reader sees it) CR alone."""
    alone = block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0
    return block.count(b"\n") + alone


def _read_strictly(block: bytes, delimiter: str, header: tuple[str, ...], first: int) -> Table:
    """Sign by sign. Refused: a quote that is never closed, text that is not UTF-8."""
    frames, broken = [], []
    lines: list[int] = []
    cells: list[list[str]] = []
    text = utf8(block)
    hidden = "\0" in text
    for line, end, row in _records(text, delimiter, first):
        if problem := _problem(line, row, len(header), hidden):
            if end > line:
                raise _unclosed(line)
            broken.append(problem)
            continue
        lines.append(line)
        cells.append(row)
        if len(lines) == ROWS_AT_A_TIME:
            frames.append(_frame(header, lines, cells))
            lines, cells = [], []
    frames.append(_frame(header, lines, cells))
    return Table(header, pl.concat(frames), tuple(broken))


def _records(text: str, delimiter: str, first: int) -> Iterator[tuple[int, int, list[str] | None]]:
    """First line, last line and cells of each record; None for cells that will not split."""
    csv.field_size_limit(2**31 - 1)  # the reader's own limit would end the file, not the row
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    last = first - 1
    while True:
        line, row = last + 1, None
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            if "unexpected end" in str(problem):
                raise _unclosed(line) from None
        last = first - 1 + reader.line_num
        if row != []:
            yield line, last, row


def _problem(line: int, row: list[str] | None, width: int, hidden: bool) -> Broken | None:
    if row is None:
        return Broken(line, "row.shape", "Et anførselstegn står forkert i rækken.")
    if len(row) != width:
        return Broken(line, "row.shape", f"Rækken har {len(row)} felter; overskriften har {width}.")
    if hidden and any("\0" in cell for cell in row):
        return Broken(line, "row.nul", "Rækken indeholder et NUL-tegn.")
    if sum(map(len, row)) > LONGEST_CELL and max(map(len, row)) > LONGEST_CELL:
        return Broken(line, "row.long", f"Et felt er længere end {LONGEST_CELL} tegn.")
    return None


def _unclosed(line: int) -> Refused:
    return Refused(
        "unclosed_quote",
        f"Et anførselstegn i posten fra linje {line} lukkes ikke, så rækkerne kan ikke skilles ad.",
        f"A quote in the record from line {line} is not closed, so that rows cannot be told apart.",
    )


def _frame(header: tuple[str, ...], lines: list[int], cells: list[list[str]]) -> pl.DataFrame:
    columns = zip(*cells, strict=True) if cells else [()] * len(header)
    texts = [pl.Series(name, column, dtype=pl.String) for name, column in zip(header, columns, strict=True)]
    return pl.DataFrame([pl.Series("line", lines, dtype=pl.Int64), *texts])


def _first_record(text: str, delimiter: str) -> tuple[tuple[str, ...], int, int]:
    """The first record's cells, where it ends in the text, and the next line's number."""
    csv.field_size_limit(2**31 - 1)
    ends = [0]

    def lines() -> Iterator[str]:
        for line in LINE.finditer(text, 0, LONGEST_HEADER):
            ends.append(line.end())
            yield line[0]

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        return tuple(next(reader)), ends[-1], reader.line_num + 1
    except (csv.Error, StopIteration):
        return (), ends[-1], reader.line_num + 1


def _name_the_delimiter(text: str, expected: str, known: Collection[str]) -> None:
    asked = DELIMITERS[expected]
    for delimiter, found in DELIMITERS.items():
        if set(_first_record(text, delimiter)[0]) & set(known):
            raise Refused(
                "wrong_delimiter",
                f"{asked[0].capitalize()} ventet, {found[0]} fundet.",
                f"{asked[1].capitalize()} expected, {found[1]} found.",
            )
