"""What became of each discrepancy from run to run (history.parquet). Only data resolve.

A discrepancy has the same id in every run, whatever the order of rows, columns or files. From the state it had:

| now | was | becomes |
|---|---|---|
| found | nothing | new |
| found | new, persisting | persisting |
| found | resolved, or accepted without being found | reopened |
| found | answered, accepted, reopened | as it was |
| not found, a record is no longer comparable, or its variable no longer compared | any | as it was |
| not found, the same pair says the same as before | open | accepted: the specification accepts now what it did not |
| not found, the data are others | open | resolved |

An answer makes a discrepancy that is found *answered*, or *accepted* where it is agreed that it stands.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from pipelines.project import InputError
from pipelines.reconciliation.discrepancies import shown
from pipelines.reconciliation.identifiers import folded, numbers_of, numbers_written, written
from pipelines.spec.model import DatabaseSpec

STATES = ("new", "persisting", "answered", "resolved", "reopened", "accepted")
STATE = pl.Enum(STATES)
IDENTITY = ("discrepancy_id", "reported_id", "new_id", "variable")
SCHEMA = {
    **dict.fromkeys((*IDENTITY, "state", "since", "first_seen", "last_seen"), pl.String),
    "runs": pl.Int64, "age_days": pl.Int64, "found": pl.Boolean, "said": pl.String,
}  # fmt: skip
# Kept of those that are no longer found; of all others discrepancies.parquet, which stands beside it, says the same.
OF_THOSE_GONE = (*IDENTITY[1:], "said")
ANSWERS = {"discrepancy_id": pl.String, "accepted": pl.Boolean}


def history(
    spec: DatabaseSpec,
    discrepancies: pl.DataFrame,
    pairs: pl.DataFrame,
    records: pl.DataFrame,
    earlier: pl.DataFrame,
    day: dt.date,
    answers: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """history.parquet of this run: every discrepancy that was ever found, with its state as of `day`.

    `discrepancies` and `pairs` of this run; `records` of both sides with `_side` and `_status`; `earlier` is the
    history of the run before (`read_history`); `answers` (discrepancy_id, accepted) are those given since.
    """
    now = discrepancies.select(*IDENTITY, _said=_said(discrepancies), _found=pl.lit(True))
    known = earlier.join(now, on="discrepancy_id", how="full", coalesce=True).with_columns(
        pl.coalesce(name, f"{name}_right").alias(name) for name in IDENTITY[1:]
    )
    known = known.with_columns(pl.col("_found").fill_null(False), _gone=pl.lit(None, pl.String))
    gone = known.filter(~pl.col("_found"))
    known = known.update(_fates(spec, gone, pairs, records), on="discrepancy_id")
    return _told(known, answers if answers is not None else pl.DataFrame(schema=ANSWERS), day)


def kept(told: pl.DataFrame) -> pl.DataFrame:
    """A history as it is written: nothing that the run's discrepancies say is written twice."""
    return told.with_columns(pl.when(~pl.col("found")).then(pl.col(name)) for name in OF_THOSE_GONE)


