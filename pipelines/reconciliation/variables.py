"""The comparison itself, one variable at a time: its two columns are read, compared, counted and let go.

What repeats (codes, answers) is compared once for each combination of two cells, whatever the number of pairs;
the rest pair by pair, a chunk at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.reconciliation.agreement import Level, levels
from pipelines.reconciliation.cells import SIDES, Cells, Coding, cells_of, coding
from pipelines.reconciliation.compare import DISCREPANT, OUTCOMES, outcome, outcome_at_level
from pipelines.reconciliation.discrepancies import shown
from pipelines.reconciliation.numerals import Numerals, numerals, scale_of
from pipelines.reconciliation.pairs import CHUNK, Pairs
from pipelines.reconciliation.shape import Side
from pipelines.spec.model import DatabaseSpec, Variable

IS_DISCREPANT = np.isin(OUTCOMES, DISCREPANT)


@dataclass(frozen=True)
class Compared:
    """What the comparison of a variable leaves.

    `counts`: level → pairs by place × outcome. `differing`: pair (its number in the index), kind (position among
    the outcomes), reported_value and new_value of each cell that differs. `tally`: pairs by area (place without
    its month) and the two cells, for variables of codes. `numerals`: the same for numbers, dates and times.
    """

    name: str
    counts: Mapping[Level, np.ndarray]
    differing: pl.DataFrame
    tally: pl.DataFrame | None
    numerals: Numerals | None


def compare_variable(
    spec: DatabaseSpec, sides: Mapping[str, Side], pairs: Pairs, areas: np.ndarray, name: str, day: dt.date
) -> Compared:
    """Compare one variable of all pairs; `areas` has the area of each place."""
    variable = spec.variables[name]
    cells = cells_of(spec, sides, name, day)
    found = coding(cells) if variable.categorical or variable.type == "sks" else None
    if found:
        del cells
        return _by_combination(variable, found, pairs, areas)
    return _by_pair(variable, cells, pairs, areas)


def _by_combination(variable: Variable, found: Coding, pairs: Pairs, areas: np.ndarray) -> Compared:
    name = found.cells.name
    table = found.at(np.arange(found.size**2, dtype=np.uint32))
    outcomes = {level: np.asarray(column) for level, column in _outcomes(name, variable, table).items()}
    counts, differing, tallies = _no_counts(variable, pairs), [], []
    for first, rows in _chunks(pairs):
        combination = found.combinations(rows)
        place = pairs.place[first : first + CHUNK]
        for level, column in outcomes.items():
            counts[level] += _counted(place, column[combination], len(pairs.places))
        at = np.flatnonzero(IS_DISCREPANT[outcomes[None][combination]])
        differing.append((first + at, combination[at]))
        tallies.append(np.unique(areas[place] * np.uint64(found.size**2) + combination, return_counts=True))
    at, combination = (np.concatenate([part[n] for part in differing] or [np.zeros(0, int)]) for n in (0, 1))
    kinds = outcomes[None][combination]
    shown_values = table.select(*_shown(name, variable)).select(pl.all().gather(combination))
    return Compared(name, counts, _differing(at, kinds, shown_values), _tally(found, tallies), None)


def _by_pair(variable: Variable, cells: Cells, pairs: Pairs, areas: np.ndarray) -> Compared:
    name = cells.name
    counts, differing, seen = _no_counts(variable, pairs), [], []
    measured = variable.numeric or variable.type in ("date", "timestamp")
    scale = scale_of([cells.columns[side]["value"] for side in SIDES], len(pairs)) if variable.numeric else None
    for first, rows in _chunks(pairs):
        frame = cells.at(rows)
        place = pairs.place[first : first + CHUNK]
        outcomes = _outcomes(name, variable, frame)
        for level, column in outcomes.items():
            counts[level] += _counted(place, column.to_numpy(), len(pairs.places))
        kinds = outcomes[None].to_numpy()
        at = np.flatnonzero(IS_DISCREPANT[kinds])
        differing.append(_differing(first + at, kinds[at], frame[at].select(_shown(name, variable))))
        frame = frame.with_columns(area=pl.Series(areas[place]))
        seen.append(numerals(name, variable, frame, scale) if measured else _tallied(name, variable, frame))
    everything = pl.concat([_differing(np.zeros(0, int), np.zeros(0, np.uint8), NOTHING_SHOWN), *differing])
    if measured:
        return Compared(name, counts, everything, None, Numerals.together(seen, scale))
    return Compared(name, counts, everything, pl.concat(seen) if seen and variable.type == "sks" else None, None)


def _chunks(pairs: Pairs) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    for first in range(0, len(pairs), CHUNK):
        yield first, {side: pairs.rows(side)[first : first + CHUNK] for side in SIDES}


def _outcomes(name: str, variable: Variable, frame: pl.DataFrame) -> dict[Level, pl.Series]:
    """The outcome of each row as its position among OUTCOMES, of the whole value and at each code level."""
    whole = frame.select(outcome(name, variable, frame.schema)).to_series()
    frame = frame.with_columns(_whole=whole)
    at_level = {
        level: frame.select(outcome_at_level(name, pl.col("_whole"), level)).to_series()
        for level in levels(variable)
        if level
    }
    return {level: column.to_physical() for level, column in ({None: whole} | at_level).items()}


def _no_counts(variable: Variable, pairs: Pairs) -> dict[Level, np.ndarray]:
    return {level: np.zeros((len(pairs.places), len(OUTCOMES)), dtype=np.int64) for level in levels(variable)}


def _counted(place: np.ndarray, outcomes: np.ndarray, places: int) -> np.ndarray:
    cell = place * np.uint32(len(OUTCOMES)) + outcomes
    return np.bincount(cell, minlength=places * len(OUTCOMES)).reshape(places, len(OUTCOMES))


NOTHING_SHOWN = pl.DataFrame(schema={"reported_value": pl.String, "new_value": pl.String})


def _shown(name: str, variable: Variable) -> list[pl.Expr]:
    return [shown(name, variable, side).alias(f"{side}_value") for side in SIDES]


def _differing(at: np.ndarray, kinds: np.ndarray, values: pl.DataFrame) -> pl.DataFrame:
    return values.select(
        pl.Series("pair", at.astype(np.uint32)),
        pl.Series("kind", kinds.astype(np.uint8)),
        "reported_value",
        "new_value",
    )


def _tally(found: Coding, tallies: list[tuple[np.ndarray, np.ndarray]]) -> pl.DataFrame:
    """Pairs by area and combination, with the cells behind them."""
    keys, n = (np.concatenate([part[at] for part in tallies] or [np.zeros(0, np.uint64)]) for at in (0, 1))
    area, combination = np.divmod(keys, np.uint64(found.size**2))
    cells = found.at(combination.astype(np.uint32))
    return _settled(found.cells.name, cells.with_columns(area=pl.Series(area), n=pl.Series(n.astype(np.int64))))


def _tallied(name: str, variable: Variable, frame: pl.DataFrame) -> pl.DataFrame | None:
    if variable.type != "sks":
        return None
    return _settled(name, frame.group_by(frame.columns).agg(n=pl.len().cast(pl.Int64)))


def _settled(name: str, tally: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose variable may still change are told in no figure."""
    return tally.filter(~pl.col(f"{name}_pending")) if f"{name}_pending" in tally.columns else tally
