"""One truth, two witnesses: which courses KIP and the new source hold, and the messages of the new source.

Both sides are nearly complete, with losses that know nothing of each other. Typing ends and sending begins
where the specification's changeover says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

import numpy as np
import polars as pl

from pipelines.project import InputError
from pipelines.spec.model import Changeover, DatabaseSpec, SourceSchema
from pipelines.synthetic.noise import typed_by_hand
from pipelines.synthetic.regions import Regions, short_name
from pipelines.synthetic.streams import stream

HELD = 0.98  # share of the courses that a side holds
CORRECTED = 0.03  # share of the records sent once more with corrected content

TakesUp = Mapping[str, Collection[str]]  # schema version → the regions that take it up (all, where it is not said)


def forms(spec: DatabaseSpec, courses: pl.DataFrame, seed: int, reference_date: dt.date) -> pl.DataFrame:
    """The reported side: one typed form per course that KIP holds. Sorted by record_id."""
    source = spec.sides.reported
    numbers = stream(seed, "form").permutation(courses.height) + 1
    held = stream(seed, "held", source).random(courses.height) < HELD
    ends = _changeover_dates(spec, courses, "kip_until", dt.date.max)
    typed = typed_by_hand(spec, courses, source, seed, reference_date, "typing")
    return (
        typed.with_columns(pl.Series("record_id", [f"K-{number:06d}" for number in numbers]))
        .filter(pl.Series(held) & (courses[spec.event_date].cast(pl.Date) <= ends) & ~courses["mistaken"])
        .drop("mistaken")
        .sort("record_id")
    )


def messages(
    spec: DatabaseSpec,
    courses: pl.DataFrame,
    schemas: Mapping[tuple[str, str], SourceSchema],
    regions: Regions,
    seed: int,
    reference_date: dt.date,
    takes_up: TakesUp,
    source: str | None = None,
) -> pl.DataFrame:
    """The new side (or another `source` that sends records) as it was sent: create, correct and delete messages
    in monthly submissions.

    Beside the course: record_id, action, sent (day), sequence, submission, schema_version, ehr_system.
    Sorted by region, sequence and record_id.
    """
    source = source or spec.sides.new
    sent = _sent(spec, courses, regions, seed, reference_date, source)
    firsts = sent.filter("corrected")
    first = typed_by_hand(spec, firsts, source, seed, reference_date, "first version")
    later = pl.col("later")
    sending = [
        sent.filter(~pl.col("corrected")).with_columns(action=pl.lit("create")),
        first.with_columns(action=pl.lit("create")),
        firsts.with_columns(action=pl.lit("correct"), sent=later),
        sent.filter("mistaken").with_columns(action=pl.lit("delete"), sent=later),
    ]
    numbered = pl.concat(sending).drop("corrected", "mistaken", "later").pipe(_numbered, regions)
    versions = [
        schema_version(spec, schemas, region, day, takes_up, source)
        for region, day in numbered.select("region", "sent").iter_rows()
    ]
    return numbered.with_columns(schema_version=pl.Series(versions, dtype=pl.String))


def _sent(
    spec: DatabaseSpec, courses: pl.DataFrame, regions: Regions, seed: int, reference_date: dt.date, source: str
) -> pl.DataFrame:
    """The courses the new source holds: when sent first, when again, and whether it is corrected then."""
    rng = stream(seed, "held", source)
    held, corrected = rng.random(courses.height) < HELD, rng.random(courses.height) < CORRECTED
    event = courses[spec.event_date].cast(pl.Date)
    starts = _changeover_dates(spec, courses, "new_from", dt.date.max)
    again = (event.dt.offset_by("1mo").dt.month_end()).clip(upper_bound=reference_date)
    return courses.with_columns(
        _record_ids(courses, regions),
        ehr_system=pl.Series([regions.get(r, {}).get("ehr_system") for r in courses["region"]], dtype=pl.String),
        sent=event.dt.month_end().clip(upper_bound=reference_date),
        later=again,
        corrected=pl.Series(corrected) & (event.dt.month_end() < reference_date) & ~courses["mistaken"],
    ).filter(pl.Series(held) & (event >= starts) & ~(courses["mistaken"] & (event.dt.month_end() >= reference_date)))


def _record_ids(courses: pl.DataFrame, regions: Regions) -> pl.Series:
    """W-NJ-000123: running numbers within a region, as an EHR gives them; they say nothing of the person."""
    running = courses.select(pl.int_range(1, pl.len() + 1).over("region"))
    numbers = zip(courses["region"], running.to_series(), strict=True)
    return pl.Series(
        "record_id", [f"W-{short_name(region, regions)}-{n:06d}" for region, n in numbers], dtype=pl.String
    )


def _numbered(sending: pl.DataFrame, regions: Regions) -> pl.DataFrame:
    sequence = pl.col("sent").rank("dense").over("region").cast(pl.Int64)
    numbered = sending.with_columns(sequence=sequence)
    names = [
        submission_id(short_name(region, regions), number)
        for region, number in numbered.select("region", "sequence").iter_rows()
    ]
    return numbered.with_columns(submission=pl.Series(names, dtype=pl.String)).sort("region", "sequence", "record_id")


def submission_id(short: str, sequence: int) -> str:
    return f"{short}-{sequence:06d}"


def schema_version(
    spec: DatabaseSpec,
    schemas: Mapping[tuple[str, str], SourceSchema],
    region: str,
    day: dt.date,
    takes_up: TakesUp,
    source_sent: str,
) -> str:
    """The newest version in force that day which the region has taken up."""
    usable = [
        schema
        for (source, version), schema in schemas.items()
        if source == source_sent and schema.valid.covers(day) and region in takes_up.get(version, [region])
    ]
    if not usable:
        raise InputError(f"{spec.database}: {region} has no schema version of {source_sent} in force on {day}.")
    return max(usable, key=lambda schema: (schema.valid.from_ or dt.date.min, schema.version)).version


def _changeover_dates(spec: DatabaseSpec, courses: pl.DataFrame, edge: str, never: dt.date) -> pl.Series:
    """The day sending begins or typing ends, for each course by its unit or else its region."""
    days = [
        getattr(changeover_of(spec, unit, region), edge) or never
        for unit, region in courses.select("unit", "region").iter_rows()
    ]
    return pl.Series(edge, days, dtype=pl.Date)


def changeover_of(spec: DatabaseSpec, unit: str, region: str) -> Changeover:
    """The unit's own changeover, else its region's, else one that has not begun."""
    return spec.changeover.get(unit) or spec.changeover.get(region) or Changeover()


def comparable_courses(
    spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame, reference_date: dt.date
) -> set[int]:
    """Courses on both sides whose event lies in the parallel period and has settled at both sources."""
    kept = new.filter(pl.col("action") != "delete").unique("course", keep="first", maintain_order=True)
    settled = reference_date - dt.timedelta(days=spec.record_settles)
    day = pl.col(spec.event_date).cast(pl.Date)
    inside = kept.filter(
        day >= _changeover_dates(spec, kept, "new_from", dt.date.max),
        day <= _changeover_dates(spec, kept, "kip_until", dt.date.max),
        day <= settled,
    )
    return set(np.intersect1d(inside["course"].to_numpy(), reported["course"].to_numpy()).tolist())
