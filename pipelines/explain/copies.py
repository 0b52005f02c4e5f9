"""More records on one side than courses: sent twice, registered twice, split or merged."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.records import Records
from pipelines.explain.slices import FEWEST_HITS, MOST, best_slice
from pipelines.reconciliation.sides import copied_columns

ADJOINING_DAYS = 30  # contacts of one person at one unit further apart are courses of their own
COPIED_SHARE = 0.2  # of a slice that has copies: without a fault there are hardly any


def copied(records: Records) -> Iterator[Cause]:
    """Submissions sent twice, then copies, then contacts split and merged."""
    yield from _sent_twice(records)
    yield from _more(records, "new", "duplicate_record", same_day=True)
    yield from _more(records, "new", "contact_split", same_day=False)
    yield from _more(records, "reported", "contact_merged", same_day=False)


def _sent_twice(records: Records) -> Iterator[Cause]:
    """Most of a submission are exact copies from another one: it was sent, or loaded, twice.

    Which of two copies is the surplus one depends on their ids; the later submission is the one told.
    """
    new = records.new
    sent_twice = (pl.col("_status") == "surplus") & (pl.col("_reason") == "submission_twice")
    persons = new.filter(sent_twice)["person"].unique()
    if not len(persons):
        return
    ranks = {name: rank for rank, name in enumerate(sorted(new["submission"].drop_nulls().unique(), key=_natural))}
    rank = pl.col("submission").replace_strict(ranks, default=None, return_dtype=pl.Int64)
    last = rank.max().over([name for name in copied_columns(records.spec) if name in new.columns])
    names = {rank: name for name, rank in ranks.items()}
    later = new.filter(pl.col("person").is_in(persons.implode()))
    later = later.with_columns(again=last.replace_strict(names, default=None, return_dtype=pl.String))
    copies = later.filter(~is_test_person(records), sent_twice)
    counted = copies.drop_nulls("again").group_by("again").len().sort("again")
    for submission, n in counted.rows():
        sent = (new["submission"] == submission).fill_null(False).to_numpy()
        if n >= max(FEWEST_HITS, MOST * sent.sum()):
            ids = copies.filter(again=submission)["record_id"]
            where = {"submission": submission}
            yield records.take("submission_twice", None, where, {"new": ids}, (sent, sent), where)
            records.surplus_taken |= set(ids)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Numbers in a name count as numbers: submission 9 comes before submission 100."""
    parts = re.split(r"([0-9]+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def is_test_person(records: Records) -> pl.Expr:
    return pl.col("person").is_in(list(records.spec.test_persons))


def _more(records: Records, side: str, kind: str, same_day: bool) -> Iterator[Cause]:
    """Records of a side beyond the pair of the same person and unit: copies of the day, or contacts that adjoin."""
    compared = records.compared
    while True:
        extra = _extras(records, side, same_day)
        hits = compared["pair"].is_in(extra["pair"].implode()).to_numpy()
        rows = records.pairs.rows
        place = best_slice(rows, np.ones(len(hits), bool), hits, COPIED_SHARE)
        if place is None:
            return
        inside = rows.inside(place.where)
        here = extra.filter(pl.col("pair").is_in(compared.filter(pl.Series(inside))["pair"].implode()))
        each = here.group_by("pair").len()["len"].median()
        parameters = {} if same_day else {"n": 1 + round(each)}
        yield records.take(kind, place, parameters, {side: here["record_id"]}, (inside, hits))
        records.surplus_taken |= set(here["record_id"])


def _extras(records: Records, side: str, same_day: bool) -> pl.DataFrame:
    """record_id of what is alone or surplus, and the nearest pair_id of the same person and unit."""
    day = f"{records.spec.event_date}_{side}"
    pairs = records.compared.select(
        "pair", person=f"person_{side}", unit=f"unit_{side}", paired=pl.col(day).cast(pl.Date)
    )
    beyond = (pl.col("_alone") | (pl.col("_status") == "surplus")) & ~pl.col("record_id").is_in(
        pl.Series(sorted(records.surplus_taken), dtype=pl.String).implode()
    )
    extra = records.sides[side].filter(beyond & ~is_test_person(records)).select("record_id", "person", "unit", "_day")
    near = extra.join(pairs, on=["person", "unit"]).with_columns(
        apart=(pl.col("_day") - pl.col("paired")).dt.total_days().abs()
    )
    near = near.filter(pl.col("apart") == 0 if same_day else pl.col("apart") <= ADJOINING_DAYS)
    return near.sort("record_id", "apart", "pair").unique("record_id", keep="first", maintain_order=True)
