"""Agreement on a category: the figures of cross tables, of many groups at a time.

A cross table counts pairs, reported in rows × new in columns, the same categories in the same order; in a
2×2 table the positive category comes first. `tables` has the shape (…, k, k), and a figure the shape (…).
A figure that is undefined is NaN with its reason, never 0 or 1. Intervals are at 95 %.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from pipelines.reconciliation.intervals import Figures, Z, around, clopper_pearson_bounds, figures, wilson_bounds


def kappa(tables: np.ndarray, null_variance: bool = False) -> Figures:
    """Cohen's κ (1960): agreement beyond what the two sides' own shares of categories give by chance.

    Interval: ± z standard errors by Fleiss, Cohen & Everitt (1969), cut at −1 and 1; none where no pair
    differs or a side does not vary. With `null_variance` the standard error is the one that holds where
    κ is 0 (that of its test; some programs print it). Undefined where both sides have every pair in one
    and the same category; 0 where one side has one only.
    """
    return _kappa("kappa", tables, 1 - np.eye(np.shape(tables)[-1]), null_variance)


def weighted_kappa(tables: np.ndarray, disagreement: ArrayLike | None = None) -> Figures:
    """Cohen's weighted κ (1968): a disagreement counts by how far apart the categories are.

    Linear weights (the number of steps between two categories) unless a matrix of `disagreement` weights is
    given. Linear, because κ by quadratic weights grows with the number of categories (Brenner & Kliebsch,
    Epidemiology 1996;7:199-202). Interval and undefined as for `kappa`.
    """
    steps = np.arange(np.shape(tables)[-1])
    weights = np.abs(steps[:, None] - steps) if disagreement is None else np.asarray(disagreement)
    return _kappa("weighted_kappa", tables, weights)


def _kappa(figure: str, tables: np.ndarray, weights: np.ndarray, null_variance: bool = False) -> Figures:
    """κ = 1 − observed ÷ expected disagreement; its variance by formulas 8 and 13 of Fleiss, Cohen & Everitt
    (Psychol Bull 1969;72:323-327), in weights of agreement from 0 to 1."""
    tables = np.asarray(tables, float)
    n = _total(tables)
    share = tables / np.maximum(n, 1)[..., None, None]
    rows, columns = share.sum(axis=-1), share.sum(axis=-2)
    disagree = np.einsum("...ij,ij->...", share, weights)
    expected = np.einsum("...i,ij,...j->...", rows, weights, columns, optimize=True)
    value = 1 - disagree / np.where(expected > 0, expected, 1)
    most = weights.max(initial=1)
    agreement, seen, chance = 1 - weights / most, 1 - disagree / most, 1 - expected / most
    by_row, by_column = columns @ agreement.T, rows @ agreement  # mean agreement of each category
    if null_variance:
        mean = by_row[..., :, None] + by_column[..., None, :]
        by_chance = rows[..., :, None] * columns[..., None, :]
        spread = (by_chance * (agreement - mean) ** 2).sum((-2, -1)) - chance**2
        variance = spread / np.where(expected > 0, (1 - chance) ** 2, 1) / np.maximum(n, 1)
    else:
        squares = _squares(share, agreement, 1 - chance, 1 - seen, by_row, by_column)
        spread = squares - (seen * chance - 2 * chance + seen) ** 2
        variance = spread / np.where(expected > 0, (1 - chance) ** 4, 1) / np.maximum(n, 1)
    # Some pair differs and each side uses several categories; else the variance is 0 but for rounding.
    varies = (disagree > 0) & (np.minimum(*(np.count_nonzero(side, axis=-1) for side in (rows, columns))) > 1)
    half = np.where(varies, Z * np.sqrt(np.maximum(variance, 0)), 0.0)
    return figures(figure, value, n, *around(value, half, within=1), no_pairs=n == 0, one_category_only=expected == 0)


def _squares(
    share: np.ndarray, agreement: np.ndarray, a: np.ndarray, b: np.ndarray, by_row: np.ndarray, by_column: np.ndarray
) -> np.ndarray:
    """Σ share · (a · agreement − b · (by row + by column))², multiplied out: no table is made for it.

    Code lists of hundreds have tables of a hundred thousand cells for every unit.
    """
    own = np.einsum("...ij,ij->...", share, agreement**2)
    rows, columns = (np.einsum(f"...ij,ij->...{side}", share, agreement) for side in "ij")
    crossed = (rows * by_row).sum(-1) + (columns * by_column).sum(-1)
    across = (by_row * (share @ by_column[..., None])[..., 0]).sum(-1)
    means = (share.sum(-1) * by_row**2).sum(-1) + 2 * across + (share.sum(-2) * by_column**2).sum(-1)
    return a**2 * own - 2 * a * b * crossed + b**2 * means


def _total(tables: np.ndarray) -> np.ndarray:
    return tables.sum(axis=(-2, -1))


def _agreeing(tables: np.ndarray) -> np.ndarray:
    return np.trace(tables, axis1=-2, axis2=-1)


def pabak(tables: np.ndarray) -> Figures:
    """Prevalence and bias adjusted κ: (k · agreement − 1) ÷ (k − 1) for k categories.

    Byrt, Bishop & Carlin, J Clin Epidemiol 1993;46:423-429; for more than two categories Brennan & Prediger
    (1981). The interval is the exact one of the agreement, on the same scale (as in epiR).
    """
    n, k = _total(tables), np.shape(tables)[-1]
    agree = _agreeing(tables)
    shares = (agree / np.maximum(n, 1), *clopper_pearson_bounds(agree, n))
    value, low, high = ((k * share - 1) / max(k - 1, 1) for share in shares)
    return figures("pabak", value, n, low, high, no_pairs=n == 0, one_category_only=np.asarray(k < 2))


def prevalence_index(tables: np.ndarray) -> Figures:
    """(both positive − both negative) ÷ n of a 2×2 table; far from 0, κ is low however well the sides agree.

    Byrt, Bishop & Carlin (1993). A description, without an interval.
    """
    both, _, _, neither = _cells(tables)
    return _index("prevalence_index", both - neither, tables)


def bias_index(tables: np.ndarray) -> Figures:
    """(positive in reported only − in new only) ÷ n of a 2×2 table; above 0, reported says it more often.

    Byrt, Bishop & Carlin (1993), whose sign it keeps: the opposite of new − reported.
    """
    _, reported_only, new_only, _ = _cells(tables)
    return _index("bias_index", reported_only - new_only, tables)


def _cells(tables: np.ndarray) -> tuple[np.ndarray, ...]:
    """Both positive, reported only, new only, neither."""
    return tuple(np.asarray(tables)[..., i, j] for i in (0, 1) for j in (0, 1))


def _index(figure: str, difference: np.ndarray, tables: np.ndarray) -> Figures:
    n = _total(tables)
    return figures(figure, difference / np.maximum(n, 1), n, no_pairs=n == 0)


def positive_agreement(tables: np.ndarray) -> Figures:
    """2 · both positive ÷ (reported positive + new positive) of a 2×2 table (Cicchetti & Feinstein 1990).

    With q = both ÷ (both + either alone) the figure is 2q ÷ (1 + q), Dice's coefficient from Jaccard's. The one
    rises with the other, so the ends of q's Wilson interval carry over. `n` is the number of pairs in which at
    least one side says it.
    """
    both, reported_only, new_only, _ = _cells(tables)
    value, low, high, n = _specific_agreement(both, reported_only + new_only)
    return figures("positive_agreement", value, n, low, high, no_positive=n == 0)


def negative_agreement(tables: np.ndarray) -> Figures:
    """2 · both negative ÷ (reported negative + new negative) of a 2×2 table (Cicchetti & Feinstein 1990)."""
    _, reported_only, new_only, neither = _cells(tables)
    value, low, high, n = _specific_agreement(neither, reported_only + new_only)
    return figures("negative_agreement", value, n, low, high, no_negative=n == 0)


def _specific_agreement(both: np.ndarray, differing: np.ndarray) -> tuple[np.ndarray, ...]:
    n = both + differing
    shares = (both / np.maximum(n, 1), *wilson_bounds(both, n))
    return *(2 * share / (1 + share) for share in shares), n


def mcnemar_p(tables: np.ndarray) -> Figures:
    """McNemar's exact p: do the differing pairs of a 2×2 table lean to one side? `n` is their number.

    Twice the smaller tail of the binomial distribution at ½, at most 1. Undefined where no pair differs.
    """
    _, reported_only, new_only, _ = _cells(tables)
    n = reported_only + new_only
    p = np.minimum(2 * stats.binom.cdf(np.minimum(reported_only, new_only), n, 0.5), 1)
    return figures("mcnemar_p", p, n, no_pair_differs=n == 0)


def sensitivity(tables: np.ndarray) -> Figures:
    """Of those reported positive, the share positive in new: sensitivity *against KIP*, not the truth."""
    both, reported_only, _, _ = _cells(tables)
    n = both + reported_only
    return figures("sensitivity", *_share(both, n), no_reported_positive=n == 0)


def specificity(tables: np.ndarray) -> Figures:
    """Of those reported negative, the share that is negative in new: specificity against KIP."""
    _, _, new_only, neither = _cells(tables)
    n = new_only + neither
    return figures("specificity", *_share(neither, n), no_reported_negative=n == 0)


def ppv(tables: np.ndarray) -> Figures:
    """Of those positive in new, the share that is reported positive: predictive value against KIP."""
    both, _, new_only, _ = _cells(tables)
    n = both + new_only
    return figures("ppv", *_share(both, n), no_new_positive=n == 0)


def npv(tables: np.ndarray) -> Figures:
    """Of those negative in new, the share that is reported negative: predictive value against KIP."""
    _, reported_only, _, neither = _cells(tables)
    n = reported_only + neither
    return figures("npv", *_share(neither, n), no_new_negative=n == 0)


def _share(count: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, ...]:
    return count / np.maximum(of, 1), of, *wilson_bounds(count, of)


def two_by_two(tables: np.ndarray, frame_of_non_cases: bool = False) -> list[Figures]:
    """Every figure of yes/no tables, positive first.

    Specificity and negative predictive value only with a `frame_of_non_cases`: registers of events know
    who has one, and count those without only where somebody has listed them.
    """
    whole = (
        kappa, pabak, prevalence_index, bias_index, positive_agreement, negative_agreement, mcnemar_p,
        sensitivity, ppv,
    )  # fmt: skip
    non_cases = (specificity, npv) if frame_of_non_cases else ()
    return [figure(tables) for figure in (*whole, *non_cases)]
