"""Reported records whose new record did arrive, but is held back because it breaks a rule."""

from __future__ import annotations

import polars as pl

from pipelines.reconciliation.match import match
from pipelines.spec.model import DatabaseSpec


def with_held_back(spec: DatabaseSpec, reported: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """The reported records, with `_reason` held_back where an unmatched one is that of a held-back record.

    It stays a record on one side only, since nothing of it may be used; but the finding says why, and no
    other cause needs to be looked for.
    """
    alone = reported.filter(_status="unmatched")
    found = match(spec, alone, held.sort("record_id"))
    ids = alone["record_id"].gather(found["reported"])
    # A record whose date cannot be read is known by its person alone.
    undated = held.filter(pl.col(spec.event_date).is_null())["person"].drop_nulls()
    is_held = pl.col("record_id").is_in(ids.implode()) | pl.col("person").is_in(undated.implode()).fill_null(False)
    return reported.with_columns(
        _reason=pl.when(is_held & (pl.col("_status") == "unmatched")).then(pl.lit("held_back")).otherwise("_reason")
    )
