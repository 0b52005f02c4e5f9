"""How cells go empty: a field that is not sent or not on the form, missing codes that become one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.explain.cells import Cells, Suspicion, marked
from pipelines.explain.codes import FEWEST_MAPPED
from pipelines.explain.slices import FEWEST_HITS, MOST


def missing_suspicions(cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    yield _one_side_empty(cells, "missing_in_new", "new")
    yield _one_side_empty(cells, "missing_in_reported", "reported")
    # A register has no missing codes but the one that the derivation names: what it cannot tell is no fault of its.
    if cells.variable.missing and not cells.variable.from_:
        yield from _collapsed(cells, focus)


def _one_side_empty(cells: Cells, kind: str, side: str) -> Suspicion:
    """Empty on the one side where the other is filled in; missing codes that went empty too belong to it."""
    filled = cells.filled_reported if side == "new" else cells.filled_new
    hits = cells.open & cells.left & cells.is_outcome(f"{side}_missing")
    nothing = ~(cells.filled_new if side == "new" else cells.filled_reported) & ~cells.has_code(side)
    wiped = cells.open & cells.is_outcome("missing_differs") & nothing
    return Suspicion(kind, (cells.name,), {}, filled & cells.left, hits, {cells.name: hits | wiped})


def _collapsed(cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """Missing codes of the reported side that became another one, a value such as "no", or nothing."""
    coded = cells.coded
    if np.count_nonzero(cells.open & coded & focus) < FEWEST_HITS:
        return
    inside = np.flatnonzero(coded & focus & cells.left)
    mapping = _mapping(cells.code("reported", inside), token(cells, inside))
    if mapping:
        at = np.flatnonzero(coded)
        was, became = cells.code("reported", at), token(cells, at)
        moved = was.is_in(list(mapping)).to_numpy()
        expected = was.replace_strict(mapping, default=None, return_dtype=pl.String)
        hits = marked(len(coded), at[moved & became.eq_missing(expected).to_numpy()])
        yield cells.suspicion("missing_collapsed", {"mapping": mapping}, marked(len(coded), at[moved]), hits)


def token(cells: Cells, at: np.ndarray) -> pl.Series:
    """What stands on the new side: its missing code, or its value as text."""
    return pl.select(pl.coalesce(cells.said("new", at).cast(pl.String), cells.code("new", at))).to_series()


def _mapping(was: pl.Series, became: pl.Series) -> dict[str, str | None]:
    """Each reported missing code that mostly became one other thing."""
    shares = (
        pl.DataFrame({"was": was, "became": became}).group_by("was", "became").len()
        .with_columns(share=pl.col("len") / pl.col("len").sum().over("was"))
        .filter(pl.col("share") >= MOST, pl.col("len") >= FEWEST_MAPPED, pl.col("was").ne_missing(pl.col("became")))
        .sort("was")
    )  # fmt: skip
    return dict(shares.select("was", "became").rows())
