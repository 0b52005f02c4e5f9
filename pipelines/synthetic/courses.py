"""The simulated truth: courses per region, unit and day, each with its person, before anyone reports them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic.patients import birth_dates, person_numbers
from pipelines.synthetic.population import persons_of
from pipelines.synthetic.streams import stream
from pipelines.synthetic.values import FIRST_HOUR, with_values

WEEKDAYS = (1, 1, 1, 1, 0.8, 0.1, 0.05)  # Monday to Sunday
COMES_BACK = 0.03  # share of courses whose person has had one before
APART = 30  # days between two courses of one person: outside every matching window
MISTAKEN = 0.005  # share of courses registered by mistake: sent by the new source and deleted again


def simulate(
    spec: DatabaseSpec,
    units: Sequence[dict[str, str]],
    seed: int,
    scale: float,
    from_date: dt.date,
    reference_date: dt.date,
    persons: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Every course that took place: course (number), region, unit, hospital, person, sex, age_band,
    mistaken, the event date and each variable with its missing code. Sorted by course.

    Courses per region are the published ones × scale; units in the order of their list are
    larger and smaller. Its persons are drawn from `persons` (see population), else for these courses alone.
    Raises InputError where the specification publishes no volumes.
    """
    counts = {region: round(n * scale) for region, n in published_courses(spec, from_date, reference_date).items()}
    if scale <= 0:
        raise InputError("Ask for a scale above 0.")
    return simulate_so_many(spec, units, seed, counts, from_date, reference_date, persons)


def published_courses(spec: DatabaseSpec, from_date: dt.date, reference_date: dt.date) -> dict[str, float]:
    """The published courses of each region in a period. Raises InputError where there are none, or no period."""
    if spec.published is None:
        raise InputError(f"{spec.database}: say courses per region under `published` to make synthetic data.")
    if from_date > reference_date:
        raise InputError(f"Ask for a period that ends ({reference_date}) after it begins.")
    years = ((reference_date - from_date).days + 1) / 365.25
    return {region: yearly * years for region, yearly in spec.published.per_region.items()}


def simulate_so_many(
    spec: DatabaseSpec,
    units: Sequence[dict[str, str]],
    seed: int,
    counts: Mapping[str, int],
    from_date: dt.date,
    reference_date: dt.date,
    persons: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """As `simulate`, with so many courses in each region."""
    regions = [_courses_of(spec, region, units, n, seed, from_date, reference_date) for region, n in counts.items()]
    courses = pl.concat(regions).with_row_index("course")
    return with_values(spec, _with_persons(spec, courses, seed, persons), seed, reference_date)


def _courses_of(
    spec: DatabaseSpec,
    region: str,
    units: Sequence[dict[str, str]],
    n: int,
    seed: int,
    from_date: dt.date,
    reference_date: dt.date,
) -> pl.DataFrame:
    """The courses of one region: the first unit of the list is the largest; one unit where none is listed."""
    own = [unit for unit in units if unit["region"] == region] or [{"unit": region, "hospital": region}]
    sizes = np.arange(len(own), 0, -1)
    places = stream(seed, "unit", region).choice(len(own), n, p=sizes / sizes.sum())
    return pl.DataFrame(
        {
            "region": pl.Series([region] * n, dtype=pl.String),
            "unit": [own[place]["unit"] for place in places],
            "hospital": [own[place]["hospital"] for place in places],
            spec.event_date: _event_dates(spec, n, stream(seed, "event", region), from_date, reference_date),
        },
        schema_overrides={"unit": pl.String, "hospital": pl.String},
    )


def _event_dates(
    spec: DatabaseSpec, n: int, rng: np.random.Generator, from_date: dt.date, reference_date: dt.date
) -> pl.Series:
    """Days in order, most of them working days; a timestamp stands at the opening hour."""
    days = pl.date_range(from_date, reference_date, eager=True)
    weights = np.array(WEEKDAYS)[days.dt.weekday().to_numpy() - 1]
    dates = pl.Series(days.to_numpy()[np.sort(rng.choice(len(days), n, p=weights / weights.sum()))]).cast(pl.Date)
    event = spec.variables.get(spec.event_date)
    if event is None or event.type == "date":
        return dates
    return dates.cast(pl.Datetime("us")) + dt.timedelta(hours=FIRST_HOUR)


def _with_persons(
    spec: DatabaseSpec, courses: pl.DataFrame, seed: int, population: pl.DataFrame | None
) -> pl.DataFrame:
    """Each course has a person of its own, but for the few who come back in the same region."""
    rng = stream(seed, "person")
    events = courses[spec.event_date].cast(pl.Date).to_numpy().astype("datetime64[D]")
    if population is None:
        born = birth_dates(events, int(18 if spec.population.age.min is None else spec.population.age.min), rng)
        persons = person_numbers(born, spec.test_persons, rng)
    else:
        chosen = persons_of(spec, population, courses.height, events.min().item(), seed)
        born, persons = chosen["birth_date"].to_numpy().astype("datetime64[D]"), chosen["person"].to_list()
    owner = _owners(courses["region"].to_numpy(), events, _apart(spec), rng)
    person = [persons[place] for place in owner]
    years = ((events - born[owner]).astype(int) / 365.25).astype(int)
    return courses.with_columns(
        pl.Series("person", person, dtype=pl.String),
        pl.Series("sex", ["male" if int(number[9]) % 2 else "female" for number in person], dtype=pl.String),
        pl.Series("age_band", [f"{age // 10 * 10}-{age // 10 * 10 + 9}" for age in years], dtype=pl.String),
        pl.Series("mistaken", rng.random(courses.height) < MISTAKEN),
    )


def _apart(spec: DatabaseSpec) -> int:
    """Days between two courses of one person, at least; the population's rule may ask for more."""
    return max(APART, spec.population.washout or 0, 366 if spec.population.per in ("person", "year") else 0)


def _owners(regions: np.ndarray, events: np.ndarray, least: int, rng: np.random.Generator) -> np.ndarray:
    """For each course the place of the course whose person it has: its own, or an earlier one."""
    own = np.arange(len(events))
    comes_back = rng.random(len(events)) < COMES_BACK
    earlier = (own * rng.random(len(events))).astype(int)
    apart = (events - events[earlier]).astype(int) > least
    return np.where(comes_back & ~comes_back[earlier] & apart & (regions == regions[earlier]), earlier, own)
