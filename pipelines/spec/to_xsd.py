"""DatabaseSpec → the XML Schema (XSD 1.0) of a submission, in the form that `sources.wsapi_xml` reads.

It is the JSON Schema of the same version said in the other notation, so that the two refuse the same. Only one
thing XSD 1.0 cannot say: that a field is needed unless the record is a deletion. It stands in the description,
and the receipt (kvittering) tells of it.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.spec.to_wsapi import json_schema

XS = "http://www.w3.org/2001/XMLSchema"
_X = ElementMaker(namespace=XS, nsmap={"xs": XS})
ELEMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
NEEDED = "Skal udfyldes, undtagen når posten slettes."


def xsd(spec: DatabaseSpec, schema: SourceSchema) -> bytes:
    """The XSD of one submission in one version of the format, with Danish descriptions; the same bytes each time.

    Raises InputError where a field's name cannot be the name of an element.
    """
    said = json_schema(spec, schema)
    parts = dict(said["properties"])
    record = parts.pop("records")
    records = _element("records", _records(record["items"]), record["description"])
    envelope = _X.complexType(_X.all(*(_field(name, part) for name, part in parts.items()), records))
    notice = f"{said['title']}. {said['x-notice']}"
    root = _X.schema(_annotation(notice), _X.element(envelope, name="submission"), version=schema.version)
    return etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8")


def _records(record: dict[str, Any]) -> etree._Element:
    """Any number of records; the fields of one stand in any order, each at most once."""
    needed = set(record["else"]["required"]) - set(record["required"])
    fields = [
        _field(name, part, NEEDED if name in needed else "", required=name in record["required"])
        for name, part in record["properties"].items()
    ]
    one = _X.element(_X.complexType(_X.all(*fields)), name="record", minOccurs="0", maxOccurs="unbounded")
    return _X.complexType(_X.sequence(one))


def _field(name: str, part: dict[str, Any], more: str = "", required: bool = True) -> etree._Element:
    description = " ".join(text for text in (part.get("description", ""), more) if text)
    element = _element(name, _X.simpleType(_type(part)), description)
    element.set("minOccurs", "1" if required else "0")
    return element


def _element(name: str, content: etree._Element, description: str) -> etree._Element:
    if not ELEMENT_NAME.fullmatch(name):
        raise InputError(f"The field {name} cannot be the name of an XML element: use letters, digits and -_. only.")
    return _X.element(_annotation(description), content, name=name)


def _annotation(text: str) -> etree._Element:
    return _X.annotation(_X.documentation(text, {"{http://www.w3.org/XML/1998/namespace}lang": "da"}))


def _type(part: dict[str, Any]) -> etree._Element:
    """A restriction, or where several kinds of value are allowed, a union of restrictions."""
    if "anyOf" in part:
        return _X.union(*(_X.simpleType(_type(one)) for one in part["anyOf"]))
    if isinstance(part.get("type"), list) and "null" in part["type"]:
        return _restriction("string")
    if part.get("type") == "null":
        return _restriction("string", ("length", "0"))
    if words := part.get("enum") or ([part["const"]] if "const" in part else []):
        return _restriction("string", *(("enumeration", word) for word in words))
    return _plain(part)


def _plain(part: dict[str, Any]) -> etree._Element:
    """A text, a number or a time with its limits."""
    limits = [("minInclusive", "minimum"), ("maxInclusive", "maximum"), ("minLength", "minLength")]
    facets = [(facet, str(part[key])) for facet, key in limits if key in part]
    pattern = [("pattern", _anchored(part["pattern"]))] if "pattern" in part else []
    if part.get("format") == "date-time":
        return _restriction("dateTime", ("pattern", r".*(Z|[+\-][0-9]{2}:[0-9]{2})"))
    if part["type"] == "integer":
        return _restriction("integer", *facets)
    # A decimal comma is no number to XSD: there the pattern alone holds.
    number = "minimum" in part and "(," not in part["pattern"]
    return _restriction("decimal" if number else "string", *pattern, *(facets if number or not pattern else []))


def _restriction(base: str, *facets: tuple[str, str]) -> etree._Element:
    return _X.restriction(*(_X(name, value=value) for name, value in facets), base=f"xs:{base}")


def _anchored(pattern: str) -> str:
    """A pattern of XSD always holds the whole text, and has no anchors and no groups without a number."""
    return re.sub(r"(?<![\[\\])\^|(?<!\\)\$", "", pattern).replace("(?:", "(")
