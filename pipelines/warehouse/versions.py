"""Which version of a record stands: the latest one by the sender's own numbering that is not held back."""

from __future__ import annotations

import polars as pl

from pipelines.spec.model import DatabaseSpec
from pipelines.spec.to_duckdb import dated_variables
from pipelines.warehouse.database import Warehouse

LATEST_FIRST = "v.sequence desc nulls last, r.sent_at desc nulls last, r.ordinal desc, v.line desc"


def canonical_columns(spec: DatabaseSpec) -> list[str]:
    """The columns of the canonical frame: who and where, each variable with its missing code, attributes."""
    variables = [column for name in dated_variables(spec) for column in (name, f"{name}_missing")]
    return ["record_id", "person", "unit", "region", *variables, *spec.attributes]


def current(warehouse: Warehouse, spec: DatabaseSpec, source: str) -> pl.DataFrame:
    """The canonical frame of a source, with receipt_id and line, in order of record_id.

    A version is later by its submission's sequence number, then by when it was sent, then by when it was
    received: so the order of arrival changes nothing where the sender numbers. Rows that validation holds
    back do not count, but an accepted version under them does. A region's deletions and corrections touch
    its own records only; an id that several regions use is told apart by the region before it.
    """
    columns = [*canonical_columns(spec), "receipt_id", "line"]
    named = ", ".join(f'"{name}"' for name in columns if name != "record_id")
    return warehouse.frame(
        f"""
        with versions as (
            select * exclude (quarantined) from typed_{source}
            where not quarantined and record_id is not null
            union all by name
            select receipt_id, line, 'delete' as action, sequence, trim(record_id) as record_id
            from raw_{source} where action = 'delete'),
        standing as (
            select v.*, r.region as sender from versions v join receipts r using (receipt_id)
            qualify row_number() over (partition by sender, record_id order by {LATEST_FIRST}) = 1)
        select case when count(*) over (partition by record_id) = 1 then record_id
                    else sender || ':' || record_id end as record_id, {named}
        from standing where action <> 'delete' order by 1
        """
    )


def held_back(warehouse: Warehouse, spec: DatabaseSpec, source: str) -> pl.DataFrame:
    """The canonical frame of the rows that validation holds back, in order of receipt and line."""
    named = ", ".join(f'"{name}"' for name in [*canonical_columns(spec), "receipt_id", "line"])
    return warehouse.frame(f"select {named} from typed_{source} where quarantined order by receipt_id, line")
