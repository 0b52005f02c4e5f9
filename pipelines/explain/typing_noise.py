"""Is a place more than what typing makes of it anyway?

Forms are sometimes typed otherwise than meant. Where nearly everybody has one value (sepsis: no; pregnancy of men: not
relevant), whatever else was typed meets that value on the new side, in most of its cases and in that place only: it
looks like a default value, a recoding or a field that was lost.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.explain.cells import Cells, Suspicion
from pipelines.explain.missing import token
from pipelines.explain.trials import PRIOR_HITS, PRIOR_TRIALS, lower_limit

TYPED = 0.3  # of the values of a form at most are typed otherwise than meant (published disagreement is 4–30 %)
NEARLY_ALL, TWICE = 0.8, 2.0  # what fewer must be: of those that could show it, and of what is seen elsewhere


def is_more_than_typing(cells: Cells, suspicion: Suspicion, inside: np.ndarray) -> bool:
    """Of the pairs of a place whose new cell is what the suspicion expects, were more reported otherwise than such are
    typed? Or surely twice as many as elsewhere, and nearly nothing that was reported otherwise stands as it was?"""
    if suspicion.kind == "missing_collapsed":
        return _is_oftener_than_the_value(cells, suspicion, inside)
    expected = _is_as_expected(cells, suspicion)
    if expected is None:
        return True
    (k, n), (others, of) = (
        (np.count_nonzero(suspicion.hits & part), np.count_nonzero(expected & cells.left & part))
        for part in (inside, ~inside)
    )
    elsewhere = (others + PRIOR_HITS) / (of + PRIOR_TRIALS)  # where there is nothing else, what is usual in registries
    is_rare_elsewhere = lower_limit(k, n) > TWICE * elsewhere
    return k >= TYPED * n or (is_rare_elsewhere and k >= NEARLY_ALL * np.count_nonzero(suspicion.eligible & inside))


def _is_as_expected(cells: Cells, suspicion: Suspicion) -> np.ndarray | None:
    """Where the cell is empty, or has the value, that the suspicion expects whatever was reported; None where each
    reported value has an expected one of its own."""
    match suspicion.kind:
        case "missing_in_new":
            return ~cells.filled_new
        case "missing_in_reported":
            return ~cells.filled_reported
        case "constant_value" if cells.is_text or cells.variable.numeric:  # no day is common
            return cells.is_value("new", suspicion.parameters["value"])
        case "code_recoded":
            targets = {*suspicion.parameters["mapping"].values()}
            return np.logical_or.reduce([cells.is_value("new", target) for target in targets])
    return None


def _is_oftener_than_the_value(cells: Cells, suspicion: Suspicion, inside: np.ndarray) -> bool:
    """Whether missing codes became what they did oftener than all else did in the same place: what was typed
    as unknown meets the value that the register has, mostly the commonest one."""
    moved, others = (np.flatnonzero(which & inside) for which in (suspicion.eligible, cells.left & ~suspicion.eligible))
    became = token(cells, others).rename("became").value_counts(normalize=True, name="share")
    usual = dict(became.rows())
    was = cells.code("reported", moved).replace_strict(suspicion.parameters["mapping"], return_dtype=pl.String)
    expected = sum(usual.get(what, 0.0) for what in was) / max(len(was), 1)
    return lower_limit(np.count_nonzero(suspicion.hits & inside), len(moved)) > expected
