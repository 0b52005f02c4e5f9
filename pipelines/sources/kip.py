"""Exports from forms (KIP, and systems that typed like it): semicolon, a header with field names, one row per form.

Typed exports are read by kip_typed and kip_sas. The layout is not public: this adapter and the form version's YAML
hold our assumption.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from pipelines.sources.batch import Batch, Refused, broken_frame, decoded
from pipelines.sources.delimited import header_of, hold_against, read_table
from pipelines.spec.model import SourceSchema

WEB_SERVICE = "wsapi"


def columns_of(schema: SourceSchema) -> list[str]:
    """The export's columns for one form version: those that identify the form, then the fields."""
    return [*schema.identity.values(), *schema.fields]


def read_kip(content: bytes, schemas: Mapping[tuple[str, str], SourceSchema]) -> Batch:
    """The file as a batch of the form version whose columns are exactly the header's, in any order.

    Raises Refused where the file is not such an export, or ends inside a line (it may be cut).
    """
    versions = form_versions(schemas)
    text = decoded(content)
    header = header_of(text, ";", {name for schema in versions for name in columns_of(schema)})
    schema = form_version(header, versions)
    if not text.endswith(("\n", "\r")):
        raise Refused(
            "truncated",
            "Filen slutter midt i en linje og kan være afkortet.",
            "The file ends inside a line and may be cut.",
        )
    table = read_table(text, ";", header)
    rows = table.rows.with_columns(action=pl.lit("create"))
    return Batch(schema.source, schema.version, rows, broken_frame(table.broken))


def form_versions(schemas: Mapping[tuple[str, str], SourceSchema]) -> list[SourceSchema]:
    """The form versions among the formats: all but the web service's. Refused: there is none."""
    versions = [schema for (source, _), schema in sorted(schemas.items()) if source != WEB_SERVICE]
    if not versions:
        raise Refused(
            "unknown_schema_version",
            "Databasen har ingen skemaversion for denne kilde.",
            "The database has no form version of this source.",
        )
    return versions


def form_version(header: Collection[str], versions: list[SourceSchema]) -> SourceSchema:
    """The version with the header's columns; else the nearest one says what is wrong with the header."""
    for schema in versions:
        if set(columns_of(schema)) == set(header):
            return schema
    nearest = min(versions, key=lambda schema: len(set(columns_of(schema)) ^ set(header)))
    hold_against(header, columns_of(nearest))
    raise AssertionError("a header that fits no version lacks a column or has one too many")
