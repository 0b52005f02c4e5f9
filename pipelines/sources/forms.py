"""In which form a file came: its content says so, never its name."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.sources.batch import Batch
from pipelines.sources.kip import WEB_SERVICE, read_kip
from pipelines.sources.kip_sas import is_sas, read_kip_sas
from pipelines.sources.kip_typed import read_kip_parquet
from pipelines.sources.unpacking import unpacked
from pipelines.sources.wsapi import read_wsapi
from pipelines.sources.wsapi_xml import is_xml, read_wsapi_xml
from pipelines.spec.model import SourceSchema

Schemas = Mapping[tuple[str, str], SourceSchema]


def read_form(source: str, content: bytes, schemas: Schemas, catalogue: bytes | None = None) -> Batch:
    """A file of `source`, held against that source's own versions: a submission, or else an export of forms.

    `catalogue` is the SAS catalogue beside the file, which says what its codes mean.
    """
    own = {key: schema for key, schema in schemas.items() if schema.source == source}
    return read_wsapi_form(content, own) if source == WEB_SERVICE else read_kip_form(content, own, catalogue)


def read_kip_form(content: bytes, schemas: Schemas, catalogue: bytes | None = None) -> Batch:
    """An export of forms: SAS, Parquet, else delimited text; each may be packed."""
    content = unpacked(content)
    if is_sas(content):
        return read_kip_sas(content, schemas, catalogue)
    return read_kip_parquet(content, schemas) if content.startswith(b"PAR1") else read_kip(content, schemas)


def read_wsapi_form(content: bytes, schemas: Schemas) -> Batch:
    """A submission through the web service: XML, else JSON; each may be packed."""
    content = unpacked(content)
    return read_wsapi_xml(content, schemas) if is_xml(content) else read_wsapi(content, schemas)
