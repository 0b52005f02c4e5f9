"""Submissions through the web service as XML: the same envelope as in JSON, read to the same batch.

    <submission><database>…</database><schemaVersion>…</schemaVersion><region>…</region><submissionId>…
      <sequenceNumber>…<sentAt>…<records><record><action>create</action><recordId>…</recordId>…</record>…

Read with expat, which knows every line exactly (libxml2 estimates beyond line 65,535) and calls back at a
document type before anything of it is used: it is refused, so there are no entities and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from pipelines.sources.batch import Batch, Refused, decoded, hold_size
from pipelines.sources.envelope import NumberText, Placed
from pipelines.sources.wsapi import batch_of
from pipelines.spec.model import SourceSchema

DEEPEST = 20  # the envelope has four levels; what is nested deeper is an attack or another format
RECORD_LEVEL = 3  # what is open around a record: the document, the submission, its records
# A document may say where its schema stands; nothing is fetched from there.
PASSED_OVER = frozenset({"xmlns:xsi", "xsi:noNamespaceSchemaLocation"})


@dataclass(slots=True)
class Element:
    """One element with the line it begins on; `text` is what stands in it outside its children.

    `children` are elements, and under `records` the records (Placed).
    """

    name: str
    line: int
    bare: bool  # without attributes
    parts: list[str] = field(default_factory=list)
    children: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)


def is_xml(content: bytes) -> bool:
    """Whether the first sign of the file, after a byte order mark and blanks, is `<`."""
    return content.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(b"<")


def read_wsapi_xml(content: bytes, schemas: Mapping[tuple[str, str], SourceSchema]) -> Batch:
    """The submission as a batch; every value is the element's text as it stands.

    Raises Refused where it is no such envelope, has a document type, is too large or nested deeper than
    DEEPEST, or names a schema version that the database does not have.
    """
    hold_size(content)
    return batch_of(_envelope(_tree(decoded(content))), schemas)


def _tree(text: str) -> Element:
    """The outermost element with all below it; each record is made small as soon as it ends."""
    parser = expat.ParserCreate("utf-8")  # decoded already; what the declaration says does not count
    top = Element("", 0, True)
    open_elements = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > DEEPEST:
            raise Refused("broken_xml", "Filens XML er indlejret for dybt.", "The XML is nested too deeply.")
        bare = not attributes or PASSED_OVER.issuperset(attributes)
        open_elements.append(Element(name, parser.CurrentLineNumber, bare))

    def end(_: str) -> None:
        element = open_elements.pop()
        is_record = len(open_elements) == RECORD_LEVEL
        open_elements[-1].children.append(Placed(element.line, _record(element)) if is_record else element)

    def data(said: str) -> None:
        open_elements[-1].parts.append(said)

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError:
        raise Refused(
            "broken_xml", "Filen er ikke hel og gyldig XML.", "The file is not whole and valid XML."
        ) from None
    return top.children[0]


def _refuse_document_type(*_: Any) -> None:
    raise Refused(
        "document_type",
        "Filen har en dokumenttype (DTD); den er ikke tilladt.",
        "The file has a document type (DTD), which is not allowed.",
    )


def _envelope(root: Element) -> dict[str, Any]:
    """The same values that the JSON envelope has; what stands there too much is left for the checks to see."""
    if root.name != "submission" or not root.bare:
        raise Refused(
            "not_the_format", "Filen er ikke en kuvert (submission).", "The file is no envelope (submission)."
        )
    _hold_once(root)
    if _stray(root) or any(not child.bare or (child.children and child.name != "records") for child in root.children):
        raise Refused(
            "unknown_column",
            "Kuverten har et indhold, der ikke er aftalt.",
            "The envelope has content that was not agreed.",
        )
    said: dict[str, Any] = {child.name: child.text.strip() for child in root.children}
    if "sequenceNumber" in said:
        said["sequenceNumber"] = NumberText(said["sequenceNumber"])
    records = next((child for child in root.children if child.name == "records"), None)
    if records is None:
        return said
    if _stray(records):
        raise Refused("not_the_format", "Der står tekst mellem posterne.", "There is text between the records.")
    return said | {"records": records.children}


def _record(record: Element) -> Any:
    """A record's fields; whatever is no plain list of fields is no object, and is held back as such."""
    _hold_once(record)
    if record.name != "record" or not record.bare or _stray(record):
        return record.name
    return {
        child.name: child.text if child.bare and not child.children else {"content": child.text}
        for child in record.children
    }


def _stray(element: Element) -> bool:
    """Whether text stands between the children."""
    return bool(element.text.strip())


def _hold_once(element: Element) -> None:
    if len({child.name for child in element.children}) < len(element.children):
        raise Refused("duplicate_key", "Et felt står to gange i samme post.", "A field stands twice in a record.")
