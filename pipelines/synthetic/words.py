"""Typed values → the words of a source: its fields, its codes, its missing words, its notation."""

from __future__ import annotations

import polars as pl

from pipelines.spec.model import DatabaseSpec, Field_, SourceSchema

FORMS = {
    "iso": {"date": "%Y-%m-%d", "timestamp": "%Y-%m-%dT%H:%M:%S"},
    "danish": {"date": "%d-%m-%Y", "timestamp": "%d-%m-%Y %H:%M"},
}


def in_words_of(schema: SourceSchema, spec: DatabaseSpec, records: pl.DataFrame) -> pl.DataFrame:
    """The records as text by the schema's field names, identity first; null where nothing is written.

    A column `v_text`, where a fault put one, is written instead of the value. A missing code for which
    the source has no word is written as nothing.
    """
    identity = [_identity(name, schema.notation, records).alias(field) for name, field in schema.identity.items()]
    fields = [_words(field, spec, schema.notation, records).alias(name) for name, field in schema.fields.items()]
    return records.select(*identity, *fields)


def _identity(name: str, notation: str, records: pl.DataFrame) -> pl.Expr:
    """A column of the record itself; the event date may be one, where it is no variable."""
    if name not in records.columns:
        return pl.lit(None, pl.String)
    return pl.col(name).dt.strftime(FORMS[notation]["date"]) if records.schema[name] == pl.Date else pl.col(name)


def _words(field: Field_, spec: DatabaseSpec, notation: str, records: pl.DataFrame) -> pl.Expr:
    name = field.variable
    missing = pl.col(f"{name}_missing").replace_strict(_inverse(field.missing), default=None, return_dtype=pl.String)
    value = _value(field, spec.variables[name].type, notation)
    planted = [pl.col(f"{name}_text")] if f"{name}_text" in records.columns else []
    return pl.coalesce(*planted, value, missing)


def _value(field: Field_, kind: str, notation: str) -> pl.Expr:
    column = pl.col(field.variable)
    if kind in FORMS[notation]:
        return column.dt.strftime(FORMS[notation][kind])
    if kind in ("decimal", "integer"):
        number = column if field.factor == 1 else (column / field.factor).round(6)
        text = number.cast(pl.String)
        return text.str.replace(".", ",", literal=True) if notation == "danish" else text
    return column.replace(_inverse(field.values))


def _inverse(words: dict[str, str]) -> dict[str, str]:
    """Code → the source's word; the first one where the source has several."""
    return {code: word for word, code in reversed(words.items())}
