"""Records of one side only: a unit that is silent, a gap, what comes late, a population that is too wide or narrow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.coded import Coded
from pipelines.explain.records import Records
from pipelines.explain.rows import LATE, Rows, rows_from
from pipelines.explain.slices import FEWEST_HITS, LEAST_GAIN, Slice, best_slice
from pipelines.explain.submissions import lost_submission
from pipelines.explain.trials import likelihood_less
from pipelines.reconciliation.sides import SURPLUS

NEARLY_ALL = 0.75  # lower limit of the share that is gone; scattered losses are another matter
CARRIED = ("unit", "region", "hospital", "age_band", "sex")  # what a reported record may know of itself
EDGE = "at the edge of "
EDGES = 3  # of each end: a typed value or two may recur beyond the edge
MISTYPED, SOME = 0.05, 10_000  # share of values beyond the edge at most, judged by about so many
DISAGREE = 0.3  # of values, at most, where nothing is wrong (published: 4–30 %)
FEWEST_WITHDRAWN_RATIO = 3.0  # withdrawn records are alone so many times as often as others


def absent(records: Records) -> Iterator[Cause]:
    """The causes of what is alone and has no near counterpart."""
    yield from _test_persons(records)
    yield from _retracted_kept(records)
    yield from _one_sided(records, "new")
    yield from _one_sided(records, "reported")


def _test_persons(records: Records) -> Iterator[Cause]:
    """Known test persons among the records that only the new side has."""
    yield from _flagged(records, "test_persons", records.is_test["new"] & records.beyond["new"], fewest=1)


def _retracted_kept(records: Records) -> Iterator[Cause]:
    """Records that their source has withdrawn, and that stand on the new side alone far oftener than others."""
    new, alone = records.scopes["new"], records.alone["new"]
    if not new.has("retracted"):
        return
    withdrawn = new.read("retracted").fill_null(False).to_numpy()
    share, others = (alone[chosen].mean() if chosen.any() else 0.0 for chosen in (withdrawn, ~withdrawn))
    if share > FEWEST_WITHDRAWN_RATIO * others:
        yield from _flagged(records, "retracted_kept", withdrawn & alone, FEWEST_HITS)


def _flagged(records: Records, kind: str, hits: np.ndarray, fewest: int) -> Iterator[Cause]:
    """Records that are wrong by what they say themselves: the slice only tells where they lie."""
    at = np.flatnonzero(hits)
    if len(at) < fewest:
        return
    rows = records.rows_of_new
    place = best_slice(rows, np.ones(len(hits), bool), hits, 0.0, lists=False)
    regions = records.said("new", at, "region")["region"].unique().to_list()
    where = {"region": regions[0]} if len(regions) == 1 and regions[0] else {}
    if place and not (hits & ~rows.inside(place.where)).any():
        where = place.where
    yield records.take(kind, None, {}, {"new": at}, (rows.inside(where), hits), where)


def _one_sided(records: Records, side: str) -> Iterator[Cause]:
    """Where nearly every record of a side lacks a counterpart."""
    left = (records.scopes[side].status != SURPLUS) & ~records.is_test[side]
    rows = _rows(records, side)
    while left.any():
        hits = records.alone[side] & left
        late = _lag(records, left, hits) if side == "reported" else None
        place = best_slice(rows, left, hits, NEARLY_ALL, lists=False)
        if late and late.leads(place):
            inside = late.inside(records) & left
            taken = {side: np.flatnonzero(inside & hits)}
            yield records.take("late_arrival", None, {"lag": late.days}, taken, (inside[left], hits[left]), late.where)
        elif place is None:
            return
        else:
            inside = rows.inside(place.where) & left
            if said := _said(records, side, inside, place):
                kind, parameters, where = said
                taken = {side: np.flatnonzero(inside & hits)}
                yield records.take(kind, place, parameters, taken, (inside[left], hits[left]), where)
        left &= ~inside


def _rows(records: Records, side: str) -> Rows:
    """Places, what a record says of itself, its codes with their prefixes, and whether it lies on an edge."""
    spec, scope = records.spec, records.scopes[side]
    codes = [name for name, v in spec.variables.items() if v.type in ("sks", "code", "yes_no")]
    sks = [name for name in codes if spec.variables[name].type == "sks" and scope.has(name)]
    columns = {name: scope.coded(name) for name in (*CARRIED, *spec.slices, *codes) if scope.has(name)}
    for name, variable in spec.variables.items():
        if (variable.numeric or variable.type == "date") and scope.has(name):
            columns[f"{EDGE}{name}"] = _agreed(records, side, name, _edge(scope.column(name)))
    columns |= {name: scope.coded(name) for name in LATE if scope.has(name)}
    return rows_from(columns, scope.days, sks)


def _edge(values: pl.Series) -> Coded:
    """The outermost values as text; unknown for what lies between."""
    ends = pl.concat([_outermost(values, highest) for highest in (False, True)]).unique()
    if ends.len() < 2:
        return Coded((), np.zeros(len(values), np.int8))
    said = ends.cast(pl.String).to_list()
    code = np.full(len(values), -1, np.int8)
    for end, number in zip(ends, np.argsort(np.argsort(said)).tolist(), strict=True):
        code[(values == end).arg_true().to_numpy()] = number
    return Coded(tuple(sorted(said)), code)


def _outermost(values: pl.Series, highest: bool) -> pl.Series:
    """The first few values, from one end, that several records have; beyond them may lie what is typed wrongly. Where
    no value recurs there, the very first."""
    some = values.gather_every(max(1, len(values) // SOME)).drop_nulls().sort(descending=highest)
    if some.is_empty():
        return some
    limit = some[int(MISTYPED * len(some))]
    tail = values.filter(values >= limit if highest else values <= limit)
    counted = tail.rename("value").value_counts(name="n").filter(pl.col("n") >= FEWEST_HITS)
    recur = counted["value"].sort(descending=highest).head(EDGES).rename(values.name)
    return recur if len(recur) else tail.sort(descending=highest).head(1)


def _agreed(records: Records, side: str, name: str, edge: Coded) -> Coded:
    """The edge without the records that the counterpart places elsewhere: no boundary on the other side takes these.
    Where more are than disagree anyway, something else is wrong with the value, and the edge is left as it is."""
    (other,) = {*records.scopes} - {side}
    if not records.scopes[other].has(name):
        return edge
    on_edge, counterpart = np.flatnonzero(edge.code >= 0), records.counterparts[side]
    at = on_edge[counterpart[on_edge] >= 0]
    told = records.scopes[other].column(name).gather(counterpart[at])
    apart = at[records.scopes[side].column(name).gather(at).ne_missing(told).to_numpy()]
    n, k = (np.bincount(edge.code[of], minlength=len(edge.values)) for of in (on_edge, apart))
    code = edge.code.copy()
    code[apart[(k <= DISAGREE * n)[edge.code[apart]]]] = -1
    return Coded(edge.values, code)


def _said(records: Records, side: str, inside: np.ndarray, place: Slice) -> tuple[str, dict, dict] | None:
    """(kind, parameters, slice) of a place where nearly all is alone, by what describes it; its records are inside."""
    where = place.where
    edge = next((name for name in where if name.startswith(EDGE)), None)
    code = next((name for name in where if name in records.spec.variables), None)
    if edge:
        name = edge.removeprefix(EDGE)
        value = _number(records.scopes[side].column(name).dtype, where[edge])
        return "boundary_off", {"edge": {name: value}}, {k: v for k, v in where.items() if k != edge}
    if code:
        return f"population_too_{'narrow' if side == 'reported' else 'wide'}", {"code": where[code]}, where
    return _silence(records, inside, place) if side == "reported" else None


def _number(kind: pl.DataType, said: Any) -> Any:
    value = said[0] if isinstance(said, list) else said
    return int(value) if kind.is_integer() else float(value) if kind.is_float() else value


def _silence(records: Records, inside: np.ndarray, place: Slice) -> tuple[str, dict, dict] | None:
    """A unit that does not send, or a gap in time; not where as many new records stand alone under wrong keys."""
    alone_there = records.alone["new"] & records.rows_of_new.inside(_places(place.where))
    if alone_there.sum() >= place.hits / 2 or _are_dated_ahead(records, inside):
        return None
    limits = place.where.get("period", {})
    units = records.said("reported", np.flatnonzero(inside), "unit")["unit"].unique()
    unit = units[0] if len(units) == 1 else None
    if lost := _lost(records, place):
        return "submission_lost", {"submission": lost}, place.where
    if "to" in limits or unit is None:
        return "period_gap", dict(limits), place.where
    started = {"from": limits["from"]} if limits else {}
    return "unit_not_reporting", {"unit": unit, **started}, place.where


def _are_dated_ahead(records: Records, inside: np.ndarray) -> bool:
    """Whether most of these came with a day after the reference date, where nothing is compared: the day is wrong, and
    nobody is silent."""
    day = records.spec.event_date
    came = records.scopes["new"].outside("person", "unit", day)
    came = came.filter(pl.col(day).cast(pl.Date) > records.reference_date)
    gone = records.said("reported", np.flatnonzero(inside & records.alone["reported"]), "person", "unit")
    return len(came) > 0 and gone.join(came, on=["person", "unit"], how="semi").height > len(gone) / 2


def _lost(records: Records, place: Slice) -> str | None:
    """The submission that a gap in time is, where the numbering of those of its place says so."""
    limits = place.where.get("period", {})
    if limits.keys() != {"from", "to"} or not records.scopes["new"].has("submission"):
        return None
    where = {name: value for name, value in _places(place.where).items() if name != "period"}
    sent = records.said("new", np.arange(len(records.scopes["new"])), "submission")
    here = sent.filter(pl.Series(records.rows_of_new.inside(where)))
    return lost_submission(sent, here, tuple(dt.date.fromisoformat(limits[end]) for end in ("from", "to")))


def _places(where: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in where.items() if name in (*CARRIED, "period")}


# ---------------------------------------------------------------- what comes late


LAGS = np.arange(10, 181, 5)  # days
GONE = 0.95  # of the last days, where these never arrived


@dataclass(frozen=True)
class Lag:
    """Coverage falls towards the reference date, from `days` before it, in a place.

    In nats: `gain` over the share that is usual in the place, and `gain_of_gap` what it would be were simply all of the
    last days gone; `gain_of_slice` over one share in all, as a slice's is, by which a lag and a gap of another place
    are held against each other.
    """

    gain: float
    gain_of_slice: float
    days: int
    where: dict[str, Any]
    gain_of_gap: float = 0.0

    def leads(self, place: Slice | None) -> bool:
        """Whether it is told before what else is gone."""
        return place is None or (self.gain > self.gain_of_gap and self.gain_of_slice > place.gain)

    def inside(self, records: Records) -> np.ndarray:
        return _regions(records).inside(self.where) & (_age(records) < self.days)


def _lag(records: Records, left: np.ndarray, hits: np.ndarray) -> Lag | None:
    """The younger, the less has arrived (registration lag), in the country or in one region.

    The share that is missing is taken to rise in a straight line from the usual one, `days` before the
    reference date, to all; the number of lags and places tried is paid for.
    """
    ages, of = _numbered(_age(records))
    regions, total = records.scopes["reported"].coded("region"), (int(hits.sum()), int(left.sum()))
    n, k = (_by_region_and_age(regions, of, chosen, len(ages)) for chosen in (left, hits))
    counted = [({}, (ages, n.sum(0), k.sum(0)))]
    counted += [({"region": name}, (ages, n[at], k[at])) for at, name in enumerate(regions.values)]
    tried = [
        (Lag(*_lag_gains(*of_place, int(days), total), int(days), where), of_place)
        for where, of_place in counted
        for days in LAGS
    ]
    best, of_place = max(tried, key=lambda lag: lag[0].gain)
    paid = float(np.log(len(tried)))
    if best.gain - paid <= LEAST_GAIN:
        return None
    of_gap = _gap_gain(*of_place)
    return replace(best, gain_of_slice=best.gain_of_slice - paid, gain_of_gap=of_gap)


def _regions(records: Records) -> Rows:
    reported = records.scopes["reported"]
    return rows_from({"region": reported.coded("region")}, reported.days)


def _age(records: Records) -> np.ndarray:
    """Days of reported records before the reference date; infinite where the date is unknown."""
    days = records.scopes["reported"].days
    age = (np.datetime64(records.reference_date) - np.array([*days.values, "NaT"], "datetime64[D]")).astype(float)
    age[-1] = np.inf
    return age[days.code]


def _numbered(age: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every age there may be, the last unknown, and the place of each record among them."""
    known = np.isfinite(age)
    ages = np.append(np.arange(age.min(initial=0), age[known].max(initial=0) + 1), np.inf)
    return ages, np.where(known, np.where(known, age, 0) - ages[0], len(ages) - 1).astype(np.intp)


