"""Small control charts: a line of months, the band that chance allows, and the months that a rule points out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from pipelines.reports.charts import GRID, INK, NEW, WARN

Row = dict[str, Any]
_PERCENT = "format(datum.value * 100, '.0f') + ' %'"


def control_chart(rows: Sequence[Row], title: str, share: bool) -> alt.LayerChart:
    """One chart: rows of period, value, low, high and signal (true or false), in order of months."""
    axis = alt.Axis(labelExpr=_PERCENT, tickCount=4) if share else alt.Axis(tickCount=4)
    x = alt.X("period:O", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False))
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(x=x)
    y = alt.Y("value:Q", title=None, axis=axis, scale=alt.Scale(zero=False))
    band = base.mark_area(color=GRID, interpolate="step").encode(y=alt.Y("low:Q", title=None, axis=axis), y2="high:Q")
    line = base.mark_line(color=NEW, strokeWidth=1.5).encode(y=y)
    colour = alt.condition("datum.signal", alt.value(WARN), alt.value(NEW))
    size = alt.condition("datum.signal", alt.value(60), alt.value(18))
    dots = base.mark_circle(opacity=1).encode(y=y, color=colour, size=size)
    return alt.layer(band, line, dots).properties(width=205, height=105, title=title)


def control_charts(charts: Sequence[alt.LayerChart]) -> alt.ConcatChart:
    """Several charts beside one another."""
    titled = alt.concat(*charts, columns=3, spacing=24)
    return titled.configure_title(fontSize=11, anchor="start", color=INK, fontWeight="normal")
