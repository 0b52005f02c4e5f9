"""The rows of one region, which its fejl- og mangelliste is made of. They hold persons: in memory only."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.project import InputError

DISCREPANCIES = (
    "discrepancy_id", "pair_id", "reported_id", "new_id", "variable", "kind", "reported_value", "new_value",
    "region", "unit", "period", "cause_id", "first_seen", "state", "person", "event_date", "unit_name",
    "cause_sentence", "source_line_new", "source_line_reported", "shared", "own_side",
)  # fmt: skip
FINDINGS = ("file", "line", "record_id", "person", "variable", "rule", "severity", "reason")
WHOLE_RECORD = ("only_reported", "only_new", "surplus")


@dataclass(frozen=True)
class RegionRows:
    """Discrepancies and findings with the person's CPR, so that the region can find its patient.

    `discrepancies` has the columns DISCREPANCIES: those of discrepancies.parquet, the person, the event date,
    names and lines to find it by; `shared` is true where the pair's other record is another region's, and
    `own_side` (reported or new) then says which side is this region's own.
    `findings` has the columns FINDINGS and holds only what this region sent.
    """

    discrepancies: pl.DataFrame
    findings: pl.DataFrame

    def __post_init__(self) -> None:
        for name, frame, columns in (
            ("discrepancies", self.discrepancies, DISCREPANCIES),
            ("findings", self.findings, FINDINGS),
        ):
            if lacking := [column for column in columns if column not in frame.columns]:
                raise InputError(f"The rows of {name} lack the column {lacking[0]}: give all of a region's columns.")


def own_rows(rows: RegionRows, region: str) -> pl.DataFrame:
    """The region's discrepancies by cause (the largest first), department, variable and date; the other region's
    sides are null.

    Where a pair is shared, `hidden_reported` or `hidden_new` tells a hidden value from an empty one.
    """
    own = rows.discrepancies.filter(pl.col("region") == region)
    sides = [column for side in ("reported", "new") for column in _seen(side)]
    size = pl.when(pl.col("cause_sentence").is_not_null()).then(-pl.len().over("cause_sentence").cast(pl.Int64))
    order = ("cause_sentence", "unit_name", "variable", "event_date", "discrepancy_id")
    return own.with_columns(sides).sort(size, *order, nulls_last=True)


def _seen(side: str) -> list[pl.Expr]:
    """A shared pair shows a side only if it is said to be the region's own: when in doubt it is hidden."""
    hidden = pl.col("shared").fill_null(True) & pl.col("own_side").ne_missing(pl.lit(side))
    private = (f"{side}_value", f"{side}_id", f"source_line_{side}")
    blanked = [pl.when(hidden).then(None).otherwise(pl.col(name)).alias(name) for name in private]
    return [*blanked, hidden.alias(f"hidden_{side}")]
