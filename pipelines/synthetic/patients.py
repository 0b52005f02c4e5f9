"""Synthetic persons: ages, and CPR numbers that keep the law of the CPR number (cpr.dk, opbygning).

The numbers are drawn at random and belong to nobody on purpose; none is taken from a list of persons.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl
from scipy.stats import truncnorm

from pipelines.spec.person_number import MODULUS_11

DAYS_PER_YEAR = 365.25
AGE_MEAN, AGE_SD, AGE_HIGHEST = 71, 11, 97  # chronic disease in adults
WITHOUT_CHECK_DIGIT = 0.01  # numbers are issued without modulus 11 since 1 October 2007 (cpr.dk)


def birth_dates(events: np.ndarray, lowest_age: int, rng: np.random.Generator) -> np.ndarray:
    """Days of birth that make the persons at least `lowest_age` years old on their events."""
    low, high = ((age - AGE_MEAN) / AGE_SD for age in (lowest_age + 1, AGE_HIGHEST))
    ages = truncnorm.rvs(low, high, AGE_MEAN, AGE_SD, size=len(events), random_state=rng)
    return events - (ages * DAYS_PER_YEAR).astype("timedelta64[D]")


def person_numbers(born: np.ndarray, taken: Collection[str], rng: np.random.Generator) -> list[str]:
    """One CPR number per birth date, all different and none in `taken`; most satisfy modulus 11.

    Digit 7 is 0-3 for births before 2000 and 4 after (valid until 2036, CPR's own table).
    """
    numbers = [""] * len(born)
    used, waiting = set(taken), np.arange(len(born))
    while len(waiting):
        drawn = _draw(born[waiting], rng)
        for place, number in zip(waiting, drawn, strict=True):
            if number and number not in used:
                numbers[place] = number
                used.add(number)
        waiting = np.array([place for place in waiting if not numbers[place]], dtype=int)
    return numbers


def _draw(born: np.ndarray, rng: np.random.Generator) -> list[str | None]:
    """A number for each birth date; None where modulus 11 would need a tenth digit of 10."""
    days = pl.Series(born.astype("datetime64[D]"))
    front = days.dt.strftime("%d%m%y").to_list()
    seventh = np.where(days.dt.year().to_numpy() < 2000, rng.integers(0, 4, len(born)), 4)
    serial = rng.integers(0, 100, len(born))
    without = rng.random(len(born)) < WITHOUT_CHECK_DIGIT
    nine = [f"{f}{s}{n:02d}" for f, s, n in zip(front, seventh, serial, strict=True)]
    return [_with_check_digit(digits, bare) for digits, bare in zip(nine, without, strict=True)]


def _with_check_digit(nine: str, bare: bool) -> str | None:
    check = -sum(weight * int(digit) for weight, digit in zip(MODULUS_11, nine, strict=False)) % 11
    if bare:
        return f"{nine}{(check + 3) % 10}"
    return f"{nine}{check}" if check < 10 else None
