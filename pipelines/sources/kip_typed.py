"""KIP forms as a typed table (Parquet, SAS): every value becomes the text that its form version writes.

So one conversion, from text, holds for all forms of a file, and the raw layer shows what a person would type.
The line of a row is its number, from 1.
"""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import polars.selectors as cs
import pyarrow.parquet as pq

from pipelines.sources.batch import LONGEST_CELL, Batch, Broken, Refused, broken_frame
from pipelines.sources.kip import columns_of, form_version, form_versions
from pipelines.spec.model import SourceSchema
from pipelines.spec.to_duckdb import Notation

MOST_CELLS = 50_000_000
LARGEST_UNPACKED = 1_000_000_000  # bytes, as the file's own account has them

DANISH_TIME = ZoneInfo("Europe/Copenhagen")


def read_kip_parquet(content: bytes, schemas: Mapping[tuple[str, str], SourceSchema]) -> Batch:
    """The file as a batch of the form version whose columns are exactly the file's.

    Raises Refused where it is damaged, holds nested or binary values, or a number where an id belongs.
    """
    try:
        frame = _frame(content)
    except Refused:
        raise
    except Exception:  # a damaged file fails in many ways, some of which quote the data
        raise Refused("not_the_format", "Parquet-filen er beskadiget.", "The Parquet file is damaged.") from None
    if frame.select(cs.nested() | cs.binary() | cs.by_dtype(pl.Object) | cs.duration()).columns:
        raise Refused(
            "not_the_format",
            "Parquet-filen har en kolonne, der ikke er enkle værdier.",
            "The Parquet file has a column that does not hold plain values.",
        )
    return typed_batch(frame.to_dict(as_series=False), schemas)


def _frame(content: bytes) -> pl.DataFrame:
    """The table, unless its own account says that it unpacks to more than the machine should hold."""
    said = pq.read_metadata(io.BytesIO(content))
    unpacked = sum(said.row_group(n).total_byte_size for n in range(said.num_row_groups))
    if said.num_rows * said.num_columns > MOST_CELLS or unpacked > LARGEST_UNPACKED:
        raise Refused("too_large", "Parquet-filen fylder for meget pakket ud.", "The Parquet file unpacks to too much.")
    return pl.read_parquet(io.BytesIO(content), hive_partitioning=False)


def typed_batch(columns: Mapping[str, Sequence[Any]], schemas: Mapping[tuple[str, str], SourceSchema]) -> Batch:
    """A batch of typed columns (column → one Python value a row). Names of columns may differ in case."""
    versions = form_versions(schemas)
    spelled = {name.lower(): name for schema in versions for name in columns_of(schema)}
    named = {spelled.get(name.lower(), name): values for name, values in columns.items()}
    if len(named) < len(columns):
        raise Refused("duplicate_column", "To kolonner har samme navn.", "Two columns have the same name.")
    schema = form_version(named, versions)
    _hold_ids(named, schema)
    texts = {name: [as_text(value, schema.notation) for value in values] for name, values in named.items()}
    rows = pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)).with_row_index("line", offset=1)
    broken = _broken(rows)
    held = [row.line for row in broken]
    rows = rows.cast({"line": pl.Int64}).filter(~pl.col("line").is_in(held)).with_columns(action=pl.lit("create"))
    return Batch(schema.source, schema.version, rows, broken_frame(broken))


def as_text(value: Any, notation: Notation) -> str | None:
    """A value as a person types it in a notation; nothing and NaN are null, numbers are never rounded."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case float() if not math.isfinite(value):
            return None
        case int() | float() | Decimal():
            number = format(Decimal(str(value)), "f")
            number = number.rstrip("0").rstrip(".") if "." in number else number
            return number.replace(".", ",") if notation == "danish" else number
        case dt.datetime():
            local = value.astimezone(DANISH_TIME) if value.tzinfo else value
            return f"{_day(local, notation)} {local.time().isoformat()}"
        case dt.date():
            return _day(value, notation)
    return str(value)


def _day(day: dt.date, notation: Notation) -> str:
    iso = f"{day.year:04}-{day.month:02}-{day.day:02}"
    return iso if notation == "iso" else f"{day.day:02}-{day.month:02}-{day.year:04}"


def _hold_ids(columns: Mapping[str, Sequence[Any]], schema: SourceSchema) -> None:
    """Refused: an id stored as a number has lost its leading zeros."""
    for name in schema.identity.values():
        if any(isinstance(value, int | float | Decimal) for value in columns[name]):
            raise Refused(
                "person_is_number",
                f"Kolonnen {name} er gemt som tal, så nuller foran er tabt.",
                f"The column {name} is stored as a number, so that leading zeros are lost.",
            )


def _broken(rows: pl.DataFrame) -> list[Broken]:
    """Rows with a cell that cannot be stored as text."""
    cells = pl.exclude("line")
    nul = rows.filter(pl.any_horizontal(cells.str.contains("\0", literal=True)))["line"]
    long = rows.filter(pl.any_horizontal(cells.str.len_chars() > LONGEST_CELL))["line"]
    said = {line: Broken(line, "row.long", f"Et felt er længere end {LONGEST_CELL} tegn.") for line in long}
    return list((said | {line: Broken(line, "row.nul", "Rækken indeholder et NUL-tegn.") for line in nul}).values())
