"""How late a register is told of what happened: its report time is not the time of the event."""

from __future__ import annotations

import duckdb
import polars as pl

from pipelines.spec.event_tables import EVENT_TABLES

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
