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


def best_pairs(candidates: pl.DataFrame) -> pl.DataFrame:
    """Choose among `candidates` (reported, new: row numbers; cost: absolute offset ≥ 0), one row a pair."""
    if candidates.is_empty():
        return candidates
    lonely = (pl.len().over("reported") == 1) & (pl.len().over("new") == 1)
    contested = candidates.filter(~lonely)
    solved = [_solve(group) for group in _components(contested)]
    return pl.concat([candidates.filter(lonely), *solved]).sort("reported", "new")


def _components(candidates: pl.DataFrame) -> list[pl.DataFrame]:
    """Groups of candidates that share no row with another group."""
    if candidates.is_empty():
        return []
    _, left = np.unique(candidates["reported"].to_numpy(), return_inverse=True)
    _, right = np.unique(candidates["new"].to_numpy(), return_inverse=True)
    size = left.max() + 1 + right.max() + 1
    graph = coo_matrix((np.ones(len(left)), (left, right + left.max() + 1)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    grouped = candidates.with_columns(component=pl.Series(label[left]))
    return [part.drop("component") for part in grouped.partition_by("component", maintain_order=True)]


def _solve(group: pl.DataFrame) -> pl.DataFrame:
    lefts, left = np.unique(group["reported"].to_numpy(), return_inverse=True)
    rights, right = np.unique(group["new"].to_numpy(), return_inverse=True)
    cost = group["cost"].to_numpy().astype(float)
    # One missing pair must weigh more than any sum of offsets.
    forbidden = (cost.max() + 1) * (min(len(lefts), len(rights)) + 1)
    matrix = np.full((len(lefts), len(rights)), forbidden)
    matrix[left, right] = cost
    chosen = _smallest_ids(matrix, forbidden) if max(matrix.shape) <= EXACT_TIES else _any_best(matrix, forbidden)
    pairs = pl.DataFrame(
        {"reported": [lefts[i] for i, _ in chosen], "new": [rights[j] for _, j in chosen]},
        schema={name: group.schema[name] for name in ("reported", "new")},
    )
    return group.join(pairs, on=["reported", "new"], how="semi")


def _any_best(matrix: np.ndarray, forbidden: float) -> list[tuple[int, int]]:
    rows, columns = linear_sum_assignment(matrix)
    return [(i, j) for i, j in zip(rows, columns, strict=True) if matrix[i, j] < forbidden]


def _total(matrix: np.ndarray) -> float:
    return matrix[linear_sum_assignment(matrix)].sum() if matrix.size else 0.0


def _smallest_ids(matrix: np.ndarray, forbidden: float) -> list[tuple[int, int]]:
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
