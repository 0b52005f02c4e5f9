"""The comparison itself, one variable at a time: its two columns are read, compared, counted and let go.

Most pairs say the same, and of these nothing more need be known than that. The rest is held against the rules: what
repeats (codes, answers) once for each combination of two cells, whatever the number of pairs, all else pair by pair.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.reconciliation.agreement import Level, levels
from pipelines.reconciliation.areas import Areas
from pipelines.reconciliation.cells import SIDES, Cells, Coding, cells_of, coding, same
from pipelines.reconciliation.compare import DISCREPANT, OUTCOMES, outcome, outcome_at_level
from pipelines.reconciliation.discrepancies import shown
from pipelines.reconciliation.numerals import Numerals, equals, numerals, scale_of
from pipelines.reconciliation.pairs import CHUNK, Pairs
from pipelines.reconciliation.shape import Side
from pipelines.spec.model import DatabaseSpec, Variable

AGREE = OUTCOMES.index("agree")
REPEATING = ("yes_no", "code", "sks", "text")
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
    spec: DatabaseSpec, sides: Mapping[str, Side], pairs: Pairs, areas: Areas, name: str, day: dt.date
) -> Compared:
    """Compare one variable of all pairs; what is counted is counted by the pairs' places and `areas`."""
    variable = spec.variables[name]
    cells = cells_of(spec, sides, name, day)
    found = coding(cells) if variable.type in REPEATING else None
    return _by_cell(variable, found, pairs, areas) if found else _by_pair(variable, cells, pairs, areas)


def _by_cell(variable: Variable, found: Coding, pairs: Pairs, areas: Areas) -> Compared:
    """What differs is compared once for each combination of two cells."""
    name, settled = found.cells.name, found.settled
    equal, others = np.zeros(len(areas.names) * found.size, dtype=np.int64), []
    for first, rows in _chunks(pairs):
        reported, new = (found.codes[side][rows[side]] for side in SIDES)
        agree = (reported == new) & settled[reported]
        equal += _cells_by_area(areas, pairs.place[first : first + CHUNK][agree], reported[agree], found.size)
        rest = np.flatnonzero(~agree)
        others.append((first + rest, reported[rest].astype(np.uint64) * np.uint64(found.size) + new[rest]))
    at, combination = (np.concatenate([part[n] for part in others] or [np.zeros(0, np.uint64)]) for n in (0, 1))
    at = at.astype(np.int64)
    every, which = np.unique(combination, return_inverse=True)
    table = found.at(every)
    outcomes = {level: np.asarray(column)[which] for level, column in _outcomes(name, variable, table).items()}
    counts = _all_agree(variable, pairs)
    _move(counts, pairs.place[at], outcomes)
    differs = np.flatnonzero(IS_DISCREPANT[outcomes[None]])
    shown_values = table.select(*_shown(name, variable)).select(pl.all().gather(which[differs]))
    tally = _tally(found, areas, equal, areas.of[pairs.place[at]], combination) if variable.type != "text" else None
    return Compared(name, counts, _differing(at[differs], outcomes[None][differs], shown_values), tally, None)


def _by_pair(variable: Variable, cells: Cells, pairs: Pairs, areas: Areas) -> Compared:
    """What differs is compared pair by pair."""
    name, marks = cells.name, cells.marks()
    counts, differing, seen = _all_agree(variable, pairs), [], []
    measured = variable.numeric or variable.type in ("date", "timestamp")
    scale = scale_of([cells.columns[side]["value"] for side in SIDES], len(pairs)) if variable.numeric else None
    for first, rows in _chunks(pairs):
        place = pairs.place[first : first + CHUNK]
        reported = marks["reported"][rows["reported"]]
        agree = same(reported, marks["new"][rows["new"]])
        rest = np.flatnonzero(~agree)
        frame = cells.at({side: of[rest] for side, of in rows.items()})
        outcomes = {level: column.to_numpy() for level, column in _outcomes(name, variable, frame).items()}
        _move(counts, place[rest], outcomes)
        at = np.flatnonzero(IS_DISCREPANT[outcomes[None]])
        differing.append(_differing(first + rest[at], outcomes[None][at], frame[at].select(_shown(name, variable))))
        if measured:
            seen.append(numerals(name, variable, frame.with_columns(area=pl.Series(areas.of[place[rest]])), scale))
            seen.append(equals(areas.of[place[agree]], reported[agree], scale))
        elif variable.type == "sks":
            whole = cells.at(rows).with_columns(area=pl.Series(areas.of[place]))
            seen.append(_settled(name, whole.group_by(whole.columns).agg(n=pl.len().cast(pl.Int64))))
    everything = pl.concat([_differing(np.zeros(0, int), np.zeros(0, np.uint8), NOTHING_SHOWN), *differing])
    if measured:
        return Compared(name, counts, everything, None, Numerals.together(seen, scale))
    return Compared(name, counts, everything, pl.concat(seen) if seen else None, None)


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


def _all_agree(variable: Variable, pairs: Pairs) -> dict[Level, np.ndarray]:
    """Pairs by place × outcome as if all agreed, from which those that do not are moved."""
    counts = np.zeros((len(pairs.places), len(OUTCOMES)), dtype=np.int64)
    counts[:, AGREE] = pairs.by_place
    return {level: counts.copy() for level in levels(variable)}


def _move(counts: dict[Level, np.ndarray], place: np.ndarray, outcomes: Mapping[Level, np.ndarray]) -> None:
    """Some pairs from *agree* to their outcome."""
    for level, column in outcomes.items():
        table = counts[level]
        cell = place.astype(np.int64) * len(OUTCOMES) + column
        table += np.bincount(cell, minlength=table.size).reshape(table.shape)
        table[:, AGREE] -= np.bincount(place, minlength=len(table))


def _cells_by_area(areas: Areas, place: np.ndarray, code: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(areas.of[place].astype(np.int64) * size + code, minlength=len(areas.names) * size)


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


def _tally(found: Coding, areas: Areas, equal: np.ndarray, area: np.ndarray, combination: np.ndarray) -> pl.DataFrame:
    """Pairs by area and the two cells: of equal ones by area and cell, of the others by area and combination."""
    (same_area, cell), square = np.divmod(np.flatnonzero(equal), found.size), np.uint64(found.size**2)
    keys, n = np.unique(area * square + combination, return_counts=True)
    other_area, other = np.divmod(keys, square)
    cells = found.at(np.concatenate([cell.astype(np.uint64) * np.uint64(found.size + 1), other]))
    counted = cells.with_columns(
        area=pl.Series(np.concatenate([same_area.astype(np.uint64), other_area])),
        n=pl.Series(np.concatenate([equal[equal > 0], n])),
    )
    return _settled(found.cells.name, counted)


def _settled(name: str, tally: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose variable may still change are told in no figure."""
    return tally.filter(~pl.col(f"{name}_pending")) if f"{name}_pending" in tally.columns else tally
