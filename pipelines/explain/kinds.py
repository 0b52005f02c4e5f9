"""The kinds of causes, each a small object: what it looks like, its parameters, who mends it.

A suspicion is one way in which values of one variable may differ ("new is 1000 × reported"), with the pairs
that could show it (eligible) and those that do (hits). Whether it is a cause is decided by where its hits
lie (slices), never by the suspicion alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.slices import FEWEST_HITS
from pipelines.reconciliation.compare import EXACT
from pipelines.reconciliation.match import days_between
from pipelines.spec.model import Variable

# A factor nearer to 1 than this is a tolerance, not another unit.
SMALLEST_FACTOR_STEP = 0.05
# Ratios of values rounded on both sides scatter; within this share they are the same factor.
SAME_RATIO = 0.02
MOST_SUSPICIONS = 4  # of one family for one variable: the most frequent ones


@dataclass(frozen=True)
class Suspicion:
    """One way of differing: its hits among the eligible rows of `compared`."""

    kind: str
    variable: str
    parameters: dict[str, Any]
    eligible: np.ndarray = field(repr=False)
    hits: np.ndarray = field(repr=False)


def suspicions(name: str, variable: Variable, compared: pl.DataFrame, open_: np.ndarray) -> Iterator[Suspicion]:
    """Every suspicion about one variable; `open_` marks the discrepancies that no cause explains yet."""
    for family in _families(variable):
        yield from family(name, variable, compared, open_)


def _families(variable: Variable) -> list:
    by_type = {
        "decimal": [_factors, _offsets],
        "integer": [_factors, _offsets],
        "date": [_date_shifts],
        "timestamp": [_date_shifts],
        "yes_no": [_recodings],
        "code": [_recodings],
        "sks": [_recodings],
        "text": [],
    }
    return [*by_type[variable.type], _missing_in_new, _missing_in_reported]


def _both(name: str, compared: pl.DataFrame) -> np.ndarray:
    known = pl.col(f"{name}_reported").is_not_null() & pl.col(f"{name}_new").is_not_null()
    return compared.select(known).to_series().to_numpy()


def _numbers(name: str, compared: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return tuple(compared[f"{name}_{side}"].cast(pl.Float64).to_numpy() for side in ("reported", "new"))


def _factors(name: str, variable: Variable, compared: pl.DataFrame, open_: np.ndarray) -> Iterator[Suspicion]:
    """new ÷ reported is one constant: another unit of measurement."""
    reported, new = _numbers(name, compared)
    usable = _both(name, compared) & (np.nan_to_num(reported) != 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(usable, new / reported, np.nan)
    differing = open_ & usable & (ratio > 0) & (np.abs(ratio - 1) > SMALLEST_FACTOR_STEP)
    for centre in _modes(np.log(ratio[differing]), width=SAME_RATIO):
        factor = np.exp(centre)
        near = differing & (np.abs(ratio / factor - 1) <= SAME_RATIO)
        factor = tidy(float(np.median(ratio[near])))
        hits = differing & (np.abs(new - factor * reported) <= _rounding(new[near], factor, reported[near]))
        yield Suspicion("unit_factor", name, {"factor": factor}, usable, hits)


def _rounding(new: np.ndarray, factor: float, reported: np.ndarray) -> float:
    """Half a last digit on either side: what rounding alone can make two values in one ratio differ."""
    return _last_digit(new) * 0.5 + abs(factor) * _last_digit(reported) * 0.5 + EXACT


def _last_digit(values: np.ndarray) -> float:
    """The size of the last decimal that stands in `values`."""
    for decimals in range(4):
        if np.allclose(values, np.round(values, decimals), atol=EXACT, rtol=0):
            return 10.0**-decimals
    return 10.0**-4


def tidy(factor: float) -> float:
    """The factor to four digits, or the power of ten that it nearly is."""
    power = 10.0 ** round(np.log10(factor))
    return power if abs(factor / power - 1) < SAME_RATIO / 2 else float(f"{factor:.4g}")


def _offsets(name: str, variable: Variable, compared: pl.DataFrame, open_: np.ndarray) -> Iterator[Suspicion]:
    """new − reported is one constant."""
    reported, new = _numbers(name, compared)
    usable = _both(name, compared)
    difference = np.where(usable, new - reported, np.nan)
    for offset in _modes(difference[open_ & usable], width=1e-6):
        hits = open_ & usable & (np.abs(difference - offset) < 1e-6)
        yield Suspicion("constant_offset", name, {"offset": round(float(offset), 6)}, usable, hits)


def _date_shifts(name: str, variable: Variable, compared: pl.DataFrame, open_: np.ndarray) -> Iterator[Suspicion]:
    """All dates moved by one number of days."""
    usable = _both(name, compared)
    shift = compared.select(days_between(pl.col(f"{name}_reported"), pl.col(f"{name}_new"))).to_series()
    days = shift.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    for offset in _modes(days[open_ & usable & (days != 0)], width=0.5):
        hits = open_ & usable & (days == round(offset))
        yield Suspicion("date_shift", name, {"days": round(offset)}, usable, hits)


def _recodings(name: str, variable: Variable, compared: pl.DataFrame, open_: np.ndarray) -> Iterator[Suspicion]:
    """One reported code became one other new code, whatever the patient; eligible is who had that code."""
    usable = _both(name, compared)
    pairs = compared.select(reported=f"{name}_reported", new=f"{name}_new")
    moved = pairs.filter(pl.Series(open_ & usable)).group_by("reported", "new").len().sort("len", "reported", "new")
    for reported, new, n in reversed(moved.rows()):
        if n >= FEWEST_HITS:
            eligible = usable & (pairs["reported"] == reported).fill_null(False).to_numpy()
            hits = open_ & eligible & (pairs["new"] == new).fill_null(False).to_numpy()
            yield Suspicion("code_recoded", name, {"mapping": {reported: new}}, eligible, hits)


def _missing_in_new(name: str, variable: Variable, compared: pl.DataFrame, open_: np.ndarray) -> Iterator[Suspicion]:
    yield _missing(name, compared, open_, "missing_in_new", "reported", "new_missing")


def _missing_in_reported(
    name: str, variable: Variable, compared: pl.DataFrame, open_: np.ndarray
) -> Iterator[Suspicion]:
    yield _missing(name, compared, open_, "missing_in_reported", "new", "reported_missing")


def _missing(name: str, compared: pl.DataFrame, open_: np.ndarray, kind: str, filled: str, outcome: str) -> Suspicion:
    """Empty on the one side where the other is filled in."""
    eligible = compared[f"{name}_{filled}"].is_not_null().to_numpy()
    hits = open_ & (compared[f"{name}_outcome"] == outcome).to_numpy()
    return Suspicion(kind, name, {}, eligible, hits)


def _modes(values: np.ndarray, width: float) -> list[float]:
    """The most frequent values, where values within `width` are one; only those seen often enough."""
    values = values[np.isfinite(values)]
    if len(values) < FEWEST_HITS:
        return []
    bins, counts = np.unique(np.round(values / width), return_counts=True)
    often = np.argsort(-counts, kind="stable")[:MOST_SUSPICIONS]
    return [
        float(np.median(values[np.abs(values / width - bins[i]) <= 1])) for i in often if counts[i] >= FEWEST_HITS / 2
    ]
