"""Reported and new records held side by side: READ THIS FIRST in this room.

sides → match → scope (what can be compared) → compare → counts. The comparison is made once; every figure,
sample and report is read from it, so that they cannot disagree.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields

import polars as pl
import polars.selectors as cs

from pipelines.reconciliation.agreement import agreement
from pipelines.reconciliation.changeover import changeovers
from pipelines.reconciliation.compare import OUTCOME, compare
from pipelines.reconciliation.coverage import coverage
from pipelines.reconciliation.discrepancies import discrepancies
from pipelines.reconciliation.figures import estimated_totals, figures_of
from pipelines.reconciliation.held import with_held_back
from pipelines.reconciliation.indicator_differences import indicator_differences
from pipelines.reconciliation.indicators import indicators
from pipelines.reconciliation.lag import adjusted_coverage
from pipelines.reconciliation.match import match
from pipelines.reconciliation.movements import offsets, transitions
from pipelines.reconciliation.scope import newest_event
from pipelines.reconciliation.shape import shaped
from pipelines.reconciliation.sides import side_by_side, unmatched, with_status
from pipelines.reconciliation.signals.counts import charted_counts_of
from pipelines.reconciliation.signals.signals import control_charts, signals
from pipelines.spec.model import DatabaseSpec


@dataclass(frozen=True)
class Reconciliation:
    """What the comparison of the two sides gives; frames have the columns of the contract files.

    `compared` has one row per comparable pair: ids, rule, offset, place, attributes, and for each compared
    variable `v_reported`, `v_new`, their missing codes and `v_outcome`. `records` has every record of both
    sides with its `_side` and `_status` (pair, unmatched, surplus, not_comparable). Both hold persons: they stay in
    memory or in the encrypted warehouse.
    """

    reference_date: dt.date
    compared: pl.DataFrame
    records: pl.DataFrame
    pairs: pl.DataFrame
    unmatched: pl.DataFrame
    coverage: pl.DataFrame
    coverage_adjusted: pl.DataFrame
    changeover: pl.DataFrame
    agreement: pl.DataFrame
    figures: pl.DataFrame
    transitions: pl.DataFrame
    offsets: pl.DataFrame
    indicators: pl.DataFrame
    indicator_differences: pl.DataFrame
    control_charts: pl.DataFrame
    signals: pl.DataFrame
    discrepancies: pl.DataFrame

    def frames(self) -> dict[str, pl.DataFrame]:
        """Every frame by its name, to keep between the steps of a run."""
        return {name: getattr(self, name) for name in FRAMES}

    @property
    def not_comparable(self) -> pl.DataFrame:
        """Records outside the parallel period or too young, counted apart: side, record_id, region, unit, period."""
        outside = self.records.filter(_status="not_comparable")
        return outside.select(side="_side", record_id="record_id", region="region", unit="unit", period="_period").sort(
            "side", "record_id"
        )

    def counts(self) -> dict[str, int]:
        """The counts of summary.json that this step knows."""
        of = {key: n for *key, n in self.records.group_by("_side", "_status").len().rows() for key in [tuple(key)]}
        sides = dict(self.records.group_by("_side").len().rows())
        return {
            "reported": sides.get("reported", 0),
            "new": sides.get("new", 0),
            "pairs": len(self.pairs),
            "only_reported": of.get(("reported", "unmatched"), 0),
            "only_new": of.get(("new", "unmatched"), 0),
            "surplus_reported": of.get(("reported", "surplus"), 0),
            "surplus_new": of.get(("new", "surplus"), 0),
            "not_comparable_reported": of.get(("reported", "not_comparable"), 0),
            "not_comparable_new": of.get(("new", "not_comparable"), 0),
            "discrepancies": len(self.discrepancies),
        }


FRAMES = tuple(field.name for field in fields(Reconciliation) if field.name != "reference_date")


def from_frames(reference_date: dt.date, frames: dict[str, pl.DataFrame]) -> Reconciliation:
    """The reconciliation that `frames` came from; outcomes get their type back."""
    compared = frames["compared"].with_columns(cs.ends_with("_outcome").cast(OUTCOME))
    return Reconciliation(reference_date, **(frames | {"compared": compared}))


def reconcile(
    spec: DatabaseSpec,
    reported: pl.DataFrame,
    new: pl.DataFrame,
    reference_date: dt.date | None = None,
    held: pl.DataFrame | None = None,
    delays: pl.DataFrame | None = None,
    expected: pl.DataFrame | None = None,
) -> Reconciliation:
    """Hold two canonical frames side by side; `held` are new records that validation holds back, `delays`
    tell how many days after its event a new record first came (record_id, days), and `expected` are the
    records that a register says there should be.

    Raises InputError where a side is no canonical frame, has no record ids or an id twice, or where no date
    at all is known. Without a reference date it is the newest event date of both sides.
    """
    reported, new = shaped(spec, reported, "reported"), shaped(spec, new, "new")
    day = reference_date or newest_event(spec, reported, new)
    pairs = match(spec, reported, new)
    records = with_status(spec, {"reported": reported, "new": new}, pairs, day)
    if held is not None:
        records["reported"] = with_held_back(spec, records["reported"], held)
    compared = compare(spec, side_by_side(spec, records))
    alone = unmatched(records)
    one_sided = alone.filter(~pl.col("surplus"))
    agreed = agreement(spec, compared)
    covered = coverage(compared, *(one_sided.filter(side=side) for side in records))
    charts = control_charts(spec, charted_counts_of(spec, new, agreed, covered, day, expected))
    in_scope = {side: frame.filter(pl.col("_status").is_in(["pair", "unmatched"])) for side, frame in records.items()}
    return Reconciliation(
        reference_date=day,
        compared=compared,
        records=pl.concat(frame.drop("_row", "_partner") for frame in records.values()),
        pairs=compared.select("pair_id", "reported_id", "new_id", "rule", "date_offset_days"),
        unmatched=alone.drop("surplus"),
        coverage=covered,
        coverage_adjusted=adjusted_coverage(spec, reported, new, _ids(pairs, reported, new), delays, day),
        changeover=changeovers(spec, reported, new, day),
        agreement=agreed,
        figures=pl.concat([figures_of(spec, compared), estimated_totals(covered)]),
        transitions=transitions(spec, compared),
        offsets=offsets(spec, compared),
        indicators=indicators(spec, in_scope["reported"], in_scope["new"]),
        indicator_differences=indicator_differences(spec, in_scope["reported"], in_scope["new"], compared),
        control_charts=charts,
        signals=signals(charts),
        discrepancies=discrepancies(spec, compared, alone),
    )


def _ids(pairs: pl.DataFrame, reported: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """The pairs by their record ids, comparable or not."""
    sides = {"reported": reported, "new": new}
    return pl.DataFrame({f"{side}_id": frame["record_id"].gather(pairs[side]) for side, frame in sides.items()})