def first_history(discrepancies: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """The same of a run that has none before it: every discrepancy is new."""
    today = pl.lit(day.isoformat(), pl.Enum([day.isoformat()]))
    return _found_once(discrepancies.with_columns(first_seen=today, state=pl.lit("new", STATE)))


def read_history(previous: Path | None) -> pl.DataFrame:
    """The history of an earlier run; empty where there is none.

    A run from before histories were kept is known by its discrepancies. Raises InputError for a folder without them.
    """
    if previous is None:
        return pl.DataFrame(schema=SCHEMA)
    try:
        found = pl.read_parquet(previous / "discrepancies.parquet")
        written_down = previous / "history.parquet"
        seen = pl.read_parquet(written_down) if written_down.is_file() else _found_once(found)
        return _whole(seen.select(list(SCHEMA)).cast(SCHEMA), found)
    except (OSError, pl.exceptions.PolarsError):
        raise InputError(f"{previous} holds no earlier run: name a folder that `reconcile` wrote.") from None


def _found_once(found: pl.DataFrame) -> pl.DataFrame:
    seen, nothing = pl.col("first_seen"), dict.fromkeys(OF_THOSE_GONE, pl.lit(None, pl.String))
    return found.select(
        "discrepancy_id", "state", since=seen, first_seen=seen, last_seen=seen, runs=pl.lit(1, pl.Int64),
        age_days=pl.lit(0, pl.Int64), found=pl.lit(True), **nothing,
    ).select(list(SCHEMA))  # fmt: skip


def _whole(seen: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """What was `kept`, with what the discrepancies found say of themselves."""
    said = found.select(*IDENTITY, said=_said(found))
    joined = seen.join(said, on="discrepancy_id", how="left", maintain_order="left")
    return joined.select(
        pl.coalesce(name, f"{name}_right") if name in OF_THOSE_GONE else pl.col(name) for name in SCHEMA
    )


def _said(frame: pl.DataFrame) -> pl.Series:
    """A mark of what both sides said, so that no value need be kept to see that it changed."""
    values = (numbers_of(frame[name]) for name in ("reported_value", "new_value"))
    return written(folded(numbers_written(frame["discrepancy_id"]), *values)).alias("_said")


def _fates(spec: DatabaseSpec, gone: pl.DataFrame, pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Why each discrepancy is no longer found: `left` the comparison, `accepted` as it stands, or `resolved`."""
    outside = records.filter(_status="not_comparable")
    left = [
        pl.col(f"{side}_id").is_in(outside.filter(_side=side)["record_id"].implode()).fill_null(False)
        for side in ("reported", "new")
    ]
    compared = pl.col("variable").is_null() | pl.col("variable").is_in(list(spec.compared))
    unchanged = pl.col("discrepancy_id").is_in(_unchanged(spec, gone, pairs, records).implode())
    return gone.select(
        "discrepancy_id",
        _gone=pl.when(pl.any_horizontal(*left) | ~compared).then(pl.lit("left"))
        .when(unchanged).then(pl.lit("accepted"))
        .otherwise(pl.lit("resolved")),
    )  # fmt: skip


def _unchanged(spec: DatabaseSpec, gone: pl.DataFrame, pairs: pl.DataFrame, records: pl.DataFrame) -> pl.Series:
    """The ids of those whose records are still a pair and say what they said."""
    still = gone.join(pairs.select("reported_id", "new_id"), on=["reported_id", "new_id"])
    same = [pl.Series("discrepancy_id", [], pl.String)]
    for (name,), rows in still.drop_nulls("variable").group_by("variable"):
        if name in spec.compared:
            same.append(_saying_the_same(spec, str(name), rows, records))
    return pl.concat(same)


def _saying_the_same(spec: DatabaseSpec, name: str, rows: pl.DataFrame, records: pl.DataFrame) -> pl.Series:
    for side in ("reported", "new"):
        values = records.filter(_side=side).select(
            pl.col("record_id").alias(f"{side}_id"),
            *(pl.col(column).alias(f"{column}_{side}") for column in (name, f"{name}_missing")),
        )
        rows = rows.join(values, on=f"{side}_id")
        rows = rows.with_columns(shown(name, spec.variables[name], side).alias(f"{side}_value"))
    return rows.filter(_said(rows) == rows["said"])["discrepancy_id"]


def _told(known: pl.DataFrame, answers: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    today, found = pl.lit(day.isoformat()), pl.col("_found")
    told = known.join(answers.unique("discrepancy_id", keep="last"), on="discrepancy_id", how="left")
    told = told.with_columns(_state=_state()).with_columns(
        since=pl.when(pl.col("_state").eq_missing(pl.col("state"))).then("since").otherwise(today),
        first_seen=pl.col("first_seen").fill_null(today),
        last_seen=pl.when(found).then(today).otherwise("last_seen"),
        runs=pl.col("runs").fill_null(0) + found.cast(pl.Int64),
        said=pl.when(found).then("_said").otherwise("said"),
    )
    age = (today.str.to_date() - pl.col("first_seen").str.to_date()).dt.total_days()
    return told.with_columns(age_days=age, state="_state", found="_found").select(list(SCHEMA)).sort("discrepancy_id")


def _state() -> pl.Expr:
    """The table at the top of this file."""
    was, found, gone = pl.col("state"), pl.col("_found"), pl.col("_gone")
    closed = (was == "resolved") | ((was == "accepted") & ~pl.col("found"))
    return (
        pl.when(found & pl.col("accepted")).then(pl.lit("accepted"))
        .when(found & pl.col("accepted").is_not_null()).then(pl.lit("answered"))
        .when(was.is_null()).then(pl.lit("new"))
        .when(found & closed).then(pl.lit("reopened"))
        .when(found & was.is_in(["new", "persisting"])).then(pl.lit("persisting"))
        .when(found | closed | (gone == "left")).then(was)
        .otherwise(gone)
    )  # fmt: skip
