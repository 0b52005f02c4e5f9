"""Completeness (komplethedsgrad) of both sides, and the overlap under its own name."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports import charts
from pipelines.reports.hidden import COVERAGE
from pipelines.reports.numbers import count, month, share
from pipelines.reports.parts import Cell, Picture, Section, Table, cells, headings
from pipelines.reports.protection import Hidden
from pipelines.reports.suppression import ShownShare, is_small, shown_count, shown_share
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
    found = view.own("figures").filter(figure="chapman").drop_nulls("value")
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
    shown = [place_share(view, row, name).text for name in _PARTS]
    return cells(Cell(view.place(row), "strong" if row["region"] is None else ""), *shown, *place_counts(view, row))


def place_counts(view: View, row: Row) -> list[str]:
    """What is in both sources and in one alone, for a place; hidden where small or where it would tell of one."""
    hidden = _states(view, row)
    return [
        view.text("words.hidden") if hidden.get(name) == "blank" else shown_count(row[name], threshold_for(view, row))
        for name in COVERAGE
    ]


def place_share(view: View, row: Row, name: str) -> ShownShare:
    """One of a row's three shares; each tells of all three counts, so that one that is blank hides them all."""
    if "blank" in _states(view, row).values():
        return ShownShare(view.text("words.hidden"))
    return completeness(row, name, threshold_for(view, row))


def _states(view: View, row: Row) -> Hidden:
    """Column → small or blank, where it is hidden. Months are shown of one place only, and nothing adds up to them."""
    if row["period"] is not None:
        return {}
    place = (row["region"], row["unit"])
    return {name: hidden[place] for name, hidden in view.hidden_coverage.items() if place in hidden}


def threshold_for(view: View, row: Row) -> int:
    """The whole country's own figures are shown as they are; below it, small cells are hidden."""
    return 1 if row["region"] is None else view.threshold


# What each share consists of: the parts that count, and the rest of the union.
_PARTS = {
    "completeness_of_new": (("both", "only_new"), ("only_reported",)),
    "completeness_of_reported": (("both", "only_reported"), ("only_new",)),
    "overlap": (("both",), ("only_reported", "only_new")),
}


def completeness(row: Row, name: str, threshold: int) -> ShownShare:
    """One of the three shares of a coverage row, bounded where a small cell would show through."""
    parts, rest = _PARTS[name]
    if any(is_small(row[part], threshold) for part in parts):
        return _at_least(row, parts, rest, threshold)
    part = sum(row[p] for p in parts)
    return shown_share(part, tuple(row[r] for r in rest), row[f"{name}_low"], row[f"{name}_high"], threshold)


def _at_least(row: Row, parts: tuple[str, ...], rest: tuple[str, ...], threshold: int) -> ShownShare:
    """A small cell inside the numerator: the limit that holds whatever the small cells are."""
    least = sum(0 if is_small(row[name], threshold) else row[name] for name in parts)
    most = sum(threshold - 1 if is_small(row[name], threshold) else row[name] for name in rest)
    limit = least / (least + most) if least + most else 0.0
    return ShownShare(f"≥ {share(limit)}", limit)


def places_picture(view: View) -> Picture | None:
    """Both sides' completeness per place, with intervals."""
    rows = [
        {"place": view.place(row), "side": side, "share": shown.value, "low": shown.low, "high": shown.high}
        for row in view.places("coverage").iter_rows(named=True)
        for side, name in _sides(view)
        if (shown := place_share(view, row, name)).value is not None
    ]
    if not rows:
        return None
    chart = charts.coverage_chart(rows, [side for side, _ in _sides(view)], view.text("chart.share_axis"))
    return Picture(charts.svg(chart), view.text("chart.coverage_places"))


def months_picture(view: View, region: str | None) -> Picture | None:
    """Both sides' completeness month by month, of one region or the country."""
    frame = view.results.frame("coverage").filter(
        pl.col("region").eq_missing(pl.lit(region, pl.String)),
        pl.col("unit").is_null(),
        pl.col("period").is_not_null(),
    )
    rows = [
        {"period": month(row["period"]), "side": side, "share": shown.value}
        for row in frame.sort("period").iter_rows(named=True)
        for side, name in _sides(view)
        if (shown := completeness(row, name, threshold_for(view, row))).value is not None
    ]
    if not rows:
        return None
    chart = charts.months_chart(rows, [s for s, _ in _sides(view)], *view.texts("chart", "share_axis", "month_axis"))
    place = view.names.region(region) if region else view.text("words.country")
    return Picture(charts.svg(chart), f"{view.text('chart.coverage_months')}: {place}")


def _sides(view: View) -> list[tuple[str, str]]:
    return [
        (view.text("words.new"), "completeness_of_new"),
        (view.text("words.reported"), "completeness_of_reported"),
    ]
