"""The cells of one variable on both sides, and the same cells as numbers where few different ones occur."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import polars as pl

from pipelines.reconciliation.conditions import flags
from pipelines.reconciliation.pending import settles_after
from pipelines.reconciliation.places import raveled
from pipelines.reconciliation.shape import SIDES, Side, hashes
from pipelines.reconciliation.words import in_common, numbered, repeats
from pipelines.spec.model import DatabaseSpec

NOWHERE = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Cells:
    """Columns of each side's records: `value`, and where there are any `missing` (the code), `relevant`, `pending`."""

    name: str
    columns: Mapping[str, pl.DataFrame]

    def at(self, rows: Mapping[str, np.ndarray]) -> pl.DataFrame:
        """The cells of pairs side by side, as `compare.outcome` reads them: `v_reported`, `v_new` …"""
        beside = {side: self.columns[side].select(pl.all().gather(rows[side])) for side in SIDES}
        laid = {}
        for side, frame in beside.items():
            laid[f"{self.name}_{side}"] = frame["value"]
            none = pl.repeat(None, len(frame), dtype=pl.String, eager=True)
            laid[f"{self.name}_missing_{side}"] = frame["missing"] if "missing" in frame.columns else none
        for said in ("relevant", "pending"):
            if said in beside["new"].columns:
                laid[f"{self.name}_{said}"] = beside["reported"][said] | beside["new"][said]
        return pl.DataFrame(laid)

    def different(self, side: str) -> tuple[pl.DataFrame, np.ndarray | slice]:
        """The cells of a side, and where each record's stands among them."""
        return self.columns[side], slice(None)

    def marks(self) -> dict[str, np.ndarray]:
        """A number for each cell; `same` reads them."""
        return {side: _marks(self.columns[side]) for side in SIDES}


@dataclass(frozen=True)
class Coding:
    """The different cells as if they were records (`cells`), and each record's place among them (`codes`)."""

    cells: Cells
    codes: Mapping[str, np.ndarray]
    size: int

    @property
    def name(self) -> str:
        return self.cells.name

    @property
    def settled(self) -> np.ndarray:
        """Of the different cells those that hold a value which counts already."""
        cell = self.cells.columns["new"]
        value = cell["value"].fill_nan(None) if cell["value"].dtype.is_float() else cell["value"]
        settled = value.is_not_null()
        return (settled & ~cell["pending"].fill_null(False) if "pending" in cell.columns else settled).to_numpy()

    def different(self, side: str) -> tuple[pl.DataFrame, np.ndarray | slice]:
        """The different cells of a side, and where each record's stands among them."""
        return self.cells.columns[side], self.codes[side]

    def at(self, combinations: np.ndarray) -> pl.DataFrame:
        """Pairs as numbers of two cells: reported · size + new."""
        return self.cells.at(dict(zip(SIDES, np.divmod(combinations, self.size), strict=True)))


def same(reported: np.ndarray, new: np.ndarray) -> np.ndarray:
    """True where both cells hold one and the same value, told by their marks; never of a cell that is empty, or whose
    variable may still change."""
    return (reported == new) & (reported == reported if reported.dtype.kind == "f" else reported != NOWHERE)


def read_cells(spec: DatabaseSpec, sides: Mapping[str, Side], name: str, day: dt.date) -> Cells | Coding:
    """The cells of a variable as numbers, where few different ones occur, else as they stand.

    One side is let go before the other is read.
    """
    missing, found = has_missing(sides, name), []
    for side in SIDES:
        frame = _columns(spec, sides[side], name, day, missing)
        if not repeats(frame["value"]):
            read = {other: _columns(spec, sides[other], name, day, missing) for other in SIDES if other != side}
            return _gathered_from(name, {side: frame, **read})
        found.append({column.name: numbered(column) for column in frame.get_columns()})
        del frame
    return _coding(name, {part: in_common(*(of[part] for of in found)) for part in found[0]})


def cells_of(spec: DatabaseSpec, sides: Mapping[str, Side], name: str, day: dt.date) -> Cells:
    """The cells of a variable, read from both sides; `day` is the reference date."""
    missing = has_missing(sides, name)
    return _gathered_from(name, {key: _columns(spec, side, name, day, missing) for key, side in sides.items()})


def _gathered_from(name: str, columns: Mapping[str, pl.DataFrame]) -> Cells:
    """What is read in parts is gathered many times as slowly."""
    return Cells(name, {side: frame.rechunk() for side, frame in columns.items()})


def has_missing(sides: Mapping[str, Side], name: str) -> bool:
    """Does either side say why a value is missing?"""
    return any(f"{name}_missing" not in side.empty for side in sides.values())


def _columns(spec: DatabaseSpec, side: Side, name: str, day: dt.date, missing: bool) -> pl.DataFrame:
    columns = {"value": side.column(name)}
    if missing:
        columns["missing"] = side.column(f"{name}_missing")
    if condition := spec.variables[name].only_if:
        frame = side.read(list(spec.condition(condition).columns) or ["record_id"])
        columns["relevant"] = flags(spec, frame, {"relevant": condition})["relevant"].fill_null(False)
    if days := settles_after(spec, name):
        columns["pending"] = (side.column(spec.event_date).cast(pl.Date) > day - dt.timedelta(days)).fill_null(False)
    return pl.DataFrame(columns)


def _marks(cell: pl.DataFrame) -> np.ndarray:
    """Numbers, dates and times are marked by themselves, texts by a hash of 64 bits."""
    value = cell["value"]
    if value.dtype == pl.String:
        value = pl.Series(hashes(value)).reinterpret(signed=True).replace(0, None)
    if "pending" in cell.columns:
        value = pl.select(pl.when(~cell["pending"]).then(value)).to_series()
    if value.dtype.is_float():
        return value.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return value.to_physical().cast(pl.Int64).fill_null(NOWHERE).to_numpy()


def _coding(name: str, parts: Mapping[str, tuple[pl.Series, list[np.ndarray]]]) -> Coding:
    """Cells are numbered by the places of their parts, a null behind the last."""
    shape = [len(words) + 1 for words, _ in parts.values()]
    size = prod(shape)
    every = np.unravel_index(np.arange(size), shape)
    table = pl.DataFrame({
        part: words.extend_constant(None, 1).gather(at)
        for (part, (words, _)), at in zip(parts.items(), every, strict=True)
    })  # fmt: skip
    codes = {side: raveled([of[n] for _, of in parts.values()], shape) for n, side in enumerate(SIDES)}
    return Coding(Cells(name, dict.fromkeys(SIDES, table)), codes, size)
