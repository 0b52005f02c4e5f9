"""Discrepancies (uoverensstemmelser): a variable of a pair that differs, or a record on one side only.

They are told part by part, so that millions need not be in memory: variable by variable in the specification's
order, then keys, then records; within a part by pair_id or record id. A discrepancy's id is a hash of database,
reported_id, new_id and variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.reconciliation.compare import DISCREPANT, OUTCOMES
from pipelines.reconciliation.identifiers import OF_NOTHING, folded, numbered, numbers_of, written
from pipelines.reconciliation.pairs import Pairs
from pipelines.reconciliation.shape import Side
from pipelines.spec.model import DatabaseSpec, Variable

COLUMNS = (
    "discrepancy_id", "pair_id", "reported_id", "new_id", "variable", "kind", "reported_value", "new_value",
    "region", "unit", "period",
)  # fmt: skip
SCHEMA = dict.fromkeys(COLUMNS, pl.String)
KINDS = (*DISCREPANT, "key_differs", "only_reported", "only_new", "surplus")
PLACES = ("region", "unit", "period")
NOTHING = pl.lit(None, pl.String)


def word_types(spec: DatabaseSpec, *places: pl.DataFrame) -> dict[str, pl.Enum]:
    """The columns in which few words recur: kept as their numbers, they are neither copied nor hashed row by row."""
    words = {name: pl.concat(frame[name] for frame in places).drop_nulls().unique().sort() for name in PLACES}
    return {name: pl.Enum(known) for name, known in words.items()} | {
        "variable": pl.Enum(list(spec.variables)), "kind": pl.Enum(KINDS)
    }  # fmt: skip


def shown(name: str, variable: Variable, side: str) -> pl.Expr:
    """A value as canonical text (decimal point, ISO date), or its missing code; null for an empty cell."""
    value = pl.col(f"{name}_{side}")
    text = value.dt.strftime("%Y-%m-%d %H:%M:%S") if variable.type == "timestamp" else value.cast(pl.String)
    return pl.coalesce(text, pl.col(f"{name}_missing_{side}"))


@dataclass(frozen=True)
class Teller:
    """What the discrepancies of pairs are told by: `ids` are the record ids of each side, `types` the word types."""

    spec: DatabaseSpec
    pairs: Pairs
    ids: Mapping[str, pl.Series]
    types: Mapping[str, pl.Enum]

    @cached_property
    def places(self) -> pl.DataFrame:
        return self.pairs.places.select(pl.col(name).cast(self.types[name]) for name in PLACES)

    def of_variable(self, name: str, differing: pl.DataFrame) -> pl.DataFrame:
        """The cells of a variable that differ; `differing` as in variables.Compared."""
        kinds = pl.Series(OUTCOMES).replace_strict(KINDS, KINDS, default=None, return_dtype=self.types["kind"])
        values = differing.select(
            "reported_value", "new_value", kind=kinds.gather(differing["kind"]),
            variable=pl.lit(name, self.types["variable"]),
        )  # fmt: skip
        return self._told(differing["pair"].to_numpy(), values, numbers_of(pl.Series([name])))

    def of_keys(self, sides: Mapping[str, Side]) -> pl.DataFrame:
        """Pairs that a late stage made: another unit, or another person number (whose value is never told)."""
        at = np.flatnonzero(self.pairs.index["elsewhere"].to_numpy())
        units = {f"{name}_value": side.column("unit", self.pairs.rows(name)[at]) for name, side in sides.items()}
        values = pl.DataFrame(units).with_columns(
            kind=pl.lit("key_differs", self.types["kind"]), variable=pl.lit(None, self.types["variable"])
        )
        return self._told(at, values, OF_NOTHING)

    def _told(self, at: np.ndarray, values: pl.DataFrame, variable: np.ndarray) -> pl.DataFrame:
        """`values` (a row for each pair number in `at`) with ids and place, by pair_id; `variable` as its number."""
        number = self.pairs.index["number"].to_numpy()[at]
        order = np.argsort(number)
        at, number = at[order], number[order]
        return values.select(pl.all().gather(order)).with_columns(
            *self.places[self.pairs.place[at]].get_columns(),
            pl.Series("pair_id", written(number)),
            pl.Series("discrepancy_id", written(folded(number, variable))),
            *(pl.Series(f"{side}_id", ids.gather(self.pairs.rows(side)[at])) for side, ids in self.ids.items()),
        ).select(COLUMNS)  # fmt: skip

    def of_records(self, alone: pl.DataFrame) -> pl.DataFrame:
        """Records on one side only (as sides.alone tells them), and surplus copies."""
        is_new = pl.col("side") == "new"
        kind = pl.when(pl.col("surplus")).then(pl.lit("surplus")).when(is_new).then(pl.lit("only_new"))
        rows = alone.with_columns(
            pair_id=NOTHING, variable=NOTHING, reported_value=NOTHING, new_value=NOTHING,
            reported_id=pl.when(~is_new).then("record_id"),
            new_id=pl.when(is_new).then("record_id"),
            kind=kind.otherwise(pl.lit("only_reported")),
        )  # fmt: skip
        found = numbered(self.spec.database, rows["reported_id"], rows["new_id"], rows["variable"])
        return rows.with_columns(discrepancy_id=written(found)).select(COLUMNS).cast(dict(self.types))
