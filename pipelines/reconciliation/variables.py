"""The comparison itself, one variable at a time.

Most pairs say the same, and of these nothing more need be known than that. The rest is held against the rules: what
repeats (codes, answers) once for each combination of two cells, whatever the number of pairs, all else pair by pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.reconciliation.agreement import Level, levels
from pipelines.reconciliation.areas import Areas
from pipelines.reconciliation.cells import Cells, Coding, same
from pipelines.reconciliation.compare import DISCREPANT, OUTCOMES, outcome, outcome_at_level
from pipelines.reconciliation.discrepancies import shown
from pipelines.reconciliation.numerals import Equals, Numerals, measured, numerals, scale_of
from pipelines.reconciliation.pairs import CHUNK, Pairs
from pipelines.reconciliation.places import numbered as occurring
from pipelines.reconciliation.shape import SIDES
from pipelines.reconciliation.words import repeats
from pipelines.spec.model import Variable

AGREE = OUTCOMES.index("agree")
BLOCK = 1 << 16
IS_DISCREPANT = np.isin(OUTCOMES, DISCREPANT)


@dataclass(frozen=True)
class Compared:
    """What the comparison of a variable leaves.

    `counts`: level → pairs by place × outcome. `differing`: pair (its number in the index), kind (position among
    the outcomes), reported_value and new_value (text, or an Enum of it) of each cell that differs. `tally`: pairs by
    area (region and unit) and the two cells, for variables of codes. `numerals`: the same for numbers, dates and times.
    """

    name: str
    counts: Mapping[Level, np.ndarray]
    differing: pl.DataFrame
    tally: pl.DataFrame | None
    numerals: Numerals | None


def compare_variable(variable: Variable, cells: Cells | Coding, pairs: Pairs, areas: Areas) -> Compared:
    """Compare one variable of all pairs; what is counted is counted by the pairs' places and `areas`."""
    return (_by_cell if isinstance(cells, Coding) else _by_pair)(variable, cells, pairs, areas)


def _by_cell(variable: Variable, found: Coding, pairs: Pairs, areas: Areas) -> Compared:
    """What differs is compared once for each combination of two cells."""
    equal, at, combination = _counted(found, pairs, areas)
    every, which = occurring(combination, found.size**2)
    table = found.at(every)
    outcomes = {level: column.to_numpy()[which] for level, column in _outcomes(found.name, variable, table).items()}
    counts = _all_agree(variable, pairs)
    _move(counts, pairs.place[at], outcomes)
    differs = np.flatnonzero(IS_DISCREPANT[outcomes[None]])
    shown_values = _as_words(table.select(*_shown(found.name, variable))).select(pl.all().gather(which[differs]))
    differing = _differing(at[differs], outcomes[None][differs], shown_values)
    tally = _tally(found, equal, areas.each[at], combination) if variable.type != "text" else None
    if not measured(variable):
        return Compared(found.name, counts, differing, tally, None)
    scale = scale_of([found.cells.columns["new"]["value"]], len(pairs)) if variable.numeric else None
    return Compared(found.name, counts, differing, None, numerals(found.name, variable, tally, scale))


def _counted(found: Coding, pairs: Pairs, areas: Areas) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many pairs have one and the same cell, by area and cell; the others' numbers, and their two cells."""
    size, settled = np.intp(found.size), found.settled
    equal, others = np.zeros(len(areas.names) * size, np.int64), [(*NO_PAIRS, NO_PAIRS[0])]
    for first, area, rows in _blocks(pairs, areas, len(equal)):
        reported, new = (found.codes[side].take(rows[side], mode="clip") for side in SIDES)
        rest = np.flatnonzero((reported != new) | ~settled.take(reported, mode="clip"))
        cell = area * size
        cell += reported
        equal += np.bincount(cell, minlength=len(equal))
        others.append((first + rest, reported.take(rest) * size + new.take(rest), cell.take(rest)))
    at, combination, cell = (np.concatenate(part) for part in zip(*others, strict=True))
    return equal - np.bincount(cell, minlength=len(equal)), at, combination


def _by_pair(variable: Variable, cells: Cells, pairs: Pairs, areas: Areas) -> Compared:
    """What differs is compared pair by pair."""
    name, counts = cells.name, _all_agree(variable, pairs)
    scale = scale_of([cells.columns[side]["value"] for side in SIDES], len(pairs)) if variable.numeric else None
    equals = Equals(len(areas.names), scale) if measured(variable) else None
    differing, seen = [_differing(*NO_PAIRS, NOTHING_SHOWN)], []
    for at, frame in _other_pairs(cells, pairs, areas, equals):
        outcomes = {level: column.to_numpy() for level, column in _outcomes(name, variable, frame).items()}
        _move(counts, pairs.place[at], outcomes)
        differs = np.flatnonzero(IS_DISCREPANT[outcomes[None]])
        shown_values = frame[differs].select(_shown(name, variable))
        differing.append(_differing(at[differs], outcomes[None][differs], shown_values))
        if measured(variable):
            seen.append(numerals(name, variable, _with_areas(frame, areas, at), scale))
    tally = None if measured(variable) or variable.type == "text" else _tallied(name, cells, pairs, areas)
    together = Numerals.together([*seen, equals.numerals()], scale) if equals else None
    return Compared(name, counts, _as_words(pl.concat(differing)), tally, together)


