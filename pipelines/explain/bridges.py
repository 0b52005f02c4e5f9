"""Records alone on both sides that would pair up but for one key: a moved date, another unit, a damaged person id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.cells import in_common
from pipelines.explain.clock import weekdays
from pipelines.explain.coded import Coded, coded_days
from pipelines.explain.dates import of_days
from pipelines.explain.records import Records
from pipelines.explain.rows import Rows, rows_from
from pipelines.explain.slices import FEWEST_HITS, MOST, Slice, best_slice
from pipelines.reconciliation.identifiers import hashed
from pipelines.spec.clock import WEEKDAY
from pipelines.spec.person_number import CPR

TEN = 10  # characters of a person number, and of what replaces one
DAMAGED_SHARE = 0.2  # of a slice: keys, unlike values, are hardly ever mistyped in many records of one place
ALIKE = 0.8  # of the variables filled in on both sides, before two records of different persons are the same course
MOST_SHIFTS = 3


def bridged(records: Records) -> Iterator[Cause]:
    """The causes of records that stand under a wrong key."""
    yield from _wrong_units(records)
    yield from _moved_dates(records)
    yield from _damaged_persons(records)


def _couples(records: Records, *on: str) -> pl.DataFrame:
    """Reported and new records that are alone and equal `on` the keys: the places of both, the keys of each, and that
    they are no `pair`."""
    keys = ("person", "unit", "_day")
    sides = {
        side: records.said(side, np.flatnonzero(alone), "record_id", "person", "unit").select(
            pl.col("at").alias(side),
            pl.col("record_id").alias(f"{side}_id"),
            *(pl.col(name).alias(f"{name}_{side}") for name in keys),
            *(pl.col(name) for name in on),
        )
        for side, alone in records.alone.items()
    }
    couples = sides["reported"].join(sides["new"], on=list(on)).sort("reported_id", "new_id")
    return couples.with_columns(pair=pl.lit(False))


def _one_to_one(couples: pl.DataFrame) -> pl.DataFrame:
    return couples.unique("reported", keep="first", maintain_order=True).unique(
        "new", keep="first", maintain_order=True
    )


def _told(
    records: Records,
    kind: str,
    parameters: Mapping[str, Any],
    couples: pl.DataFrame,
    least: float,
    could: np.ndarray | None = None,
    rows: Rows | None = None,
) -> Iterator[Cause]:
    """The cause that couples of one sort are, where they lie close together; several places one by one."""
    couples, rows = _one_to_one(couples), rows or records.rows_of_new
    while len(couples) >= FEWEST_HITS:
        hits = records.marks("new", couples["new"])
        eligible = np.ones(len(hits), dtype=bool) if could is None else could | hits
        place = best_slice(rows, eligible, hits, least)
        if place is None:
            return
        inside = rows.inside(place.where)
        is_here = pl.Series(inside[couples["new"].to_numpy()])
        yield _taken(records, kind, place, parameters, couples.filter(is_here), (inside & eligible, hits))
        couples = couples.filter(~is_here)


def _taken(
    records: Records,
    kind: str,
    place: Slice,
    parameters: Mapping[str, Any],
    here: pl.DataFrame,
    trials: tuple[np.ndarray, np.ndarray],
    where: Mapping[str, Any] | None = None,
) -> Cause:
    """The cause of couples, and of pairs that a late match stage made though a key differs."""
    lone, pairs = here.filter(~pl.col("pair")), here.filter("pair")
    cause = records.take(kind, place, parameters, _places(lone), trials, where)
    ids = [records.scopes[side].said("record_id", at) for side, at in _places(pairs).items()]
    return cause.joined(hashed(records.spec.database, *ids, [None] * len(pairs)))


def _places(couples: pl.DataFrame) -> dict[str, np.ndarray]:
    return {side: couples[side].to_numpy() for side in ("reported", "new")}


# ---------------------------------------------------------------- units


def _wrong_units(records: Records) -> Iterator[Cause]:
    """One unit's contacts stand under another: always or in a period, most records of the one moved to the other.

    Patients who are seen at two units move too, but never most of a unit's.
    """
    columns = ("reported", "new", "unit_reported", "unit_new", "pair")
    alone = _one_to_one(_couples(records, "person", "_day")).select(columns)
    moved = pl.concat([_paired_elsewhere(records).select(columns), alone])
    moved = moved.filter(pl.col("unit_reported") != pl.col("unit_new"))
    often = moved.group_by("unit_reported", "unit_new").len().filter(pl.col("len") >= FEWEST_HITS)
    for reported, new in sorted(often.select("unit_reported", "unit_new").rows()):
        couples = moved.filter(unit_reported=reported, unit_new=new)
        of_unit = _of_unit(records.scopes["reported"].coded("unit"), reported)
        hits = records.marks("reported", couples["reported"])[of_unit]
        rows = rows_from({}, records.scopes["reported"].days.at(of_unit))
        place = best_slice(rows, np.ones(len(hits), bool), hits, MOST)
        if place:
            inside = records.marks("reported", of_unit[rows.inside(place.where)])
            here = couples.filter(pl.Series(inside[couples["reported"].to_numpy()]))
            yield _wrong_unit(records, here, place, {"from": reported, "to": new})


def _of_unit(units: Coded, unit: str) -> np.ndarray:
    return np.flatnonzero(units.code == units.values.index(unit))


def _paired_elsewhere(records: Records) -> pl.DataFrame:
    """Pairs that a late match stage made across units."""
    at = records.pairs.at
    units = in_common({side: scope.coded("unit") for side, scope in records.scopes.items()}, at)
    apart = np.flatnonzero(units.of["reported"] != units.of["new"])
    said = [units.said(side, apart).alias(f"unit_{side}") for side in at]
    return pl.DataFrame({side: at[side][apart] for side in at}).with_columns(*said, pair=pl.lit(True))


def _wrong_unit(records: Records, here: pl.DataFrame, place: Slice, parameters: Mapping[str, str]) -> Cause:
    """The cause, told about the records that stand under the new unit in the period of `place`."""
    where = {"unit": parameters["to"], **place.where}
    under, hits = records.rows_of_new.inside(where), records.marks("new", here["new"])
    return _taken(records, "unit_mapped_wrong", place, parameters, here, (under, hits), where)


# ---------------------------------------------------------------- dates


def _moved_dates(records: Records) -> Iterator[Cause]:
    """The event date itself went wrong, beyond every match window: the same person and unit on another day."""
    paired = _days_of_pairs(records)
    while True:
        couples = _couples(records, "person", "unit")
        ways = ((move, _one_to_one(couples.filter(move.fits(couples)))) for move in _moves(records, couples))
        often = [(move, fitting) for move, fitting in ways if len(fitting) >= FEWEST_HITS]
        for move, fitting in sorted(often, key=lambda way: -len(way[1])):
            could = pl.concat([couples["new"], paired.filter(~move.fits(paired))["new"]])
            causes = list(_event_date(records, move, fitting, could))
            yield from causes
            if causes:
                break  # what it explains is not asked about again
        else:
            return


@dataclass(frozen=True)
class Move:
    """A way in which dates may have moved, and which couples of the two sides it `fits`; with what other dates."""

    kind: str
    parameters: Mapping[str, Any]
    fits: Callable[[pl.DataFrame], pl.Series]
    others: tuple[str, ...] = ()


def _moves(records: Records, couples: pl.DataFrame) -> Iterator[Move]:
    for days in _often((couples["_day_new"] - couples["_day_reported"]).dt.total_days()):
        yield Move("date_shift", {"days": days}, partial(_is_made, partial(_later, days=days)))
    for kind, parameters, made in of_days():
        yield Move(kind, parameters, partial(_is_made, made))
    for name, variable in records.spec.compared.items():
        if variable.type == "date" and name != records.spec.event_date:
            yield Move("variables_swapped", {}, partial(_is_exchanged, records, name), (name,))


def _is_made(made: Callable[[pl.Series], pl.Series], couples: pl.DataFrame) -> pl.Series:
    """Where the new day is what is `made` of the reported one."""
    return made(couples["_day_reported"]) == couples["_day_new"]


def _is_exchanged(records: Records, other: str, couples: pl.DataFrame) -> pl.Series:
    """Where each side has its day where the other side has another date."""
    reported, new = (scope.column(other).gather(couples[side]) for side, scope in records.scopes.items())
    day = {side: couples[f"_day_{side}"] for side in records.scopes}
    exchanged = (day["new"] == reported) & (day["reported"] == new) & (day["new"] != day["reported"])
    return exchanged.fill_null(False)


def _later(day: pl.Series, days: int) -> pl.Series:
    return day + dt.timedelta(days=days)


def _often(shift: pl.Series) -> list[int]:
    """The few commonest numbers of days other than 0."""
    counted = shift.rename("days").value_counts(name="n").sort("n", "days", descending=[True, False])
    return [days for days, n in counted.rows() if days and n >= FEWEST_HITS][:MOST_SHIFTS]


def _event_date(records: Records, move: Move, couples: pl.DataFrame, could: pl.Series) -> Iterator[Cause]:
    """`could` are new records that have a counterpart to have moved away from. Pairs that the move fits as well, so
    little that they matched or not at all, tell nothing here."""
    variable = (records.spec.event_date,) if records.spec.event_date in records.spec.variables else ()
    asked, rows = records.marks("new", could), _by_reported_day(records, couples)
    for cause in _told(records, move.kind, move.parameters, couples, DAMAGED_SHARE, asked, rows):
        yield cause.about(tuple(sorted((*variable, *move.others))))


def _days_of_pairs(records: Records) -> pl.DataFrame:
    at = records.pairs.at
    return pl.DataFrame(dict(at) | {f"_day_{side}": records.day(side).gather(at[side]) for side in at})


def _by_reported_day(records: Records, couples: pl.DataFrame) -> Rows:
    """The new records by the day that their counterpart tells: on the wrong ones a fault would have a period of its
    own making."""
    day = records.day("new").scatter(couples["new"], couples["_day_reported"])
    days = coded_days(day)
    clock = {WEEKDAY: weekdays(days)} if WEEKDAY in records.scopes["new"].clock else {}
    return records.rows_of_new.on(days, clock)


# ---------------------------------------------------------------- persons


def _damaged_persons(records: Records) -> Iterator[Cause]:
    """The same unit and day, and nearly the same person number; or another person with the same values."""
    columns = ("reported", "new", "person_reported", "person_new", "pair")
    alone = _couples(records, "unit", "_day").select(columns)
    couples = pl.concat([_paired_under_another(records).select(columns), alone])
    damage = _damages(couples["person_reported"].fill_null("").to_list(), couples["person_new"].fill_null("").to_list())
    couples = couples.with_columns(damage=pl.Series(damage, dtype=pl.String))
    for name in ("leading_zero_lost", "digits_transposed", "digit_wrong"):
        damaged = couples.filter(damage=name)
        could = _begins_with_zero(records) if name == "leading_zero_lost" and len(damaged) >= FEWEST_HITS else None
        yield from _told(records, "person_id_damaged", {"damage": name}, damaged, DAMAGED_SHARE, could)
    yield from _changed_persons(records)


def _paired_under_another(records: Records) -> pl.DataFrame:
    """Pairs that a late match stage made of two person numbers."""
    at = records.pairs.at
    if all(rule.identity == "same" for rule in records.spec.match):
        at = {side: places[:0] for side, places in at.items()}
    persons = {side: scope.column("person").gather(at[side]) for side, scope in records.scopes.items()}
    apart = (persons["reported"] != persons["new"]).arg_true().to_numpy()
    said = [persons[side].gather(apart).alias(f"person_{side}") for side in at]
    return pl.DataFrame({side: at[side][apart] for side in at}).with_columns(*said, pair=pl.lit(True))


def _begins_with_zero(records: Records) -> np.ndarray:
    return records.scopes["new"].column("person").str.starts_with("0").fill_null(False).to_numpy()


def _damages(reported: list[str], new: list[str]) -> list[str | None]:
    return [_damage(one, other) for one, other in zip(reported, new, strict=True)]


def _damage(reported: str, new: str) -> str | None:
    """What turned the one number into the other, if one slip did."""
    if reported.startswith("0") and reported[1:] == new:
        return "leading_zero_lost"
    wrong = [i for i, (a, b) in enumerate(zip(reported, new, strict=False)) if a != b]
    if len(reported) != len(new) or not 1 <= len(wrong) <= 2:
        return None
    if len(wrong) == 1:
        return "digit_wrong"
    i, j = wrong
    return "digits_transposed" if j == i + 1 and reported[i] == new[j] and reported[j] == new[i] else None


def _changed_persons(records: Records) -> Iterator[Cause]:
    """A replacement number on one side only, and the values of the same course."""
    couples = _couples(records, "unit", "_day")
    couples = couples.filter(_is_replacement("person_reported") != _is_replacement("person_new"))
    if len(couples) >= FEWEST_HITS:
        alike = couples.with_columns(alike=_alike(records, couples)).filter(pl.col("alike") >= ALIKE)
        alike = alike.sort("alike", "reported_id", "new_id", descending=[True, False, False])
        yield from _told(records, "person_id_changed", {}, alike, DAMAGED_SHARE)


def _is_replacement(name: str) -> pl.Expr:
    """As long as a person number and none: with letters (HL7 Denmark's eCPR), or a day above 31, as systems have it."""
    person = pl.col(name)
    return ((person.str.len_chars() == TEN) & ~person.str.contains(CPR)).fill_null(False)


def _alike(records: Records, couples: pl.DataFrame) -> pl.Series:
    """Share of the variables, filled in on both sides, that say the same."""
    names = [name for name in records.spec.compared if name != records.spec.event_date]
    reported, new = (records.said(side, at, *names) for side, at in _places(couples).items())
    same = pl.DataFrame({name: reported[name] == new[name] for name in names})
    return same.select(pl.mean_horizontal(pl.all().cast(pl.Float64))).to_series()
