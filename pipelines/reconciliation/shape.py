"""What the two sides must look like before they are held side by side: the canonical frame, read by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import polars as pl

from pipelines.project import InputError
from pipelines.reconciliation.words import coded, gathered
from pipelines.spec.model import IDENTITY, DatabaseSpec

SIDES = ("reported", "new")
TYPES = {"decimal": pl.Float64, "integer": pl.Int64, "date": pl.Date, "timestamp": pl.Datetime("us")}
# Both sides may be tables of one DuckDB connection, and a connection answers one question at a time.
ONE_READER = Lock()
NO_DAY = np.iinfo(np.int32).min


@dataclass(frozen=True)
class Side:
    """The records of one side, whose columns are read (from memory, Parquet or a DuckDB table) when asked for.

    Rows keep the order of their source; nothing that is said of them may depend on it.
    """

    name: str
    rows: pl.LazyFrame
    types: Mapping[str, pl.DataType]
    empty: frozenset[str] = frozenset()  # columns without any value
    # What is asked for again and again: who and where as numbers, some rows of every column that was read; and columns.
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    held: dict[str, pl.Series | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def height(self) -> int:
        with ONE_READER:
            return self.rows.select(pl.len()).collect().item()

    def read(self, names: list[str], at: np.ndarray | None = None) -> pl.DataFrame:
        """The named columns, of all records or of the rows `at`; each is read and gathered by itself."""
        return pl.DataFrame([self.column(name, at) for name in names])

    def column(self, name: str, at: np.ndarray | None = None) -> pl.Series:
        if name in self.empty or (at is not None and not len(at)):
            length = self.height if at is None else len(at)
            return pl.repeat(None, length, dtype=self.types[name], eager=True).alias(name)
        with ONE_READER:
            values = self.held.get(name)
            if values is None:
                values = self.rows.select(pl.col(name).cast(self.types[name])).collect().to_series()
            if name in self.held or at is not None:
                values = values.rechunk()  # what is read in parts is gathered many times as slowly
            if name in self.held:
                self.held[name] = values
        if (watched := self.kept.get("watched")) is not None:
            self.kept[f"seen {name}"] = values.gather(watched)
        return values if at is None else values.gather(at)

    def watch(self, rows: np.ndarray) -> None:
        """From now on whoever reads a column leaves what it says at these rows."""
        self.kept["watched"] = rows

    def seen(self, name: str) -> pl.Series:
        """What a column says at the watched rows, read anew only where nobody has read it."""
        found = self.kept.get(f"seen {name}")
        return self.column(name, self.kept["watched"]) if found is None else found

    def hold(self, *names: str) -> None:
        """From now on these columns stay in memory once they are read, until they are let go."""
        self.held.update(dict.fromkeys(names))

    def let_go(self, *names: str) -> None:
        """They are read anew where they are asked for again."""
        for name in names:
            self.held.pop(name, None)

    def forget(self, *names: str) -> None:
        """Let go of what was kept, or of what is called so; it is read anew where it is asked for again."""
        for name in names or list(self.kept):
            self.kept.pop(name, None)

    def words(self, name: str) -> tuple[pl.Series, np.ndarray]:
        """A column of texts that repeat (unit, region): its words with null behind the last, and each record's."""
        if name not in self.kept:
            words, (codes,) = coded(self.column(name))
            self.kept[name] = words.extend_constant(None, 1).alias(name), codes
        return self.kept[name]

    def days(self, name: str) -> np.ndarray:
        """The calendar days of a date or time stamp, counted from 1970; NO_DAY where there is none."""
        if f"days {name}" not in self.kept:
            days = self.column(name).cast(pl.Date).to_physical()
            self.kept[f"days {name}"] = days.fill_null(NO_DAY).to_numpy()
        return self.kept[f"days {name}"]

    def numbers(self, name: str, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """A number of 64 bits for each value, the same for equal ones; 0 for an empty one."""
        if name in ("unit", "region"):
            words, codes = self.words(name)
            return gathered(hashes(words), codes[at])
        if name == "person":
            found = self.kept.get("person")
            self.kept["person"] = found = hashes(self.column("person")) if found is None else found
        else:
            found = hashes(self.column(name))
        return found if isinstance(at, slice) else gathered(found, at)


def hashes(values: pl.Series) -> np.ndarray:
    """Polars' own hashes of 64 bits, 0 for null."""
    found = values.hash().to_numpy()
    return np.where(values.is_null().to_numpy(), np.uint64(0), found) if values.null_count() else found


def shaped(spec: DatabaseSpec, frame: pl.DataFrame | pl.LazyFrame, name: str) -> Side:
    """A canonical frame as a side. A column without any value has its specified type.

    Raises InputError where a column is absent or holds something else than the specification says, where a
    record has no id, or two have the same.
    """
    rows = frame.lazy()
    found, types = rows.collect_schema(), column_types(spec)
    for column, kind in types.items():
        _hold_type(spec, found, column, kind, name)
    empty = frozenset(column for column in types if found[column] == pl.Null)
    others = {column: found[column] for column in sorted(set(found) - set(types))}
    side = Side(name, rows, types | others, empty)
    side.hold("record_id", spec.event_date)
    _hold_ids(side)
    return side


def completed(spec: DatabaseSpec, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows with every column that they lack, empty: for files that say only what they have."""
    present = rows.collect_schema()
    absent = [column for column in column_types(spec) if column not in present]
    return rows.with_columns(pl.lit(None).alias(column) for column in absent)


def column_types(spec: DatabaseSpec) -> dict[str, pl.DataType]:
    """Every column that the comparison reads, with its type."""
    types = dict.fromkeys((*IDENTITY, *(name for name in spec.attributes if name != "retracted")), pl.String())
    types |= {f"{name}_missing": pl.String() for name in spec.variables}
    types |= {name: TYPES.get(variable.type, pl.String()) for name, variable in spec.variables.items()}
    return types | {spec.event_date: types.get(spec.event_date, pl.Date())}


def _hold_type(spec: DatabaseSpec, found: Mapping, column: str, kind: pl.DataType, side: str) -> None:
    if column not in found:
        raise InputError(
            f"The {side} side has no column {column}: {spec.database} compares it, add it (it may be empty)."
        )
    if found[column] not in (kind, pl.Null):
        raise InputError(
            f"{column} is {found[column]} on the {side} side, {spec.database} says {kind}: convert it first."
        )


def _hold_ids(side: Side) -> None:
    ids = side.column("record_id")
    if missing := ids.null_count():
        raise InputError(f"{missing} {side.name} records have no record_id: give every record one.")
    # Sorted numbers show quickly that no two are equal; only where two are is it worth comparing the ids.
    numbers = ids.hash().to_numpy().copy()
    numbers.sort()
    if (numbers[1:] == numbers[:-1]).any() and (repeated := len(ids) - ids.n_unique()):
        raise InputError(f"{repeated} {side.name} records repeat a record_id: a record_id may stand once.")