def _other_pairs(
    cells: Cells, pairs: Pairs, areas: Areas, equals: Equals | None
) -> Iterator[tuple[np.ndarray, pl.DataFrame]]:
    """The pairs whose cells are not one and the same, with these, some at a time; `equals` is told the others."""
    marks, others = cells.marks(), [NO_PAIRS[0]]
    for first, area, rows in _blocks(pairs, areas):
        reported, new = (marks[side].take(rows[side], mode="clip") for side in SIDES)
        agree = same(reported, new)
        others.append(first + np.flatnonzero(~agree))
        if equals:
            equals.add(area[agree], reported[agree])
    rest = np.concatenate(others)
    for first in range(0, len(rest), CHUNK):
        at = rest[first : first + CHUNK]
        yield at, cells.at({side: pairs.rows(side)[at] for side in SIDES})


def _blocks(pairs: Pairs, areas: Areas, counted: int = 0) -> Iterator[tuple[int, np.ndarray, dict[str, np.ndarray]]]:
    """Some pairs at a time, so few that what is made of them stays in the processor's cache, but not many fewer than
    what they are `counted` by: the number of the first, their areas and rows."""
    size, rows = min(max(BLOCK, counted), CHUNK), {side: pairs.rows(side) for side in SIDES}
    for first in range(0, len(pairs), size):
        here = slice(first, first + size)
        yield first, areas.each[here], {side: rows[side][here].astype(np.intp) for side in SIDES}


def _with_areas(frame: pl.DataFrame, areas: Areas, at: np.ndarray | slice) -> pl.DataFrame:
    """The cells of some pairs with their areas, each pair counted once."""
    return frame.with_columns(area=pl.Series(areas.each[at], dtype=pl.UInt64), n=pl.lit(1, pl.Int64))


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


NO_PAIRS = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
NOTHING_SHOWN = pl.DataFrame(schema={"reported_value": pl.String, "new_value": pl.String})


def _shown(name: str, variable: Variable) -> list[pl.Expr]:
    return [shown(name, variable, side).alias(f"{side}_value") for side in SIDES]


def _as_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Values that recur as positions in a list of words: millions of them stay in memory until they are written."""
    return frame.with_columns(
        values.cast(pl.Enum(words))
        for values in frame.select("reported_value", "new_value").get_columns()
        if repeats(values) and len(words := values.drop_nulls().unique().sort())
    )


def _differing(at: np.ndarray, kinds: np.ndarray, values: pl.DataFrame) -> pl.DataFrame:
    return values.select(
        pl.Series("pair", at.astype(np.uint32)),
        pl.Series("kind", kinds.astype(np.uint8)),
        "reported_value",
        "new_value",
    )


def _tally(found: Coding, equal: np.ndarray, area: np.ndarray, combination: np.ndarray) -> pl.DataFrame:
    """Pairs by area and the two cells: of equal ones by area and cell, of the others by area and combination."""
    (same_area, cell), square = np.divmod(np.flatnonzero(equal), found.size), found.size**2
    keys, n = np.unique(area * np.int64(square) + combination, return_counts=True)
    other_area, other = np.divmod(keys, square)
    counted = found.at(np.concatenate([cell * (found.size + 1), other])).with_columns(
        area=pl.Series(np.concatenate([same_area, other_area]).astype(np.uint64)),
        n=pl.Series(np.concatenate([equal[equal > 0], n])),
    )
    return _settled(found.name, counted)


def _tallied(name: str, cells: Cells, pairs: Pairs, areas: Areas) -> pl.DataFrame:
    """The same where too many different codes occur to number them."""
    parts = [_with_areas(cells.at({side: np.zeros(0, np.uint32) for side in SIDES}), areas, slice(0))]
    for first in range(0, len(pairs), CHUNK):
        here = slice(first, first + CHUNK)
        frame = _with_areas(cells.at({side: pairs.rows(side)[here] for side in SIDES}), areas, here)
        parts.append(frame.group_by(pl.exclude("n")).agg(pl.col("n").sum()))
    return _settled(name, pl.concat(parts))


def _settled(name: str, tally: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose variable may still change are told in no figure."""
    return tally.filter(~pl.col(f"{name}_pending")) if f"{name}_pending" in tally.columns else tally
