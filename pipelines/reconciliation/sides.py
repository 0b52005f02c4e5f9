"""What became of the records of the two sides: in a pair, alone (and why), a surplus copy, or not comparable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.reconciliation.places import places_of
from pipelines.reconciliation.scope import comparable
from pipelines.reconciliation.shape import NO_DAY, Side
from pipelines.reconciliation.words import BLOCK, ODD, gathered
from pipelines.spec.model import DatabaseSpec, MatchRule

STATUS = pl.Enum(["pair", "unmatched", "surplus", "not_comparable"])
PAIR, UNMATCHED, SURPLUS, NOT_COMPARABLE = range(4)
FEWEST_BITS, MOST_BITS = 12, 24
OTHER = {"reported": "new", "new": "reported"}
# A record alone that stands within the window of a pair's other record: one course has become two, or two one.
ONE_TO_MANY = {"new": "contact_split", "reported": "contact_merged"}


def statuses(
    spec: DatabaseSpec, sides: Mapping[str, Side], matched: pl.DataFrame, day: dt.date
) -> dict[str, np.ndarray]:
    """The status of every record, by row: pair (both records comparable), unmatched or not_comparable."""
    inside = {name: _inside(spec, side, day) for name, side in sides.items()}
    rows = {name: matched[name].to_numpy() for name in sides}
    both = gathered(inside["reported"], rows["reported"]) & gathered(inside["new"], rows["new"])
    found = {}
    for name in sides:
        found[name] = np.where(inside[name], np.uint8(UNMATCHED), np.uint8(NOT_COMPARABLE))
        found[name][rows[name]] = np.where(both, np.uint8(PAIR), np.uint8(NOT_COMPARABLE))
    return found


def _inside(spec: DatabaseSpec, side: Side, day: dt.date) -> np.ndarray:
    places = ["unit", "region"] if spec.changeover else []
    frame = side.read([spec.event_date, *places])
    return frame.select(comparable(spec, day)).to_series().to_numpy()


def twins(spec: DatabaseSpec, side: Side, status: np.ndarray) -> pl.DataFrame:
    """The rows that may be copies of one another, since they share the keys of an unmatched one: row, status, and
    person and keys as numbers, null where there is none."""
    keys = _first_keys(spec)
    number = _numbers(side, keys)
    shared = np.flatnonzero(among(number, number[status == UNMATCHED]))
    _, which, times = np.unique(number[shared], return_inverse=True, return_counts=True)
    rows = shared[times[which] > 1].astype(np.uint32)
    known = [pl.Series(key, side.numbers(key, rows)).replace(0, None) for key in dict.fromkeys(["person", *keys])]
    return pl.DataFrame([pl.Series("row", rows), pl.Series("_status", status[rows]), *known])


def alone(spec: DatabaseSpec, sides: Mapping[str, Side], status: dict[str, np.ndarray], name: str) -> pl.DataFrame:
    """The unmatched records of a side, by row: region, unit, period, and why they may be alone (`reason`): one course
    of two (contact_split, contact_merged), the person is on the other side (registered_elsewhere), or unknown."""
    rows = np.flatnonzero(status[name] == UNMATCHED).astype(np.uint32)
    side, other = sides[name], sides[OTHER[name]]
    places, place = places_of(spec, side, rows)
    one_to_many = _of_a_pair(spec, side, other, status[OTHER[name]], rows)
    return places[place].with_columns(
        row=pl.Series(rows),
        side=pl.lit(name),
        reason=pl.when(pl.Series(rows).is_in(one_to_many.implode())).then(pl.lit(ONE_TO_MANY[name]))
        .when(pl.Series(_is_on(other, side.numbers("person", rows)))).then(pl.lit("registered_elsewhere"))
        .otherwise(pl.lit("unknown")),
    )  # fmt: skip


def without_copies(spec: DatabaseSpec, side: Side, found: pl.DataFrame, doubles: pl.DataFrame) -> pl.DataFrame:
    """The records `alone` with surplus (is it a copy?), in unmatched.parquet's own columns, by record id.

    The side has watched its `twins`. A copy's reason is what it is of a record that is kept: duplicate_record,
    submission_twice; near_duplicate: the same keys, another content.
    """
    copies = _copies(spec, side, doubles)
    found = found.join(copies, on="row", how="left", maintain_order="left")
    return found.with_columns(
        side.column("record_id", found["row"].to_numpy()),
        reason=pl.coalesce("copy", "reason"),
        surplus=pl.col("copy").is_not_null(),
    ).sort("record_id").select(
        "row", "side", "record_id", "region", "unit", "period", "reason", "surplus"
    )  # fmt: skip


def _is_on(other: Side, persons: np.ndarray) -> np.ndarray:
    """Which of these persons have any record on the other side."""
    theirs = other.numbers("person")
    found = pl.Series(theirs[among(theirs, persons)])
    return pl.Series(persons).is_in(found.implode()).to_numpy() & (persons != 0)


def among(numbers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which of the numbers are among the wanted, which are few: marks by their first bits sort most out."""
    left = np.uint64(64 - min(max(len(wanted).bit_length() + 4, FEWEST_BITS), MOST_BITS))
    marks = np.zeros(1 << 64 - int(left), dtype=bool)
    marks[wanted >> left] = True
    near = [np.zeros(0, np.int64)]
    for first in range(0, len(numbers), BLOCK):
        slots = (numbers[first : first + BLOCK] >> left).view(np.intp)
        near.append(first + np.flatnonzero(marks.take(slots, mode="clip")))
    rows = np.concatenate(near)
    found = np.zeros(len(numbers), dtype=bool)
    found[rows] = pl.Series(numbers[rows]).is_in(pl.Series(wanted).implode()).to_numpy()
    return found


