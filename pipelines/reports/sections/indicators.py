"""What each indicator becomes from either side, and what the difference consists of."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports import charts
from pipelines.reports.funnel import Panel, funnel_charts
from pipelines.reports.numbers import NOTHING, count, points
from pipelines.reports.parts import Cell, Picture, Section, Table, cells, headings
from pipelines.reports.rounding import rounded_columns
from pipelines.reports.sections.gate import bound
from pipelines.reports.suppression import is_small, shown_share
from pipelines.reports.view import View

Row = dict[str, Any]
FEWEST_IN_A_FUNNEL = 3
_PARTS = ("coverage", "eligibility", "unknown", "value")


def indicators_section(view: View) -> Section:
    """The figures that end in the annual report, from both sides."""
    return Section(
        anchor="indikatorer",
        title=view.text("section.indicators"),
        lead=view.text("section.indicators_lead"),
        pictures=_funnels(view),
        tables=(_values(view), _differences(view), _crossing(view)),
    )


def _funnels(view: View) -> tuple[Picture, ...]:
    """Each indicator's units against the country's value, on the new side; of rounded counts where others read."""
    frame = view.results.frame("indicators").filter(pl.col("side") == "new", pl.col("value").is_not_null())
    country = dict(frame.filter(pl.col("region").is_null()).select("indicator", "value").rows())
    units = frame.filter(pl.col("unit").is_not_null())
    own = units if view.region is None else units.filter(pl.col("region") == view.region)
    panels = []
    for name in _names(view, set(country)):
        shown = _rounded(own.filter(indicator=name), view.base).filter(pl.col("denominator") > 0)
        rows = tuple(
            {"place": view.place(row), "n": row["denominator"], "value": row["numerator"] / row["denominator"]}
            for row in shown.iter_rows(named=True)
        )
        if len(rows) >= FEWEST_IN_A_FUNNEL and 0 < country[name] < 1:
            panels.append(Panel(_label(view, name), country[name], rows))
    if not panels:
        return ()
    axes = view.texts("chart", "funnel_n", "funnel_value")
    return (Picture(charts.svg(funnel_charts(panels, axes)), view.text("chart.funnel")),)


def _rounded(units: pl.DataFrame, base: int) -> pl.DataFrame:
    """The units of one indicator, those who fulfil it and those who do not as multiples of `base`."""
    rest = units.with_columns(rest=pl.col("denominator") - pl.col("numerator"))
    parts = rounded_columns(rest, base, "numerator", "rest")
    return parts.with_columns(denominator=pl.col("numerator") + pl.col("rest"))


def _is_told(view: View, row: Row) -> bool:
    """Whether a side's share is told as it is: neither who fulfils the indicator nor who does not is a few."""
    return not any(is_small(n, view.threshold) for n in (row["numerator"], row["denominator"] - row["numerator"]))


def _crossing(view: View) -> Table:
    """Units that meet the standard by one side and not by the other."""
    frame = view.results.frame("indicator_differences").filter("crosses_standard", pl.col("unit").is_not_null())
    own = _of_enough(view, frame) if view.region is None else frame.filter(pl.col("region") == view.region)
    rows = [
        cells(_label(view, row["indicator"]), view.place(row))
        for row in own.sort("indicator", "region", "unit").iter_rows(named=True)
    ]
    return Table(
        title=view.text("table.crossing"),
        headings=headings(*view.texts("column", "indicator", "place"), text_columns=2),
        rows=tuple(rows),
        empty=view.text("table.none_crosses"),
    )


def _of_enough(view: View, frame: pl.DataFrame) -> pl.DataFrame:
    """Units with enough on both sides: on which side of a standard a few are may tell who they are."""
    sides = view.results.frame("indicators").filter(pl.col("denominator") >= view.threshold)
    enough = sides.group_by("indicator", "unit").agg(pl.len()).filter(pl.col("len") == 2)
    return frame.join(enough, on=["indicator", "unit"], how="semi")


def _values(view: View) -> Table:
    found = {(row["indicator"], row["side"]): row for row in view.own("indicators").iter_rows(named=True)}
    crossing = dict(view.own("indicator_differences").select("indicator", "crosses_standard").iter_rows())
    names = ("indicator", "standard", "reported", "new", "difference", "crosses")
    return Table(
        title=view.text("table.indicators"),
        headings=headings(*view.texts("column", *names), text_columns=2),
        rows=tuple(
            _row(view, name, [found.get((name, side)) for side in ("reported", "new")], crossing.get(name))
            for name in _names(view, {indicator for indicator, _ in found})
        ),
        empty=view.text("table.none"),
    )


def _row(view: View, name: str, sides: list[Row | None], crosses: bool | None) -> tuple[Cell, ...]:
    spec = view.spec.indicators.get(name)
    values = [side["value"] if side and _is_told(view, side) else None for side in sides]
    difference = None if None in values else values[1] - values[0]
    crossed = (
        Cell(view.text("words.yes"), "bad") if crosses else Cell(view.text("words.no") if crosses is False else NOTHING)
    )
    return cells(
        _label(view, name),
        bound(spec and spec.standard),
        *(_side(view, side) for side in sides),
        points(difference),
        crossed,
    )


def _side(view: View, row: Row | None) -> str:
    """The share with its interval, and the two counts it comes from."""
    if row is None:
        return NOTHING
    rest = row["denominator"] - row["numerator"]
    shown = shown_share(row["numerator"], rest, row["low"], row["high"], view.threshold)
    told = _is_told(view, row)
    return f"{shown.text} · {count(row['numerator'])}/{count(row['denominator'])}" if told else shown.text


def _differences(view: View) -> Table:
    frame = view.own("indicator_differences").filter(pl.col("difference").is_not_null())
    sides = view.own("indicators").iter_rows(named=True)
    few = {row["indicator"] for row in sides if not _is_told(view, row)}
    found = {row["indicator"]: row for row in frame.iter_rows(named=True) if row["indicator"] not in few}
    return Table(
        title=view.text("table.indicator_parts"),
        headings=headings(*view.texts("column", "indicator", "difference", *_PARTS)),
        rows=tuple(
            cells(
                _label(view, name),
                _with_interval(found[name]),
                *(points(found[name][part]) for part in _PARTS),
            )
            for name in _names(view, set(found))
        ),
        empty=view.text("table.none"),
    )


def _with_interval(row: Row) -> str:
    interval = "" if row["low"] is None or row["high"] is None else f" ({points(row['low'])}; {points(row['high'])})"
    return points(row["difference"]) + interval


def _names(view: View, found: set[str]) -> list[str]:
    """Indicators in the specification's order."""
    return [name for name in view.spec.indicators if name in found] + sorted(found - set(view.spec.indicators))


def _label(view: View, name: str) -> str:
    indicator = view.spec.indicators.get(name)
    return view.messages.label(indicator.label) if indicator and indicator.label else name
