"""Two large sides for the benchmarks, written to Parquet chunk by chunk: seeded, vectorised, in bounded memory.

5 regions, 100 units, 24 months, 25 compared variables of every type. 4 % of the courses have a follow-up 1–4 days
later at the same unit, 1 % are typed twice, 5 % stand under a date moved by 1–3 days in the new source, 2 % are
missing on either side. About 3 % of the values differ and 2 % are empty. The truth (which new record is which
reported one) stands beside the sides.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from pipelines.spec.model import DatabaseSpec

CHUNK = 500_000
REGIONS = ("hovedstaden", "midtjylland", "nordjylland", "sjaelland", "syddanmark")
UNITS, DAYS = 100, 730
FOLLOW_UPS, TYPED_TWICE, MOVED, ABSENT, DIFFERING, EMPTY = 0.04, 0.01, 0.05, 0.02, 0.03, 0.02
LABEL = {"da": "Måling"}

DECIMALS = tuple(f"decimal_{n}" for n in range(7))
INTEGERS = tuple(f"integer_{n}" for n in range(4))
ANSWERS = tuple(f"yes_no_{n}" for n in range(5))
CODES = tuple(f"code_{n}" for n in range(5))
DIAGNOSES = tuple(f"D{letter}{n:02d}{d}" for letter in "IKM" for n in range(10, 40) for d in range(4))
CHOICES = {
    **dict.fromkeys(ANSWERS, ("yes", "no")),
    **dict.fromkeys(CODES, ("1", "2", "3", "4", "5")),
    "diagnosis": DIAGNOSES,
    "note": tuple(f"fund {n:03d}" for n in range(200)),
}


def benchmark_spec() -> DatabaseSpec:
    """25 compared variables: 7 decimals, 4 integers, 5 yes/no, 5 codes, a diagnosis, a text, a date and a time."""
    codes = {"type": "code", "values": {code: code for code in CHOICES["code_0"]}, "ordinal": True}
    said = (
        {name: {"type": "decimal", "compare": {"absolute": 0.1}} for name in DECIMALS}
        | {name: {"type": "integer"} for name in INTEGERS}
        | {name: {"type": "yes_no"} for name in ANSWERS}
        | dict.fromkeys(CODES, codes)
        | {"diagnosis": {"type": "sks"}, "note": {"type": "text"}}
        | {"seen_on": {"type": "date", "compare": {"days": 1}}, "measured_at": {"type": "timestamp"}}
    )
    near = {"start_date": "3 days"}
    return DatabaseSpec.model_validate(
        {
            "database": "benchmark", "title": LABEL, "official": False, "version": "1", "record": "one course",
            "event_date": "start_date", "person_number": "other",
            "variables": {name: {"label": LABEL, **variable} for name, variable in said.items()},
            "match": [
                {"rule": "same day", "on": ["person", "unit", "start_date"]},
                {"rule": "near day", "on": ["person", "unit"], "within": near},
                {"rule": "other unit", "on": ["person", "region"], "within": near},
            ],
        }
    )  # fmt: skip


def write_sides(folder: Path, courses: int, seed: int = 20) -> None:
    """reported.parquet, new.parquet and truth.parquet (reported_id, new_id) for so many courses.

    They are written beside their place and moved there when all are whole.
    """
    making = folder.with_name(f"{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    writers: dict[str, pq.ParquetWriter] = {}
    for name, frame in _chunks(courses, seed):
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if name not in writers:
            writers[name] = pq.ParquetWriter(making / f"{name}.parquet", table.schema, compression="zstd")
        writers[name].write_table(table, row_group_size=250_000)
    for writer in writers.values():
        writer.close()
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)


def _chunks(courses: int, seed: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """The sides arrive in different orders: the new one is mixed within a chunk, and its ids say nothing."""
    for first in range(0, courses, CHUNK):
        rng = np.random.default_rng([seed, first])
        course = _courses(rng, first, min(CHUNK, courses - first))
        reported = _typed_twice(rng, course.filter(rng.random(course.height) >= ABSENT))
        new = _moved(rng, course.filter(rng.random(course.height) >= ABSENT))
        new = _changed(rng, new)[rng.permutation(new.height)]
        new = new.with_columns(new_id=_ids("N", first * 2, new.height))
        yield "truth", reported.join(new, on="course").select("reported_id", "new_id")
        yield "reported", reported.drop("course").rename({"reported_id": "record_id"})
        yield "new", new.drop("course").rename({"new_id": "record_id"}).select("record_id", pl.exclude("record_id"))


def _ids(letter: str, first: int, n: int) -> pl.Series:
    """Fixed width, in no order: an odd factor permutes the numbers of 30 bits."""
    number = (np.arange(first, first + n, dtype=np.int64) * 765_432_109) % 2**30
    return pl.select(letter + pl.lit(pl.Series(number)).cast(pl.String).str.zfill(10)).to_series()


def _courses(rng: np.random.Generator, first: int, n: int) -> pl.DataFrame:
    unit = rng.integers(0, UNITS, n)
    person = (np.arange(first, first + n, dtype=np.int64) * 1_234_567_891) % 10**10
    day = rng.integers(0, DAYS, n)
    follows = np.flatnonzero(rng.random(n) < FOLLOW_UPS)
    follows = follows[follows > 0]
    person[follows], unit[follows] = person[follows - 1], unit[follows - 1]
    day[follows] = day[follows - 1] + rng.integers(1, 5, len(follows))
    frame = pl.DataFrame({"course": np.arange(first, first + n), "number": person, "place": unit, "day": day})
    keys = frame.select(
        "course",
        reported_id=_ids("R", first * 2, n),
        person=pl.col("number").cast(pl.String).str.zfill(10),
        unit=pl.format("u{}", pl.col("place").cast(pl.String).str.zfill(3)),
        region=pl.lit(pl.Series(REGIONS)).gather(pl.col("place") % len(REGIONS)),
        start_date=_date("day"),
    )
    return pl.concat([keys, _values(rng, n)], how="horizontal")


def _date(days: str) -> pl.Expr:
    return pl.date(2024, 1, 1) + pl.duration(days=pl.col(days))


def _values(rng: np.random.Generator, n: int) -> pl.DataFrame:
    columns = {name: rng.normal(60, 12, n).round(1) for name in DECIMALS}
    columns |= {name: rng.integers(0, 200, n) for name in INTEGERS}
    columns |= {name: _chosen(rng, choices, n) for name, choices in CHOICES.items()}
    frame = pl.DataFrame(columns | {"d": rng.integers(0, DAYS, n), "m": rng.integers(0, DAYS * 1440, n)})
    frame = frame.with_columns(
        seen_on=_date("d"), measured_at=pl.datetime(2024, 1, 1) + pl.duration(minutes=pl.col("m"))
    ).drop("d", "m")
    return frame.with_columns(_emptied(rng, frame[name]) for name in frame.columns)


def _chosen(rng: np.random.Generator, choices: tuple[str, ...], n: int) -> pl.Series:
    return pl.Series(choices).gather(rng.integers(0, len(choices), n))


def _emptied(rng: np.random.Generator, values: pl.Series) -> pl.Series:
    kept = pl.Series(rng.random(len(values)) >= EMPTY)
    return pl.select(pl.when(kept).then(values)).to_series().alias(values.name)


def _typed_twice(rng: np.random.Generator, course: pl.DataFrame) -> pl.DataFrame:
    again = course.filter(rng.random(course.height) < TYPED_TWICE)
    again = again.with_columns(reported_id="X" + pl.col("reported_id").str.tail(10), course=pl.lit(-1, pl.Int64))
    return pl.concat([course, again]).select("reported_id", pl.exclude("reported_id"))


def _moved(rng: np.random.Generator, course: pl.DataFrame) -> pl.DataFrame:
    by = np.where(rng.random(course.height) < MOVED, rng.choice([-3, -2, -1, 1, 2, 3], course.height), 0)
    return course.drop("reported_id").with_columns(start_date=pl.col("start_date") + pl.duration(days=pl.Series(by)))


def _changed(rng: np.random.Generator, course: pl.DataFrame) -> pl.DataFrame:
    """Some values are another patient's: whatever the type, they differ from the reported ones."""
    other = _values(rng, course.height)
    changed = {name: pl.Series(rng.random(course.height) < DIFFERING) for name in other.columns}
    return course.with_columns(
        pl.when(changed[name]).then(other[name]).otherwise(pl.col(name)).alias(name) for name in other.columns
    )
