"""Small control charts: a line of months, the band that chance allows, and the months that a rule points out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from pipelines.reports.charts import GRID, NEW, WARN
from pipelines.reports.funnel import side_by_side

# A share in percent; what is more than 1 is a number.
_SHARE_OR_NUMBER = "datum.value <= 1 ? format(datum.value * 100, '.0f') + ' %' : format(datum.value, ',')"


def control_charts(rows: Sequence[dict[str, Any]], titles: list[str]) -> alt.FacetChart:
    """A panel per title: rows of panel, period, value, low, high and signal (true or false), in order of months."""
    x = alt.X("period:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False))
    axis, scale = alt.Axis(labelExpr=_SHARE_OR_NUMBER, tickCount=4), alt.Scale(zero=False)
    y = alt.Y("value:Q", title=None, axis=axis, scale=scale)
    base = alt.Chart().encode(x=x)
    low = alt.Y("low:Q", title=None, axis=axis, scale=scale)
    band = base.mark_area(color=GRID, interpolate="step").encode(y=low, y2="high:Q")
    colour = alt.condition("datum.signal", alt.value(WARN), alt.value(NEW))
    size = alt.condition("datum.signal", alt.value(60), alt.value(18))
    dots = base.mark_circle(opacity=1).encode(y=y, color=colour, size=size)
    line = base.mark_line(color=NEW, strokeWidth=1.5).encode(y=y)
    return side_by_side(alt.layer(band, line, dots, data=alt.InlineData(values=list(rows))), titles)
