"""DatabaseSpec → the JSON Schema (draft 2020-12) that a region's system can hold a submission against.

It refuses what validation holds back for one field alone, in the source's own words; warnings, and rules
across fields, are told in the descriptions only. The format of the service is not public: the envelope is
the assumption that `sources.wsapi` reads.
"""

from __future__ import annotations

from typing import Any

from pipelines.spec.constraints import matches_of
from pipelines.spec.model import DatabaseSpec, Field_, SourceSchema, Variable
from pipelines.spec.person_number import CPR, REPLACEMENT_CPR
from pipelines.spec.to_duckdb import DATE_FORM, DECIMAL, TIME_FORM

NOTICE = (
    "Webservicens format er ikke offentligt. Kuvert, feltnavne og koder er en antagelse, "
    "indtil SundK har bekræftet dem."
)


def json_schema(spec: DatabaseSpec, schema: SourceSchema) -> dict[str, Any]:
    """The schema of one submission in one version of the format, with Danish descriptions."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:sammenhold:{spec.database}:{schema.source}:{schema.version}",
        "title": f"{spec.title.da}: indberetning, version {schema.version}",
        "x-notice": NOTICE,
        "x-specification": {"version": spec.version, "official": spec.official},
        **_object(_envelope(spec, schema)),
    }


def _envelope(spec: DatabaseSpec, schema: SourceSchema) -> dict[str, Any]:
    return {
        "database": {"const": spec.database, "description": "Databasens kortnavn"},
        "schemaVersion": {"const": schema.version, "description": "Formatets version"},
        "region": {"type": "string", "minLength": 1, "description": "Den region, der indberetter"},
        "submissionId": {
            "type": "string",
            "pattern": "^[A-Za-z0-9_.-]{1,100}$",
            "description": "Indberetningens navn hos afsenderen; må ikke indeholde et personnummer",
        },
        "sequenceNumber": {
            "type": "integer",
            "minimum": 0,
            "description": "Stigende nummer hos afsenderen; det højeste gælder",
        },
        "sentAt": {"type": "string", "format": "date-time", "description": "Afsendt, med tidszone"},
        "records": {"type": "array", "items": _record(spec, schema), "description": f"Poster: {spec.record}"},
    }


def _record(spec: DatabaseSpec, schema: SourceSchema) -> dict[str, Any]:
    """A deletion needs only the record's id; every other record needs the required fields."""
    fields = {name: _field(spec, schema, field) for name, field in schema.fields.items()}
    names = {name: _identity(spec, column) for column, name in schema.identity.items()}
    required = [name for name, field in schema.fields.items() if _required(spec, schema, field)]
    identity = [schema.identity[column] for column in ("record_id", "person") if column in schema.identity]
    action = {
        "enum": ["create", "correct", "delete"],
        "description": "Om posten er ny, rettet eller slettet",
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {"action": action, **names, **fields},
        "required": ["action", schema.identity["record_id"]],
        "if": {"properties": {"action": {"const": "delete"}}},
        "else": {"required": [*identity, *required]},
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _identity(spec: DatabaseSpec, column: str) -> dict[str, Any]:
    if column == "record_id":
        return {"type": "string", "minLength": 1, "description": "Postens id; det samme ved rettelse og sletning"}
    if column != "person":
        described = {"unit": "Enhed (SHAK eller SOR)", "region": "Region"}.get(column, column)
        return {"type": ["string", "null"], "description": described}
    said: dict[str, Any] = {"type": "string", "minLength": 1, "description": "Personnummer"}
    if spec.person_number == "cpr" and spec.severity.get("person", "error") == "error":
        said["pattern"] = f"{CPR}|{REPLACEMENT_CPR}"
        said["description"] = "Personnummer eller erstatnings-CPR, uden bindestreg"
    return said


def _required(spec: DatabaseSpec, schema: SourceSchema, field: Field_) -> bool:
    """Whether a record without the field is held back, whatever else it says."""
    variable = spec.variables[field.variable]
    wanted = variable.required_in(schema.source) or field.variable == spec.event_date
    return wanted and not variable.only_if and variable.severity.get("required", "error") == "error"


def _field(spec: DatabaseSpec, schema: SourceSchema, field: Field_) -> dict[str, Any]:
    """A value, one of the words for missing, or nothing where the field may be empty."""
    variable = spec.variables[field.variable]
    said = [_value(variable, schema, field)]
    if missing := _missing(variable, field):
        said.append({"enum": list(missing)})
    if not _required(spec, schema, field):
        said.append({"type": "null"})
    description = {"description": _description(variable, schema, field)}
    return {**said[0], **description} if len(said) == 1 else {"anyOf": said, **description}


def _value(variable: Variable, schema: SourceSchema, field: Field_) -> dict[str, Any]:
    match variable.type:
        case "decimal" | "integer":
            return _number(variable, schema, field)
        case "date":
            return {"type": "string", "pattern": DATE_FORM[schema.notation]}
        case "timestamp":
            return {"type": "string", "pattern": TIME_FORM[schema.notation]}
    if variable.domain and variable.severity.get("allowed", "error") == "error":
        return {"enum": list(_words(variable, field))}
    form = matches_of(variable)
    if form and variable.severity.get("pattern", "error") == "error":
        return {"type": "string", "pattern": form[0]}
    return {"type": "string"}


def _number(variable: Variable, schema: SourceSchema, field: Field_) -> dict[str, Any]:
    """A bare number or its text; limits only where validation holds a value outside them back."""
    kind = "number" if variable.type == "decimal" or field.factor != 1 else "integer"
    pattern = DECIMAL[schema.notation] if variable.type == "decimal" else "^-?[0-9]+$"
    said: dict[str, Any] = {"type": [kind, "string"], "pattern": pattern}
    if variable.range:
        low, high = (limit / field.factor for limit in variable.range)
        limits = {"minimum": min(low, high), "maximum": max(low, high)}
        held_back = variable.severity.get("range", "warning") == "error"
        said |= limits if held_back else {"x-plausible": limits}
    return said


def _words(variable: Variable, field: Field_) -> dict[str, str]:
    """The source's word for each code, with its text; a code without a word of its own stands as it is."""
    spoken = {code: word for word, code in field.values.items()}
    return {spoken.get(code, code): text for code, text in variable.domain.items()}


def _missing(variable: Variable, field: Field_) -> dict[str, str]:
    return {word: variable.missing.get(code, code) for word, code in field.missing.items()}


def _description(variable: Variable, schema: SourceSchema, field: Field_) -> str:
    codes = {**_words(variable, field), **_missing(variable, field)}
    parts = [
        variable.label.da,
        f"({variable.unit})" if variable.unit else "",
        "– " + ", ".join(f"{word}: {text}" for word, text in codes.items()) if codes else "",
    ]
    said = [" ".join(part for part in parts if part)]
    if variable.range and variable.severity.get("range", "warning") == "warning":
        said.append(f"En værdi uden for {variable.range[0]}-{variable.range[1]} giver en advarsel")
    if variable.only_if and variable.required_in(schema.source):
        said.append(f"Skal udfyldes, når {variable.only_if}")
    return ". ".join(said) + "."
