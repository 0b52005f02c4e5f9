"""The persons of a country: birth, sex, death and disease, as arrays with one place a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.synthetic.national.frequencies import CHRONIC, DISEASES
from pipelines.synthetic.streams import stream

DYING = 0.01  # of all in a year; of the chronically ill thrice as many
OLDEST = 100
NEVER = np.datetime64("2262-01-01", "D")
FIRST_OF_2000 = np.datetime64("2000-01-01", "D")


@dataclass(frozen=True)
class People:
    """`born`, `died` (NEVER for the living): days. `disease`: the place in DISEASES, or -1. `number`: as in CPR."""

    number: pa.Array
    born: np.ndarray
    died: np.ndarray
    male: np.ndarray
    disease: np.ndarray
    chronic: int  # the first so many are chronically ill

    def __len__(self) -> int:
        return len(self.born)

    def drawn(self, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A person for each day, alive on it; every other row is of the chronically ill."""
        found = np.empty(len(day), np.int64)
        open_rows = np.arange(len(day))
        while len(open_rows):
            ill = rng.random(len(open_rows)) < 0.5
            found[open_rows] = rng.integers(0, np.where(ill, self.chronic, len(self)))
            at, on = found[open_rows], day[open_rows]
            open_rows = open_rows[(self.born[at] > on) | (self.died[at] < on)]
        return found


def people(persons: int, year: int, seed: int) -> People:
    """The persons alive on some day of the year. Raises nothing; `persons` is at least one."""
    rng = stream(seed, "people")
    chronic = max(1, round(persons * CHRONIC))
    first = np.datetime64(f"{year}-01-01", "D")
    days = int((np.datetime64(f"{year + 1}-01-01", "D") - first).astype(int))
    young = first + days - 1 - rng.integers(0, OLDEST * 365, persons)
    old = first - (np.clip(rng.normal(70, 11, persons), 35, OLDEST) * 365.25).astype(int)
    born = np.where(np.arange(persons) < chronic, old, young)
    dies = rng.random(persons) < np.where(np.arange(persons) < chronic, 3 * DYING, DYING)
    died = np.where(dies, np.maximum(first + rng.integers(0, days, persons), born), NEVER)
    male = rng.random(persons) < 0.5
    return People(_numbers(born, male), born, died, male, _diseases(persons), chronic)


def _diseases(persons: int) -> np.ndarray:
    """Shares of all persons, from the first on: those are the chronically ill."""
    ends = np.round(np.cumsum([disease.share for disease in DISEASES]) * persons)
    found = np.searchsorted(ends, np.arange(persons), side="right")
    return np.where(found < len(DISEASES), found, -1).astype(np.int8)


def _numbers(born: np.ndarray, male: np.ndarray) -> pa.Array:
    """Day of birth and a running number of that day and sex: digit 7 tells the century, the last digit the sex.

    Modulus 11 is left aside; it does not hold for every number since 2007 (cpr.dk).
    """
    order = np.lexsort((np.arange(len(born)), male, born))
    fresh = np.r_[True, (np.diff(born[order]).astype(int) != 0) | (np.diff(male[order].astype(int)) != 0)]
    running = np.empty(len(born), np.int64)
    running[order] = np.arange(len(born)) - np.maximum.accumulate(np.where(fresh, np.arange(len(born)), 0))
    serial = np.where(born < FIRST_OF_2000, 0, 4000) + 2 * running + male
    months = born.astype("datetime64[M]")
    day, month = (born - months).astype(int) + 1, months.astype(int) % 12 + 1
    year = (born.astype("datetime64[Y]").astype(int) + 1970) % 100
    return padded(day * 10**8 + month * 10**6 + year * 10**4 + serial, 10)


def padded(numbers: np.ndarray, width: int) -> pa.Array:
    """Whole numbers as text with leading zeros."""
    digits = (numbers[:, None] // 10 ** np.arange(width - 1, -1, -1)) % 10 + ord("0")
    data = np.ascontiguousarray(digits.astype(np.uint8))
    ends = np.arange(0, (len(numbers) + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(data))
