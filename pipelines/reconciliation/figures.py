"""figures.parquet: figures of agreement of every compared variable, for the country, regions and units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from functools import partial

import numpy as np
import polars as pl

from pipelines.reconciliation.agreement import CODE_LEVELS
from pipelines.reconciliation.agreement_of_categories import kappa, pabak, two_by_two, weighted_kappa
from pipelines.reconciliation.agreement_of_numbers import mean_difference, numbers
from pipelines.reconciliation.capture import chapman
from pipelines.reconciliation.cross_tables import (
    categories,
    cross_table,
    positions,
    same_words,
    table_of_occurring,
)
from pipelines.reconciliation.intervals import Figure
from pipelines.reconciliation.rollup import LEVELS
from pipelines.spec.model import DatabaseSpec, Variable

_TEXTS = ("variable", "region", "unit", "period", "level", "figure")
SCHEMA = {
    **dict.fromkeys(_TEXTS, pl.String), **dict.fromkeys(("value", "low", "high"), pl.Float64),
    "n": pl.Int64, "reason": pl.String,
}  # fmt: skip

# Below ten pairs one pair more or less swings these from end to end, and the normal approximation behind
# their intervals does not hold. Shares stand at any n: their Wilson and exact intervals say how little it is.
MINIMUM_PAIRS = 10
NEED_MANY = ("kappa", "weighted_kappa", "loa_low", "loa_high", "p2_5", "p97_5", "ccc")
TOO_FEW = "too few pairs"

# The figures of the pairs in these rows.
Measure = Callable[[np.ndarray], list[Figure]]


@dataclass(frozen=True)
class Group:
    """The pairs of one place, by their row numbers; null region and unit are the whole country."""

    region: str | None
    unit: str | None
    rows: np.ndarray


def figures_of(spec: DatabaseSpec, pairs: pl.DataFrame) -> pl.DataFrame:
    """One row per variable × code level × place × figure, in the columns of figures.parquet (period null).

    `pairs` has one row per comparable pair: region, unit, and `v_reported`, `v_new` for each compared
    variable v (null where a value is missing; only pairs with both count). What the specification accepts as
    another way of writing (map, normalise) is the same category here. Texts and timestamps have no figures,
    dates the mean difference in days.
    """
    groups = _groups(pairs)
    rows = [
        (name, group.region, group.unit, None, level, *astuple(_if_enough(figure)))
        for name, variable in spec.compared.items()
        for level, measure in _measures(name, variable, pairs)
        for group in groups
        for figure in measure(group.rows)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def estimated_totals(coverage: pl.DataFrame) -> pl.DataFrame:
    """Chapman's estimate of all courses per place, from the whole-time rows of coverage.parquet.

    In the columns of figures.parquet, variable null.
    """
    whole_time = coverage.filter(pl.col("period").is_null())
    rows = [
        (None, region, unit, None, None, *astuple(chapman(*counts)))
        for region, unit, *counts in whole_time.select("region", "unit", "reported", "new", "both").rows()
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _groups(pairs: pl.DataFrame) -> list[Group]:
    """The country, each region and each unit; a pair without a region counts in the country only."""
    places = pairs.select("region", "unit").with_row_index("row")
    country = Group(None, None, np.arange(pairs.height))
    levels = [list(by) for by in LEVELS if by and "period" not in by]
    return [country, *(group for by in levels for group in _at_level(places, by))]


def _at_level(places: pl.DataFrame, by: list[str]) -> Iterator[Group]:
    grouped = places.drop_nulls(by).group_by(by).agg("row").sort(by)
    for place in grouped.iter_rows(named=True):
        yield Group(place["region"], place.get("unit"), np.array(place["row"]))


def _if_enough(figure: Figure) -> Figure:
    if figure.value is None or figure.n >= MINIMUM_PAIRS or figure.figure not in NEED_MANY:
        return figure
    return replace(figure, value=None, low=None, high=None, reason=TOO_FEW)


def _measures(name: str, variable: Variable, pairs: pl.DataFrame) -> list[tuple[str | None, Measure]]:
    """How a variable is measured, by its type; SKS codes whole (null) and at levels of their hierarchy."""
    reported, new = pairs[f"{name}_reported"], pairs[f"{name}_new"]
    if variable.numeric:
        return [(None, partial(_of_numbers, _floats(reported), _floats(new)))]
    if variable.type == "date":
        return [(None, partial(_of_days, _floats(reported.to_physical()), _floats(new.to_physical())))]
    if variable.categorical:
        return [(None, _of_categories(variable, *same_words(variable, reported, new)))]
    if variable.type == "sks":
        whole = same_words(variable, reported, new)
        at_level = [(str(n), _of_codes(*(side.str.head(n) for side in whole))) for n in CODE_LEVELS]
        return [(None, _of_codes(*whole)), *at_level]
    return []


def _of_numbers(reported: np.ndarray, new: np.ndarray, rows: np.ndarray) -> list[Figure]:
    return numbers(reported[rows], new[rows])


def _of_days(reported: np.ndarray, new: np.ndarray, rows: np.ndarray) -> list[Figure]:
    days = new[rows] - reported[rows]
    return [mean_difference(np.sort(days[~np.isnan(days)]))]


def _of_categories(variable: Variable, reported: pl.Series, new: pl.Series) -> Measure:
    among = categories(variable, reported, new)
    reported_at, new_at = positions(reported, among), positions(new, among)
    return lambda rows: _table_figures(variable, cross_table(reported_at[rows], new_at[rows], len(among)))


def _table_figures(variable: Variable, table: np.ndarray) -> list[Figure]:
    """Both sides of a pair say yes or no, so non-cases are known. Only permitted codes have a rank."""
    if variable.type == "yes_no":
        return two_by_two(table, frame_of_non_cases=True)
    ranked = len(variable.domain)
    by_rank = [weighted_kappa(table[:ranked, :ranked])] if variable.ordinal else []
    return [kappa(table), pabak(table), *by_rank]


def _of_codes(reported: pl.Series, new: pl.Series) -> Measure:
    """κ alone: a classification has no number of categories that chance could choose from."""
    among = pl.concat([reported, new]).unique().drop_nulls().sort().to_list()
    reported_at, new_at = positions(reported, among), positions(new, among)
    return lambda rows: [kappa(table_of_occurring(reported_at[rows], new_at[rows]))]


def _floats(values: pl.Series) -> np.ndarray:
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()
