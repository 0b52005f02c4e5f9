"""The persons of a country: birth, sex, death and disease, as arrays with one place a person.

When a person is born and which number it has follows from its place in the country alone, so that the persons of
one district are made without those of any other, and no two of them have the same number.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
from scipy.stats import truncnorm

from pipelines.project import InputError
from pipelines.spec.person_number import MODULUS_11
from pipelines.synthetic.national.frequencies import CHRONIC, DISEASES
from pipelines.synthetic.streams import stream

DYING = 0.01  # of all in a year; of the chronically ill thrice as many
OLDEST = 100
NEVER = np.datetime64("2262-01-01", "D")
FIRST_OF_2000 = np.datetime64("2000-01-01", "D")
BIRTHS = 200_000  # so many persons are born over a hundred years; the next so many on the same days
# Digits 7 to 9 of the number: those in use, and those of numbers that were changed later, by century of birth.
# The official test persons have the last ten of a digit.
IN_USE, FORMER = ((0, 300), (400, 700)), ((300, 390), (700, 790))


@dataclass(frozen=True)
class People:
    """`place` in the country; `born`, `died` (NEVER for the living): days. `disease`: the place in DISEASES, or -1.
    `running`: among those born that day. `number`: as in CPR."""

    place: np.ndarray
    number: pa.Array
    running: np.ndarray
    born: np.ndarray
    died: np.ndarray
    male: np.ndarray
    ill: np.ndarray
    disease: np.ndarray

    def __len__(self) -> int:
        return len(self.born)

    @cached_property
    def chronic(self) -> np.ndarray:
        """Where the chronically ill stand."""
        return np.flatnonzero(self.ill)

    def some(self, chosen: np.ndarray) -> People:
        """The persons for whom `chosen` is true."""
        return People(**{name: values.filter(pa.array(chosen)) if name == "number" else values[chosen]
                         for name, values in vars(self).items() if name in self.__dataclass_fields__})  # fmt: skip

    def drawn(self, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A person for each day, alive on it; every other row is of the chronically ill."""
        found = np.empty(len(day), np.int64)
        open_rows = np.arange(len(day))
        while len(open_rows):
            found[open_rows] = rng.integers(0, len(self), len(open_rows))
            ill = open_rows[rng.random(len(open_rows)) < (0.5 if len(self.chronic) else 0)]
            found[ill] = self.chronic[rng.integers(0, max(1, len(self.chronic)), len(ill))]
            at, on = found[open_rows], day[open_rows]
            open_rows = open_rows[(self.born[at] > on) | (self.died[at] < on)]
        return found


@dataclass(frozen=True)
class Births:
    """Who are born, in the order in which places are given to them; `running`: among those of the same day."""

    born: np.ndarray
    running: np.ndarray
    ill: np.ndarray
    disease: np.ndarray

    @property
    def a_day(self) -> int:
        """The most who are born on one day."""
        return int(self.running.max()) + 1


def people(low: int, high: int, first: dt.date, last: dt.date, seed: int) -> People:
    """The persons at the places from `low` up to `high`, who are alive on some day from `first` to `last`.

    Raises InputError where the country is so large that CPR has no number left for a day.
    """
    births, place = births_until(last, seed), np.arange(low, high)
    at, running = place % BIRTHS, place // BIRTHS * births.a_day + births.running[place % BIRTHS]
    most = serials(IN_USE).shape[-1] // births.a_day * BIRTHS
    if high > most:
        raise InputError(f"{high} persons are more than CPR has numbers for in this form: say at most {most}.")
    born, ill = births.born[at], births.ill[at]
    rng, span = stream(seed, "people", str(low)), np.datetime64(first, "D")
    days = (last - first).days + 1
    dies = rng.random(len(place)) < np.where(ill, 3 * DYING, DYING) * days / 365
    died = np.where(dies, np.maximum(span + rng.integers(0, days, len(place)), born), NEVER)
    digits = numbers(born, running)
    return People(place, padded(digits, 10), running, born, died, digits % 2 == 1, ill, births.disease[at])


@lru_cache(maxsize=2)
def births_until(last: dt.date, seed: int) -> Births:
    """Births spread evenly over a hundred years, and those of the chronically ill around 70 years ago."""
    rng, end = stream(seed, "births"), np.datetime64(last, "D")
    old = round(BIRTHS * CHRONIC)
    even = np.linspace(0, OLDEST * 365 - 1, BIRTHS - old).astype(int)
    ages = truncnorm.ppf((np.arange(old) + 0.5) / old, *((age - 70) / 11 for age in (35, OLDEST)), 70, 11)
    born = end - np.r_[rng.permutation((ages * 365.25).astype(int)), even]
    ends = np.round(np.cumsum([disease.share for disease in DISEASES]) * BIRTHS)
    disease = np.searchsorted(ends, np.arange(BIRTHS), side="right")
    disease = np.where(disease < len(DISEASES), disease, -1).astype(np.int8)
    order = rng.permutation(BIRTHS)
    return Births(born[order], _running(born[order]), (np.arange(BIRTHS) < old)[order], disease[order])


def _running(born: np.ndarray) -> np.ndarray:
    """How many of the same day stand before each."""
    order = np.argsort(born, kind="stable")
    fresh = np.r_[True, np.diff(born[order]).astype(int) != 0]
    running = np.empty(len(born), np.int64)
    running[order] = np.arange(len(born)) - np.maximum.accumulate(np.where(fresh, np.arange(len(born)), 0))
    return running


@lru_cache(maxsize=2)
def serials(ranges: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Digits 7 to 9 that leave a check digit from 0 to 9: by century, by what the first six digits weigh (modulus 11),
    and by running number."""
    tables = []
    for low, high in ranges:
        serial = np.arange(low, high)
        weight = sum(w * (serial // 10**n % 10) for w, n in zip(MODULUS_11[6:9], (2, 1, 0), strict=True))
        tables.append([serial[(weight + residue) % 11 != 1] for residue in range(11)])
    fewest = min(len(found) for table in tables for found in table)
    return np.array([[found[:fewest] for found in table] for table in tables])


def numbers(born: np.ndarray, running: np.ndarray, ranges: tuple[tuple[int, int], ...] = IN_USE) -> np.ndarray:
    """CPR numbers as whole numbers: day of birth, three digits by the running number, and modulus 11.

    Digit 7 tells the century, the last one the sex (cpr.dk).
    """
    months = born.astype("datetime64[M]")
    day, month = (born - months).astype(int) + 1, months.astype(int) % 12 + 1
    year = (born.astype("datetime64[Y]").astype(int) + 1970) % 100
    front = day * 10**4 + month * 100 + year
    weight = sum(w * (front // 10**n % 10) for w, n in zip(MODULUS_11[:6], range(5, -1, -1), strict=True))
    serial = serials(ranges)[(born >= FIRST_OF_2000).astype(int), weight % 11, running]
    behind = sum(w * (serial // 10**n % 10) for w, n in zip(MODULUS_11[6:9], (2, 1, 0), strict=True))
    return front * 10**4 + serial * 10 + -(weight + behind) % 11


def padded(numbers: np.ndarray, width: int) -> pa.Array:
    """Whole numbers as text with leading zeros."""
    digits = np.empty((len(numbers), width), np.uint8)
    for place in range(width):
        digits[:, place] = numbers // 10 ** (width - 1 - place) % 10 + ord("0")
    ends = np.arange(0, (len(numbers) + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(digits))
