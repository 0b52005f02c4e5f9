"""What became of the records of the two sides: in a pair, alone (and why), a surplus copy, or not comparable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.reconciliation.match import days_between
from pipelines.reconciliation.rollup import period
from pipelines.reconciliation.scope import comparable
from pipelines.reconciliation.shape import Side
from pipelines.spec.model import DatabaseSpec, MatchRule

STATUS = pl.Enum(["pair", "unmatched", "surplus", "not_comparable"])
PAIR, UNMATCHED, SURPLUS, NOT_COMPARABLE = range(4)
OTHER = {"reported": "new", "new": "reported"}
# A record alone that stands within the window of a pair's other record: one course has become two, or two one.
ONE_TO_MANY = {"new": "contact_split", "reported": "contact_merged"}


def statuses(
    spec: DatabaseSpec, sides: Mapping[str, Side], matched: pl.DataFrame, day: dt.date
) -> dict[str, np.ndarray]:
    """The status of every record, by row: pair (both records comparable), unmatched or not_comparable."""
    inside = {name: _inside(spec, side, day) for name, side in sides.items()}
    rows = {name: matched[name].to_numpy() for name in sides}
    both = inside["reported"][rows["reported"]] & inside["new"][rows["new"]]
    found = {}
    for name in sides:
        found[name] = np.where(inside[name], np.uint8(UNMATCHED), np.uint8(NOT_COMPARABLE))
        found[name][rows[name]] = np.where(both, np.uint8(PAIR), np.uint8(NOT_COMPARABLE))
    return found


def _inside(spec: DatabaseSpec, side: Side, day: dt.date) -> np.ndarray:
    places = ["unit", "region"] if spec.changeover else []
    frame = side.read([spec.event_date, *places])
    return frame.select(comparable(spec, day)).to_series().to_numpy()


def alone(spec: DatabaseSpec, sides: Mapping[str, Side], status: dict[str, np.ndarray], name: str) -> pl.DataFrame:
    """The unmatched records of a side: row, reason, surplus; and unmatched.parquet's own columns, by record id.

    Reasons: a copy of a record that is kept (duplicate_record, submission_twice; near_duplicate: the same keys,
    another content), one course of two (contact_split, contact_merged), the person is on the other side
    (registered_elsewhere), or unknown.
    """
    rows = np.flatnonzero(status[name] == UNMATCHED).astype(np.uint32)
    side, other = sides[name], sides[OTHER[name]]
    found = side.read(["record_id", "region", "unit", "person", spec.event_date], rows)
    found = found.with_columns(row=pl.Series(rows), side=pl.lit(name), period=period(spec.event_date))
    found = found.join(_copies(spec, side, status[name], rows), on="row", how="left")
    one_to_many = _of_a_pair(spec, side, other, status[OTHER[name]], rows)
    persons = _persons_on(other, found["person"])
    return found.sort("record_id").select(
        "row", "side", "record_id", "region", "unit", "period",
        reason=pl.when(pl.col("copy").is_not_null()).then("copy")
        .when(pl.col("row").is_in(one_to_many.implode())).then(pl.lit(ONE_TO_MANY[name]))
        .when(pl.col("person").is_in(persons.implode())).then(pl.lit("registered_elsewhere"))
        .otherwise(pl.lit("unknown")),
        surplus=pl.col("copy").is_not_null(),
    )  # fmt: skip


def _persons_on(other: Side, wanted: pl.Series) -> pl.Series:
    """Those of the wanted persons who have any record on the other side."""
    persons, wanted = other.column("person"), wanted.drop_nulls().unique()
    known = persons.hash().is_in(wanted.hash().implode())  # numbers are found sooner than texts
    return wanted.filter(wanted.is_in(persons.filter(known).implode()))


def copied_columns(spec: DatabaseSpec) -> list[str]:
    """What a copy has in common with the record it is a copy of: the keys of the first match rule, every value."""
    values = [column for name in spec.variables for column in (name, f"{name}_missing")]
    return list(dict.fromkeys([*_first_keys(spec), *values]))


def _first_keys(spec: DatabaseSpec) -> list[str]:
    first = spec.match[0]
    return list(dict.fromkeys([*first.on, *first.within, spec.event_date]))


def _copies(spec: DatabaseSpec, side: Side, status: np.ndarray, unmatched: np.ndarray) -> pl.DataFrame:
    """Which of the unmatched rows are surplus (row, copy: the reason).

    A copy has the keys of the first match rule and every value of a record that is kept; copies in another
    submission mean that it was sent or loaded twice. A near-duplicate shares all keys with a record in a pair,
    and says something else.
    """
    keys = _first_keys(spec)
    number = _numbers(side, keys)
    every = _twins(number, unmatched)
    if not len(every):
        return pl.DataFrame(schema={"row": pl.UInt32, "copy": pl.String})
    content = [name for name in copied_columns(spec) if name not in {*keys, *side.empty}]
    frame = side.read(list(dict.fromkeys(["record_id", "person", "submission", *keys])), every).with_columns(
        row=pl.Series(every), _status=pl.Series(status[every]), _keys=pl.Series(number[every]),
        _content=pl.Series(_contents(side, content, every, number[every])),
    ).sort("record_id")  # fmt: skip
    in_play = pl.col("_status") != NOT_COMPARABLE
    is_alone = (pl.col("_status") == UNMATCHED) & pl.col("person").is_not_null()
    in_pair = pl.col("_status") == PAIR
    kept_before = in_pair.any().over("_content") | (in_play.cum_sum().over("_content") > 1)
    sent_twice = pl.col("submission").drop_nulls().n_unique().over("_content") > 1
    shares_keys = in_pair.any().over("_keys") & pl.all_horizontal(pl.col(keys).is_not_null())
    copy = (
        pl.when(is_alone & kept_before & sent_twice).then(pl.lit("submission_twice"))
        .when(is_alone & kept_before).then(pl.lit("duplicate_record"))
        .when(is_alone & shares_keys).then(pl.lit("near_duplicate"))
    )  # fmt: skip
    return frame.select("row", copy=copy).drop_nulls()


def _twins(number: np.ndarray, unmatched: np.ndarray) -> np.ndarray:
    """The rows that share their number with another, one of which is unmatched."""
    twins = np.flatnonzero(pl.Series(number).is_in(pl.Series(number[unmatched]).unique().implode()).to_numpy())
    return twins[pl.Series(number[twins]).is_duplicated().to_numpy()].astype(np.uint32)


def _contents(side: Side, columns: list[str], rows: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The `number` of each row's keys with all that it says besides: rows with equal numbers are copies.

    A row that differs from every other already is looked at no further.
    """
    number, left = number.copy(), np.arange(len(rows))
    for seed, column in enumerate(columns, start=len(side.types)):
        left = left[pl.Series(number[left]).is_duplicated().to_numpy()]
        if not len(left):
            break
        number[left] ^= side.column(column, rows[left]).hash(seed).to_numpy()
    return number


