"""Causes of records on one side only, of copies, and of pairs whose unit differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.slices import FEWEST_HITS, Rows, Slice, best_slice, rows_of
from pipelines.reconciliation.discrepancies import hashed
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.spec.model import DatabaseSpec

IN_SCOPE = ("pair", "unmatched", "surplus")
# Nearly all of a unit must be gone before it "does not report"; scattered losses are another matter.
NEARLY_ALL = 0.9
LEAST_GAIN = float(np.log(100_000))


def record_causes(spec: DatabaseSpec, reconciliation: Reconciliation, attributes: Sequence[str]) -> list[Cause]:
    """Silent units and periods, submissions sent twice, test persons, units mapped wrong."""
    records = reconciliation.records.filter(pl.col("status").is_in(IN_SCOPE))
    reported, new = (records.filter(side=side) for side in ("reported", "new"))
    return [
        *_silences(spec, reported, attributes),
        *_sent_twice(spec, new),
        *_test_persons(spec, new),
        *_mapped_units(spec, reconciliation.compared),
    ]


def _silences(spec: DatabaseSpec, reported: pl.DataFrame, attributes: Sequence[str]) -> Iterator[Cause]:
    """Where nearly every reported record lacks a new one: a unit that does not send, or a gap in time."""
    places = [name for name in attributes if name in ("region", "unit", "hospital", *spec.slices)]
    while (rows := rows_of(reported, spec.event_date, places)) and len(reported):
        hits = (reported["status"] == "unmatched").to_numpy()
        place = best_slice(rows, hits)
        if place is None or place.share < NEARLY_ALL or place.gain < LEAST_GAIN:
            return
        yield _silence(spec, reported, rows, hits, place)
        reported = reported.filter(~pl.Series(rows.inside(place.where)))


def _silence(spec: DatabaseSpec, reported: pl.DataFrame, rows: Rows, hits: np.ndarray, place: Slice) -> Cause:
    inside = rows.inside(place.where)
    limits = place.where.get("period", {})
    closed = "to" in limits
    unit = place.where.get("unit")
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
    """Exact copies from another submission: the submission was sent, or loaded, twice."""
    for submission, copies in _groups(new.filter(reason="submission_twice"), "submission"):
        in_slice = new.filter(submission=submission)
        yield _plain(spec, "submission_twice", {"submission": submission}, {"submission": submission}, copies, in_slice)


def _test_persons(spec: DatabaseSpec, new: pl.DataFrame) -> Iterator[Cause]:
    """Known test persons among the records that only the new side has."""
    persons = new.filter(pl.col("person").is_in(list(spec.test_persons)))
    alone = persons.filter(pl.col("status") != "pair")
    if len(alone):
        regions = alone["region"].unique().to_list()
        where = {"region": regions[0]} if len(regions) == 1 else {}
        yield _plain(spec, "test_persons", where, {}, alone, persons)


def _mapped_units(spec: DatabaseSpec, compared: pl.DataFrame) -> Iterator[Cause]:
    """One unit's contacts stand under another: most pairs of the reported unit moved to one new unit."""
    moved = compared.filter(pl.col("unit_reported") != pl.col("unit_new"))
    for (reported, new), pairs in sorted(moved.group_by("unit_reported", "unit_new"), key=lambda group: group[0]):
        of_unit = compared.filter(unit_new=new)
        if len(pairs) >= FEWEST_HITS:
            ids = hashed(spec.database, pairs["reported_id"], pairs["new_id"], [None] * len(pairs))
            yield Cause("unit_mapped_wrong", (), {"unit": new}, {"from": reported, "to": new},
                        tuple(sorted(ids)), len(of_unit), 0.0, float(len(pairs)))  # fmt: skip


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
