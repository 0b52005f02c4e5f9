"""From counted pairs of codes to cross tables: what was reported × what is new, one table a group."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.reconciliation.compare import normalised
from pipelines.spec.model import Variable

UNKNOWN = -1


def same_words(variable: Variable, reported: pl.Series, new: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Both sides in the words of the new one: what the specification calls another way of writing is equal.

    A recoding (`map`) turns a reported code into the new one, unless the two are equal already.
    """
    if variable.compare.map:
        recoded = reported.replace(variable.compare.map)
        reported = reported.zip_with((reported == new).fill_null(False), recoded)
    return _normalised(variable, reported), _normalised(variable, new)


def categories(variable: Variable, reported: pl.Series, new: pl.Series) -> list[str]:
    """The permitted codes in the specification's order, then those that occur besides, in alphabetical order.

    A yes/no variable has its two only, yes first.
    """
    domain = _normalised(variable, pl.Series(list(variable.domain), dtype=pl.String))
    permitted = domain.unique(maintain_order=True).to_list()
    if variable.type == "yes_no":
        return permitted
    return permitted + sorted({*reported.unique(), *new.unique()} - {*permitted, None})


def positions(values: pl.Series, among: list[str]) -> np.ndarray:
    """Each value's position among the categories, −1 where it is null or none of them."""
    return values.replace_strict(
        among, range(len(among)), default=UNKNOWN, return_dtype=pl.Int64
    ).fill_null(UNKNOWN).to_numpy()  # fmt: skip


def cross_tables(
    group: np.ndarray, reported: np.ndarray, new: np.ndarray, n: np.ndarray, groups: int, size: int
) -> np.ndarray:
    """Counts by group, position reported and position new (groups × size × size); a −1 does not count."""
    known = (group >= 0) & (reported != UNKNOWN) & (new != UNKNOWN)
    cells = (group[known] * size + reported[known]) * size + new[known]
    return np.bincount(cells, weights=n[known], minlength=groups * size * size).reshape(groups, size, size)


def _normalised(variable: Variable, codes: pl.Series) -> pl.Series:
    way = variable.compare.normalise
    return pl.select(normalised(pl.lit(codes), way)).to_series() if way else codes
