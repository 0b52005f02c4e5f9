"""What the two sides must look like before they are held side by side: the canonical frame."""

from __future__ import annotations

import polars as pl

from pipelines.project import InputError
from pipelines.spec.model import IDENTITY, DatabaseSpec

TYPES = {"decimal": pl.Float64, "integer": pl.Int64, "date": pl.Date, "timestamp": pl.Datetime("us")}


def shaped(spec: DatabaseSpec, frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """The canonical frame in one order of columns and rows, so that nothing later depends on a file's.

    A column without any value has its specified type. Raises InputError where a column is absent or holds
    something else than the specification says, where a record has no id, or two have the same.
    """
    types = column_types(spec)
    others = sorted(set(frame.columns) - set(types))
    frame = frame.select(*(_typed(spec, frame, name, kind, side) for name, kind in types.items()), *others)
    if missing := frame["record_id"].null_count():
        raise InputError(f"{missing} {side} records have no record_id: give every record one.")
    if repeated := len(frame) - frame["record_id"].n_unique():
        raise InputError(f"{repeated} {side} records repeat a record_id: a record_id may stand once.")
    return frame.sort("record_id")


def column_types(spec: DatabaseSpec) -> dict[str, pl.DataType]:
    """Every column that the comparison reads, with its type."""
    types = dict.fromkeys((*IDENTITY, *(name for name in spec.attributes if name != "retracted")), pl.String)
    types |= {f"{name}_missing": pl.String for name in spec.variables}
    types |= {name: TYPES.get(variable.type, pl.String) for name, variable in spec.variables.items()}
    return types | {spec.event_date: types.get(spec.event_date, pl.Date)}


def _typed(spec: DatabaseSpec, frame: pl.DataFrame, name: str, kind: pl.DataType, side: str) -> pl.Series:
    if name not in frame.columns:
        raise InputError(
            f"The {side} side has no column {name}: {spec.database} compares it, add it (it may be empty)."
        )
    if frame.schema[name] not in (kind, pl.Null):
        found = frame.schema[name]
        raise InputError(f"{name} is {found} on the {side} side, {spec.database} says {kind}: convert it first.")
    return frame[name].cast(kind)
