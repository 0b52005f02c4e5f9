"""Rows that were held back and released by a person's judgement: who, when, why, and which broken rules it covers.

A release stands beside the findings and changes none of them: they are told as warnings from then on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import polars as pl

from pipelines.warehouse.database import Warehouse

CREATE = """
create table if not exists releases (
    receipt_id varchar not null, line bigint not null, rule varchar not null,
    released_by varchar not null, released_at timestamp not null, why varchar not null)
"""
OF_ROW = ("receipt_id", "line", "rule")


def release(
    warehouse: Warehouse, receipt_id: str, line: int, rules: Iterable[str], by: str, why: str, at: dt.datetime
) -> None:
    """Enter that a row is used although it breaks these rules, and no others. `at` is UTC."""
    with warehouse.transaction():
        for rule in rules:
            warehouse.connection.execute(
                "insert into releases values (?, ?, ?, ?, ?, ?)", [receipt_id, line, rule, by, at, why]
            )


def releases(warehouse: Warehouse) -> pl.DataFrame:
    """Every release, in the order in which they were made."""
    return warehouse.frame("select * from releases order by released_at, receipt_id, line, rule")


def judged(warehouse: Warehouse, findings: pl.DataFrame) -> pl.DataFrame:
    """The findings with `released`; an error that was released is a warning: it holds the row back no longer."""
    known = releases(warehouse).select(OF_ROW).unique().with_columns(released=pl.lit(True))
    told = findings.join(known, on=list(OF_ROW), how="left", maintain_order="left")
    released = pl.col("released").fill_null(False) & (pl.col("severity") == "error")
    severity = pl.when(released).then(pl.lit("warning")).otherwise("severity")
    return told.with_columns(severity=severity, released=released)
