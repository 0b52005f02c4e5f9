"""The change from one source to the next, place by place: when the new one begins, and whether data say the same."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from pipelines.reconciliation.rollup import period
from pipelines.reconciliation.scope import in_parallel_period
from pipelines.spec.model import Changeover, DatabaseSpec

SCHEMA = {
    **dict.fromkeys(("region", "unit", "new_from", "kip_until", "found_from"), pl.String),
    "agrees": pl.Boolean, "settles_days": pl.Int64, "reported": pl.Int64, "new": pl.Int64,
}  # fmt: skip
# Before a source has begun there may be a trickle of tests; more than this share of what comes later is no beginning.
TRICKLE = 0.2
# Twice the gain in log likelihood that a change must bring: chance alone brings it at under one place of a hundred.
CLEAR = 12.0
PLACES = (("region",), ("region", "unit"))


def changeovers(spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """changeover.parquet from records counted by region, unit and event date (n), as `counted_by_day` gives them.

    Per region and unit what the specification says of the change, and what volumes show.

    `found_from` is the month in which the new source begins according to its monthly number of records, null where
    that cannot be seen. `agrees` is null where one of the two says nothing. `reported` and `new` count the records
    of the parallel period, settled or not.
    """
    settled = day - dt.timedelta(days=spec.settling(spec.sides.new))
    dates = [side.select("region", "unit", _day=pl.col(spec.event_date).cast(pl.Date)) for side in (reported, new)]
    months = _months(pl.concat(dates)["_day"], settled)
    rows = []
    for level in PLACES:
        counts = _volumes(spec, new, level, months)
        inside = [_inside(spec, side, level) for side in (reported, new)]
        places = pl.concat([side.select("region", "unit") for side in (reported, new)]).drop_nulls(level)
        for place in places.select(level).unique().sort(level).rows():
            said = _said(spec, *place)
            found = began(counts[place]) if place in counts else None
            rows.append(_row(spec, place, said, found and months[found], [side.get(place, 0) for side in inside]))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("region", "unit", nulls_last=False)


def began(counts: np.ndarray) -> int | None:
    """The month (its position) from which a source delivers; None where no clear beginning is seen.

    The change point that makes the counts likeliest as two Poisson rates (Raftery & Akman, Biometrika 1986;73:85-89,
    have the model), where the earlier rate is at most a trickle of the later one.
    """
    total, n = counts.sum(), len(counts)
    if total == 0 or n < 2:
        return None
    at = np.arange(1, n)
    before = np.cumsum(counts)[:-1]
    gain = _likelihood(before, at) + _likelihood(total - before, n - at) - _likelihood(total, n)
    rises = before / at <= TRICKLE * (total - before) / (n - at)
    best = int(np.argmax(np.where(rises, gain, -np.inf)))
    return best + 1 if rises[best] and 2 * gain[best] >= CLEAR else None


def _likelihood(count: np.ndarray, months: np.ndarray) -> np.ndarray:
    """The largest Poisson log likelihood of so many records in so many months, without its constant."""
    return count * np.log(np.maximum(count, 1e-300) / months)


def _months(days: pl.Series, settled: dt.date) -> list[str]:
    """Every month from the first record of either side to the last that is whole and settled."""
    if days.min() is None or settled < days.min():
        return []
    every = pl.date_range(days.min().replace(day=1), settled + dt.timedelta(days=1), "1mo", eager=True)
    return [f"{month:%Y-%m}" for month in every][:-1]


def _volumes(
    spec: DatabaseSpec, new: pl.DataFrame, level: tuple[str, ...], months: list[str]
) -> dict[tuple, np.ndarray]:
    counted = new.drop_nulls(level).group_by(*level, _period=period(spec.event_date)).agg(pl.col("n").sum())
    volumes: dict[tuple, np.ndarray] = {}
    for *place, month, n in counted.rows():
        if month in months:
            volumes.setdefault(tuple(place), np.zeros(len(months)))[months.index(month)] = n
    return volumes


def _inside(spec: DatabaseSpec, side: pl.DataFrame, level: tuple[str, ...]) -> dict[tuple, int]:
    inside = side.filter(in_parallel_period(spec).fill_null(True)).drop_nulls(level)
    return {tuple(place): n for *place, n in inside.group_by(level).agg(pl.col("n").sum()).rows()}


def _said(spec: DatabaseSpec, region: str, unit: str | None = None) -> Changeover:
    return spec.changeover.get(unit or "") or spec.changeover.get(region) or Changeover()


def _row(spec: DatabaseSpec, place: tuple, said: Changeover, found: str | None, counts: list[int]) -> tuple:
    region, unit = (*place, None)[:2]
    agrees = found == f"{said.new_from:%Y-%m}" if found and said.new_from else None
    dates = [day and day.isoformat() for day in (said.new_from, said.kip_until)]
    return (region, unit, *dates, found, agrees, spec.record_settles, *counts)
