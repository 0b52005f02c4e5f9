"""Register tables as Parquet or CSV → batches of rows under the event tables' column names, with line numbers.

Knows formats, not rules: a batch holds text (or the types that Parquet has). National tables are larger than
memory, so a file is read in batches.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.batch import PERSON_LIKE, Refused, broken_frame, decoded
from pipelines.sources.delimited import DELIMITERS, header_of, read_blocks
from pipelines.sources.plain import DANISH_TIME, IDENTIFIER
from pipelines.spec.register_layouts import ColumnLayout, RegisterLayout, TableLayout

BLOCK = 16 * 1024 * 1024
BATCH_ROWS = 500_000


@dataclass(frozen=True)
class RegisterFile:
    """A file that is a table of a register. `columns` are the file's, in small letters; `unknown` are left out."""

    path: Path
    layout: RegisterLayout
    title: str
    columns: tuple[str, ...]
    unknown: tuple[str, ...]
    delimiter: str | None

    @property
    def table(self) -> TableLayout:
        return self.layout.tables[self.title]

    def batches(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Rows (`line` and event columns) and the broken rows (line, rule, reason), in the file's order.

        A CSV's line is where the record begins (the header is 1); Parquet counts rows from 1.
        """
        for rows, broken in _raw(self):
            yield rows.select("line", *_event_columns(self.table, self.columns)), broken


def open_register(path: Path, layouts: Iterable[RegisterLayout]) -> RegisterFile:
    """The register table that a file holds, told by its name and held against that table's layout.

    Raises Refused where the name is no table's, the file is damaged or a needed column is missing.
    """
    layout, title = _layout_of(path.name, layouts)
    delimiter, columns = (None, _parquet_columns(path)) if _is_parquet(path) else _csv_header(path, layout, title)
    if missing := layout.tables[title].missing_from(columns):
        raise Refused(
            "missing_column",
            f"Kolonnen {missing[0]} mangler i {title} ({len(missing)} i alt).",
            f"The column {missing[0]} is missing in {title} ({len(missing)} in all).",
        )
    if "line" in columns or len(set(columns)) < len(columns):
        raise Refused("duplicate_column", "Et kolonnenavn står to gange.", "A column name stands twice.")
    unknown = layout.tables[title].unknown_in(columns)
    return RegisterFile(path, layout, title, columns, tuple(map(_shown, unknown)), delimiter)


def sha256_of(path: Path) -> str:
    """The file's sha256, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _layout_of(name: str, layouts: Iterable[RegisterLayout]) -> tuple[RegisterLayout, str]:
    for layout in layouts:
        if title := layout.table_of(name):
            return layout, title
    raise Refused(
        "unknown_table",
        "Filnavnet begynder ikke med navnet på en registertabel.",
        "The file's name does not begin with the name of a register table.",
    )


def _event_columns(table: TableLayout, columns: Collection[str]) -> list[pl.Expr]:
    """One expression per event column that the file has."""
    known = {event: column for event, column in table.columns.items() if column.read_from(columns)}
    return [_expression(column, columns).alias(event) for event, column in known.items()]


def _expression(column: ColumnLayout, columns: Collection[str]) -> pl.Expr:
    """The column's value; more columns than one (a date with its clock time, the first filled) become text."""
    found = column.read_from(columns)
    clock = [name for name in column.time if name in columns][:1]
    if len(found) == 1 and not clock:
        return pl.col(found[0])
    parts = [pl.coalesce(_filled(name) for name in found), *(_filled(name) for name in clock)]
    return pl.concat_str(parts, separator=" ", ignore_nulls=True)


def _filled(name: str) -> pl.Expr:
    """The column as text, null where it is empty."""
    text = pl.col(name).cast(pl.String).str.strip_chars(" ")
    return pl.when(text != "").then(text)


def _raw(file: RegisterFile) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    if file.delimiter is None:
        return _parquet_batches(file.path)
    return _csv_batches(file.path, file.delimiter, file.columns)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _parquet_columns(path: Path) -> tuple[str, ...]:
    try:
        return tuple(name.casefold() for name in pq.read_schema(path).names)
    except Exception:  # a damaged file fails in many ways, some of which quote the data
        raise _damaged() from None


def _parquet_batches(path: Path) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    line = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                rows = _civil(pl.DataFrame(batch)).rename(str.casefold).with_row_index("line", offset=line)
                yield rows.cast({"line": pl.Int64}), broken_frame([])
                line += rows.height
    except (OSError, pa.ArrowException):
        raise _damaged() from None


def _civil(rows: pl.DataFrame) -> pl.DataFrame:
    """Times with a zone as Danish civil time."""
    zoned = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone]
    return rows.with_columns(pl.col(zoned).dt.convert_time_zone(DANISH_TIME).dt.replace_time_zone(None))


def _damaged() -> Refused:
    return Refused("not_the_format", "Parquet-filen er beskadiget.", "The Parquet file is damaged.")


def _csv_header(path: Path, layout: RegisterLayout, title: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter (the one under which the header has a column that we know) and the header's names."""
    with path.open("rb") as file:
        first = decoded(file.readline()).casefold()
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            raise Refused(
                "truncated",
                "Filen slutter midt i en linje og kan være afkortet.",
                "The file ends inside a line and may be cut.",
            )
    table = layout.tables[title]
    known = {name for column in table.columns.values() for name in (*column.names, *column.time)}
    for delimiter in DELIMITERS:
        if set(first.rstrip("\r\n").split(delimiter)) & known:
            return delimiter, header_of(first, delimiter, known)
    return ",", header_of(first, ",", known)


def _csv_batches(path: Path, delimiter: str, columns: tuple[str, ...]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    with path.open("rb") as file:
        file.readline()
        for table in read_blocks(file, delimiter, columns, line=2):
            yield table.rows, broken_frame(table.broken)


def _shown(column: str) -> str:
    """A column's name where it looks like one: a file without header would show a person's data."""
    return column if IDENTIFIER.fullmatch(column) and not PERSON_LIKE.search(column) else "(uden navn)"
