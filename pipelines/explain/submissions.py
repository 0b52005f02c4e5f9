"""A submission that never arrived is known by the hole that it leaves in the numbering."""

from __future__ import annotations

import datetime as dt

import polars as pl

NUMBERED = r"^(.*?)(\d+)$"
WIDEST = 1_000  # numbers from one submission of a place to the next, where all places share a numbering


def lost_submission(new: pl.DataFrame, here: pl.DataFrame, gap: tuple[dt.date, dt.date]) -> str | None:
    """The name of the one submission that is missing between its neighbours around the days of `gap`, which is no
    longer than a submission: a longer one took more than the submission with it.

    `here` are the new records of the place that is silent: their submissions say which numbering; `new` are all,
    since a number that another place has used is not missing. None where no number, or more than one, fits.
    """
    series, all_ = _numbered(here), set(_numbered(new).select("front", "number").iter_rows())
    following = series.sort("front", "number").with_columns(
        pl.col("number", "day").shift(-1).over("front").name.prefix("next_")
    )
    usual = following.select((pl.col("next_day") - pl.col("day")).dt.total_days().median()).item()
    if usual is None or (gap[1] - gap[0]).days + 1 > usual + 1:
        return None
    at = pl.lit(gap[0] + (gap[1] - gap[0]) / 2)
    around = following.filter(pl.col("next_number") - pl.col("number") <= WIDEST, at.is_between("day", "next_day"))
    missing = [
        (row, number)
        for row in around.iter_rows(named=True)
        for number in range(row["number"] + 1, row["next_number"])
        if (row["front"], number) not in all_
    ]
    return "{front}{0:0{width}d}".format(missing[0][1], **missing[0][0]) if len(missing) == 1 else None


def _numbered(records: pl.DataFrame) -> pl.DataFrame:
    """Each submission whose name ends in a number: what stands before it, the number, its width, and its median day."""
    name = pl.col("submission").str
    return (
        records.group_by("submission").agg(day=pl.col("_day").median().cast(pl.Date))
        .select("day", front=name.extract(NUMBERED, 1), digits=name.extract(NUMBERED, 2))
        .with_columns(number=pl.col("digits").cast(pl.Int64, strict=False), width=pl.col("digits").str.len_chars())
        .drop_nulls()
    )  # fmt: skip
