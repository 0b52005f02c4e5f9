"""Agreement per variable, with intervals and every count that lies behind it."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports import charts
from pipelines.reports.numbers import NOTHING, share
from pipelines.reports.parts import Cell, Heading, Picture, Section, Table, cells, headings
from pipelines.reports.released import agreement_table
from pipelines.reports.sections.gate import asked_agreement
from pipelines.reports.sections.shares import agreement_share
from pipelines.reports.suppression import ShownShare
from pipelines.reports.view import View

Row = dict[str, Any]
_COUNTS = (
    "both_known",
    "agree",
    "agree_within",
    "differ",
    "missing_differs",
    "reported_missing",
    "new_missing",
)


def agreement_section(view: View) -> Section:
    """How often the two sides say the same, of what both know."""
    picture = agreement_picture(view)
    return Section(
        anchor="overensstemmelse",
        title=view.text("section.agreement"),
        lead=view.text("section.agreement_lead"),
        pictures=(picture,) if picture else (),
        tables=(_variables(view), _matrix(view)),
    )


def agreement_picture(view: View) -> Picture | None:
    """Dot and interval per variable, and the gate's demand as a line."""
    rows = [
        {"label": view.label(r["variable"]), "share": shown.value, "low": shown.low, "high": shown.high}
        for r in view.own("agreement").filter(pl.col("level").is_null()).iter_rows(named=True)
        if r["share"] is not None and (shown := agreement_share(view, r)).low is not None
    ]
    if not rows:
        return None
    chart = charts.agreement_chart(rows, asked_agreement(view), view.text("chart.share_axis"))
    return Picture(charts.svg(chart), view.text("chart.agreement"))


def judged(low: float | None, high: float | None, asked: float | None) -> str:
    """The tone of a share: good or bad only where the whole interval lies on one side of what is asked."""
    if asked is None or low is None or high is None:
        return ""
    return "good" if low >= asked else "bad" if high < asked else "unsure"


def _variables(view: View) -> Table:
    beside = {(r["variable"], r["level"]): r for r in view.country("agreement").iter_rows(named=True)}
    rows = view.own("agreement").iter_rows(named=True)
    country = () if view.region is None else (view.text("column.country"),)
    ordered = sorted(rows, key=lambda row: (view.position(row["variable"]), row["variable"], row["level"] or ""))
    return Table(
        title=view.text("table.agreement"),
        headings=headings(*view.texts("column", "variable", "share"), *country, *view.texts("column", *_COUNTS)),
        rows=tuple(_variable_row(view, row, beside) for row in ordered),
        empty=view.text("table.none"),
    )


def _variable_row(view: View, row: Row, beside: dict[tuple[str, str | None], Row]) -> tuple[Cell, ...]:
    shown, table = agreement_share(view, row), agreement_table(row["variable"], row["level"])
    country = () if view.region is None else (_share(view, beside.get((row["variable"], row["level"]))),)
    return cells(
        view.at_level(row["variable"], row["level"]),
        Cell(shown.text, judged(shown.low, shown.high, asked_agreement(view))),
        *country,
        *(view.band_text(view.band(table, name, row)) for name in _COUNTS),
    )


def _share(view: View, row: Row | None) -> str:
    """The share alone, or its range: the interval stands on the country's page."""
    shown = agreement_share(view, row) if row else ShownShare(NOTHING)
    return shown.text if shown.value is None else share(shown.value)


def _matrix(view: View) -> Table:
    """Variables down, places across: where a variable goes wrong is seen at a glance."""
    frame = view.places("agreement").filter(pl.col("level").is_null())
    place = "region" if view.region is None else "unit"
    codes = frame[place].unique().sort().to_list()
    found = {(row["variable"], row[place]): row for row in frame.iter_rows(named=True)}
    variables = sorted({variable for variable, _ in found}, key=lambda name: (view.position(name), name))
    named = view.names.region if view.region is None else view.names.unit
    return Table(
        title=view.text("table.agreement_regions" if view.region is None else "table.agreement_units"),
        headings=(Heading(view.text("column.variable")), *(Heading(named(code), True) for code in codes)),
        rows=tuple(
            cells(view.label(v), *(_matrix_cell(view, found.get((v, code))) for code in codes)) for v in variables
        ),
        note=view.text("report.small_cells", threshold=view.threshold) if view.region is None else "",
        empty=view.text("table.none"),
    )


def _matrix_cell(view: View, row: Row | None) -> Cell:
    if row is None:
        return Cell("–", "quiet")
    shown = agreement_share(view, row)
    text = shown.text if shown.value is None else share(shown.value)
    return Cell(text, judged(shown.low, shown.high, asked_agreement(view)))