def _numbers(side: Side, keys: list[str], rows: np.ndarray | None = None) -> np.ndarray:
    """One number of 64 bits for the keys of each row; rows of equal keys have equal numbers."""
    number = np.zeros(side.height if rows is None else len(rows), dtype=np.uint64)
    for seed, key in enumerate(keys):
        number ^= side.column(key, rows).hash(seed).to_numpy()
    return number


def _of_a_pair(spec: DatabaseSpec, side: Side, other: Side, status: np.ndarray, unmatched: np.ndarray) -> pl.Series:
    """The unmatched rows that stand, by person and unit, within the window of a record of a pair on the other side."""
    window = max((rule.within.get(spec.event_date, 0) for rule in spec.match if _same_place(rule)), default=0)
    keys = ["person", "unit"]
    ours, theirs = _numbers(side, keys, unmatched), _numbers(other, keys)
    near = np.flatnonzero((status == PAIR) & pl.Series(theirs).is_in(pl.Series(ours).unique().implode()).to_numpy())
    columns = [*keys, spec.event_date]
    left = side.read(columns, unmatched).with_columns(row=pl.Series(unmatched)).drop_nulls()
    right = other.read(columns, near).drop_nulls()
    apart = days_between(pl.col(spec.event_date), pl.col(f"{spec.event_date}_right")).abs()
    return left.join(right, on=keys).filter(apart <= window)["row"].unique()


def _same_place(rule: MatchRule) -> bool:
    """A rule of person and unit: late rules look further, and would call a patient's every visit one."""
    return {"person", "unit"} <= set(rule.on)
