"""Agreement on a category: the figures of a cross table.

A cross table counts pairs, reported in rows × new in columns, the same categories in the same order; in a
2×2 table the positive category comes first. A figure that is undefined is null with its reason, never 0
or 1. Intervals are at 95 %.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa

from pipelines.reconciliation.intervals import (
    NO_INTERVAL,
    NO_PAIRS,
    Figure,
    Z,
    around,
    clopper_pearson,
    undefined,
    wilson,
)

ONE_CATEGORY = "one category only"


def kappa(table: np.ndarray, null_variance: bool = False) -> Figure:
    """Cohen's κ (1960): agreement beyond what the two sides' own shares of categories give by chance.

    Interval: ± z standard errors by Fleiss, Cohen & Everitt (1969), cut at −1 and 1; none where no pair
    differs or a side does not vary. With `null_variance` the standard error is the one that holds where
    κ is 0 (that of its test; some programs print it). Undefined where both sides have every pair in one
    and the same category; 0 where one side has one only. The figure is `statsmodels…cohens_kappa`.
    """
    return _kappa("kappa", table, 1 - np.eye(len(table)), null_variance)


def weighted_kappa(table: np.ndarray, disagreement: ArrayLike | None = None) -> Figure:
    """Cohen's weighted κ (1968): a disagreement counts by how far apart the categories are.

    Linear weights (the number of steps between two categories) unless a matrix of `disagreement` weights is
    given. Linear, because κ by quadratic weights grows with the number of categories (Brenner & Kliebsch,
    Epidemiology 1996;7:199-202). Interval and undefined as for `kappa`.
    """
    steps = np.arange(len(table))
    weights = np.abs(steps[:, None] - steps) if disagreement is None else np.asarray(disagreement)
    return _kappa("weighted_kappa", table, weights)


def _kappa(figure: str, table: np.ndarray, weights: np.ndarray, null_variance: bool = False) -> Figure:
    n = int(table.sum())
    if n == 0:
        return undefined(figure, n, NO_PAIRS)
    by_chance = weights * np.outer(table.sum(axis=1), table.sum(axis=0))
    if by_chance.sum() == 0:
        return undefined(figure, n, ONE_CATEGORY)
    # statsmodels also gives z, not used here, and for it divides by a null variance that may be 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        result = cohens_kappa(table, weights=weights)
    variance = result.var_kappa0 if null_variance else result.var_kappa
    half = Z * np.sqrt(max(variance, 0)) if _varies(table, weights) else 0.0
    return Figure(figure, float(result.kappa), *around(float(result.kappa), half, within=1), n)


def _varies(table: np.ndarray, weights: np.ndarray) -> bool:
    """Some pair differs and each side uses several categories; else the variance is 0 but for rounding."""
    categories_used = [np.count_nonzero(table.sum(axis=axis)) for axis in (0, 1)]
    return bool((weights * table).any()) and min(categories_used) > 1


def pabak(table: np.ndarray) -> Figure:
    """Prevalence and bias adjusted κ: (k · agreement − 1) ÷ (k − 1) for k categories.

    Byrt, Bishop & Carlin, J Clin Epidemiol 1993;46:423-429; for more than two categories Brennan & Prediger
    (1981). The interval is the exact one of the agreement, on the same scale (as in epiR).
    """
    n, categories = int(table.sum()), len(table)
    if n == 0 or categories < 2:
        return undefined("pabak", n, NO_PAIRS if n == 0 else ONE_CATEGORY)
    agree = int(np.trace(table))
    shares = (agree / n, *clopper_pearson(agree, n))
    return Figure("pabak", *((categories * share - 1) / (categories - 1) for share in shares), n)


def prevalence_index(table: np.ndarray) -> Figure:
    """(both positive − both negative) ÷ n of a 2×2 table; far from 0, κ is low however well the sides agree.

    Byrt, Bishop & Carlin (1993). A description, without an interval.
    """
    (both, _), (_, neither) = table
    return _index("prevalence_index", both - neither, table)


def bias_index(table: np.ndarray) -> Figure:
    """(positive in reported only − in new only) ÷ n of a 2×2 table; above 0, reported says it more often.

    Byrt, Bishop & Carlin (1993), whose sign it keeps: the opposite of new − reported.
    """
    (_, reported_only), (new_only, _) = table
    return _index("bias_index", reported_only - new_only, table)


def _index(figure: str, difference: int, table: np.ndarray) -> Figure:
    n = int(table.sum())
    return Figure(figure, float(difference / n), *NO_INTERVAL, n) if n else undefined(figure, n, NO_PAIRS)


def positive_agreement(table: np.ndarray) -> Figure:
    """2 · both positive ÷ (reported positive + new positive) of a 2×2 table (Cicchetti & Feinstein 1990)."""
    return _specific_agreement("positive_agreement", table, "no positive")


def negative_agreement(table: np.ndarray) -> Figure:
    """2 · both negative ÷ (reported negative + new negative) of a 2×2 table (Cicchetti & Feinstein 1990)."""
    return _specific_agreement("negative_agreement", table[::-1, ::-1], "no negative")


def _specific_agreement(figure: str, table: np.ndarray, reason: str) -> Figure:
    """With q = both ÷ (both + either alone) the figure is 2q ÷ (1 + q), Dice's coefficient from Jaccard's.

    The one rises with the other, so the ends of q's Wilson interval carry over.
    `n` is the number of pairs in which at least one side says it.
    """
    (both, reported_only), (new_only, _) = table
    n = int(both + reported_only + new_only)
    if n == 0:
        return undefined(figure, n, reason)
    shares = (float(both / n), *wilson(int(both), n))
    return Figure(figure, *(2 * share / (1 + share) for share in shares), n)


def mcnemar_p(table: np.ndarray) -> Figure:
    """McNemar's exact p: do the differing pairs of a 2×2 table lean to one side? `n` is their number.

    The figure is `statsmodels…mcnemar(exact=True)`. Undefined where no pair differs.
    """
    n = int(table.sum() - np.trace(table))
    if n == 0:
        return undefined("mcnemar_p", n, "no pair differs")
    return Figure("mcnemar_p", float(mcnemar(table, exact=True).pvalue), *NO_INTERVAL, n)


def sensitivity(table: np.ndarray) -> Figure:
    """Of those reported positive, the share positive in new: sensitivity *against KIP*, not the truth."""
    return _share("sensitivity", table[0, 0], table[0].sum(), "no reported positive")


def specificity(table: np.ndarray) -> Figure:
    """Of those reported negative, the share that is negative in new: specificity against KIP."""
    return _share("specificity", table[1, 1], table[1].sum(), "no reported negative")


def ppv(table: np.ndarray) -> Figure:
    """Of those positive in new, the share that is reported positive: predictive value against KIP."""
    return _share("ppv", table[0, 0], table[:, 0].sum(), "no new positive")


def npv(table: np.ndarray) -> Figure:
    """Of those negative in new, the share that is reported negative: predictive value against KIP."""
    return _share("npv", table[1, 1], table[:, 1].sum(), "no new negative")


def _share(figure: str, count: int, of: int, reason: str) -> Figure:
    count, of = int(count), int(of)
    return Figure(figure, count / of, *wilson(count, of), of) if of else undefined(figure, of, reason)


def two_by_two(table: np.ndarray, frame_of_non_cases: bool = False) -> list[Figure]:
    """Every figure of a yes/no table, positive first.

    Specificity and negative predictive value only with a `frame_of_non_cases`: registers of events know
    who has one, and count those without only where somebody has listed them.
    """
    whole: list[Callable[[np.ndarray], Figure]] = [
        kappa, pabak, prevalence_index, bias_index, positive_agreement, negative_agreement, mcnemar_p,
        sensitivity, ppv,
    ]  # fmt: skip
    non_cases = [specificity, npv] if frame_of_non_cases else []
    return [figure(table) for figure in (*whole, *non_cases)]
