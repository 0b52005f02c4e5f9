"""signals.parquet and control_charts.parquet: what the control charts show of every variable at every unit."""

from __future__ import annotations

import calendar as calendars
from collections.abc import Callable
from functools import partial

import numpy as np
import polars as pl

from pipelines.reconciliation.signals.charts import RULES, Charted, charted_counts, charted_shares
from pipelines.reconciliation.signals.counts import VOLUME
from pipelines.spec.model import DatabaseSpec

SIGNALS = {
    **dict.fromkeys(("variable", "region", "unit", "period", "chart"), pl.String),
    **dict.fromkeys(("value", "low", "high"), pl.Float64), "rule": pl.String,
}  # fmt: skip
CHARTS = {**SIGNALS, "expected": pl.Float64, "n": pl.Int64}
ONLY_FALLS = ("agreement", "coverage", "coverage_of_register")  # more of these is no fault
ROW = ("chart", "variable", "region", "unit")


def control_charts(spec: DatabaseSpec, counts: pl.DataFrame, each: Callable = map) -> pl.DataFrame:
    """Every month that could be judged: value, limits, what was expected, and the rule where it signals.

    `counts`: chart, variable, region, unit, period, k, n (`counts.py`). The country is charted for itself; units of
    one variable and chart are a group, which share season, how alike they are, and how much months vary. `each` may
    be a pool's map: the charts are made at the same time.
    """
    since = spec.signals.from_
    counts = counts.filter(pl.col("period") >= since.strftime("%Y-%m")) if since else counts
    parts, months = [], []
    for _, part in counts.group_by(pl.col("chart") == VOLUME, pl.col("unit").is_null(), maintain_order=True):
        charts = part.partition_by("chart")
        parts += charts
        months += [_months(part["period"].min(), part["period"].max())] * len(charts)
    charted = each(partial(_charted, spec.signals.run_length), parts, months)
    return pl.concat([pl.DataFrame(schema=CHARTS), *charted]).sort(
        "chart", "variable", "region", "unit", "period", nulls_last=False
    )


def signals(charts: pl.DataFrame) -> pl.DataFrame:
    """signals.parquet: the months that a rule points out."""
    return charts.filter(pl.col("rule").is_not_null()).select(list(SIGNALS))


def _charted(run_length: int, counts: pl.DataFrame, months: list[str]) -> pl.DataFrame:
    rows = counts.select(ROW).unique().sort(ROW, nulls_last=False).with_row_index("_row")
    groups = (
        rows.select("chart", "variable").unique().sort("chart", "variable", nulls_last=False).with_row_index("_group")
    )
    group = rows.join(groups, on=["chart", "variable"], nulls_equal=True, maintain_order="left")["_group"].to_numpy()
    at = counts.join(rows, on=ROW, nulls_equal=True).join(
        pl.DataFrame({"period": months}).with_row_index("_month"), on="period"
    )
    position = at["_row"].to_numpy(), at["_month"].to_numpy()
    k = np.zeros((len(rows), len(months)))
    k[position] = at["k"]
    calendar = np.array([int(month[5:]) for month in months])
    if counts["n"].null_count() == len(counts):
        charted = charted_counts(_before_it_began(k), _days(months), group.astype(int), calendar, run_length)
        return _told(rows, months, charted, k, k)
    n = np.zeros(k.shape)
    n[position] = at["n"]
    falls = rows["chart"].is_in(ONLY_FALLS).to_numpy()
    charted = charted_shares(k, n, group.astype(int), calendar, run_length, falls)
    return _told(rows, months, charted, np.divide(k, n, out=np.zeros(k.shape), where=n > 0), n)


def _told(rows: pl.DataFrame, months: list[str], charted: Charted, value: np.ndarray, n: np.ndarray) -> pl.DataFrame:
    """The judged months as rows."""
    row, month = np.nonzero(~np.isnan(charted.expected))
    shown = {name: getattr(charted, name)[row, month] for name in ("low", "high", "expected")}
    said = {"value": value[row, month], "n": n[row, month].astype(np.int64), **shown}
    rules = [RULES[number] for number in charted.signal[row, month]]
    told = pl.DataFrame(said).with_columns(
        pl.Series("rule", rules, pl.String), pl.Series("period", [months[m] for m in month], pl.String)
    )
    return pl.concat([rows[row].select(ROW), told], how="horizontal").select(list(CHARTS)).cast(CHARTS)


def _before_it_began(k: np.ndarray) -> np.ndarray:
    """Nothing is expected of a unit before its first record."""
    return np.where(np.cumsum(k, axis=1) > 0, k, np.nan)


def _months(first: str, last: str) -> list[str]:
    numbers = [int(text[:4]) * 12 + int(text[5:]) - 1 for text in (first, last)]
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(numbers[0], numbers[1] + 1)]


def _days(months: list[str]) -> np.ndarray:
    return np.array([calendars.monthrange(int(month[:4]), int(month[5:]))[1] for month in months], float)
