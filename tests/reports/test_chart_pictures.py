"""Charts: the same picture as SVG, PNG and text; nothing that is hidden is drawn."""

from __future__ import annotations

from pipelines.reports import charts

ROWS = [
    {"label": "NYHA <b>&", "share": 0.8, "low": 0.78, "high": 0.82},
    {"label": "Æ", "share": 0.99, "low": None, "high": None},
]


def test_a_chart_is_svg_png_and_a_small_data_uri_and_the_same_each_time():
    chart = charts.agreement_chart(ROWS, 0.95, "Andel")
    assert charts.svg(chart).startswith("<svg") and charts.svg(chart) == charts.svg(chart)
    picture = charts.png(chart)
    assert picture.startswith(b"\x89PNG") and picture == charts.png(chart)
    assert charts.data_uri(picture).startswith("data:image/png;base64,") and len(picture) < 60_000


def test_labels_are_text_in_the_picture():
    drawn = charts.svg(charts.agreement_chart(ROWS, None, "Andel"))
    assert "NYHA &lt;b&gt;&amp;" in drawn and "<b>" not in drawn


def test_a_bounded_share_has_no_interval_drawn():
    """The broken variant this catches: an empty end drawn as if it were 0."""
    drawn = charts.svg(charts.agreement_chart(ROWS, None, "Andel"))
    assert drawn.count('aria-roledescription="rule mark"') == 1


def test_axes_begin_at_a_round_share_below_the_lowest():
    drawn = charts.svg(charts.agreement_chart(ROWS, 0.95, "Andel"))
    assert ">70 %<" in drawn and ">0 %<" not in drawn
