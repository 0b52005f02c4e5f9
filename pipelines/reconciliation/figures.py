"""figures.parquet: figures of agreement of every compared variable, for the country, regions and units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple

import numpy as np
import polars as pl

from pipelines.reconciliation.agreement import levels
from pipelines.reconciliation.agreement_of_categories import kappa, pabak, two_by_two, weighted_kappa
from pipelines.reconciliation.agreement_of_numbers import Differences, mean_difference, numbers
from pipelines.reconciliation.areas import Areas, Level
from pipelines.reconciliation.capture import chapman
from pipelines.reconciliation.cross_tables import categories, cross_tables, positions, same_words
from pipelines.reconciliation.intervals import NO_SPREAD, Figures
from pipelines.reconciliation.numerals import Numerals
from pipelines.reconciliation.variables import Compared
from pipelines.spec.model import Variable

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
# Cells of cross tables that are held at a time; code lists of thousands have large ones.
MOST_CELLS = 1 << 23


def figures_of(variable: Variable, compared: Compared, areas: Areas) -> pl.DataFrame:
    """One row per code level × place × figure of a variable, in the columns of figures.parquet (period null).

    Only pairs with both values count. What the specification accepts as another way of writing (map, normalise)
    is the same category here. Texts and timestamps have no figures, dates the mean difference in days.
    """
    parts = [_columns(*measured) for measured in _measured(variable, compared, areas) if measured[2]]
    if not parts:
        return pl.DataFrame(schema=SCHEMA)
    rows = {name: np.concatenate([part[name] for part in parts]).tolist() for name in parts[0]}
    rows |= {"variable": compared.name, "period": None}
    return _if_enough(pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.col("value", "low", "high").fill_nan(None)))


def _columns(code_level: str | None, level: Level, measured: list[Figures]) -> dict[str, np.ndarray]:
    """Figures of the groups of a level as columns: all of one place after another."""
    groups, each = len(level.places), len(measured)
    columns = {
        column: np.stack([getattr(figures, column) for figures in measured]).T.ravel()
        for column in ("value", "low", "high", "n", "reason")
    }
    columns["n"] = columns["n"].astype(np.int64)
    places = np.array(level.places, dtype=object).reshape(groups, 2).repeat(each, axis=0)
    names = {"region": places[:, 0], "unit": places[:, 1], "level": np.full(groups * each, code_level, dtype=object)}
    return columns | names | {"figure": np.tile([figures.figure for figures in measured], groups)}


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


def _if_enough(rows: pl.DataFrame) -> pl.DataFrame:
    few = pl.col("value").is_not_null() & (pl.col("n") < MINIMUM_PAIRS) & pl.col("figure").is_in(NEED_MANY)
    return rows.with_columns(
        *(pl.when(~few).then(column).alias(column) for column in ("value", "low", "high")),
        reason=pl.when(few).then(pl.lit(TOO_FEW)).otherwise("reason"),
    )


def _measured(
    variable: Variable, compared: Compared, areas: Areas
) -> Iterator[tuple[str | None, Level, list[Figures]]]:
    """The figures of a variable by its type; SKS codes whole (null) and at levels of their hierarchy."""
    if variable.numeric or variable.type == "date":
        for level in areas.levels:
            yield None, level, _of_numbers(variable, compared.numerals, level)
    elif compared.tally is not None:
        name, tally = compared.name, compared.tally
        words = same_words(variable, tally[f"{name}_reported"], tally[f"{name}_new"])
        for characters in levels(variable):
            sides = words if characters is None else tuple(side.str.head(characters) for side in words)
            among = categories(variable, *sides)
            cells = (*(positions(side, among) for side in sides), tally["n"].to_numpy())
            for level in areas.levels:
                group = level.of[tally["area"].to_numpy()]
                told = _of_codes(variable, group, cells, len(level.places), len(among))
                yield characters and str(characters), level, told


def _of_numbers(variable: Variable, numerals: Numerals, level: Level) -> list[Figures]:
    return of_two_series(numerals, level) if variable.numeric else [mean_difference(_differences(numerals, level))]


def of_two_series(numerals: Numerals, level: Level, multiplier: float = 1.96) -> list[Figures]:
    """Every figure of counted pairs of numbers, for each group of a level."""
    moments = _moments(_at(level, numerals.moments), numerals, len(level.places))
    return numbers(_differences(numerals, level), moments, multiplier)


def _differences(numerals: Numerals, level: Level) -> Differences:
    counted = _at(level, numerals.differences)
    return Differences.of(counted["group"], counted["difference"], counted["n"], len(level.places))


def _at(level: Level, counted: pl.DataFrame) -> pl.DataFrame:
    """The counts of areas with the group they belong to; areas outside the level are left out."""
    group = pl.Series("group", level.of[counted["area"].to_numpy()])
    return counted.with_columns(group).filter(pl.col("group") >= 0)


def _moments(counted: pl.DataFrame, numerals: Numerals, groups: int) -> dict[str, np.ndarray]:
    """Variances (divisor n) of both sides by group, and where a side has one value only."""
    sums = [pl.col("n", "x", "y", "xx", "yy").cast(pl.Int128).sum()]
    ends = [pl.col("x_min", "y_min").min(), pl.col("x_max", "y_max").max()]
    every = pl.DataFrame({"group": np.arange(groups)})
    found = every.join(counted.group_by("group").agg(*sums, *ends), on="group", how="left").sort("group")
    found = found.with_columns(pl.exclude("group").cast(pl.Float64).fill_null(0))
    n, scale = np.maximum(found["n"].to_numpy(), 1), numerals.scale
    variances = [
        found[f"{v}{v}"].to_numpy() * scale.step_of_squares / n - (found[v].to_numpy() * scale.step / n) ** 2
        for v in "xy"
    ]
    reach = [(found[f"{v}_max"] - found[f"{v}_min"]).to_numpy() for v in "xy"]
    return {
        "reported_variance": np.maximum(variances[0], 0),
        "new_variance": np.maximum(variances[1], 0),
        "constant": np.minimum(*reach) < NO_SPREAD,
    }


def _of_codes(
    variable: Variable, group: np.ndarray, cells: tuple[np.ndarray, ...], groups: int, size: int
) -> list[Figures]:
    """The figures of cross tables of `size` categories, as many tables at a time as there is room for."""
    step, parts = max(1, MOST_CELLS // max(size, 1) ** 2), []
    for first in range(0, groups, step):
        here = np.where((group >= first) & (group < first + step), group - first, -1)
        parts.append(_table_figures(variable, cross_tables(here, *cells, min(step, groups - first), size)))
    return [_joined([part[n] for part in parts]) for n in range(len(parts[0]))] if parts else []


def _joined(parts: list[Figures]) -> Figures:
    arrays = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("value", "low", "high", "n", "reason")
    )
    return Figures(parts[0].figure, *arrays)


def _table_figures(variable: Variable, tables: np.ndarray) -> list[Figures]:
    """Both sides of a pair say yes or no, so non-cases are known. Only permitted codes have a rank.

    Of a classification κ alone: it has no number of categories that chance could choose from.
    """
    if variable.type == "yes_no":
        return two_by_two(tables, frame_of_non_cases=True)
    if variable.type == "sks":
        return [kappa(tables)]
    ranked = len(variable.domain)
    by_rank = [weighted_kappa(tables[:, :ranked, :ranked])] if variable.ordinal else []
    return [kappa(tables), pabak(tables), *by_rank]
