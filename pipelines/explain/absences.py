"""Records of one side only: a unit that is silent, a gap, what comes late, a population that is too wide or narrow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.copies import is_test_person
from pipelines.explain.records import Records
from pipelines.explain.rows import Rows, rows_of
from pipelines.explain.slices import FEWEST_HITS, LEAST_GAIN, Slice, best_slice
from pipelines.explain.submissions import lost_submission

NEARLY_ALL = 0.75  # lower limit of the share that is gone; scattered losses are another matter
CARRIED = ("unit", "region", "hospital", "age_band", "sex")  # what a reported record may know of itself
EDGE = "at the edge of "
FEWEST_WITHDRAWN_RATIO = 3.0  # withdrawn records are alone so many times as often as others


def absent(records: Records) -> Iterator[Cause]:
    """The causes of what is alone and has no near counterpart."""
    yield from _test_persons(records)
    yield from _retracted_kept(records)
    yield from _one_sided(records, "new")
    yield from _one_sided(records, "reported")


def _test_persons(records: Records) -> Iterator[Cause]:
    """Known test persons among the records that only the new side has."""
    is_test = is_test_person(records) & ~pl.col("record_id").is_in(
        pl.Series(sorted(records.surplus_taken), dtype=pl.String).implode()
    )
    yield from _flagged(records, "test_persons", is_test & (pl.col("_status") != "pair"), fewest=1)


def _retracted_kept(records: Records) -> Iterator[Cause]:
    """Records that their source has withdrawn, and that stand on the new side alone far oftener than others."""
    new = records.new
    withdrawn = new["retracted"].fill_null(False)
    alone = new["_alone"]
    share, others = (alone.filter(chosen).mean() or 0.0 for chosen in (withdrawn, ~withdrawn))
    if share > FEWEST_WITHDRAWN_RATIO * others:
        yield from _flagged(
            records, "retracted_kept", pl.col("retracted").fill_null(False) & pl.col("_alone"), FEWEST_HITS
        )


def _flagged(records: Records, kind: str, flag: pl.Expr, fewest: int) -> Iterator[Cause]:
    """Records that are wrong by what they say themselves: the slice only tells where they lie."""
    new = records.new
    hits = new.select(flag.fill_null(False)).to_series().to_numpy()
    if hits.sum() < fewest:
        return
    rows = records.rows_of_new
    place = best_slice(rows, np.ones(len(hits), bool), hits, 0.0, lists=False)
    regions = new.filter(pl.Series(hits))["region"].unique().to_list()
    where = {"region": regions[0]} if len(regions) == 1 and regions[0] else {}
    if place and not (hits & ~rows.inside(place.where)).any():
        where = place.where
    taken = {"new": new.filter(pl.Series(hits))["record_id"]}
    yield records.take(kind, None, {}, taken, (rows.inside(where), hits), where)


def _one_sided(records: Records, side: str) -> Iterator[Cause]:
    """Where nearly every record of a side lacks a counterpart."""
    could = ((pl.col("_status") != "surplus") & ~is_test_person(records)).fill_null(False)
    could = records.sides[side].select(could).to_series()
    frame = records.sides[side].filter(could)
    rows, left = _rows(records, frame), np.ones(len(frame), dtype=bool)
    while left.any():
        hits = records.sides[side]["_alone"].filter(could).to_numpy() & left
        late = _lag(records, frame, left, hits) if side == "reported" else None
        place = best_slice(rows, left, hits, NEARLY_ALL, lists=False)
        if late and late.gain > (place.gain if place else LEAST_GAIN):
            inside = late.inside(records, frame) & left
            taken = {side: frame.filter(pl.Series(inside & hits))["record_id"]}
            yield records.take("late_arrival", None, {"lag": late.days}, taken, (inside[left], hits[left]), late.where)
        elif place is None:
            return
        else:
            inside = rows.inside(place.where) & left
            if said := _said(records, side, frame.filter(pl.Series(inside)), place):
                kind, parameters, where = said
                taken = {side: frame.filter(pl.Series(inside & hits))["record_id"]}
                yield records.take(kind, place, parameters, taken, (inside[left], hits[left]), where)
        left &= ~inside


def _rows(records: Records, frame: pl.DataFrame) -> Rows:
    """Places, what a record says of itself, its codes with their prefixes, and whether it lies on an edge."""
    spec = records.spec
    codes = [name for name, v in spec.variables.items() if v.type in ("sks", "code", "yes_no")]
    sks = [name for name in codes if spec.variables[name].type == "sks"]
    edges = {f"{EDGE}{name}": _edge(frame[name]) for name, v in spec.variables.items() if v.numeric or v.type == "date"}
    own = ("submission", "source_file") if frame["submission"].null_count() < len(frame) else ()
    return rows_of(frame.with_columns(**edges), spec.event_date, (*CARRIED, *spec.slices, *codes, *edges, *own), sks)


def _edge(values: pl.Series) -> pl.Series:
    """The lowest and the highest value as text; null for what lies between."""
    ends = pl.Series([values.min(), values.max()], dtype=values.dtype)
    is_low, is_high = (values.is_in(ends[at : at + 1].implode()) for at in (0, 1))
    low, high = (pl.lit(end, pl.String) for end in ends.cast(pl.String))
    return pl.select(pl.when(is_low).then(low).when(is_high).then(high)).to_series()


def _said(records: Records, side: str, here: pl.DataFrame, place: Slice) -> tuple[str, dict, dict] | None:
    """(kind, parameters, slice) of a place where nearly all is alone, by what describes it; `here` are its records."""
    where = place.where
    edge = next((name for name in where if name.startswith(EDGE)), None)
    code = next((name for name in where if name in records.spec.variables), None)
    if edge:
        value = _number(here, edge.removeprefix(EDGE), where[edge])
        return "boundary_off", {"edge": {edge.removeprefix(EDGE): value}}, {k: v for k, v in where.items() if k != edge}
    if code:
        return f"population_too_{'narrow' if side == 'reported' else 'wide'}", {"code": where[code]}, where
    return _silence(records, here, place) if side == "reported" else None


def _number(frame: pl.DataFrame, name: str, said: Any) -> Any:
    value = said[0] if isinstance(said, list) else said
    return int(value) if frame.schema[name].is_integer() else float(value) if frame.schema[name].is_float() else value


def _silence(records: Records, here: pl.DataFrame, place: Slice) -> tuple[str, dict, dict] | None:
    """A unit that does not send, or a gap in time; not where as many new records stand alone under wrong keys."""
    alone_new = records.alone("new")
    if records.rows(alone_new).inside(_places(place.where)).sum() >= place.hits / 2:
        return None
    limits = place.where.get("period", {})
    units = here["unit"].unique()
    unit = units[0] if len(units) == 1 else None
    if lost := _lost(records, place):
        return "submission_lost", {"submission": lost}, place.where
    if "to" in limits or unit is None:
        return "period_gap", dict(limits), place.where
    started = {"from": limits["from"]} if limits else {}
    return "unit_not_reporting", {"unit": unit, **started}, place.where


def _lost(records: Records, place: Slice) -> str | None:
    """The submission that a gap in time is, where the numbering of those of its place says so."""
    limits = place.where.get("period", {})
    if limits.keys() != {"from", "to"}:
        return None
    where = {name: value for name, value in _places(place.where).items() if name != "period"}
    here = records.new.filter(pl.Series(records.rows_of_new.inside(where)))
    return lost_submission(records.new, here, tuple(dt.date.fromisoformat(limits[end]) for end in ("from", "to")))


def _places(where: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in where.items() if name in (*CARRIED, "period")}


# ---------------------------------------------------------------- what comes late


LAGS = np.arange(10, 181, 5)  # days


@dataclass(frozen=True)
class Lag:
    """Coverage falls towards the reference date, from `days` before it, in a place; `gain` in nats."""

    gain: float
    days: int
    where: dict[str, Any]

    def inside(self, records: Records, frame: pl.DataFrame) -> np.ndarray:
        place = rows_of(frame, records.spec.event_date, ("region",)).inside(self.where)
        return place & (_age(records, frame) < self.days)


def _lag(records: Records, frame: pl.DataFrame, left: np.ndarray, hits: np.ndarray) -> Lag | None:
    """The younger, the less has arrived (registration lag), in the country or in one region.

    The share that is missing is taken to rise in a straight line from the usual one, `days` before the
    reference date, to all; the number of lags and places tried is paid for.
    """
    ages, of = _numbered(_age(records, frame))
    regions = frame["region"].drop_nulls().unique().sort()
    rows = rows_of(frame, records.spec.event_date, ("region",))
    tried = [
        Lag(_lag_gain(*counted, int(days)), int(days), where)
        for where in ({}, *({"region": region} for region in regions))
        for counted in [_by_age(ages, of, hits, rows.inside(where) & left)]
        for days in LAGS
    ]
    best = max(tried, key=lambda lag: lag.gain)
    paid = replace(best, gain=best.gain - float(np.log(len(tried))))
    return paid if paid.gain > LEAST_GAIN else None


def _age(records: Records, frame: pl.DataFrame) -> np.ndarray:
    """Days before the reference date; infinite where the date is unknown."""
    days = (np.datetime64(records.reference_date) - frame["_day"].to_numpy().astype("datetime64[D]")).astype(float)
    return np.where(frame["_day"].is_null().to_numpy(), np.inf, days)


def _numbered(age: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every age there may be, the last unknown, and the place of each record among them."""
    known = np.isfinite(age)
    ages = np.append(np.arange(age.min(initial=0), age[known].max(initial=0) + 1), np.inf)
    return ages, np.where(known, np.where(known, age, 0) - ages[0], len(ages) - 1).astype(np.intp)


def _by_age(
    ages: np.ndarray, of: np.ndarray, hits: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each age, how many records have it, and how many of them are alone."""
    n, k = (np.bincount(of[chosen], minlength=len(ages)) for chosen in (inside, inside & hits))
    return ages, n, k


def _lag_gain(ages: np.ndarray, n: np.ndarray, k: np.ndarray, lag: int) -> float:
    """Log-likelihood of the straight line less that of the usual share."""
    young = ages < lag
    usual = (k[~young].sum() + 1) / (n[~young].sum() + 20)
    share = np.clip(usual + (1 - usual) * (1 - np.maximum(ages[young], 0) / lag), 1e-6, 1 - 1e-6)
    alone, paired = k[young], (n - k)[young]
    line = (alone * np.log(share)).sum() + (paired * np.log(1 - share)).sum()
    return float(line - alone.sum() * np.log(usual) - paired.sum() * np.log(1 - usual))
