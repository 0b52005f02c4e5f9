"""Reported records whose new record did arrive, but is held back because it breaks a rule."""

from __future__ import annotations

import polars as pl

from pipelines.reconciliation.match import match
from pipelines.reconciliation.shape import Side, column_types
from pipelines.spec.model import DatabaseSpec


def with_held_back(spec: DatabaseSpec, reported: Side, alone: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """The records `alone` of the reported side, with reason held_back where theirs is a held-back record.

    Each stays a record on one side only, since nothing of the other may be used; but the finding says why, and
    no other cause needs to be looked for.
    """
    single = alone.filter(~pl.col("surplus"))
    ours = Side("reported", reported.read(list(column_types(spec)), single["row"].to_numpy()).lazy(), reported.types)
    theirs = Side("new", held.lazy(), reported.types)
    ids = single["record_id"].gather(match(spec, ours, theirs)["reported"])
    # A record whose date cannot be read is known by its person alone.
    undated = held.filter(pl.col(spec.event_date).is_null())["person"].drop_nulls()
    persons = reported.column("person", alone["row"].to_numpy())
    is_held = pl.col("record_id").is_in(ids.implode()) | pl.Series(persons.is_in(undated.implode())).fill_null(False)
    return alone.with_columns(
        reason=pl.when(is_held & ~pl.col("surplus")).then(pl.lit("held_back")).otherwise("reason")
    )
