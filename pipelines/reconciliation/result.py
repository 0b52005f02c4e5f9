"""What the comparison of two sides gives, in the columns of the contract files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.reconciliation.cells import cells_of
from pipelines.reconciliation.compare import outcome
from pipelines.reconciliation.discrepancies import SCHEMA, Teller, word_types
from pipelines.reconciliation.identifiers import written
from pipelines.reconciliation.pairs import Pairs
from pipelines.reconciliation.rollup import period
from pipelines.reconciliation.shape import SIDES, Side
from pipelines.reconciliation.sides import NOT_COMPARABLE, STATUS, SURPLUS, UNMATCHED
from pipelines.spec.model import DatabaseSpec

# What is kept between the steps of a run.
FRAMES = (
    "records", "pair_index", "places", "alone", "differing", "coverage", "agreement", "figures", "transitions",
    "offsets", "indicators", "indicator_differences", "coverage_adjusted", "changeover", "control_charts", "signals",
)  # fmt: skip
PART = 1 << 18  # pairs that are told together: their ids are long texts
TABLES = FRAMES[5:]
DIFFERING = {
    "variable": pl.String, "pair": pl.UInt32, "kind": pl.UInt8, "reported_value": pl.String, "new_value": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Reconciliation:
    """The pairs as an index into the two sides, every record's status, the cells that differ, and the counts.

    `compared` and `records` are made of them when they are asked for; both hold persons: they stay in memory or in
    the encrypted warehouse.
    """

    spec: DatabaseSpec
    reference_date: dt.date
    sides: Mapping[str, Side]
    status: Mapping[str, np.ndarray]
    index: Pairs
    alone: pl.DataFrame
    differing: Mapping[str, pl.DataFrame]
    coverage: pl.DataFrame
    agreement: pl.DataFrame
    figures: pl.DataFrame
    transitions: pl.DataFrame
    offsets: pl.DataFrame
    indicators: pl.DataFrame
    indicator_differences: pl.DataFrame
    coverage_adjusted: pl.DataFrame
    changeover: pl.DataFrame
    control_charts: pl.DataFrame
    signals: pl.DataFrame

    @cached_property
    def pairs(self) -> pl.DataFrame:
        """pairs.parquet: pair_id, reported_id, new_id, rule, date_offset_days, ambiguous; by pair_id."""
        return pl.concat(self.pair_parts()).with_columns(pl.col("rule").cast(pl.String))

    def pair_parts(self) -> Iterator[pl.DataFrame]:
        """The pairs part by part, so that millions need not be in memory."""
        ids, order = self._ids(), self.index.order()
        names = [rule.rule for rule in self.spec.match]
        rules = pl.Series(names, dtype=pl.Enum(list(dict.fromkeys(names))))
        for first in range(0, max(len(order), 1), PART):
            part = self.index.index.select(pl.all().gather(order[first : first + PART]))
            yield part.select(
                pl.Series("pair_id", written(part["number"].to_numpy())),
                *(pl.Series(f"{side}_id", ids[side].gather(part[side])) for side in SIDES),
                pl.Series("rule", rules.gather(part["stage"])),
                pl.col("date_offset_days").cast(pl.Int64),
                "ambiguous",
            )

    @property
    def unmatched(self) -> pl.DataFrame:
        """unmatched.parquet: side, record_id, region, unit, period, reason; surplus copies too."""
        return self.alone.select("side", "record_id", "region", "unit", "period", "reason")

    @cached_property
    def discrepancies(self) -> pl.DataFrame:
        """discrepancies.parquet without causes and history."""
        return pl.concat([pl.DataFrame(schema=SCHEMA), *(part.cast(SCHEMA) for part in self.discrepancy_parts())])

    def discrepancy_parts(self) -> Iterator[pl.DataFrame]:
        """The discrepancies part by part: each variable, keys, records. Words that recur are numbered (Enum), a part's
        values by numbers of its own."""
        types = word_types(self.spec, self.index.places, self.alone)
        teller = Teller(self.spec, self.index, self._ids(), types)
        for name, differing in self.differing.items():
            yield teller.of_variable(name, differing)
        yield teller.of_keys(self.sides)
        yield teller.of_records(self.alone)

    def _ids(self) -> dict[str, pl.Series]:
        return {name: side.column("record_id") for name, side in self.sides.items()}

    @cached_property
    def compared(self) -> pl.DataFrame:
        """One row per comparable pair, by pair_id: ids, rule, offset, place and attributes (the new record's), and for
        each variable `v_reported`, `v_new`, their missing codes and, where it is compared, `v_outcome`."""
        order = self.index.order()
        rows = {side: self.index.rows(side)[order] for side in SIDES}
        new = self.sides["new"].read(["region", "unit", *self.spec.attributes], rows["new"])
        keys = [
            side.column(key, rows[name]).alias(f"{key}_{name}")
            for name, side in self.sides.items()
            for key in dict.fromkeys(("record_id", "person", "unit", "region", self.spec.event_date))
            if key not in self.spec.variables
        ]
        values = [column for name in self.spec.variables for column in self.pair_values(name, rows).get_columns()]
        places = self.index.places["period"].gather(self.index.place[order])
        return self.pairs.with_columns(*keys, *new.get_columns(), *values, period=places)

    def pair_values(self, name: str, rows: Mapping[str, np.ndarray] | None = None) -> pl.DataFrame:
        """One variable of the pairs (in the order of the index, or of `rows`), with its outcome if it is compared."""
        rows = rows or {side: self.index.rows(side) for side in SIDES}
        frame = cells_of(self.spec, self.sides, name, self.reference_date).at(rows)
        if name not in self.spec.compared:
            return frame
        said = outcome(name, self.spec.variables[name], frame.schema)
        return frame.with_columns(said.alias(f"{name}_outcome"))

    @cached_property
    def records(self) -> pl.DataFrame:
        """Every record of both sides with `_side`, `_period`, `_status` and `_reason` (why it is alone).

        The underscore keeps them apart from variables, whose names begin with a letter.
        """
        return pl.concat([self._records(name) for name in SIDES])

    def _records(self, name: str) -> pl.DataFrame:
        side = self.sides[name]
        reasons = self.alone.filter(side=name).select("row", "reason")
        rows = pl.DataFrame({"row": np.arange(side.height, dtype=np.uint32)})
        reason = rows.join(reasons, on="row", how="left", maintain_order="left")["reason"]
        return side.read(list(side.types)).with_columns(
            _period=period(self.spec.event_date),
            _side=pl.lit(name),
            _status=pl.Series(self.status[name]).cat.to(STATUS).cast(pl.String),
            _reason=reason,
        )

    @property
    def not_comparable(self) -> pl.DataFrame:
        """Records outside the parallel period or too young, counted apart: side, record_id, region, unit, period."""
        parts = [self._not_comparable(name) for name in SIDES]
        return pl.concat(parts).sort("side", "record_id")

    def _not_comparable(self, name: str) -> pl.DataFrame:
        rows = np.flatnonzero(self.status[name] == NOT_COMPARABLE)
        found = self.sides[name].read(["record_id", "region", "unit", self.spec.event_date], rows)
        return found.select(
            pl.lit(name).alias("side"), "record_id", "region", "unit", period(self.spec.event_date).alias("period")
        )

    def counts(self) -> dict[str, int]:
        """The counts of summary.json that this step knows."""
        of = {name: np.bincount(status, minlength=len(STATUS.categories)) for name, status in self.status.items()}
        each = {kind: {name: int(of[name][code]) for name in SIDES} for kind, code in _KINDS.items()}
        late = int(self.index.index["elsewhere"].sum())
        return {
            **{name: len(self.status[name]) for name in SIDES},
            "pairs": len(self.index),
            **{f"{kind}_{name}": each[kind][name] for kind in _KINDS for name in SIDES},
            "discrepancies": sum(map(len, self.differing.values())) + late + len(self.alone),
        }

    def frames(self) -> dict[str, pl.DataFrame]:
        """What to keep between the steps of a run."""
        differing = [frame.with_columns(variable=pl.lit(name)) for name, frame in self.differing.items()]
        kept = {
            "records": self.records,
            "pair_index": self.index.index,
            "places": self.index.places,
            "alone": self.alone,
            "differing": pl.concat(
                [pl.DataFrame(schema=DIFFERING), *(part.select(list(DIFFERING)).cast(DIFFERING) for part in differing)]
            ),
        }
        return kept | {name: getattr(self, name) for name in TABLES}


_KINDS = {"only": UNMATCHED, "surplus": SURPLUS, "not_comparable": NOT_COMPARABLE}


def from_frames(spec: DatabaseSpec, reference_date: dt.date, frames: Mapping[str, pl.DataFrame]) -> Reconciliation:
    """The reconciliation that `frames` came from."""
    records = {name: frames["records"].filter(_side=name) for name in SIDES}
    status = {name: frame["_status"].cast(STATUS).to_physical().to_numpy() for name, frame in records.items()}
    sides = {name: _side(name, frame.drop("_side", "_period", "_status", "_reason")) for name, frame in records.items()}
    differing = frames["differing"]
    return Reconciliation(
        spec,
        reference_date,
        sides,
        status,
        Pairs(frames["pair_index"], frames["places"]),
        frames["alone"],
        {name: differing.filter(variable=name).drop("variable") for name in spec.compared},
        **{name: frames[name] for name in TABLES},
    )


def _side(name: str, frame: pl.DataFrame) -> Side:
    return Side(name, frame.lazy(), frame.schema)
