"""Funnel plots: each unit's value of an indicator against how many it rests on, with what chance alone allows.

Spiegelhalter, Stat Med 2005;24:1185-1202: limits are quantiles of the binomial distribution around the country's
value, interpolated between counts (his appendix A.1.1), at 95 % and 99.8 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from scipy import stats

from pipelines.reports.charts import INK, NEW, SOFT, WARN

Row = dict[str, Any]
TAILS = {"95": 0.025, "99.8": 0.001}
_PERCENT = "format(datum.value * 100, '.0f') + ' %'"
_STEPS = 60


def limits(target: float, n: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper limit of a share of n whose expectation is `target`, `tail` beyond each."""
    return _limit(target, n, tail), 1 - _limit(1 - target, n, tail)


def _limit(target: float, n: np.ndarray, tail: float) -> np.ndarray:
    count = stats.binom.ppf(tail, n, target)
    excess = stats.binom.cdf(count, n, target) - tail
    step = stats.binom.pmf(count, n, target)
    return np.clip((count - np.divide(excess, step, out=np.zeros_like(step), where=step > 0)) / n, 0, 1)


def funnel_chart(rows: Sequence[Row], target: float, title: str, axes: tuple[str, str]) -> alt.LayerChart:
    """One indicator: rows of place, n, value; those outside the outer limits are named."""
    most = max(row["n"] for row in rows) * 1.05
    n = np.unique(np.linspace(min(row["n"] for row in rows), most, _STEPS).round())
    lines = [
        {"n": float(at), "line": f"{name} {end}", "kind": name, "value": float(value)}
        for name, tail in TAILS.items()
        for end, values in zip(("low", "high"), limits(target, n, tail), strict=True)
        for at, value in zip(n, values, strict=True)
    ]
    values = [*(row["value"] for row in rows), *(line["value"] for line in lines)]
    scale = alt.Scale(domain=[max(0, min(values) - 0.02), min(1, max(values) + 0.02)])
    x = alt.X("n:Q", title=axes[0], scale=alt.Scale(domain=[0, most]), axis=alt.Axis(tickCount=4, grid=False))
    y = alt.Y("value:Q", title=axes[1], scale=scale, axis=alt.Axis(labelExpr=_PERCENT, tickCount=5))
    dash = alt.StrokeDash("kind:N", legend=None, scale=alt.Scale(domain=list(TAILS), range=[[4, 3], [1, 0]]))
    drawn = alt.Chart(alt.InlineData(values=lines)).mark_line(color=SOFT, strokeWidth=1).encode(
        x=x, y=y, detail="line:N", strokeDash=dash
    )  # fmt: skip
    middle = alt.Chart(alt.InlineData(values=[{"value": target}])).mark_rule(color=SOFT).encode(y=y)
    shown = [row | {"outside": _outside(row, target)} for row in rows]
    points = alt.Chart(alt.InlineData(values=shown)).encode(x=x, y=y)
    colour = alt.condition("datum.outside", alt.value(WARN), alt.value(NEW))
    names = points.transform_filter("datum.outside").mark_text(dy=-9, fontSize=9, color=INK).encode(text="place:N")
    dots = points.mark_circle(size=48, opacity=0.9).encode(color=colour)
    return alt.layer(drawn, middle, dots, names).properties(width=205, height=130, title=title)


def _outside(row: Row, target: float) -> bool:
    low, high = limits(target, np.array([float(row["n"])]), TAILS["99.8"])
    return bool(row["value"] < low[0] or row["value"] > high[0])


def funnel_charts(charts: Sequence[alt.LayerChart]) -> alt.ConcatChart:
    """Several indicators beside one another."""
    titled = alt.concat(*charts, columns=3, spacing=24)
    return titled.configure_title(fontSize=11, anchor="start", color=INK, fontWeight="normal")