def copied_columns(spec: DatabaseSpec) -> list[str]:
    """What a copy has in common with the record it is a copy of: the keys of the first match rule, every value."""
    values = [column for name in spec.variables for column in (name, f"{name}_missing")]
    return list(dict.fromkeys([*_first_keys(spec), *values]))


def _first_keys(spec: DatabaseSpec) -> list[str]:
    first = spec.match[0]
    return list(dict.fromkeys([*first.on, *first.within, spec.event_date]))


def _copies(spec: DatabaseSpec, side: Side, doubles: pl.DataFrame) -> pl.DataFrame:
    """Which of the `twins` are surplus (row, copy: the reason).

    A copy has the keys of the first match rule and every value of a record that is kept; copies in another
    submission mean that it was sent or loaded twice. A near-duplicate shares all keys with a record in a pair,
    and says something else.
    """
    keys, content = _first_keys(spec), copied_columns(spec)
    if doubles.is_empty():
        return pl.DataFrame(schema={"row": pl.UInt32, "copy": pl.String})
    others = [side.seen(name) for name in dict.fromkeys(["record_id", "submission", *content]) if name not in keys]
    # What they say as one number: it is asked of several times, and of rows only that have the same keys.
    frame = doubles.with_columns(others).with_columns(_content=pl.struct(content).hash()).sort("record_id")
    content = [*keys, "_content"]
    in_play = pl.col("_status") != NOT_COMPARABLE
    is_alone = (pl.col("_status") == UNMATCHED) & pl.col("person").is_not_null()
    in_pair = pl.col("_status") == PAIR
    kept_before = in_pair.any().over(content) | (in_play.cum_sum().over(content) > 1)
    sent_twice = pl.col("submission").drop_nulls().n_unique().over(content) > 1
    shares_keys = in_pair.any().over(keys) & pl.all_horizontal(pl.col(keys).is_not_null())
    copy = (
        pl.when(is_alone & kept_before & sent_twice).then(pl.lit("submission_twice"))
        .when(is_alone & kept_before).then(pl.lit("duplicate_record"))
        .when(is_alone & shares_keys).then(pl.lit("near_duplicate"))
    )  # fmt: skip
    return frame.select("row", copy=copy).drop_nulls()


def _numbers(side: Side, keys: list[str]) -> np.ndarray:
    """One number for the keys of each row; rows of equal keys have equal numbers."""
    number = np.zeros(side.height, dtype=np.uint64)
    for key in keys:
        number *= np.uint64(ODD)
        number ^= side.numbers(key)
    return number


def _of_a_pair(spec: DatabaseSpec, side: Side, other: Side, status: np.ndarray, unmatched: np.ndarray) -> pl.Series:
    """The unmatched rows that stand, by person and unit, within the window of a record of a pair on the other side."""
    window = max((rule.within.get(spec.event_date, 0) for rule in spec.match if _same_place(rule)), default=0)
    keys = ["person", "unit"]
    ours, theirs = _numbers(side, keys)[unmatched], _numbers(other, keys)
    near = np.flatnonzero((status == PAIR) & among(theirs, ours))
    left, right = _dated(spec, side, unmatched, ours), _dated(spec, other, near, theirs[near])
    apart = (pl.col("day") - pl.col("day_right")).abs()
    return left.join(right, on="number").filter(apart <= window)["row"].unique()


def _dated(spec: DatabaseSpec, side: Side, rows: np.ndarray, number: np.ndarray) -> pl.DataFrame:
    """Row, number and day of the records whose person, unit and day are known."""
    frame = pl.DataFrame({"row": rows, "number": number, "day": side.days(spec.event_date)[rows]})
    known = np.logical_and(*(side.numbers(key, rows) != 0 for key in ("person", "unit")))
    return frame.filter(pl.Series(known) & (pl.col("day") != NO_DAY))


def _same_place(rule: MatchRule) -> bool:
    """A rule of person and unit: late rules look further, and would call a patient's every visit one."""
    return {"person", "unit"} <= set(rule.on)
