"""Raw to typed: the words of each source become the specification's values."""

from __future__ import annotations

import hashlib
import json

from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.spec.reading import fingerprint
from pipelines.spec.to_duckdb import conform as conform_query
from pipelines.spec.to_duckdb import create_typed, raw_columns, with_units
from pipelines.warehouse.database import Warehouse
from pipelines.warehouse.receiving import Schemas, readable


def conform(warehouse: Warehouse, spec: DatabaseSpec, schemas: Schemas) -> None:
    """Fill typed_<source> from every receipt that is not conformed yet, each by its own schema version.

    Where specification, schemas or units say something else than last time, all of it is made anew from
    the raw rows. A deletion has no content: it stays in the raw layer, where `current` finds it.
    """
    with warehouse.transaction():
        _start_over_if_changed(warehouse, spec, schemas)
        for version in _waiting(warehouse, readable(schemas)):
            warehouse.connection.execute(_statement(spec, schemas[version]))
        warehouse.connection.execute("update receipts set conformed = true where not conformed")


def _waiting(warehouse: Warehouse, sources: list[str]) -> list[tuple[str, str]]:
    """Source and schema version of what was received and not conformed yet."""
    return warehouse.connection.execute(
        "select distinct source, schema_version from receipts "
        "where not conformed and verdict <> 'refused' and source in (select unnest(?)) order by all",
        [sources],
    ).fetchall()


def _statement(spec: DatabaseSpec, schema: SourceSchema) -> str:
    arrived = (
        f"(select raw.*, r.region as channel_region from raw_{schema.source} raw join receipts r "
        f"using (receipt_id) where not r.conformed and r.source = {quoted(schema.source)} "
        f"and r.schema_version = {quoted(schema.version)} and raw.action <> 'delete')"
    )
    texts = (*raw_columns(spec), "receipt_id", "action", "channel_region")
    columns = dict.fromkeys(texts, "VARCHAR") | {"line": "BIGINT", "sequence": "BIGINT"}
    typed = conform_query(spec, arrived, columns, schema.notation, schema)
    units = "units" if spec.units else None
    return (
        f"insert into typed_{schema.source} by name "
        f"select * from ({with_units(spec, typed, units)}) order by receipt_id, line"
    )


def _start_over_if_changed(warehouse: Warehouse, spec: DatabaseSpec, schemas: Schemas) -> None:
    run = warehouse.connection.execute
    run("create table if not exists conformed_by (fingerprint varchar)")
    now, before = _said(warehouse, spec, schemas), run("select fingerprint from conformed_by").fetchone()
    if before == (now,):
        return
    for source in readable(schemas):
        run(f"drop table if exists typed_{source}")
        run(create_typed(spec, source))
    run("update receipts set conformed = false")
    run("delete from conformed_by")
    run("insert into conformed_by values (?)", [now])


def _said(warehouse: Warehouse, spec: DatabaseSpec, schemas: Schemas) -> str:
    """The sha256 of all that the typed rows follow from besides the raw ones."""
    words = [schema.model_dump_json(by_alias=True) for _, schema in sorted(schemas.items())]
    units = warehouse.connection.execute("select * from units order by all").fetchall()
    said = json.dumps([fingerprint(spec), words, units], default=str)
    return hashlib.sha256(said.encode()).hexdigest()
