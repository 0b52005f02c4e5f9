"""More records on one side than courses: sent twice, registered twice, split or merged."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause
from pipelines.explain.cells import marked
from pipelines.explain.evidence import occurring_again
from pipelines.explain.records import Records
from pipelines.explain.slices import FEWEST_HITS, MOST, best_slice
from pipelines.explain.trials import lower_limit
from pipelines.reconciliation.sides import SURPLUS, copied_columns

ADJOINING = dt.timedelta(30)  # contacts of one person at one unit further apart are courses of their own
TWICE = dt.timedelta(hours=1)  # apart is at most what is registered twice; of days alone, the same
COPIED_SHARE = 0.15  # of a slice that has copies of the moment: without a fault there are hardly any
ADJOINING_SHARE = 0.2  # of a slice with contacts that adjoin: some stand alone anyway


def copied(records: Records) -> Iterator[Cause]:
    """Submissions sent twice, then copies, then contacts split and merged."""
    yield from _sent_twice(records)
    yield from _more(records, "new", "duplicate_record", same_moment=True)
    yield from _more(records, "new", "contact_split", same_moment=False)
    yield from _more(records, "reported", "contact_merged", same_moment=False)


def _sent_twice(records: Records) -> Iterator[Cause]:
    """Most of a submission are exact copies from another one: it was sent, or loaded, twice.

    Which of two copies is the surplus one depends on their ids; the later submission is the one told.
    """
    new = records.scopes["new"]
    copies = new.reasons.filter(reason="submission_twice")["at"].to_numpy()
    copies = copies[(new.status[copies] == SURPLUS) & ~records.is_test["new"][copies]]
    if not len(copies):
        return
    submissions = new.coded("submission")
    again = _last_submission(records, copies)
    for number, n in zip(*np.unique(again[again >= 0], return_counts=True), strict=True):
        sent = submissions.code == number
        if n >= max(FEWEST_HITS, MOST * sent.sum()):
            where = {"submission": submissions.values[number]}
            yield records.take("submission_twice", None, where, {"new": copies[again == number]}, (sent, sent), where)


def _last_submission(records: Records, copies: np.ndarray) -> np.ndarray:
    """The last of the submissions that the same record came in, as a code; −1 where none is known."""
    new = records.scopes["new"]
    persons = new.column("person")
    of_them = np.flatnonzero(persons.is_in(persons.gather(copies).unique().implode()).fill_null(False).to_numpy())
    known = new.coded("submission")
    order = np.array(sorted(range(len(known.values)), key=lambda at: _natural(known.values[at])))
    rank = np.append(np.argsort(order), -1)[known.code[of_them]]
    content = [name for name in copied_columns(records.spec) if new.has(name)]
    same = records.said("new", of_them, *content).with_columns(rank=pl.Series(rank))
    last = np.full(len(new), -1)
    last[of_them] = np.append(order, -1)[same.select(pl.col("rank").max().over(content)).to_series().to_numpy()]
    return last[copies]


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Numbers in a name count as numbers: submission 9 comes before submission 100."""
    parts = re.split(r"([0-9]+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _more(records: Records, side: str, kind: str, same_moment: bool) -> Iterator[Cause]:
    """Records of a side beyond the pair of the same person and unit: copies of the moment, or contacts that adjoin.

    Where contacts are merged is sought among all pairs, since one that stands alone shows where it is not; the share
    is of those who have several.
    """
    rows, share = records.pairs.rows, COPIED_SHARE if same_moment else ADJOINING_SHARE
    every, merged = np.ones(len(records.pairs), bool), kind == "contact_merged"
    while True:
        extra = _extras(records, side, same_moment)
        if len(extra) < FEWEST_HITS:
            return
        hits = marked(len(records.pairs), extra["pair"].to_numpy())
        could = hits | _have_adjoining(records) if merged else every
        place = best_slice(rows, every, hits, 0.0 if merged else share)
        inside = rows.inside(place.where) & could if place else ~every
        if place is None or lower_limit(np.count_nonzero(hits & inside), np.count_nonzero(inside)) < share:
            return
        here = extra.filter(pl.Series(inside[extra["pair"].to_numpy()]))
        each = here.group_by("pair").len()["len"].median()
        parameters = {} if same_moment else {"n": 1 + round(each)}
        cause = records.take(kind, place, parameters, {side: here["at"].to_numpy()}, (inside[could], hits[could]))
        further = len(here) - here["pair"].n_unique()  # of a pair that has several beyond it
        yield replace(cause, in_slice=cause.in_slice + further)


def _have_adjoining(records: Records) -> np.ndarray:
    """The pairs whose person was reported more than once at the unit, not far apart: only these can be merged."""
    several = occurring_again(records.scopes["reported"].column("person"))
    said = records.said("reported", several, "person", "unit").sort("person", "unit", "_day")
    before = said.select("person", "unit", "_day").shift(1)
    near = said["_day"] - before["_day"] <= ADJOINING
    again = ((said["person"] == before["person"]) & (said["unit"] == before["unit"]) & near).fill_null(False)
    adjoin = said["at"].filter(again | again.shift(-1).fill_null(False)).to_numpy()
    return records.marks("reported", adjoin)[records.pairs.at["reported"]]


def _extras(records: Records, side: str, same_moment: bool) -> pl.DataFrame:
    """The places of what is alone or surplus, and the nearest pair of the same person and unit."""
    beyond = records.beyond[side] & ~records.is_test[side]
    extra = _with_moment(records, side, records.said(side, np.flatnonzero(beyond), "record_id", "person", "unit"))
    near = extra.join(_paired(records, side, extra["person"]), on=["person", "unit"]).with_columns(
        apart=(pl.col("_moment") - pl.col("_moment_right")).abs()
    )
    near = near.filter(pl.col("apart") <= (TWICE if same_moment else ADJOINING))
    return near.sort("record_id", "apart", "pair").unique("record_id", keep="first", maintain_order=True)


def _paired(records: Records, side: str, persons: pl.Series) -> pl.DataFrame:
    """pair, person, unit and day of the pairs of some persons."""
    pair = np.full(len(records.scopes[side]), -1)
    pair[records.pairs.at[side]] = np.arange(len(records.pairs))
    theirs = records.scopes[side].column("person").is_in(persons.unique().implode()).fill_null(False).to_numpy()
    at = np.flatnonzero(theirs & (pair >= 0))
    theirs = _with_moment(records, side, records.said(side, at, "person", "unit"))
    return theirs.drop("at").with_columns(pair=pl.Series(pair[at]))


def _with_moment(records: Records, side: str, rows: pl.DataFrame) -> pl.DataFrame:
    """When the event was: its time where that is told, else its day."""
    return rows.with_columns(_moment=records.scopes[side].column(records.spec.event_date).gather(rows["at"]))
