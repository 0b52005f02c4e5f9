"""What each indicator becomes from either side, and what the difference consists of."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports.numbers import NOTHING, count, points
from pipelines.reports.parts import Cell, Section, Table, cells, headings
from pipelines.reports.sections.gate import bound
from pipelines.reports.suppression import shown_share
from pipelines.reports.view import View

Row = dict[str, Any]
_PARTS = ("coverage", "eligibility", "unknown", "value")


def indicators_section(view: View) -> Section:
    """The figures that end in the annual report, from both sides."""
    return Section(
        anchor="indikatorer",
        title=view.text("section.indicators"),
        lead=view.text("section.indicators_lead"),
        tables=(_values(view), _differences(view)),
    )


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
    values = [side and side["value"] for side in sides]
    difference = None if None in values else values[1] - values[0]
    crossed = (
        Cell(view.text("words.yes"), "bad") if crosses else Cell(view.text("words.no") if crosses is False else NOTHING)
    )
    return cells(_label(view, name), bound(spec and spec.standard), *map(_side, sides), points(difference), crossed)


def _side(row: Row | None) -> str:
    """The share with its interval, and the two counts it comes from."""
    if row is None:
        return NOTHING
    rest = row["denominator"] - row["numerator"]
    shown = shown_share(row["numerator"], (rest,), row["low"], row["high"], 1)
    return f"{shown.text} · {count(row['numerator'])}/{count(row['denominator'])}"


def _differences(view: View) -> Table:
    frame = view.own("indicator_differences").filter(pl.col("difference").is_not_null())
    found = {row["indicator"]: row for row in frame.iter_rows(named=True)}
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
