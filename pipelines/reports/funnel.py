"""Funnel plots: each unit's value of an indicator against how many it rests on, with what chance alone allows.

Spiegelhalter, Stat Med 2005;24:1185-1202: limits are quantiles of the binomial distribution around the country's
value, interpolated between counts (his appendix A.1.1), at 95 % and 99.8 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
from scipy import stats

from pipelines.reports.charts import INK, NEW, SOFT, WARN

Row = dict[str, Any]
TAILS = {"95": 0.025, "99.8": 0.001}
_PERCENT = "format(datum.value * 100, '.0f') + ' %'"
LINES = [f"{name} {end}" for name in TAILS for end in ("low", "high")]
_STEPS = 30


@dataclass(frozen=True)
class Panel:
    """One indicator: the country's value, and rows of place, n, value."""

    title: str
    target: float
    rows: tuple[Row, ...]


def limits(target: float, n: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper limit of a share of n whose expectation is `target`, `tail` beyond each."""
    return _limit(target, n, tail), 1 - _limit(1 - target, n, tail)


def _limit(target: float, n: np.ndarray, tail: float) -> np.ndarray:
    count = stats.binom.ppf(tail, n, target)
    excess = stats.binom.cdf(count, n, target) - tail
    step = stats.binom.pmf(count, n, target)
    return np.clip((count - np.divide(excess, step, out=np.zeros_like(step), where=step > 0)) / n, 0, 1)


def funnel_charts(panels: Sequence[Panel], axes: tuple[str, str]) -> alt.FacetChart:
    """One panel per indicator; units outside the outer limits are named."""
    rows = [row | {"panel": panel.title} for panel in panels for row in (*_limits(panel), *_units(panel))]
    x = alt.X("n:Q", title=axes[0], scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4, grid=False))
    y = alt.Y("value:Q", title=axes[1], scale=alt.Scale(zero=False), axis=alt.Axis(labelExpr=_PERCENT, tickCount=5))
    base = alt.Chart().encode(x=x, y=y)
    dash = alt.StrokeDash("line:N", legend=None, scale=alt.Scale(domain=LINES, range=[[4, 3], [4, 3], [1, 0], [1, 0]]))
    lines = base.transform_filter("datum.line != null").mark_line(color=SOFT, strokeWidth=1).encode(strokeDash=dash)
    units = base.transform_filter("datum.line == null")
    colour = alt.condition("datum.outside", alt.value(WARN), alt.value(NEW))
    names = units.transform_filter("datum.outside").mark_text(dy=-9, fontSize=9, color=INK).encode(text="place:N")
    layers = (lines, units.mark_circle(size=48, opacity=0.9).encode(color=colour), names)
    return side_by_side(alt.layer(*layers, data=alt.InlineData(values=rows)), [panel.title for panel in panels])


def side_by_side(layers: alt.LayerChart, titles: list[str]) -> alt.FacetChart:
    """A small panel for each title (the field `panel`), with axes of its own."""
    header = alt.Header(title=None, labelFontSize=11, labelColor=INK, labelAnchor="start", labelLimit=230)
    facet = alt.Facet("panel:N", sort=titles, header=header)
    return layers.properties(width=205, height=120).facet(facet, columns=3, spacing=22).resolve_scale(
        x="independent", y="independent"
    )  # fmt: skip


def _limits(panel: Panel) -> list[Row]:
    sizes = [row["n"] for row in panel.rows]
    n = np.unique(np.linspace(min(sizes), max(sizes), _STEPS).round())
    return [
        {"n": float(at), "line": f"{name} {end}", "value": float(value), "outside": False}
        for name, tail in TAILS.items()
        for end, values in zip(("low", "high"), limits(panel.target, n, tail), strict=True)
        for at, value in zip(n, values, strict=True)
    ]


def _units(panel: Panel) -> list[Row]:
    low, high = limits(panel.target, np.array([float(row["n"]) for row in panel.rows]), TAILS["99.8"])
    ends = zip(panel.rows, low, high, strict=True)
    return [row | {"line": None, "outside": bool(row["value"] < down or row["value"] > up)} for row, down, up in ends]
