"""In which form a file came: its content says so, never its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from pipelines.sources.batch import Batch, Broken, broken_frame
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
    batch = read_wsapi_form(content, own) if source == WEB_SERVICE else read_kip_form(content, own, catalogue)
    return _without_persons_as_ids(batch, own[batch.source, batch.schema_version].identity)


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


def _without_persons_as_ids(batch: Batch, identity: Mapping[str, str]) -> Batch:
    """The batch without rows whose record id holds the person number: ids stand in results, persons never do.

    Such rows are held back (`row.person_in_id`); the sender must give the record another id.
    """
    if not {"person", "record_id"} <= set(identity):
        return batch
    person = pl.col(identity["person"]).str.replace_all("[^0-9A-Za-z]", "")
    record = pl.col(identity["record_id"]).str.replace_all("[^0-9A-Za-z]", "")
    told = batch.rows.filter((person != "") & record.str.contains(person, literal=True))["line"]
    broken = [Broken(line, "row.person_in_id", "Postens id indeholder personnummeret.") for line in told]
    return replace(
        batch,
        rows=batch.rows.filter(~pl.col("line").is_in(told.implode())),
        broken=pl.concat([batch.broken, broken_frame(broken)]).sort("line"),
    )
