"""The one picture that shows a cause: where values move to, what becomes what, or what is missing when."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports import charts
from pipelines.reports.numbers import month
from pipelines.reports.parts import Picture
from pipelines.reports.rounding import rounded_columns
from pipelines.reports.sections.coverage import months_picture
from pipelines.reports.sections.movements import offsets_picture, transitions_picture
from pipelines.reports.sections.shares import drawn_share
from pipelines.reports.view import View

# Which picture shows a kind: the kinds' names are those of the catalogue of faults.
_MOVED = {
    "date_shift", "constant_offset", "timezone_shift", "unit_factor", "unit_linear", "rounded", "decimal_lost",
    "day_month_swapped", "date_precision", "sign_flipped", "wrong_pick", "stale_value", "digits_transposed",
}  # fmt: skip
_RECODED = {
    "code_recoded", "inverted", "side_swapped", "code_truncated", "constant_value", "missing_collapsed",
    "missing_in_new", "missing_in_reported", "definition_changed",
}  # fmt: skip
_MISSING = {"missing_in_new": "new_missing", "missing_in_reported": "reported_missing"}
_OVER_TIME = {
    "unit_not_reporting", "period_gap", "late_arrival", "submission_lost", "population_too_wide",
    "population_too_narrow", "retracted_kept", "boundary_off",
}  # fmt: skip


def cause_picture(view: View, cause: dict[str, Any]) -> Picture | None:
    """Drawn of the slice's own region or unit where it has one, so that the cause is seen undiluted."""
    variable, kind = next(iter(cause["variables"]), None), cause["kind"]
    unit = _single(cause["slice"], "unit")
    region = view.region or _single(cause["slice"], "region") or region_of(view, unit)
    if kind in _OVER_TIME:
        return months_picture(view, region, unit)
    if variable is None:
        return None
    moved = offsets_picture(view, variable, region) if kind in _MOVED else None
    coded = transitions_picture(view, variable, region) if kind in _RECODED else None
    return moved or coded or _by_month(view, variable, region, _MISSING.get(kind))


def _by_month(view: View, variable: str, region: str | None, missing: str | None) -> Picture | None:
    """The share of pairs in which one side alone lacks the value, or else in which both say the same, month by
    month; of rounded counts to others."""
    own = pl.col("region").eq_missing(pl.lit(region, pl.String))
    whole = pl.col("unit").is_null() & pl.col("level").is_null() & pl.col("period").is_not_null()
    months = view.results.frame("agreement").filter(own, whole, variable=variable).sort("period")
    part, of = (missing, "relevant") if missing else ("agree", "both_known")
    counted = months.with_columns(part=pl.col(part) + (0 if missing else pl.col("agree_within")))
    parts = rounded_columns(counted.with_columns(rest=pl.col(of) - pl.col("part")), view.base, "part", "rest")
    side = view.text("words.reported" if missing == "reported_missing" else "words.new")
    rows = [
        {"period": month(row["period"]), "side": side, **shown}
        for row in parts.iter_rows(named=True)
        if (shown := drawn_share([row["part"]], [row["rest"]], view.base))
    ]
    if not rows:
        return None
    chart = charts.months_chart(rows, [side], *view.texts("chart", "share_axis", "month_axis"))
    place = f" ({view.names.region(region)})" if region else ""
    name = "chart.missing_months" if missing else "chart.same_months"
    return Picture(charts.svg(chart), view.title_of_months(view.text(name, variable=view.label(variable)) + place))


def _single(said: dict[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) else None


def region_of(view: View, unit: Any) -> str | None:
    """The region of a slice's unit, where it has one."""
    if not isinstance(unit, str):
        return None
    regions = view.results.frame("coverage").filter(pl.col("unit").eq(pl.lit(unit)))["region"]
    return regions[0] if len(regions) else None
