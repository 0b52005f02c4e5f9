"""From discrepancies to causes, one after the other, each on what the earlier ones leave unexplained.

READ FIRST in this room: `explain` asks every suspicion where its hits lie, takes the one that explains most,
removes what it explains, and asks again until nothing stands out. The rest is stated as unexplained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipelines.explain.cause import Cause, Explanation
from pipelines.explain.kinds import Suspicion, suspicions
from pipelines.explain.records import record_causes
from pipelines.explain.slices import (
    ATTRIBUTES,
    LATE_ATTRIBUTES,
    SMALLEST_SHARE,
    Rows,
    Slice,
    best_slice,
    rows_of,
)
from pipelines.reconciliation.compare import DISCREPANT
from pipelines.reconciliation.identifiers import hashed
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.spec.model import DatabaseSpec

# A cause must gain more than this over saying nothing: exp(−gain) bounds the chance that it is luck, the
# number of descriptions being paid for in `slices`; and there are some hundred suspicions in a run.
LEAST_GAIN = float(np.log(100_000))
# Of two sides that err alike about a rare code, half of those who have it on the one side lack it on the other;
# a mapping moves (nearly) all of them.
MAPPED_SHARE = 0.75
FEWEST_MAPPED = 3  # rows that show one more recoded code inside a slice that is recoded already


def explain(spec: DatabaseSpec, reconciliation: Reconciliation) -> Explanation:
    """The causes of a reconciliation's discrepancies, the one that explains most first."""
    rows = rows_of(reconciliation.compared, f"{spec.event_date}_new", slice_attributes(spec))
    of_variables = [
        cause for name in spec.compared for cause in _variable_causes(spec, name, reconciliation.compared, rows)
    ]
    causes = [*record_causes(spec, reconciliation, slice_attributes(spec)), *of_variables]
    ranked = sorted(causes, key=lambda cause: (-cause.explained, cause.id))
    return Explanation(tuple(ranked), len(reconciliation.discrepancies))


def slice_attributes(spec: DatabaseSpec) -> tuple[str, ...]:
    return (*ATTRIBUTES, *spec.slices, *LATE_ATTRIBUTES)


@dataclass(frozen=True)
class _Finding:
    suspicion: Suspicion
    place: Slice


def _variable_causes(spec: DatabaseSpec, name: str, compared: pl.DataFrame, rows: Rows) -> Iterator[Cause]:
    open_ = compared[f"{name}_outcome"].is_in(DISCREPANT).to_numpy().copy()
    while finding := _strongest(spec, name, compared, rows, open_):
        suspicion = _with_whole_mapping(finding, compared, rows, open_)
        inside = rows.inside(finding.place.where)
        explained = suspicion.hits & inside
        yield _cause(spec, suspicion, finding.place, compared, inside, explained)
        open_ &= ~explained


def _strongest(spec, name: str, compared: pl.DataFrame, rows: Rows, open_: np.ndarray) -> _Finding | None:
    findings = [
        _Finding(suspicion, place)
        for suspicion in suspicions(name, spec.variables[name], compared, open_)
        if (place := best_slice(rows.only(suspicion.eligible), suspicion.hits[suspicion.eligible]))
    ]
    strong = [finding for finding in findings if finding.place.gain > LEAST_GAIN and _moves_enough(finding)]
    return max(strong, key=lambda finding: finding.place.gain, default=None)


def _moves_enough(finding: _Finding) -> bool:
    return finding.suspicion.kind != "code_recoded" or finding.place.share >= MAPPED_SHARE


def _with_whole_mapping(finding: _Finding, compared: pl.DataFrame, rows: Rows, open_: np.ndarray) -> Suspicion:
    """A recoding is found by one code; the other codes that moved in the same slice belong to it."""
    suspicion = finding.suspicion
    if suspicion.kind != "code_recoded":
        return suspicion
    name, inside = suspicion.variable, rows.inside(finding.place.where)
    both = compared.select(reported=f"{name}_reported", new=f"{name}_new", outcome=f"{name}_outcome")
    shares = (
        both.filter(pl.Series(inside)).drop_nulls(["reported", "new"])
        .group_by("reported", "new", "outcome").len()
        .with_columns(share=pl.col("len") / pl.col("len").sum().over("reported"))
        .filter((pl.col("share") >= SMALLEST_SHARE) & (pl.col("len") >= FEWEST_MAPPED))
        .filter(pl.col("outcome") == "differ")  # what the specification accepts is no recoding
        .sort("reported")
    )  # fmt: skip
    mapping = dict(shares.select("reported", "new").rows()) | suspicion.parameters["mapping"]
    expected = compared[f"{name}_reported"].replace_strict(mapping, default=None, return_dtype=pl.String)
    hits = open_ & (compared[f"{name}_new"] == expected).fill_null(False).to_numpy()
    return replace(suspicion, parameters={"mapping": dict(sorted(mapping.items()))}, hits=hits)


def _cause(
    spec: DatabaseSpec,
    suspicion: Suspicion,
    place: Slice,
    compared: pl.DataFrame,
    inside: np.ndarray,
    explained,
) -> Cause:
    pairs = compared.filter(pl.Series(explained))
    variable = [suspicion.variable] * len(pairs)
    outside = ~inside
    return Cause(
        kind=suspicion.kind,
        variables=(suspicion.variable,),
        where=place.where,
        parameters=suspicion.parameters,
        discrepancy_ids=tuple(sorted(hashed(spec.database, pairs["reported_id"], pairs["new_id"], variable))),
        in_slice=int(inside.sum()),
        share_outside=float((suspicion.hits & outside).sum() / outside.sum()) if outside.any() else 0.0,
        gain=place.gain,
    )
