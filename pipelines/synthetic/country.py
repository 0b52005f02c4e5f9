"""READ FIRST for registers: one population, the courses of every database in it, and what each source says of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from pipelines.project import InputError
from pipelines.spec.derivation import TABLES
from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.spec.reading import read_source_schemas, read_units
from pipelines.synthetic.courses import simulate
from pipelines.synthetic.deliveries import register_files
from pipelines.synthetic.events import Event
from pipelines.synthetic.faults import Plan
from pipelines.synthetic.generate import Generated, newest_form, plantings_of
from pipelines.synthetic.kip_files import kip_files
from pipelines.synthetic.planting import plant, plant_files
from pipelines.synthetic.population import population
from pipelines.synthetic.regions import Regions, read_regions
from pipelines.synthetic.registers import (
    REPORTING,
    Held,
    as_read,
    by_person,
    happened,
    held_course,
    last_days,
    reporting_persons,
)
from pipelines.synthetic.sides import HELD, comparable_courses, forms, messages
from pipelines.synthetic.streams import stream
from pipelines.synthetic.truth import Planted
from pipelines.synthetic.wsapi_files import wsapi_files

SENT_BESIDE = "wsapi"  # what no register holds is sent by the regions


@dataclass(frozen=True)
class Database:
    """A database whose new side is derived from registers, and the plan of its data."""

    spec: DatabaseSpec
    folder: Path
    plan: Plan

    @cached_property
    def schemas(self) -> dict[tuple[str, str], SourceSchema]:
        """The formats beside the specification, by source and version."""
        return read_source_schemas(self.folder, self.spec)

    @cached_property
    def regions(self) -> Regions:
        """What is known of the regions that send."""
        return read_regions(self.spec, self.folder)

    @property
    def sends(self) -> bool:
        """Whether the regions send what no register holds."""
        return any(source == SENT_BESIDE for source, _ in self.schemas)


@dataclass(frozen=True)
class Country:
    """What was made. `files` by path (`<database>/…`, `registers/…`); of each database what was made and its
    courses with what the registers say of them, before any fault."""

    files: dict[str, bytes]
    made: dict[str, Generated]
    courses: dict[str, pl.DataFrame]


def derives(spec: DatabaseSpec) -> bool:
    """Whether a database's new side comes from registers."""
    return spec.sides.new in TABLES


def country(
    databases: Sequence[Database],
    persons: int,
    municipalities: Sequence[str],
    known: pl.DataFrame | None = None,
    all_report: bool = False,
) -> Country:
    """Forms, submissions and registers for the databases, whose persons are all of one population of `persons`.

    `known` (person, birth_date, day of the last course) are persons that databases without registers have
    already. Dates are those of the first plan; the same arguments give the same bytes. Only some municipalities
    report, unless `all_report`.
    """
    plan, named = _one_time(databases), {one.spec.database: one for one in databases}
    everybody = _everybody(databases, persons, municipalities, known)
    drawn = {name: _courses(one, everybody) for name, one in named.items()}
    known_of = KnownOf(
        last_days([(named[name].spec, frame) for name, frame in drawn.items()], known),
        reporting_persons(everybody, 1 if all_report else REPORTING),
        plan.reference_date,
    )
    held, read = registered(named, drawn, known_of)
    said = {name: _said(one, read[name], held[name]) for name, one in named.items()}
    events = known_of.events(course for of in said.values() for course in of.held)
    files = register_files(events, everybody, plan)
    for name, of in said.items():
        files |= {f"{name}/{path}": content for path, content in of.files.items()}
    return Country(files, {name: of.made for name, of in said.items()}, read)


@dataclass(frozen=True)
class KnownOf:
    """What the registers know of persons: until when each lives for certain (`days`), whose municipality reports,
    and the day on which all is known."""

    days: Mapping[str, dt.date]
    reporting: Collection[str]
    on: dt.date

    def events(self, courses: Iterable[Held]) -> list[Event]:
        """The events of the courses that the registers know."""
        return happened(list(courses), self.days, self.reporting, self.on)


def registered(
    databases: Mapping[str, Database], drawn: Mapping[str, pl.DataFrame], known_of: KnownOf
) -> tuple[dict[str, list[Held]], dict[str, pl.DataFrame]]:
    """Of each database the courses that the registers hold, and all its courses as the registers say them."""
    held = {name: _held(one, drawn[name]) for name, one in databases.items()}
    registers = by_person(known_of.events(course for courses in held.values() for course in courses))
    read = {name: as_read(one.spec, drawn[name], held[name], registers) for name, one in databases.items()}
    return held, read


