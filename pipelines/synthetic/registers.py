"""The registers of a country: the events of every database's courses, one death a person, and what else is there.

The same person has the same events in every register and for every database. Nothing happens after a death, and
nothing is known after the reference date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic.events import Event, Record
from pipelines.synthetic.inverse import events_of
from pipelines.synthetic.reading import derived, nothing, reading
from pipelines.synthetic.streams import stream

# Danish municipalities report to the common gateway one after another; the sample has few of them.
REPORTING = 5  # every so many municipalities (by their order) report


@dataclass(frozen=True)
class Held:
    """A course that a register holds: its number (none where a fault made it), its record and its own events."""

    course: int | None
    record_id: str
    record: Record
    events: list[Event]


def held_course(spec: DatabaseSpec, row: Mapping[str, Any], seed: int) -> Held:
    """The events of one course (see `inverse`), drawn from a stream of the course's own.

    A course registered by mistake stands in the register with its diagnoses retracted and procedures withdrawn.
    """
    record, events = events_of(spec, row, stream(seed, "events", str(row["record_id"])))
    if row["mistaken"]:
        events = [replace(event, retracted=event.table in ("diagnosis", "procedure")) for event in events]
    return Held(row["course"], row["record_id"], record, events)


def deaths(courses: Sequence[Held], latest: Mapping[str, dt.date]) -> dict[str, dt.datetime]:
    """The day on which each person died: the first that a course tells and after which no course begins.

    `latest` is the event date of each person's last course in any database.
    """
    told = sorted(
        (e.starts, e.person) for held in courses for e in held.events if (e.table, e.code) == ("person", "died")
    )
    died: dict[str, dt.datetime] = {}
    for when, person in told:
        if when.date() >= latest[person]:
            died.setdefault(person, when)
    return died


def last_days(
    frames: Collection[tuple[DatabaseSpec, pl.DataFrame]], known: pl.DataFrame | None = None
) -> dict[str, dt.date]:
    """The event date of each person's last course in any database; `known` has more of them (person, day)."""
    days = [] if known is None else [known.select("person", "day")]
    days += [frame.select("person", pl.col(spec.event_date).cast(pl.Date).alias("day")) for spec, frame in frames]
    return dict(pl.concat(days).group_by("person").agg(pl.max("day")).iter_rows())


def happened(
    courses: Sequence[Held], latest: Mapping[str, dt.date], reporting: Collection[str], reference_date: dt.date
) -> list[Event]:
    """The events that the registers know: before death and reference date, municipal ones where they are reported."""
    died = deaths(courses, latest)
    known = dt.datetime.combine(reference_date, dt.time(23, 59))
    events = []
    for event in (event for course in courses for event in course.events):
        dead = died.get(event.person, dt.datetime.max)
        if event.table == "person" or event.starts > known or event.starts.date() > dead.date():
            continue
        if event.table != "municipal" or event.person in reporting:
            events.append(_ended(event, min(dead, known), dead <= known))
    return events + [Event("person", person, when, "died") for person, when in died.items() if when <= known]


def _ended(event: Event, end: dt.datetime, dead: bool) -> Event:
    """A stay ends with its person; one that goes on beyond what is known is open."""
    if event.ends is None or event.ends <= end:
        return event
    return replace(event, ends=max(end, event.starts) if dead else None)


def reporting_persons(persons: pl.DataFrame, every: int = REPORTING) -> set[str]:
    """The persons whose municipality reports its interventions."""
    homes = persons["municipality"].unique().sort().to_list()[::every]
    return set(persons.filter(pl.col("municipality").is_in(homes))["person"])


def by_person(events: Sequence[Event]) -> dict[str, list[Event]]:
    """The events of each person."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.person, []).append(event)
    return found


def as_read(
    spec: DatabaseSpec, courses: pl.DataFrame, held: Sequence[Held], events: Mapping[str, list[Event]]
) -> pl.DataFrame:
    """The courses with what the registers say of them; what a register cannot say (why a value is missing, what is
    not relevant) stays as it was, and so do courses that no register holds."""
    rows = {row["course"]: row for row in courses.iter_rows(named=True)}
    for one in held:
        rows[one.course] |= read_course(spec, rows[one.course], one.record, events[one.record.event.person])
    return pl.DataFrame(list(rows.values()), schema=courses.schema)


def read_course(spec: DatabaseSpec, row: Mapping[str, Any], record: Record, events: Sequence[Event]) -> dict[str, Any]:
    """The register variables of one course, value and missing code."""
    read: dict[str, Any] = {}
    ends = next((e.ends for e in events if (e.table, e.contact) == ("contact", record.event.contact)), None)
    record = replace(record, event=replace(record.event, ends=ends), dates={})
    for name in dict.fromkeys([*_anchors(spec), *derived(spec)]):
        value, code = reading(spec, name, record, events)
        record.dates[name] = value
        relevant = row[name] is not None or row[f"{name}_missing"] is not None
        kept = row[name] is None and (value, code) == nothing(spec.variables[name])
        if relevant and not kept:
            read |= {name: value, f"{name}_missing": code}
    return read


def _anchors(spec: DatabaseSpec) -> list[str]:
    names = derived(spec)
    return [anchor for name in names for anchor in sorted(spec.anchors_of(name)) if anchor in names]
