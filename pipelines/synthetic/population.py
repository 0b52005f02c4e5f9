"""One population for all databases and registers: who lives, where, since when, and who draws its lot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import numpy as np
import polars as pl

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic.patients import birth_dates, person_numbers
from pipelines.synthetic.streams import stream

ADULT = 18
LEFT = 0.01  # share of the persons who leave the country; they have no courses
LEAVING = 700  # days within which they do


def population(
    n: int,
    municipalities: Sequence[str],
    taken: Collection[str],
    seed: int,
    on: dt.date,
    known: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """`n` adults on the day `on`: person (CPR number), birth_date, sex, municipality, emigrated; by person.

    `known` (person, birth_date) are persons that another sample has already; they are in it as they are.
    Numbers in `taken` belong to test persons.
    """
    known = pl.DataFrame(schema={"person": pl.String, "birth_date": pl.Date}) if known is None else known
    rng = stream(seed, "population")
    born = birth_dates(np.full(max(n - known.height, 0), np.datetime64(on)), ADULT, rng)
    numbers = person_numbers(born, {*taken, *known["person"]}, rng)
    persons = pl.concat(
        [
            known.select("person", "birth_date"),
            pl.DataFrame({"person": numbers, "birth_date": pl.Series(born).cast(pl.Date)}),
        ]
    )
    return described(persons, known["person"].to_list(), municipalities, on, rng).sort("person")


def described(
    persons: pl.DataFrame,
    known: Sequence[str],
    municipalities: Sequence[str],
    on: dt.date,
    rng: np.random.Generator,
    leaving: int = LEAVING,
) -> pl.DataFrame:
    """Sex by the number, a home, and for some a day on which they left; who has courses already has not left."""
    male = pl.col("person").str.slice(9, 1).cast(pl.Int64) % 2 == 1
    homes = rng.choice(np.array(municipalities, dtype=object), persons.height).tolist()
    left = pl.Series(rng.random(persons.height) < LEFT) & ~persons["person"].is_in(known)
    days = pl.Series("emigrated", np.datetime64(on) + rng.integers(0, leaving, persons.height)).cast(pl.Date)
    return persons.with_columns(
        pl.when(male).then(pl.lit("male")).otherwise(pl.lit("female")).alias("sex"),
        pl.Series("municipality", homes, dtype=pl.String),
        pl.when(left).then(days).alias("emigrated"),
    )


def persons_of(spec: DatabaseSpec, persons: pl.DataFrame, n: int, began: dt.date, seed: int) -> pl.DataFrame:
    """`n` different persons of the population who are of the database's age from its first day on."""
    said = spec.population.age
    age = (pl.lit(began) - pl.col("birth_date")).dt.total_days() / 365.25
    fits = persons.filter(pl.col("emigrated").is_null(), age >= float(said.min or 0), age < float(said.max or 1000) - 3)
    if fits.height < n:
        raise InputError(f"{spec.database}: {n} courses need as many persons of its age; ask for more persons.")
    order = stream(seed, "drawn", spec.database).permutation(fits.height)[:n]
    return fits[order.tolist()]
