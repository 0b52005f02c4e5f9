"""How late a register is told of what happened: its report time is not the time of the event."""

from __future__ import annotations

import duckdb
import polars as pl

from pipelines.spec.event_tables import EVENT_TABLES
from pipelines.spec.model import DatabaseSpec
from pipelines.warehouse.database import Warehouse

HAPPENED = {"contact": "ends", "procedure": "starts", "result": "taken", "course": "ends"}


def reporting_delays(connection: duckdb.DuckDBPyConnection, event: str) -> pl.DataFrame:
    """Per month of the event: n, the median and the 95th percentile of days until it was reported.

    Read as the settling time (registreringsforsinkelse) of the source: a month younger than it is incomplete,
    not missing. A contact counts from its end, since an open one is not reported; without a report time a row
    is left out.
    """
    if "reported" not in EVENT_TABLES[event].columns:
        raise ValueError(f"{event} has no report time")
    happened = HAPPENED[event]
    return connection.execute(
        f"""
        select strftime({happened}, '%Y-%m') as period, count(*) as n,
            quantile_disc(days, 0.5) as median_days, quantile_disc(days, 0.95) as days_95
        from (select *, date_diff('day', {happened}, reported) as days from {event})
        where days is not null group by period order by period
        """
    ).pl()


def arrival_delays(warehouse: Warehouse, spec: DatabaseSpec, source: str) -> pl.DataFrame:
    """record_id and the days from a record's event until it was first sent, by the sender's own time.

    When we received a file says nothing of that (a whole history may be loaded in one day); a record that came in
    files without a time of sending is left out. An id that several senders use is left out too.
    """
    happened = f'"{spec.event_date}"'
    return warehouse.frame(
        f"""
        select record_id, date_diff('day', min({happened})::date, min(sent_at)::date) as days
        from typed_{source} join receipts using (receipt_id)
        where record_id is not null and sent_at is not null and {happened} is not null
        group by record_id having count(distinct receipts.region) = 1 and days >= 0 order by record_id
        """
    )
