"""The records of a side that are compared, alone or surplus, read once for all who look for causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.reconciliation.cells import SIDES
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.reconciliation.sides import NOT_COMPARABLE, STATUS
from pipelines.spec.model import DatabaseSpec


@dataclass(frozen=True)
class Scope:
    """`frame` has every column of the records in scope but missing codes that there are none of, their status, why
    they are alone (`_reason`), `_alone` (on one side only, not held back) and `_day`. `place` is by row of the side:
    where the record stands in the frame."""

    frame: pl.DataFrame
    place: np.ndarray


def scopes(spec: DatabaseSpec, found: Reconciliation) -> Mapping[str, Scope]:
    return {side: _scope(spec, found, side) for side in SIDES}


def _scope(spec: DatabaseSpec, found: Reconciliation, name: str) -> Scope:
    side, status = found.sides[name], found.status[name]
    rows = np.flatnonzero(status != NOT_COMPARABLE)
    place = np.full(len(status), -1)
    place[rows] = np.arange(len(rows))
    of = pl.DataFrame({"row": rows}).with_columns(_status=pl.Series(status[rows]).cat.to(STATUS).cast(pl.String))
    reasons = found.alone.filter(side=name).select(pl.col("row").cast(pl.Int64), _reason="reason")
    said = of.join(reasons, on="row", how="left", maintain_order="left").drop("row")
    no_codes = side.empty & {f"{variable}_missing" for variable in spec.variables}
    frame = side.read([column for column in side.types if column not in no_codes], rows)
    alone = (pl.col("_status") == "unmatched") & (pl.col("_reason") != "held_back")
    frame = pl.concat([frame, said], how="horizontal").with_columns(
        _alone=alone, _day=pl.col(spec.event_date).cast(pl.Date)
    )
    return Scope(frame, place)
