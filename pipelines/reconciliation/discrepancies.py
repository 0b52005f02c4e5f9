"""Discrepancies (uoverensstemmelser): a variable of a pair that differs, or a record on one side only.

They are told part by part, so that millions need not be in memory: variable by variable in the specification's
order, then keys, then records; within a part by pair_id or record id. A discrepancy's id is a hash of database,
reported_id, new_id and variable.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.reconciliation.compare import OUTCOMES
from pipelines.reconciliation.identifiers import numbered, written
from pipelines.reconciliation.pairs import Pairs
from pipelines.reconciliation.shape import Side
from pipelines.spec.model import DatabaseSpec, MatchRule, Variable

COLUMNS = (
    "discrepancy_id", "pair_id", "reported_id", "new_id", "variable", "kind", "reported_value", "new_value",
    "region", "unit", "period",
)  # fmt: skip
SCHEMA = dict.fromkeys(COLUMNS, pl.String)
NOTHING = pl.lit(None, pl.String)


def shown(name: str, variable: Variable, side: str) -> pl.Expr:
    """A value as canonical text (decimal point, ISO date), or its missing code; null for an empty cell."""
    value = pl.col(f"{name}_{side}")
    text = value.dt.strftime("%Y-%m-%d %H:%M:%S") if variable.type == "timestamp" else value.cast(pl.String)
    return pl.coalesce(text, pl.col(f"{name}_missing_{side}"))


def of_variable(
    spec: DatabaseSpec, pairs: Pairs, ids: Mapping[str, pl.Series], name: str, differing: pl.DataFrame
) -> pl.DataFrame:
    """The cells of a variable that differ; `differing` as in variables.Compared, `ids` the record ids of a side."""
    kinds = pl.Series("kind", OUTCOMES).gather(differing["kind"])
    values = differing.select("reported_value", "new_value", kind=kinds, variable=pl.lit(name))
    return _told(spec, pairs, ids, differing["pair"].to_numpy(), values)


def of_keys(spec: DatabaseSpec, sides: Mapping[str, Side], pairs: Pairs, ids: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Pairs that a late stage made: another unit, or another person number (whose value is never told)."""
    late = [stage for stage, rule in enumerate(spec.match) if not _same_keys(rule)]
    at = np.flatnonzero(np.isin(pairs.index["stage"].to_numpy(), late))
    keys = {(name, key): side.column(key, pairs.rows(name)[at]) for name, side in sides.items() for key in KEYS}
    differ = [(keys["reported", key] != keys["new", key]).fill_null(False) for key in KEYS]
    either = differ[0] | differ[1]
    units = {f"{side}_value": keys[side, "unit"].filter(either) for side in sides}
    values = pl.DataFrame(units).with_columns(kind=pl.lit("key_differs"), variable=NOTHING)
    return _told(spec, pairs, ids, at[either.to_numpy()], values)


KEYS = ("unit", "person")


def _same_keys(rule: MatchRule) -> bool:
    return set(KEYS) <= set(rule.on) - set(rule.level)


def of_records(spec: DatabaseSpec, alone: pl.DataFrame) -> pl.DataFrame:
    """Records on one side only (as sides.alone tells them), and surplus copies."""
    is_new = pl.col("side") == "new"
    kind = pl.when(pl.col("surplus")).then(pl.lit("surplus")).when(is_new).then(pl.lit("only_new"))
    rows = alone.with_columns(
        pair_id=NOTHING, variable=NOTHING, reported_value=NOTHING, new_value=NOTHING,
        reported_id=pl.when(~is_new).then("record_id"),
        new_id=pl.when(is_new).then("record_id"),
        kind=kind.otherwise(pl.lit("only_reported")),
    )  # fmt: skip
    return _identified(spec, rows)


def _told(
    spec: DatabaseSpec, pairs: Pairs, ids: Mapping[str, pl.Series], at: np.ndarray, values: pl.DataFrame
) -> pl.DataFrame:
    """`values` (a row for each pair number in `at`) with ids and place, by pair_id."""
    number = pairs.index["number"].to_numpy()[at]
    order = np.argsort(number, kind="stable")
    at = at[order]
    told = values.select(pl.all().gather(order)).with_columns(
        *pairs.places[pairs.place[at]].get_columns(),
        pl.Series("pair_id", written(number[order])),
        *(pl.Series(f"{side}_id", ids[side].gather(pairs.rows(side)[at])) for side in ids),
    )
    return _identified(spec, told)


def _identified(spec: DatabaseSpec, rows: pl.DataFrame) -> pl.DataFrame:
    found = numbered(spec.database, rows["reported_id"], rows["new_id"], rows["variable"])
    return rows.with_columns(discrepancy_id=written(found)).select(COLUMNS)
