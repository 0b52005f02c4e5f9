"""The figures of one table or one series, as numbers: the engine's own functions give those of many groups."""

from __future__ import annotations

import numpy as np
import polars as pl
from small_sides import small_spec

from pipelines.reconciliation import agreement_of_categories
from pipelines.reconciliation import agreement_of_numbers as of_numbers
from pipelines.reconciliation.areas import Level
from pipelines.reconciliation.figures import of_two_series
from pipelines.reconciliation.intervals import Figure
from pipelines.reconciliation.numerals import Numerals, numerals, scale_of


def alone(name: str):
    """A figure of cross tables, of one table: its numbers are then numbers and not arrays."""
    figure = getattr(agreement_of_categories, name)

    def of_one(table, *args, **said):
        found = figure(table, *args, **said)
        return found.each()[0] if name != "two_by_two" else [one.each()[0] for one in found]

    return of_one


def differing(difference) -> of_numbers.Differences:
    """One group of differences."""
    return of_numbers.Differences.of(np.zeros(len(difference), int), difference, np.ones(len(difference)), 1)


def mean_difference(difference):
    return of_numbers.mean_difference(differing(difference)).each()[0]


def limits_of_agreement(difference, multiplier=1.96):
    return [figure.each()[0] for figure in of_numbers.limits_of_agreement(differing(difference), multiplier)]


def numbers(reported, new, multiplier=1.96) -> list[Figure]:
    """Two series of numbers as the engine counts them."""
    cells = pl.DataFrame({"x_reported": reported, "x_new": new}, schema={"x_reported": pl.Float64, "x_new": pl.Float64})
    scale = scale_of([cells["x_reported"], cells["x_new"]], len(cells))
    spec = small_spec({"x": {"type": "decimal"}})
    cells = cells.with_columns(area=pl.lit(0, pl.UInt64), n=pl.lit(1, pl.Int64))
    seen = Numerals.together([numerals("x", spec.variables["x"], cells, scale)], scale)
    country = Level([(None, None)], np.zeros(1, int))
    return [figure.each()[0] for figure in of_two_series(seen, country, multiplier)]


def ccc(reported, new) -> Figure:
    return numbers(reported, new)[-1]


bias_index = alone("bias_index")
kappa = alone("kappa")
mcnemar_p = alone("mcnemar_p")
negative_agreement = alone("negative_agreement")
npv = alone("npv")
pabak = alone("pabak")
positive_agreement = alone("positive_agreement")
ppv = alone("ppv")
prevalence_index = alone("prevalence_index")
sensitivity = alone("sensitivity")
specificity = alone("specificity")
two_by_two = alone("two_by_two")
weighted_kappa = alone("weighted_kappa")
