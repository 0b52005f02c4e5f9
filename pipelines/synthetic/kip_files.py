"""KIP exports: one CSV file per region and half-year, semicolon and decimal comma (our assumption)."""

from __future__ import annotations

import polars as pl

from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.synthetic.words import in_words_of


def kip_files(spec: DatabaseSpec, schema: SourceSchema, forms: pl.DataFrame) -> dict[str, bytes]:
    """The forms as files, by path `kip/<region>/kip_<year>_<half>.csv`; rows in the order of their ids."""
    event = pl.col(spec.event_date)
    batches = forms.with_columns(year=event.dt.year(), half=(event.dt.month() + 5) // 6).partition_by(
        "region", "year", "half", as_dict=True
    )
    return {
        f"{schema.source}/{region}/{schema.source}_{year}_{half}.csv": _csv(spec, schema, batch)
        for (region, year, half), batch in sorted(batches.items())
    }


def _csv(spec: DatabaseSpec, schema: SourceSchema, batch: pl.DataFrame) -> bytes:
    return in_words_of(schema, spec, batch.sort("record_id")).write_csv(separator=";").encode()
