"""What became of what: transitions of codes, and signed offsets of dates and times."""

from __future__ import annotations

import polars as pl

from pipelines.reconciliation.discrepancies import shown
from pipelines.reconciliation.match import days_between
from pipelines.spec.model import DatabaseSpec

TRANSITIONS = {
    "variable": pl.String,
    "region": pl.String,
    "reported_value": pl.String,
    "new_value": pl.String,
    "n": pl.Int64,
}
OFFSETS = {"variable": pl.String, "region": pl.String, "offset": pl.Int64, "n": pl.Int64}


def transitions(spec: DatabaseSpec, compared: pl.DataFrame) -> pl.DataFrame:
    """How often each reported code (or missing code) became each new one; null region is the country."""
    parts = [
        compared.select(
            "region",
            variable=pl.lit(name),
            reported_value=shown(name, variable, "reported"),
            new_value=shown(name, variable, "new"),
        )
        for name, variable in spec.compared.items()
        if variable.categorical or variable.type == "sks"
    ]
    return _counted(parts, TRANSITIONS)


def offsets(spec: DatabaseSpec, compared: pl.DataFrame) -> pl.DataFrame:
    """new − reported: days for dates, minutes for time stamps; the event date is always told."""
    event = compared.select("region", variable=pl.lit(spec.event_date), offset=pl.col("date_offset_days"))
    parts = [event] + [
        compared.select("region", variable=pl.lit(name), offset=_offset(name, variable.type))
        for name, variable in spec.compared.items()
        if variable.type in ("date", "timestamp") and name != spec.event_date
    ]
    return _counted([part.drop_nulls("offset") for part in parts], OFFSETS)


def _offset(name: str, kind: str) -> pl.Expr:
    reported, new = pl.col(f"{name}_reported"), pl.col(f"{name}_new")
    return days_between(reported, new) if kind == "date" else (new - reported).dt.total_minutes()


def _counted(parts: list[pl.DataFrame], columns: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    if not parts:
        return pl.DataFrame(schema=columns)
    rows = pl.concat(part.select(pl.col(name).cast(columns[name]) for name in columns if name != "n") for part in parts)
    country = rows.with_columns(region=pl.lit(None, pl.String))
    by = [name for name in columns if name != "n"]
    counted = pl.concat([country, rows.drop_nulls("region")]).group_by(by).agg(n=pl.len().cast(pl.Int64))
    return counted.sort(by)
