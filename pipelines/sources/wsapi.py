"""Submissions through the web service (WSAPI): one JSON envelope with records (as XML: wsapi_xml).

The service's format is not public: the envelope is our assumption, and only these adapters know it.
    {"database", "schemaVersion", "region", "submissionId", "sequenceNumber", "sentAt",
     "records": [{"action": "create" | "correct" | "delete", "recordId", …the version's fields}]}
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from pipelines.sources.batch import (
    LONGEST_CELL,
    Batch,
    Broken,
    Refused,
    broken_frame,
    decoded,
    hold_size,
    is_plain_name,
)
from pipelines.sources.envelope import NumberText, Placed, placed_apart, read_envelope
from pipelines.spec.model import SourceSchema

ENVELOPE = ("database", "schemaVersion", "region", "submissionId", "sequenceNumber", "sentAt", "records")
ACTIONS = ("create", "correct", "delete")


def read_wsapi(content: bytes, schemas: Mapping[tuple[str, str], SourceSchema]) -> Batch:
    """The submission as a batch; numbers stand as they were written, true and false as words.

    Raises Refused where it is no such envelope or names a schema version that the database does not have.
    """
    hold_size(content)
    return batch_of(read_envelope(decoded(content), list_key="records"), schemas)


def batch_of(envelope: Mapping[str, Any], schemas: Mapping[tuple[str, str], SourceSchema]) -> Batch:
    """The batch of an envelope that was read: its values as texts, `records` a list of Placed members.

    Raises Refused as `read_wsapi` does.
    """
    _hold_envelope(envelope)
    schema = _version(envelope["schemaVersion"], schemas)
    rows, broken = _split(placed_apart(envelope["records"]), schema)
    return Batch(
        "wsapi", schema.version, _frame(rows, schema), broken_frame(broken), envelope["database"],
        envelope["region"], envelope["submissionId"], int(envelope["sequenceNumber"]), envelope["sentAt"],
    )  # fmt: skip


def _hold_envelope(envelope: Mapping[str, Any]) -> None:
    if missing := [key for key in ENVELOPE if envelope.get(key) is None]:
        raise Refused("not_the_format", f"Kuverten mangler {missing[0]}.", f"The envelope lacks {missing[0]}.")
    if len(envelope) > len(ENVELOPE):
        raise Refused(
            "unknown_column",
            "Kuverten har et felt, der ikke er aftalt.",
            "The envelope has a field that was not agreed.",
        )
    for key in ("database", "schemaVersion", "region", "submissionId", "sentAt"):
        if type(envelope[key]) is not str:
            raise Refused("not_the_format", f"Kuvertens {key} er ikke en tekst.", f"The envelope's {key} is no text.")
    if not is_plain_name(envelope["submissionId"]):
        raise Refused(
            "not_the_format",
            "Kuvertens submissionId må kun have bogstaver, tal og -_. og ikke ligne et CPR-nummer.",
            "The submissionId may only have letters, digits and -_. and not look like a CPR number.",
        )
    _hold_number_and_time(envelope)


def _hold_number_and_time(envelope: Mapping[str, Any]) -> None:
    number = envelope["sequenceNumber"]
    if not (isinstance(number, NumberText) and number.isdigit() and len(number) < 19):
        raise Refused(
            "not_the_format",
            "Kuvertens sequenceNumber er ikke et helt tal.",
            "The sequenceNumber is no whole number.",
        )
    try:
        with_zone = dt.datetime.fromisoformat(envelope["sentAt"]).tzinfo is not None
    except ValueError:
        with_zone = False
    if not with_zone:
        raise Refused(
            "not_the_format",
            "Kuvertens sentAt er ikke et tidspunkt med tidszone.",
            "The sentAt is no time with a time zone.",
        )


def _version(version: str, schemas: Mapping[tuple[str, str], SourceSchema]) -> SourceSchema:
    if schema := schemas.get(("wsapi", version)):
        return schema
    known = ", ".join(sorted(v for source, v in schemas if source == "wsapi")) or "–"
    raise Refused(
        "unknown_schema_version",
        f"Ukendt skemaversion; databasen kender {known}.",
        f"Unknown schema version; the database knows {known}.",
    )


def _split(records: list[Placed], schema: SourceSchema) -> tuple[list[tuple[int, dict[str, str]]], list[Broken]]:
    """The records that are rows, with their lines, and those that are not, with the reason."""
    rows, broken = [], []
    fields, names = {*schema.identity.values(), *schema.fields}, set(schema.identity.values())
    for line, record in records:
        problems = _problems(record, schema, fields, names)
        if problem := next(problems, None):
            broken.append(Broken(line, *problem))
        else:
            rows.append((line, record))
    return rows, broken


def _problems(record: Any, schema: SourceSchema, fields: set[str], names: set[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(record, dict):
        yield "row.shape", "Posten er ikke et objekt med felter."
        return
    if record.get("action") not in ACTIONS:
        yield "row.action", "Posten siger ikke create, correct eller delete."
    if record.get("action") == "delete" and not record.get(schema.identity["record_id"]):
        yield "row.action", "En sletning mangler postens id."
    if record.keys() - fields - {"action"}:
        yield "row.unknown_field", f"Posten har et felt, som version {schema.version} ikke kender."
    for name, value in record.items():
        if problem := _cell_problem(name, value, name in names):
            yield problem


def _cell_problem(name: str, value: Any, is_name: bool) -> tuple[str, str] | None:
    if value is None or (type(value) is str and len(value) < 200 and value.isprintable()):
        return None
    if isinstance(value, dict | list):
        return "row.shape", "Et felt indeholder et objekt eller en liste."
    if is_name and type(value) is not str:
        return "row.number", f"{name} er sendt som tal og ikke som tekst, så nuller foran kan være tabt."
    if "\0" in value:
        return "row.nul", "Rækken indeholder et NUL-tegn."
    if len(value) > LONGEST_CELL:
        return "row.long", f"Et felt er længere end {LONGEST_CELL} tegn."
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        return "row.shape", "Et felt indeholder et halvt tegn, som ikke kan gemmes."
    return None


def _frame(rows: list[tuple[int, dict[str, str]]], schema: SourceSchema) -> pl.DataFrame:
    names = ["action", *schema.identity.values(), *schema.fields]
    lines = pl.Series("line", [line for line, _ in rows], dtype=pl.Int64)
    columns = [pl.Series(name, [_text(record.get(name)) for _, record in rows], pl.String) for name in names]
    return pl.DataFrame([lines, *columns])


def _text(value: str | None) -> str | None:
    return str(value) if type(value) is NumberText else value
