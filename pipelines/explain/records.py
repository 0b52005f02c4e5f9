"""Causes of records on one side only, of copies, and of pairs whose unit differs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.slices import FEWEST_HITS, SMALLEST_SHARE, Rows, Slice, best_slice, rows_of
from pipelines.reconciliation.identifiers import hashed
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.reconciliation.sides import copied_columns
from pipelines.spec.model import DatabaseSpec

IN_SCOPE = ("pair", "unmatched", "surplus")
# Nearly all of a unit must be gone before it "does not report"; scattered losses are another matter.
NEARLY_ALL = 0.9
LEAST_GAIN = float(np.log(100_000))


def record_causes(spec: DatabaseSpec, reconciliation: Reconciliation, attributes: Sequence[str]) -> list[Cause]:
    """Silent units and periods, submissions sent twice, test persons, units mapped wrong."""
    records = reconciliation.records.filter(pl.col("_status").is_in(IN_SCOPE))
    reported, new = (records.filter(_side=side) for side in ("reported", "new"))
    return [
        *_silences(spec, reported, new, attributes),
        *_sent_twice(spec, new),
        *_test_persons(spec, new),
        *_retracted_kept(spec, new),
        *_mapped_units(spec, reconciliation.compared),
    ]


def _silences(
    spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame, attributes: Sequence[str]
) -> Iterator[Cause]:
    """Where nearly every reported record lacks a new one: a unit that does not send, or a gap in time."""
    places = [name for name in attributes if name in ("region", "unit", "hospital", *spec.slices)]
    while (rows := rows_of(reported, spec.event_date, places)) and len(reported):
        silent = (reported["_status"] == "unmatched") & (reported["_reason"] != "held_back")
        hits = silent.to_numpy()
        place = best_slice(rows, hits)
        if place is None or place.gain < LEAST_GAIN:
            return
        if place.share >= NEARLY_ALL and _unpaired(new, spec.event_date, place.where) < place.hits / 2:
            yield _silence(spec, reported, rows, hits, place)
        reported = reported.filter(~pl.Series(rows.inside(place.where)))


def _unpaired(new: pl.DataFrame, event_date: str, where: Mapping[str, Any]) -> int:
    """New records in the slice that pair with none: where they are as many, the unit does send, under wrong keys."""
    day, limits = pl.col(event_date).cast(pl.Date).cast(pl.String), where.get("period", {})
    same = [pl.col(name) == value for name, value in where.items() if name != "period"]
    inside = day.is_between(pl.lit(limits.get("from", "")), pl.lit(limits.get("to", "9999")))
    return new.filter(*same, inside, _status="unmatched").height


def _silence(spec: DatabaseSpec, reported: pl.DataFrame, rows: Rows, hits: np.ndarray, place: Slice) -> Cause:
    inside = rows.inside(place.where)
    limits = place.where.get("period", {})
    closed = "to" in limits
    units = reported.filter(pl.Series(inside))["unit"].unique()
    unit = units[0] if len(units) == 1 else None
    kind = "period_gap" if closed or unit is None else "unit_not_reporting"
    parameters = dict(limits) if kind == "period_gap" else {"unit": unit, "from": limits.get("from")}
    outside = ~inside
    return Cause(
        kind=kind,
        variables=(),
        where=place.where,
        parameters={key: value for key, value in parameters.items() if value},
        discrepancy_ids=_record_ids(spec, reported.filter(pl.Series(inside & hits)), "reported"),
        in_slice=int(inside.sum()),
        share_outside=float((hits & outside).sum() / outside.sum()) if outside.any() else 0.0,
        gain=place.gain,
    )


def _sent_twice(spec: DatabaseSpec, new: pl.DataFrame) -> Iterator[Cause]:
    """Most of a submission are exact copies from another one: it was sent, or loaded, twice.

    Which of two copies is the surplus one depends on their ids; the later submission is the one told.
    """
    ranks = {name: rank for rank, name in enumerate(sorted(new["submission"].drop_nulls().unique(), key=_natural))}
    rank = pl.col("submission").replace_strict(ranks, default=None, return_dtype=pl.Int64)
    last = rank.max().over(copied_columns(spec))
    names = {rank: name for name, rank in ranks.items()}
    later = new.with_columns(sent_again_in=last.replace_strict(names, default=None, return_dtype=pl.String))
    copied = later.filter(~_is_test_person(spec), _reason="submission_twice")
    for submission, copies in _groups(copied, "sent_again_in"):
        where, sent = {"submission": submission}, new.filter(submission=submission)
        if len(copies) >= max(FEWEST_HITS, SMALLEST_SHARE * len(sent)):
            yield _plain(spec, "submission_twice", where, where, copies, sent)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Numbers in a name count as numbers: submission 9 comes before submission 100."""
    parts = re.split(r"([0-9]+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _test_persons(spec: DatabaseSpec, new: pl.DataFrame) -> Iterator[Cause]:
    """Known test persons among the records that only the new side has."""
    alone = new.filter(_is_test_person(spec), pl.col("_status") != "pair")
    if len(alone):
        regions = alone["region"].unique().to_list()
        where = {"region": regions[0]} if len(regions) == 1 and regions[0] else {}
        yield _plain(spec, "test_persons", where, {}, alone, new.filter(**where) if where else new)


def _retracted_kept(spec: DatabaseSpec, new: pl.DataFrame) -> Iterator[Cause]:
    """Records that their source has withdrawn, and that stand on the new side only."""
    withdrawn = new.filter(pl.col("retracted"))
    alone = withdrawn.filter(~_is_test_person(spec), _status="unmatched")
    if len(alone) >= max(FEWEST_HITS, SMALLEST_SHARE * len(withdrawn)):
        yield _plain(spec, "retracted_kept", {}, {}, alone, new)


def _is_test_person(spec: DatabaseSpec) -> pl.Expr:
    return pl.col("person").is_in(list(spec.test_persons))


def _mapped_units(spec: DatabaseSpec, compared: pl.DataFrame) -> Iterator[Cause]:
    """One unit's contacts stand under another: always or in a period, most pairs of the one moved to the other.

    Patients who are seen at two units move too, but never most of a unit's.
    """
    moved = compared.filter(pl.col("unit_reported") != pl.col("unit_new"))
    for reported, new in sorted(moved.select("unit_reported", "unit_new").unique().rows()):
        of_unit = compared.filter(unit_reported=reported)
        rows = rows_of(of_unit, f"{spec.event_date}_new", ())
        place = best_slice(rows, (of_unit["unit_new"] == new).fill_null(False).to_numpy())
        if place and place.gain >= LEAST_GAIN:
            yield _mapped_unit(spec, compared.filter(unit_new=new), reported, new, place)


def _mapped_unit(spec: DatabaseSpec, under: pl.DataFrame, reported: str, new: str, place: Slice) -> Cause:
    """The cause, told about the pairs that stand `under` the new unit in the period of `place`."""
    under = under.filter(pl.Series(rows_of(under, f"{spec.event_date}_new", ()).inside(place.where)))
    pairs = under.filter(unit_reported=reported)
    ids = hashed(spec.database, pairs["reported_id"], pairs["new_id"], [None] * len(pairs))
    where, parameters = {"unit": new, **place.where}, {"from": reported, "to": new}
    return Cause("unit_mapped_wrong", (), where, parameters, tuple(sorted(ids)), len(under), 0.0, place.gain)


def _groups(frame: pl.DataFrame, name: str) -> list[tuple[str, pl.DataFrame]]:
    return sorted((key[0], group) for key, group in frame.drop_nulls(name).group_by(name)) if len(frame) else []


def _plain(
    spec: DatabaseSpec,
    kind: str,
    where: dict[str, Any],
    parameters: dict[str, Any],
    hit: pl.DataFrame,
    within,
) -> Cause:
    """A cause that is seen on the record itself; nothing outside its slice is of the kind."""
    ids = _record_ids(spec, hit, "new")
    return Cause(kind, (), where, parameters, ids, len(within), 0.0, float(len(hit)))


def _record_ids(spec: DatabaseSpec, records: pl.DataFrame, side: str) -> tuple[str, ...]:
    ids, none = records["record_id"], [None] * len(records)
    both = (ids, none) if side == "reported" else (none, ids)
    return tuple(sorted(hashed(spec.database, *both, none)))
