"""The charts, drawn once and used everywhere: SVG in pages, PNG in workbooks and Dagster metadata.

vl-convert draws without a browser or a network. A chart shows exactly the values it is given, so small
cells are hidden before they come here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import disable_debug_mode
from markupsafe import Markup

disable_debug_mode()  # our charts are tested as pictures; holding each mark against a schema is slow

INK, SOFT, GRID = "#22313f", "#5b6b7a", "#e3e8ed"
REPORTED, NEW, WARN = "#c2702a", "#1f6f8b", "#a33a3a"
_PERCENT = "format(datum.value * 100, '.0f') + ' %'"
_FONT = "Helvetica Neue, Arial, Liberation Sans, DejaVu Sans, sans-serif"
_LOCALE = "da-DK"
_LABELS = {
    "labelFont": _FONT, "labelColor": INK, "labelFontSize": 11,
    "titleFont": _FONT, "titleColor": SOFT, "titleFontWeight": "normal",
}  # fmt: skip

Row = dict[str, Any]


def svg(chart: alt.TopLevelMixin) -> Markup:
    """The chart as SVG to stand in a page; its texts are escaped by the drawer."""
    return Markup(_drawn(json.dumps(_styled(chart))))


def png(chart: alt.TopLevelMixin, scale: float = 1.5) -> bytes:
    """The chart as a small PNG."""
    return vl_convert.vegalite_to_png(_styled(chart), scale=scale, format_locale=_LOCALE)


def data_uri(picture: bytes) -> str:
    """A PNG as text that a markdown cell or an <img> can hold."""
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")


def agreement_chart(rows: Sequence[Row], asked: float | None, axis: str) -> alt.LayerChart:
    """Agreement per variable, lowest first: rows of label, share, low, high (shares 0–1). Where only a range is told
    there is no share, and a ring stands in its middle."""
    rows = sorted(map(_with_middle, rows), key=lambda row: row["middle"])
    lowest_first = list(dict.fromkeys(row["label"] for row in rows))
    y = alt.Y("label:N", sort=lowest_first, title=None, axis=_long_labels())
    base, scale = alt.Chart(_data(rows)).encode(y=y), _share_scale(rows)
    dots = _dots(base, _share_axis("middle", scale, axis), color=NEW)
    interval = _known(base).mark_rule(color=NEW, strokeWidth=2).encode(x=_share_axis("low", scale, axis), x2="high:Q")
    return alt.layer(*_asked_line(asked, scale, axis), interval, *dots).properties(width=560, height=alt.Step(21))


def coverage_chart(rows: Sequence[Row], colours: Sequence[str], axis: str) -> alt.LayerChart:
    """Completeness per place: rows of place, side, share, low, high; `colours` names both sides."""
    rows = [_with_middle(row) for row in rows]
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("place:N", title=None, sort=list(dict.fromkeys(r["place"] for r in rows)), axis=_long_labels()),
        yOffset=alt.YOffset("side:N", sort=list(colours)),
        color=_sides(colours),
    )
    scale = _share_scale(rows)
    interval = _known(base).mark_rule(strokeWidth=2).encode(x=_share_axis("low", scale, axis), x2="high:Q")
    dots = _dots(base, _share_axis("middle", scale, axis))
    return alt.layer(interval, *dots).properties(width=290, height=alt.Step(15))


def months_chart(rows: Sequence[Row], colours: Sequence[str], axis: str, month: str) -> alt.LayerChart:
    """Completeness over months: rows of period (YYYY-MM), side, share, and low and high where it is not told nearer."""
    scale, percent = _share_scale(rows), alt.Axis(labelExpr=_PERCENT, tickCount=6)
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("period:O", sort=None, title=month, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        color=_sides(colours),
    )
    said = base.mark_line(point={"size": 45}, strokeWidth=2).encode(
        alt.Y("share:Q", title=axis, scale=scale, axis=percent)
    )
    between = _known(base).mark_rule(strokeWidth=6, opacity=0.25)
    between = between.encode(alt.Y("low:Q", title=axis, scale=scale, axis=percent), alt.Y2("high:Q"))
    return alt.layer(said, between).properties(width=350, height=190)


def offsets_chart(rows: Sequence[Row], axis: str, n_axis: str) -> alt.Chart:
    """How far new lies from reported: rows of offset (a number as text, in order) and n."""
    return (
        alt.Chart(_data(rows))
        .mark_bar(color=NEW, cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        .encode(
            x=alt.X("offset:O", sort=None, title=axis, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("n:Q", title=n_axis, axis=alt.Axis(format=",d", tickMinStep=1)),
        )
        .properties(width=alt.Step(34), height=150)
    )


def transitions_chart(rows: Sequence[Row], axes: tuple[str, str]) -> alt.LayerChart:
    """Which value became which: rows of reported, new, n and shown (the count as text)."""
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("new:N", sort=None, title=axes[1], axis=alt.Axis(orient="top", labelAngle=0, labelLimit=110)),
        y=alt.Y("reported:N", sort=None, title=axes[0], axis=_long_labels()),
    )
    colour = alt.Color("n:Q", legend=None, scale=alt.Scale(type="sqrt", range=["#eef4f7", NEW], domainMin=0))
    most = max((row["n"] for row in rows), default=0)
    ink = alt.condition(alt.datum.n > most * 0.45, alt.value("white"), alt.value(INK))
    columns = len({row["new"] for row in rows})
    return alt.layer(
        base.mark_rect(stroke="white", strokeWidth=2).encode(color=colour),
        base.mark_text(fontSize=11).encode(text="shown:N", color=ink),
    ).properties(width=max(160, min(96, 460 // max(columns, 1)) * columns), height=alt.Step(30))


@lru_cache(maxsize=512)
def _drawn(said: str) -> str:
    """The same picture often stands in two chapters or two reports; it is drawn once."""
    vega = vl_convert.vegalite_to_vega(said)  # in two steps it takes little more than half the time
    return _own_ids(vl_convert.vega_to_svg(vega, format_locale=_LOCALE))


def _own_ids(drawn: str) -> str:
    """The drawer numbers its clip paths through the whole process; name them by the picture instead,
    so that the same picture is the same bytes and two pictures on a page do not share a name."""
    names = list(dict.fromkeys(re.findall(r'id="(clip[0-9]+)"', drawn)))
    neutral = re.sub(r"\bclip[0-9]+\b", lambda m: f"clip§{names.index(m[0])}", drawn)
    picture = hashlib.sha256(neutral.encode()).hexdigest()[:10]
    return neutral.replace("clip§", f"clip-{picture}-")


def _styled(chart: alt.TopLevelMixin) -> dict[str, Any]:
    lines = {"gridColor": GRID, "domainColor": "#b9c4ce", "tickColor": "#b9c4ce"}
    styled = (
        chart.configure(background="white", font=_FONT, padding=6)
        .configure_view(stroke=None)
        .configure_axis(titleFontSize=11, titlePadding=8, **_LABELS, **lines)
        .configure_legend(orient="top", title=None, symbolType="circle", symbolSize=80, **_LABELS)
    )
    return styled.to_dict(validate=False)


def _data(rows: Sequence[Row]) -> alt.InlineData:
    return alt.InlineData(values=list(rows))


def _known(base: alt.Chart) -> alt.Chart:
    """Only rows with an interval: a bounded share has none, and an empty end would be drawn at 0."""
    return base.transform_filter("isValid(datum.low) && isValid(datum.high)")


def _with_middle(row: Row) -> Row:
    """The share, or the middle of the range that is told instead."""
    return row | {"middle": (row["low"] + row["high"]) / 2 if row["share"] is None else row["share"]}


def _dots(base: alt.Chart, x: alt.X, **style: Any) -> tuple[alt.Chart, alt.Chart]:
    """A dot for each share; where only a range is told it is a ring."""
    hole = base.transform_filter("!isValid(datum.share)").mark_circle(size=22, color="white", opacity=1)
    return base.mark_circle(size=70, opacity=1, **style).encode(x=x), hole.encode(x=x, color=alt.value("white"))


def _long_labels() -> alt.Axis:
    return alt.Axis(labelLimit=260, grid=False, ticks=False, domain=False, labelPadding=8)


def _sides(names: Sequence[str]) -> alt.Color:
    return alt.Color("side:N", title=None, scale=alt.Scale(domain=list(names), range=[NEW, REPORTED]))


def _share_scale(rows: Sequence[Row]) -> alt.Scale:
    """From the tenth below the lowest value to 1; every layer says the same, else the axis begins at 0."""
    lowest = min((v for row in rows for v in (row.get("low"), row["share"]) if v is not None), default=0)
    return alt.Scale(domain=[max(0, min(int(lowest * 10), 9) / 10), 1])


def _share_axis(field: str, scale: alt.Scale, title: str) -> alt.X:
    return alt.X(f"{field}:Q", title=title, scale=scale, axis=alt.Axis(labelExpr=_PERCENT, tickCount=6))


def _asked_line(asked: float | None, scale: alt.Scale, title: str) -> list[alt.Chart]:
    if asked is None:
        return []
    line = alt.Chart(alt.InlineData(values=[{"asked": asked}]))
    return [line.mark_rule(color=WARN, strokeDash=[4, 3], strokeWidth=1.5).encode(x=_share_axis("asked", scale, title))]
