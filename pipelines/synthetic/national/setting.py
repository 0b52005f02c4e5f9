"""What a whole country is made of: how many persons, which time, which databases, and how many courses of each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipelines.project import InputError
from pipelines.spec.event_views import needed
from pipelines.spec.reading import read_spec, read_units
from pipelines.synthetic.country import Database, derives
from pipelines.synthetic.courses import published_courses
from pipelines.synthetic.faults import Plan
from pipelines.synthetic.national.blocks import PER_PERSON

NATION = 6_000_000  # persons behind the published volumes
PERSONS_A_DISTRICT = 50_000
FEWEST = 500  # persons of a country: below, a database may find no patients
SICK, SOME = 0.1, 500  # a database has at least so many courses: this share of the persons, or this number


@dataclass(frozen=True)
class Setting:
    """The arguments of a country; the same ones make the same rows.

    `scale` multiplies the courses of every database. A district is what is drawn together: of `persons_a_district`,
    the last one of the rest as well.
    """

    expectations: Path
    names: tuple[str, ...]
    persons: int
    seed: int
    from_date: dt.date
    reference_date: dt.date
    municipalities: tuple[str, ...]
    scale: float = 1.0
    persons_a_district: int = PERSONS_A_DISTRICT

    def __post_init__(self) -> None:
        if self.persons < FEWEST:
            raise InputError(f"{self.persons} persons are too few for a country: say at least {FEWEST}.")
        if self.scale <= 0:
            raise InputError("Ask for a scale above 0.")

    @property
    def districts(self) -> int:
        return max(1, self.persons // self.persons_a_district)

    def bounds(self, district: int) -> tuple[int, int]:
        """The places of the district's persons: from … up to."""
        low = district * self.persons_a_district
        return low, self.persons if district == self.districts - 1 else low + self.persons_a_district

    def plan(self, district: int) -> Plan:
        """Seed and dates of a district; no two have a seed in common."""
        seed = (self.seed << 32) + district
        return Plan(seed=seed, from_date=self.from_date, reference_date=self.reference_date)

    @property
    def contacts_a_person(self) -> int:
        """More contacts than a person has in this time, so that districts number theirs apart."""
        return 1 + int(PER_PERSON["contact"] * ((self.reference_date - self.from_date).days + 1) / 365)


@lru_cache(maxsize=4)
def databases(setting: Setting) -> tuple[Database, ...]:
    """The databases, those that are derived from registers first; their plans are the whole country's."""
    plan = setting.plan(0).model_copy(update={"seed": setting.seed})
    found = [
        Database(read_spec(setting.expectations / name / "specification.yaml"), setting.expectations / name, plan)
        for name in setting.names
    ]
    return tuple(sorted(found, key=lambda one: not derives(one.spec)))


@lru_cache(maxsize=64)
def units_of(setting: Setting, name: str) -> tuple[dict[str, str], ...]:
    """The units of one database."""
    one = next(one for one in databases(setting) if one.spec.database == name)
    return tuple(read_units(one.spec, one.folder))


def courses_before(setting: Setting, one: Database, place: int) -> dict[str, int]:
    """How many courses of each region the persons before this place have: the published ones, at least some."""
    published = published_courses(one.spec, setting.from_date, setting.reference_date)
    national = sum(published.values())
    all_ = max(national * setting.persons / NATION, min(SICK * setting.persons, SOME)) * setting.scale
    share = all_ / national * place / setting.persons
    return {region: round(n * share) for region, n in published.items()}


def leading_codes(setting: Setting) -> dict[str, frozenset[str]]:
    """By table, the codes that lead into the population of some database derived from registers."""
    chosen = [
        part
        for one in databases(setting)
        if derives(one.spec)
        for part in (*one.spec.population.include, *one.spec.population.exclude)
    ]
    return {table: frozenset(codes) - {"*"} for table, codes in needed(chosen).items()}