def _one_time(databases: Sequence[Database]) -> Plan:
    plans = {(one.plan.from_date, one.plan.reference_date) for one in databases}
    if len(plans) != 1:
        raise InputError("The plans of the databases differ in from_date or reference_date: one country has one time.")
    return databases[0].plan


def _everybody(
    databases: Sequence[Database], persons: int, municipalities: Sequence[str], known: pl.DataFrame | None
) -> pl.DataFrame:
    plan = databases[0].plan
    taken = {person for one in databases for person in one.spec.test_persons}
    return population(persons, municipalities, taken, plan.seed, plan.from_date, known)


def _courses(one: Database, everybody: pl.DataFrame) -> pl.DataFrame:
    """The courses of a database with the ids under which the register of contacts knows them."""
    plan = one.plan
    units = read_units(one.spec, one.folder)
    drawn = simulate(one.spec, units, plan.seed, plan.scale, plan.from_date, plan.reference_date, everybody)
    return with_record_ids(one.spec, drawn)


def with_record_ids(spec: DatabaseSpec, courses: pl.DataFrame) -> pl.DataFrame:
    """The ids under which the register of contacts knows the courses, such as drkol-000012."""
    number = pl.col("course").cast(pl.String).str.zfill(6)
    return courses.with_columns(record_id=pl.lit(f"{spec.database}-") + number)


def _held(one: Database, courses: pl.DataFrame) -> list[Held]:
    """The events of the courses that the register holds; the others nobody reported to it."""
    there = stream(one.plan.seed, "held", one.spec.sides.new).random(courses.height) < HELD
    return [held_course(one.spec, row, one.plan.seed) for row in courses.filter(pl.Series(there)).iter_rows(named=True)]


@dataclass(frozen=True)
class Said:
    """What the sources of one database say: the courses that the register holds, and the files of the others."""

    held: list[Held]
    files: dict[str, bytes]
    made: Generated


def _said(one: Database, courses: pl.DataFrame, held: Sequence[Held]) -> Said:
    """Forms, register records and submissions, with the plan's faults in them.

    A fault in the new side changes the values before events are made of them, so that it stands in whichever
    source carries the variable.
    """
    spec, plan = one.spec, one.plan
    form = newest_form(spec, one.schemas)
    in_register = of_register(courses, held)
    sides = {
        "reported": forms(spec, courses.drop("record_id"), plan.seed, plan.reference_date),
        "new": in_register.filter(~pl.col("mistaken")).with_columns(action=pl.lit("create"), submission=pl.lit(None)),
    }
    comparable = comparable_courses(spec, sides["reported"], sides["new"], plan.reference_date)
    plantings = plantings_of(spec, plan.faults, plan.seed, plan.reference_date, one.regions)
    planted, in_records = plant(sides, plantings, comparable)
    files = kip_files(spec, form, planted["reported"])
    if one.sends:
        files |= wsapi_files(spec, one.schemas, sent_beside(one, planted["new"]), SENT_BESIDE)
    files, in_files = plant_files(files, plantings)
    truth: tuple[Planted, ...] = (*in_records, *in_files)
    new = planted["new"]
    made = Generated(
        spec.database, planted["reported"].height, new.height, len(comparable), tuple(sorted(files)), truth
    )
    return Said(_held_after(one, held, sides["new"], new, courses), files, made)


def of_register(courses: pl.DataFrame, held: Sequence[Held]) -> pl.DataFrame:
    """The courses that the register holds."""
    return courses.filter(pl.col("course").is_in([course.course for course in held]))


def sent_beside(one: Database, courses: pl.DataFrame) -> pl.DataFrame:
    """The messages of what no register holds, as the regions send them."""
    courses = courses.drop("record_id", "action", "submission", strict=False)
    return sent_of(one, courses, SENT_BESIDE)


def sent_of(one: Database, courses: pl.DataFrame, source: str | None = None) -> pl.DataFrame:
    """The messages of the database's new side, or of a source beside it (see `messages`)."""
    plan = one.plan
    return messages(one.spec, courses, one.schemas, one.regions, plan.seed, plan.reference_date, plan.takes_up, source)


def _held_after(
    one: Database, held: Sequence[Held], before: pl.DataFrame, after: pl.DataFrame, courses: pl.DataFrame
) -> list[Held]:
    """The courses of the register after faults: those that nothing struck as they were, the others made anew.

    What was registered by mistake stays.
    """
    as_before = set(after.join(before, on=before.columns, how="semi", nulls_equal=True)["record_id"])
    mistaken = set(courses.filter("mistaken")["record_id"])
    kept = [course for course in held if course.record_id in as_before | mistaken]
    struck = after.filter(~pl.col("record_id").is_in(list(as_before)))
    return [*kept, *(held_course(one.spec, row, one.plan.seed) for row in struck.iter_rows(named=True))]
