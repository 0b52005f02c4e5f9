"""Continued validation: which months lie outside what earlier ones led one to expect, with small charts."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from pipelines.reports import charts
from pipelines.reports.control_pictures import control_charts
from pipelines.reports.numbers import NOTHING, count, month, share
from pipelines.reports.parts import Cell, Picture, Section, Table, cells, headings
from pipelines.reports.suppression import is_small
from pipelines.reports.view import View

Row = dict[str, Any]
CHART = ("chart", "variable", "region", "unit")
MOST_PICTURES = 6


def signals_section(view: View) -> Section:
    """One row per chart that signals, the one that began last first; the newest as pictures."""
    charted = _here(view)
    signalling = _signalling(charted)
    return Section(
        anchor="udsving",
        title=view.text("section.signals"),
        lead=_lead(view, charted),
        pictures=_pictures(view, charted, signalling),
        tables=(_table(view, signalling),),
    )


def _here(view: View) -> pl.DataFrame:
    """The charts of this view's places: a region sees its own units, and nothing of the country's."""
    frame = view.results.frame("control_charts")
    return frame if view.region is None else frame.filter(pl.col("region") == view.region)


def _signalling(charted: pl.DataFrame) -> pl.DataFrame:
    found = charted.filter(pl.col("rule").is_not_null()).sort("period")
    grouped = found.group_by(CHART, maintain_order=True).agg(
        pl.col("period").first().alias("since"), pl.len().alias("months"), pl.all().exclude(*CHART).last()
    )
    return grouped.sort("since", "months", *CHART, descending=[True, True, *(False for _ in CHART)], nulls_last=False)


def _lead(view: View, charted: pl.DataFrame) -> str:
    """How many charts there are, and how many false signals a year that lets one expect at most."""
    n, length = charted.select(CHART).unique().height, view.spec.signals.run_length
    if n == 0:
        return view.text("section.signals_lead")
    false = count(math.ceil(n * 12 / length))
    expected = view.text("signals.expected", n=count(n), false=false, length=count(length))
    return f"{view.text('section.signals_lead')} {expected}"


def _table(view: View, signalling: pl.DataFrame) -> Table:
    names = ("chart", "variable", "place", "since", "months", "newest", "limits", "rule")
    rows = [
        cells(
            view.text(f"signals.{row['chart']}"),
            view.label(row["variable"]),
            view.place(row),
            month(row["since"]),
            count(row["months"]),
            *_values(view, row),
            view.text(f"signals.{row['rule'].replace(' ', '_')}"),
        )
        for row in signalling.iter_rows(named=True)
    ]
    return Table(
        view.text("table.signals"), headings(*view.texts("column", *names), text_columns=4), tuple(rows),
        empty=view.text("table.none"),
    )  # fmt: skip


def _values(view: View, row: Row) -> tuple[Cell, Cell]:
    """The newest month that signalled, and its limits; hidden where a small count would show through."""
    if not _may_be_shown(view, row):
        return Cell(NOTHING, "quiet"), Cell(NOTHING, "quiet")
    if row["chart"] == "volume":
        return Cell(count(int(row["value"])), "bad"), Cell(f"{count(int(row['low']))}–{count(int(row['high']))}")
    return Cell(share(row["value"]), "bad"), Cell(f"{share(row['low'])}–{share(row['high'])}")


def _may_be_shown(view: View, row: Row) -> bool:
    """Of others than itself a region, and everybody else, is told which chart signals; numbers only of the country,
    where no count is small: what its places have each month is protected nowhere."""
    if view.region is None and row["region"] is not None:
        return False
    k = row["value"] if row["chart"] == "volume" else row["value"] * row["n"]
    return not any(is_small(round(part), view.threshold) for part in (k, row["n"] - k, row["n"]))


def _pictures(view: View, charted: pl.DataFrame, signalling: pl.DataFrame) -> tuple[Picture, ...]:
    """The newest charts, where no month of them is too small to be shown."""
    drawn: dict[str, list[Row]] = {}
    for row in signalling.iter_rows(named=True):
        same = [pl.col(name).eq_missing(pl.lit(row[name], pl.String)) for name in CHART]
        months = list(charted.filter(same).sort("period").iter_rows(named=True))
        if len(months) > 1 and len(drawn) < MOST_PICTURES and all(_may_be_shown(view, one) for one in months):
            title = f"{view.text('signals.' + row['chart'])}: {view.label(row['variable'])}, {view.place(row)}"
            drawn[title] = [_point(one, title) for one in months]
    if not drawn:
        return ()
    points = [point for months in drawn.values() for point in months]
    return (Picture(charts.svg(control_charts(points, list(drawn))), view.text("chart.signals")),)


def _point(row: Row, title: str) -> Row:
    shown = {name: row[name] for name in ("period", "value", "low", "high")}
    return shown | {"panel": title, "signal": row["rule"] is not None}
