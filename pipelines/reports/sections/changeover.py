"""The change of source: when it begins by the specification and by the data, and the newest months' coverage."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports.numbers import NOTHING, count, day, month, share
from pipelines.reports.parts import Cell, Section, Table, cells, headings
from pipelines.reports.suppression import shown_count
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
    names = ("place", "new_from", "kip_until", "reported", "new", "beginning")
    rows = [
        cells(
            view.place(row), day(row["new_from"]), day(row["kip_until"]),
            *(shown_count(row[side], view.threshold) for side in ("reported", "new")), _beginning(view, row),
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
    rows = [
        cells(
            month(row["period"]), count(row["reported"]), count(row["new"]), share(row["arrived"]),
            share(row["completeness_of_new"]), _share(row["completeness_of_new_adjusted"]),
        )
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip
    note = view.text("changeover.adjusted_note")
    return (Table(view.text("table.coverage_adjusted"), headings(*view.texts("column", *names)), tuple(rows), note),)


def _share(value: float | None) -> str:
    return NOTHING if value is None else share(value)