def _by_region_and_age(regions: Coded, of: np.ndarray, chosen: np.ndarray, ages: int) -> np.ndarray:
    """How many of the chosen records each region has of each age; the last row is of an unknown region."""
    number = regions.code[chosen].astype(np.intp) % (len(regions.values) + 1) * ages + of[chosen]
    return np.bincount(number, minlength=(len(regions.values) + 1) * ages).reshape(-1, ages)


def _lag_gains(ages: np.ndarray, n: np.ndarray, k: np.ndarray, lag: int, total: tuple[int, int]) -> tuple[float, float]:
    """Log-likelihood of the straight line less that of the place's usual share; and, with one share outside it, less
    that of one share in all. `total`: hits and trials of all places."""
    young = ages < lag
    usual = (k[~young].sum() + 1) / (n[~young].sum() + 20)
    share = np.clip(usual + (1 - usual) * (1 - np.maximum(ages[young], 0) / lag), 1e-6, 1 - 1e-6)
    alone, paired = k[young], (n - k)[young]
    line = float((alone * np.log(share)).sum() + (paired * np.log(1 - share)).sum())
    as_usual = float(alone.sum() * np.log(usual) + paired.sum() * np.log(1 - usual))
    return line - as_usual, line + likelihood_less(alone.sum(), n[young].sum(), *total)


def _gap_gain(ages: np.ndarray, n: np.ndarray, k: np.ndarray) -> float:
    """The same were all gone from a day on, the one that fits best: an abrupt end is no lag."""
    young, gone = n.cumsum(), k.cumsum()
    usual = (gone[-1] - gone + 1) / (young[-1] - young + 20)
    gains = gone * np.log(GONE / usual) + (young - gone) * np.log((1 - GONE) / (1 - usual))
    return float(gains[ages < LAGS[-1]].max())
