"""The rows of one region, gathered from the contract files and the records behind them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.reconciliation.shape import SIDES
from pipelines.reports.messages import read_messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.rows import DISCREPANCIES, FINDINGS, RegionRows
from pipelines.warehouse.registers import NATIONAL

# A form whose new record did arrive, and is told of among the region's own errors.
HELD_BACK = "workbook.held_back"


def region_rows(
    folder: Path,
    names: PlaceNames,
    records: pl.DataFrame,
    persons: pl.DataFrame,
    sentences: Mapping[str, str],
    region: str,
) -> RegionRows:
    """Discrepancies in which the region has a record, and findings in what it sent.

    A pair shared with another region stands in both regions' lists, each with its own side only: place,
    person and date are then those of the region's own record. `records` (Reconciliation.records) has the
    event date as `event_date`.
    """
    return RegionRows(
        discrepancies=_discrepancies(folder, names, records, sentences, region),
        findings=_findings(folder, persons, region),
    )


def _discrepancies(
    folder: Path, names: PlaceNames, records: pl.DataFrame, sentences: Mapping[str, str], region: str
) -> pl.DataFrame:
    found = pl.read_parquet(folder / "discrepancies.parquet").drop("region", "unit")
    for side in SIDES:
        found = found.join(_places(records, side), on=f"{side}_id", how="left")
    held = pl.read_parquet(folder / "unmatched.parquet").filter(side="reported", reason="held_back")["record_id"]
    own = {side: (pl.col(f"region_{side}") == region).fill_null(False) for side in SIDES}
    foreign = {side: (pl.col(f"region_{side}") != region).fill_null(False) for side in SIDES}
    # The new record speaks for the pair where both are the region's own.
    side = pl.when(own["new"]).then(pl.lit("new")).otherwise(pl.lit("reported"))
    mine = {
        column: pl.when(own["new"]).then(f"{column}_new").otherwise(f"{column}_reported").alias(column)
        for column in ("person", "event_date", "unit")
    }
    return (
        found.filter(own["reported"] | own["new"])
        .with_columns(
            *mine.values(),
            region=pl.lit(region),
            shared=foreign["reported"] | foreign["new"],
            own_side=side,
            cause_sentence=pl.coalesce(
                pl.col("cause_id").replace_strict(sentences, default=None, return_dtype=pl.String),
                pl.when(pl.col("reported_id").is_in(held.implode())).then(pl.lit(read_messages().text(HELD_BACK))),
            ),
        )
        .with_columns(unit_name=_named(pl.col("unit"), names.units))
        .select(DISCREPANCIES)
    )


def _places(records: pl.DataFrame, side: str) -> pl.DataFrame:
    """Where a side's records stand and whom they are about: one row per record id."""
    where = pl.format("{}, linje {}", "source_file", "line")
    return records.filter(_side=side).select(
        pl.col("record_id").alias(f"{side}_id"),
        pl.col("region").alias(f"region_{side}"),
        pl.col("unit").alias(f"unit_{side}"),
        pl.col("person").alias(f"person_{side}"),
        pl.col("event_date").alias(f"event_date_{side}"),
        where.alias(f"source_line_{side}"),
    )


def _named(code: pl.Expr, names: Mapping[str, str]) -> pl.Expr:
    """The unit's name with its code behind it; the code alone where it has no name."""
    known = code.replace_strict(dict(names), default=None, return_dtype=pl.String)
    return pl.when(known.is_null()).then(code).otherwise(pl.format("{} ({})", known, code))


def _findings(folder: Path, persons: pl.DataFrame, region: str) -> pl.DataFrame:
    """What is wrong with the rows that the region sent, and with the registers' rows about its patients."""
    receipts = pl.read_parquet(folder / "receipts.parquet").unique("receipt_id")
    sender = receipts.select("receipt_id", "file", sender="region")
    found = pl.read_parquet(folder / "findings.parquet").join(sender, on="receipt_id")
    of_patients = (pl.col("sender") == NATIONAL) & (pl.col("region") == region)
    return (
        found.join(persons, on=["receipt_id", "line"], how="left")
        .filter((pl.col("sender") == region) | of_patients)
        .select(FINDINGS)
        .sort("file", "line", "rule")
    )
