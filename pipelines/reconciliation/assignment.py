"""The best one-to-one choice among candidate pairs: most pairs, then smallest total offset, then smallest ids.

Rows are numbers in the order of their record ids, so that "smallest ids" is "smallest rows" and nothing
depends on the order in which a file was written.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

# Above this many rows on a side the last tie-break (smallest ids) is left to the solver's own fixed order;
# groups of one person's records are far smaller.
EXACT_TIES = 25
# Decimal fractions are not exact in binary: offsets nearer to each other than this are the same.
EXACT = 1e-6
Edge = tuple[int, int]


def best_pairs(candidates: pl.DataFrame) -> pl.DataFrame:
    """Choose among `candidates` (reported, new: row numbers; cost: absolute offset ≥ 0), one row a pair.

    `ambiguous` is true of a pair that another choice, as many and as near, would not have made.
    """
    if candidates.is_empty():
        return candidates.with_columns(ambiguous=pl.lit(False))
    group = pl.Series("group", _components(candidates))
    grouped = candidates.with_columns(group).with_columns(
        star=(pl.col("reported").n_unique().over("group") == 1) | (pl.col("new").n_unique().over("group") == 1)
    )
    chosen = [_nearest(grouped.filter("star")), *_solved(grouped.filter(~pl.col("star")))]
    return pl.concat(part.select(*candidates.columns, "ambiguous") for part in chosen).sort("reported", "new")


def _components(candidates: pl.DataFrame) -> np.ndarray:
    """The group of each candidate: two candidates that share a row are in the same one."""
    _, left = np.unique(candidates["reported"].to_numpy(), return_inverse=True)
    _, right = np.unique(candidates["new"].to_numpy(), return_inverse=True)
    size = left.max() + 1 + right.max() + 1
    graph = coo_matrix((np.ones(len(left)), (left, right + left.max() + 1)), shape=(size, size))
    return connected_components(graph, directed=False)[1][left]


def _nearest(stars: pl.DataFrame) -> pl.DataFrame:
    """Of the candidates of one single record the nearest, then the one of the smallest id."""
    nearest = stars.filter(pl.col("cost") <= pl.col("cost").min().over("group") + EXACT)
    nearest = nearest.with_columns(ambiguous=pl.len().over("group") > 1)
    return nearest.sort("reported", "new").unique("group", keep="first", maintain_order=True)


def _solved(contested: pl.DataFrame) -> list[pl.DataFrame]:
    """Groups of several records on both sides, each solved exactly."""
    if contested.is_empty():
        return []
    contested = contested.sort("group", "reported", "new")
    columns = [contested[name].to_numpy() for name in ("reported", "new", "cost")]
    ends = np.flatnonzero(np.diff(contested["group"].to_numpy(), append=-1)) + 1
    keep, doubt = np.zeros((2, len(contested)), dtype=bool)
    for first, last in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
        keep[first:last], doubt[first:last] = _solve(*(column[first:last] for column in columns))
    return [contested.with_columns(ambiguous=pl.Series(doubt)).filter(pl.Series(keep))]


def _solve(reported: np.ndarray, new: np.ndarray, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which candidates of a group are chosen, and which of these are ambiguous."""
    lefts, left = np.unique(reported, return_inverse=True)
    rights, right = np.unique(new, return_inverse=True)
    # One missing pair must weigh more than any sum of offsets.
    forbidden = (cost.max() + 1) * (min(len(lefts), len(rights)) + 1)
    matrix = np.full((len(lefts), len(rights)), forbidden)
    matrix[left, right] = cost
    chosen = _smallest_ids(matrix, forbidden) if max(matrix.shape) <= EXACT_TIES else _any_best(matrix, forbidden)
    best = _total(matrix)
    doubtful = {edge for edge in chosen if _total(_without(matrix, edge, forbidden)) <= best + EXACT}
    edges = list(zip(left.tolist(), right.tolist(), strict=True))
    return np.array([edge in set(chosen) for edge in edges]), np.array([edge in doubtful for edge in edges])


def _without(matrix: np.ndarray, edge: Edge, forbidden: float) -> np.ndarray:
    other = matrix.copy()
    other[edge] = forbidden
    return other


def _any_best(matrix: np.ndarray, forbidden: float) -> list[Edge]:
    rows, columns = linear_sum_assignment(matrix)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if matrix[i, j] < forbidden]


def _total(matrix: np.ndarray) -> float:
    return matrix[linear_sum_assignment(matrix)].sum() if matrix.size else 0.0


def _smallest_ids(matrix: np.ndarray, forbidden: float) -> list[Edge]:
    """Fix pairs in the order of their rows, each only if the best total can still be reached."""
    best, chosen = _total(matrix), []
    for i in range(len(matrix)):
        for j in np.flatnonzero(matrix[i] < forbidden):
            fixed = matrix.copy()
            fixed[i, :] = fixed[:, j] = forbidden
            fixed[i, j] = matrix[i, j]
            if _total(fixed) <= best + EXACT:
                matrix, chosen = fixed, [*chosen, (i, int(j))]
                break
    return chosen
