"""Reported records whose new record did arrive, but is held back because it breaks a rule."""

from __future__ import annotations

import polars as pl

from pipelines.reconciliation.match import match
from pipelines.spec.model import DatabaseSpec


def with_held_back(spec: DatabaseSpec, reported: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """The reported records, with reason `held_back` where an unmatched one is that of a held-back record.

    It stays a record on one side only, since nothing of it may be used; but the finding says why, and no
    other cause needs to be looked for.
    """
    alone = reported.filter(status="unmatched")
    found = match(spec, alone, held.sort("record_id"))
    ids = alone["record_id"].gather(found["reported"])
    is_held = pl.col("record_id").is_in(ids.implode())
    return reported.with_columns(reason=pl.when(is_held).then(pl.lit("held_back")).otherwise("reason"))
