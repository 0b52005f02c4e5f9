"""WSAPI submissions: one JSON envelope per region and month, a line for each record (our assumption)."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.synthetic.words import in_words_of

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
SENT_AT = dt.time(23, 10)
BETWEEN, END = b",\n", b"\n  ]\n}\n"
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def wsapi_files(
    spec: DatabaseSpec,
    schemas: Mapping[tuple[str, str], SourceSchema],
    messages: pl.DataFrame,
    source: str | None = None,
) -> dict[str, bytes]:
    """The messages of the new side (or another `source`) as files, by path `wsapi/<region>/<submission>.json`."""
    return {
        path: begin + BETWEEN.join(records) + END
        for path, (begin, records) in submissions(spec, schemas, messages, source).items()
    }


def submissions(
    spec: DatabaseSpec,
    schemas: Mapping[tuple[str, str], SourceSchema],
    messages: pl.DataFrame,
    source: str | None = None,
) -> dict[str, tuple[bytes, list[bytes]]]:
    """The submissions by path: how each begins, and its records, to be written with BETWEEN between them and END
    after the last."""
    source = source or spec.sides.new
    batches = messages.partition_by("region", "submission", as_dict=True)
    return {
        f"{source}/{region}/{submission}.json": (
            _head(spec, batch.row(0, named=True)),
            _records(spec, schemas[source, batch["schema_version"][0]], batch),
        )
        for (region, submission), batch in sorted(batches.items())
    }


def _head(spec: DatabaseSpec, first: Mapping[str, Any]) -> bytes:
    head = {
        "database": spec.database,
        "schemaVersion": first["schema_version"],
        "region": first["region"],
        "submissionId": first["submission"],
        "sequenceNumber": first["sequence"],
        "sentAt": dt.datetime.combine(first["sent"], SENT_AT, COPENHAGEN).isoformat(),
    }
    keys = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}," for key, value in head.items()]
    return "\n".join(["{", *keys, '  "records": [', ""]).encode()


def _records(spec: DatabaseSpec, schema: SourceSchema, batch: pl.DataFrame) -> list[bytes]:
    batch = batch.sort("record_id")
    numeric = {name for name, field in schema.fields.items() if spec.variables[field.variable].numeric}
    rows = in_words_of(schema, spec, batch).iter_rows(named=True)
    return [_record(action, row, numeric).encode() for action, row in zip(batch["action"], rows, strict=True)]


def _record(action: str, row: dict[str, str | None], numeric: set[str]) -> str:
    """One record; numbers stand bare, a field with nothing in it is left out."""
    members = [f'"action": "{action}"']
    members += [
        f"{json.dumps(field)}: {_token(text, field in numeric)}" for field, text in row.items() if text is not None
    ]
    return f"    {{{', '.join(members)}}}"


def _token(text: str, numeric: bool) -> str:
    return text if numeric and NUMBER.fullmatch(text) else json.dumps(text, ensure_ascii=False)
