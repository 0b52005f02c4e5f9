"""The change of source: when it begins by the specification and by the data, and the newest months' coverage."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports.numbers import count, day, month, share, whole_percent
from pipelines.reports.parts import Cell, Section, Table, cells, headings
from pipelines.reports.rounding import rounded_columns
from pipelines.reports.view import View

Row = dict[str, Any]
NEWEST = 6


def changeover_section(view: View) -> Section:
    """Parallel period per place, what data say of its beginning, and coverage allowing for what has not arrived."""
    return Section(
        anchor="kildeskift",
        title=view.text("section.changeover"),
        lead=view.text("section.changeover_lead", days=view.spec.record_settles),
        tables=(_places(view), *_adjusted(view)),
    )


def _places(view: View) -> Table:
    frame = view.results.frame("changeover")
    own = frame if view.region is None else frame.filter(pl.col("region") == view.region)
    # Where nothing differs, a region's row says it for its units.
    told = own.filter(pl.col("unit").is_null() | ~pl.col("agrees").fill_null(True)) if view.region is None else own
    # Others are not told how many: that less what is in both would be a small count beside it.
    sides = ("reported", "new") if view.region else ()
    names = ("place", "new_from", "kip_until", *sides, "beginning")
    rows = [
        cells(
            view.place(row), day(row["new_from"]), day(row["kip_until"]), *(count(row[side]) for side in sides),
            _beginning(view, row),
        )
        for row in told.sort("region", "unit", nulls_last=False).iter_rows(named=True)
    ]  # fmt: skip
    titles = headings(*view.texts("column", *names))
    return Table(view.text("table.changeover"), titles, tuple(rows), empty=view.text("table.none"))


def _beginning(view: View, row: Row) -> Cell:
    if row["found_from"] is None:
        return Cell(view.text("changeover.unseen"), "quiet")
    found = month(row["found_from"])
    if row["new_from"] is None:
        return Cell(view.text("changeover.found", found=found))
    if row["agrees"]:
        return Cell(view.text("changeover.agrees", found=found), "good")
    return Cell(view.text("changeover.differs", found=found, said=month(row["new_from"][:7])), "bad")


def _adjusted(view: View) -> tuple[Table, ...]:
    own = pl.col("region").eq_missing(pl.lit(view.region, pl.String))
    frame = view.results.frame("coverage_adjusted").filter(own).sort("period").tail(NEWEST)
    if frame.is_empty():
        return ()
    names = ("period", "reported", "new", "arrived", "completeness_raw", "completeness_adjusted")
    rows = [_month(view, row) for row in _rounded(frame, view.base).iter_rows(named=True)]
    note = " ".join([view.text("changeover.adjusted_note"), *view.rounding_note()])
    return (Table(view.text("table.coverage_adjusted"), headings(*view.texts("column", *names)), tuple(rows), note),)


def _rounded(frame: pl.DataFrame, base: int) -> pl.DataFrame:
    """Of rounded counts, what they would be in the share of what has arrived: no share tells more than they do."""
    if base == 1:
        return frame
    alone = frame.with_columns(pl.col("reported") - pl.col("both"), pl.col("new") - pl.col("both"))
    parts = rounded_columns(alone, base, "both", "reported", "new")
    union = pl.sum_horizontal("both", "reported", "new")
    raw = pl.when(union > 0).then((pl.col("both") + pl.col("new")) / union)
    by_arrived = pl.col("completeness_of_new_adjusted") / pl.col("completeness_of_new")
    return parts.with_columns(
        pl.col("reported") + pl.col("both"), pl.col("new") + pl.col("both"), completeness_of_new=raw,
        completeness_of_new_adjusted=pl.min_horizontal(raw * by_arrived, 1.0),
    )  # fmt: skip


def _month(view: View, row: Row) -> tuple[Cell, ...]:
    shares = (row[name] for name in ("arrived", "completeness_of_new", "completeness_of_new_adjusted"))
    shown = (share(value) if view.base == 1 else whole_percent(value) for value in shares)
    return cells(month(row["period"]), count(row["reported"]), count(row["new"]), *shown)
