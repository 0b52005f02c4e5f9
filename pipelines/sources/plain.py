"""Plain files for the commands `validate` and `reconcile`: Parquet, or CSV with comma, in UTF-8."""

from __future__ import annotations

import difflib
import hashlib
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import polars.selectors as cs

from pipelines.project import InputError
from pipelines.sources.batch import PERSON_LIKE, Refused, broken_frame, decoded
from pipelines.sources.delimited import header_of, read_table
from pipelines.spec.model import IDENTITY, DatabaseSpec

DANISH_TIME = "Europe/Copenhagen"
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class RefusedFile(InputError):
    """The file as a whole cannot be taken in; `code` says why in one word (as in a receipt)."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class PlainFile:
    """`rows`: the file's columns (text from CSV, typed from Parquet) and `line`; Parquet counts rows from 1.

    `broken`: line, rule, reason of the rows that could not be split into fields.
    """

    name: str
    sha256: str
    rows: pl.DataFrame
    broken: pl.DataFrame


def known_columns(spec: DatabaseSpec) -> list[str]:
    """Every column a plain file may have."""
    dated = list(dict.fromkeys([spec.event_date, *spec.variables]))
    return [*IDENTITY, *spec.attributes, *dated, *(f"{name}_missing" for name in dated)]


def read_plain(path: Path, spec: DatabaseSpec) -> pl.DataFrame:
    """The rows of a plain file where every row can be read (see read_file); used where two files meet.

    Raises InputError also where a single row could not be split into its fields.
    """
    plain = read_file(path, spec)
    if plain.broken.height:
        line = plain.broken["line"][0]
        raise RefusedFile("row.shape", f"{plain.name}, line {line}: the row does not fit the header; mend it.")
    return plain.rows


def read_file(path: Path, spec: DatabaseSpec) -> PlainFile:
    """A plain file with its unreadable rows apart. The columns are held against the specification.

    Raises InputError where the file cannot be opened, RefusedFile where its content is not such a file:
    an unknown column (named, with the nearest known one), no record_id, person or event date, a person
    number stored as a number, another delimiter, a damaged file.
    """
    name = _shown(path)
    try:
        content = path.read_bytes()
    except OSError:
        raise InputError(f"{name} cannot be read: name an existing file.") from None
    if content.startswith(b"PAR1"):
        rows, broken = _parquet(content, name, spec), broken_frame([])
    else:
        rows, broken = _csv(content, name, spec)
    return PlainFile(name, hashlib.sha256(content).hexdigest(), rows, broken)


def _csv(content: bytes, name: str, spec: DatabaseSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    try:
        text = decoded(content)
        header = header_of(text, ",", known_columns(spec))
        _hold_names(header, name, spec)
        table = read_table(text, ",", header)
    except Refused as refused:
        raise RefusedFile(refused.code, f"{name}: {refused.english}") from None
    return table.rows, broken_frame(table.broken)


def _parquet(content: bytes, name: str, spec: DatabaseSpec) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(io.BytesIO(content), hive_partitioning=False)
    except Exception:  # a damaged file fails in many ways, some of which quote the data
        raise RefusedFile("not_the_format", f"{name} is a damaged Parquet file: write it again.") from None
    _hold_names(frame.columns, name, spec)
    _hold_types(frame, name, spec)
    return _simple_types(frame).with_row_index("line", offset=1).cast({"line": pl.Int64})


def _hold_names(columns: Collection[str], name: str, spec: DatabaseSpec) -> None:
    known = known_columns(spec)
    for position, column in enumerate(columns, 1):
        if column not in known:
            raise RefusedFile("unknown_column", f"{name}: {_unknown(column, position, known)}")
    for needed in ("record_id", "person", spec.event_date):
        if needed not in columns:
            raise RefusedFile("missing_column", f"{name}: the column {needed} is missing; add it.")


def _unknown(column: str, position: int, known: Collection[str]) -> str:
    """The column by name where it looks like one: a file without header would show a person's data."""
    if not IDENTIFIER.fullmatch(column) or PERSON_LIKE.search(column):
        return f"column {position} has a name that the specification does not know; remove or rename it."
    nearest = difflib.get_close_matches(column, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else "remove or rename it."
    return f"the column {column} is not in the specification; {hint}"


def _hold_types(frame: pl.DataFrame, name: str, spec: DatabaseSpec) -> None:
    if frame.schema["person"].is_numeric():
        raise RefusedFile(
            "person_is_number",
            f"{name}: person is stored as a number, so that leading zeros are lost; use text.",
        )
    if frame.schema["record_id"].is_float():
        raise RefusedFile("not_the_format", f"{name}: record_id is stored as a decimal number; use text.")
    odd = frame.select(cs.nested() | cs.binary() | cs.by_dtype(pl.Object, pl.Time) | cs.duration()).columns
    if odd:
        raise RefusedFile("not_the_format", f"{name}: the column {odd[0]} holds no plain values; use text.")
    for variable, kind in {spec.event_date: "date", **{n: v.type for n, v in spec.variables.items()}}.items():
        if variable in frame.columns and not _fits(frame.schema[variable], kind):
            raise RefusedFile("not_the_format", f"{name}: {variable} is no {kind} in the file; use {kind} or text.")


def _fits(stored: pl.DataType, kind: str) -> bool:
    """Text and empty columns fit everything; beside them a number is no date and a date no number."""
    if kind in ("date", "timestamp"):
        return not stored.is_numeric() and stored != pl.Boolean
    return not stored.is_temporal() if kind in ("decimal", "integer") else True


def _simple_types(frame: pl.DataFrame) -> pl.DataFrame:
    """Text, numbers, dates and times without zone (Danish civil time); NaN is no value."""
    zoned = [c for c, kind in frame.schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone]
    return frame.with_columns(
        cs.by_dtype(pl.Categorical, pl.Enum, pl.Null).cast(pl.String),
        cs.decimal().cast(pl.Float64),
        cs.float().fill_nan(None),
        *(pl.col(c).dt.convert_time_zone(DANISH_TIME).dt.replace_time_zone(None) for c in zoned),
    )


def _shown(path: Path) -> str:
    return "the file (its name looks like a person number)" if PERSON_LIKE.search(path.name) else str(path)
