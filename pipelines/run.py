"""One run of the flow for one database: what every verb is given, and how it opens the warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from filelock import FileLock, Timeout

from pipelines.project import InputError, Project
from pipelines.reports.places import PlaceNames, place_names
from pipelines.spec.derivation import TABLES
from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.spec.reading import read_source_schemas, read_spec, read_units

if TYPE_CHECKING:
    from pipelines.explain.sentences import Words
    from pipelines.reports.packages import Package
    from pipelines.warehouse.database import Warehouse

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Run:
    """One run of the flow for one database, as of a reference date (nothing depends on today)."""

    project: Project
    database: str
    reference_date: dt.date
    received_at: dt.datetime

    @cached_property
    def spec(self) -> DatabaseSpec:
        return read_spec(self.project.specification(self.database))

    @cached_property
    def schemas(self) -> dict[tuple[str, str], SourceSchema]:
        return read_source_schemas(self.project.specification(self.database).parent, self.spec)

    @property
    def formats(self) -> list[str]:
        """The sources whose files this database receives itself, in a fixed order."""
        from pipelines.warehouse import receiving

        return receiving.readable(self.schemas)

    @property
    def register(self) -> str | None:
        """The register whose events a side is made of, where there is one."""
        sides = (self.spec.sides.new, self.spec.sides.reported)
        return next((side for side in sides if side in TABLES), None)

    @property
    def sources(self) -> list[str]:
        """The sources that give rows: what is received, and then the side that is derived."""
        return [*self.formats, *([self.register] if self.register else [])]

    @property
    def supplements(self) -> list[str]:
        """The sources that are no side of their own: a derived record gets from them what no register holds."""
        sides = (self.spec.sides.reported, self.spec.sides.new)
        return [source for source in self.formats if source not in sides] if self.register else []

    @cached_property
    def names(self) -> PlaceNames:
        """What regions and units are called."""
        return place_names(self.spec, self.project.specification(self.database))

    @property
    def words(self) -> Words:
        from pipelines.explain.sentences import Words

        return Words(self.spec, self.names.regions, self.names.units)

    @property
    def package(self) -> Package:
        from pipelines.reports.packages import Package  # loads what draws pages

        return Package(self.building, self.spec, self.names)

    @property
    def building(self) -> Path:
        """Where the run's files are written before they are published: of its own reference date, so that no run
        goes on with what another one left."""
        return self.project.results(self.database) / f".building-{self.reference_date}"


def alone(run: Run) -> AbstractContextManager[None]:
    """No other process works on the run's database meanwhile."""
    return alone_with(run.project, run.database)


@contextmanager
def alone_with(project: Project, database: str) -> Iterator[None]:
    """No other process works on the database meanwhile; what this process does inside may ask again.

    The lock is the operating system's: it ends with the process, also with one that is killed. Raises InputError
    where another run is at work.
    """
    path = project.warehouse(database).with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        lock = FileLock(path, timeout=0, is_singleton=True).acquire()
    except Timeout:
        raise InputError(f"Another run of {database} is at work: wait until it has ended, then run again.") from None
    with lock:
        yield


def by_itself(verb: Callable[Concatenate[Run, Given], Answer]) -> Callable[Concatenate[Run, Given], Answer]:
    """A verb during which no other process works on the run's database (`alone`)."""

    @wraps(verb)
    def held(run: Run, *given: Given.args, **named: Given.kwargs) -> Answer:
        with alone(run):
            return verb(run, *given, **named)

    return held


@contextmanager
def opened(run: Run) -> Iterator[Warehouse]:
    """The warehouse of the run's database with all its tables, for this process alone.

    Raises InputError where a side comes from a source that has neither a format here nor is a register.
    """
    sides = {run.spec.sides.reported, run.spec.sides.new}
    if strange := sorted(sides - set(run.sources)):
        raise InputError(
            f"{run.database} gets a side from {strange[0]}, which has no format beside its specification: "
            f"add {strange[0]}-<version>.yaml."
        )
    from pipelines.warehouse import receiving
    from pipelines.warehouse.database import open_warehouse

    with alone(run), open_warehouse(run.project, run.database) as warehouse:
        units = read_units(run.spec, run.project.specification(run.database).parent)
        receiving.prepare(warehouse, run.spec, run.sources, units)
        yield warehouse
