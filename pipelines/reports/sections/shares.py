"""A place's shares as they may be shown: never more than the counts beside them tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.reports.released import COVERAGE, agreement_table
from pipelines.reports.rounding import possible_share
from pipelines.reports.suppression import Band, ShownShare, share_of_bands
from pipelines.reports.view import View

Row = dict[str, Any]
# What each share consists of: the parts that count, and the rest of the union.
PARTS = {
    "completeness_of_new": (("both", "only_new"), ("only_reported",)),
    "completeness_of_reported": (("both", "only_reported"), ("only_new",)),
    "overlap": (("both",), ("only_reported", "only_new")),
}


def place_counts(view: View, row: Row) -> list[str]:
    """What is in both sources and in one alone, for a place."""
    return [view.band_text(view.band("coverage", name, row)) for name in COVERAGE]


def place_share(view: View, row: Row, name: str) -> ShownShare:
    """One of a place's three shares of coverage."""
    parts, rest = (tuple(view.band("coverage", column, row) for column in columns) for columns in PARTS[name])
    return share_of_bands(parts, rest, row[f"{name}_low"], row[f"{name}_high"])


def month_share(row: Row, name: str, base: int) -> Row | None:
    """A share of a month, of counts that are rounded already; None where nothing is left of them."""
    part, rest = ([row[column] for column in columns] for columns in PARTS[name])
    return drawn_share(part, rest, base)


def drawn_share(part: Sequence[int], rest: Sequence[int], base: int) -> Row | None:
    """share, and low and high where the counts are rounded: between these it lies."""
    if not (whole := sum(part) + sum(rest)):
        return None
    low, high = possible_share(part, rest, base) or (None, None)
    return {"share": sum(part) / whole, "low": low, "high": high}


def agreement_bands(view: View, row: Row) -> tuple[Band, Band]:
    """What is told of how many are the same, and of how many differ."""
    counts = row | {"same": row["agree"] + row["agree_within"], "unit": row["unit"]}
    table = agreement_table(row["variable"], row["level"])
    return view.band(table, "same", counts), view.band(table, "differ", counts)


def agreement_share(view: View, row: Row) -> ShownShare:
    """How often both sides say the same of a variable, in a place."""
    same, differ = agreement_bands(view, row)
    return share_of_bands((same,), (differ,), row["share_low"], row["share_high"])


def is_told(view: View, row: Row) -> bool:
    """Whether a variable's agreement is told as it is, so that no figure of it tells more."""
    return all(band.is_exact for band in agreement_bands(view, row))
