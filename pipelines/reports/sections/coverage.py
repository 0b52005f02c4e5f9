"""Completeness (komplethedsgrad) of both sides, and the overlap under its own name."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports import charts
from pipelines.reports.numbers import count, month
from pipelines.reports.parts import Cell, Picture, Section, Table, cells, headings
from pipelines.reports.released import COVERAGE
from pipelines.reports.rounding import rounded_columns
from pipelines.reports.sections.shares import PARTS, month_share, place_counts, place_share
from pipelines.reports.view import View

Row = dict[str, Any]


def coverage_section(view: View) -> Section:
    """How much of what is in either source is in each of them: by place and by month."""
    rows = _with_country(view)
    return Section(
        anchor="komplethedsgrad",
        title=view.text("section.coverage"),
        lead=view.text("section.coverage_lead"),
        pictures=tuple(p for p in (places_picture(view), months_picture(view, view.region)) if p),
        tables=(
            _table(view, "coverage_places" if view.region is None else "coverage_own", rows),
            *_units(view),
            *_estimated(view),
        ),
    )


def _estimated(view: View) -> tuple[Table, ...]:
    """Chapman's estimate of how many courses there are in all, as an illustration, with what it supposes."""
    told = all(view.band("coverage", n, row).is_exact for row in view.own("coverage").to_dicts() for n in COVERAGE)
    found = view.own("figures").filter(pl.lit(told), figure="chapman").drop_nulls("value")
    rows = [
        cells(view.place(row), count(row["n"]), _about(row["value"]), f"{_about(row['low'])}–{_about(row['high'])}")
        for row in found.iter_rows(named=True)
    ]
    names = ("place", "seen", "estimate", "interval")
    note = view.text("report.chapman")
    table = Table(view.text("table.estimated"), headings(*view.texts("column", *names)), tuple(rows), note)
    return (table,) if rows else ()


def _about(value: float) -> str:
    return count(round(value))


def _with_country(view: View) -> list[Row]:
    """The country above its regions; or the region above the country."""
    country = list(view.country("coverage").iter_rows(named=True))
    if view.region is None:
        return country + list(view.places("coverage").iter_rows(named=True))
    return list(view.own("coverage").iter_rows(named=True)) + country


def _units(view: View) -> tuple[Table, ...]:
    frame = view.results.frame("coverage").filter(pl.col("unit").is_not_null(), pl.col("period").is_null())
    own = frame if view.region is None else frame.filter(pl.col("region") == view.region)
    rows = list(own.sort("region", "unit").iter_rows(named=True))
    return (_table(view, "coverage_units", rows),)


def _table(view: View, title: str, rows: list[Row]) -> Table:
    names = (
        "completeness_of_new",
        "completeness_of_reported",
        "overlap",
        "both",
        "only_reported",
        "only_new",
    )
    return Table(
        title=view.text(f"table.{title}"),
        headings=headings(view.text("column.place"), *view.texts("column", *names)),
        rows=tuple(_row(view, row) for row in rows),
        note=view.text("report.small_cells", threshold=view.threshold) if view.region is None else "",
        empty=view.text("table.none"),
    )


def _row(view: View, row: Row) -> tuple[Cell, ...]:
    shown = [place_share(view, row, name).text for name in PARTS]
    return cells(Cell(view.place(row), "strong" if row["region"] is None else ""), *shown, *place_counts(view, row))


def places_picture(view: View) -> Picture | None:
    """Both sides' completeness per place, with intervals."""
    rows = [
        {"place": view.place(row), "side": side, "share": shown.value, "low": shown.low, "high": shown.high}
        for row in view.places("coverage").iter_rows(named=True)
        for side, name in _sides(view)
        if (shown := place_share(view, row, name)).low is not None
    ]
    if not rows:
        return None
    chart = charts.coverage_chart(rows, [side for side, _ in _sides(view)], view.text("chart.share_axis"))
    return Picture(charts.svg(chart), view.text("chart.coverage_places"))


def months_picture(view: View, region: str | None, unit: str | None = None) -> Picture | None:
    """Both sides' completeness month by month, of a unit, a region or the country; of rounded counts where others
    read."""
    frame = view.results.frame("coverage").filter(
        pl.col("region").eq_missing(pl.lit(region, pl.String)),
        pl.col("unit").eq_missing(pl.lit(unit, pl.String)),
        pl.col("period").is_not_null(),
    )
    rows = [
        {"period": month(row["period"]), "side": side, **shown}
        for row in rounded_columns(frame.sort("period"), view.base, *COVERAGE).iter_rows(named=True)
        for side, name in _sides(view)
        if (shown := month_share(row, name, view.base))
    ]
    if not rows:
        return None
    chart = charts.months_chart(rows, [s for s, _ in _sides(view)], *view.texts("chart", "share_axis", "month_axis"))
    place = view.place({"region": region, "unit": unit})
    return Picture(charts.svg(chart), view.title_of_months(f"{view.text('chart.coverage_months')}: {place}"))


def _sides(view: View) -> list[tuple[str, str]]:
    return [
        (view.text("words.new"), "completeness_of_new"),
        (view.text("words.reported"), "completeness_of_reported"),
    ]
