"""Staged one-to-one matching of events: which new record is which reported one.

Only keys decide (person, unit, dates, codes named by the match rules), never the values under evaluation,
never the order of rows. Each stage sees only what the earlier stages left over.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.reconciliation.assignment import EXACT, best_pairs
from pipelines.reconciliation.damaged import damaged
from pipelines.reconciliation.shape import Side
from pipelines.spec.model import DatabaseSpec, MatchRule

PAIRS = {"reported": pl.UInt32, "new": pl.UInt32, "stage": pl.UInt8, "ambiguous": pl.Boolean}


def match(spec: DatabaseSpec, reported: Side, new: Side) -> pl.DataFrame:
    """Pairs of row numbers (reported, new), each with the number of the rule (stage) that made it.

    `ambiguous` is true where the keys do not decide: another choice would be as good, and the record ids
    settled it. A null key matches nothing. Every row stands in at most one pair.
    """
    sides = {"reported": reported, "new": new}  # whatever they call themselves: registers are matched too
    left = {name: np.arange(side.height, dtype=np.uint32) for name, side in sides.items()}
    pairs = [pl.DataFrame(schema=PAIRS)]
    for stage, rule in enumerate(spec.match):
        chosen = _stage(rule, sides, left)
        pairs.append(chosen.with_columns(stage=pl.lit(stage, pl.UInt8)).select(list(PAIRS)))
        left = {name: _rest(rows, chosen[name]) for name, rows in left.items()}
    return pl.concat(pairs).sort("reported")


def _rest(rows: np.ndarray, taken: pl.Series) -> np.ndarray:
    return rows[~np.isin(rows, taken.to_numpy(), assume_unique=True, kind="table")]


def _stage(rule: MatchRule, sides: Mapping[str, Side], left: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """The pairs that a rule makes of the rows that are left."""
    candidates = _candidates(rule, sides, left)
    lonely = _single(candidates["reported"]) & _single(candidates["new"])
    alone = candidates.filter(pl.Series(lonely)).with_columns(ambiguous=pl.lit(False))
    if rule.unambiguous:
        return alone
    return pl.concat([alone, _settled(candidates.filter(pl.Series(~lonely)), sides)])


def _single(rows: pl.Series) -> np.ndarray:
    numbers = rows.to_numpy()
    return np.bincount(numbers, minlength=1)[numbers] == 1


def _settled(contested: pl.DataFrame, sides: Mapping[str, Side]) -> pl.DataFrame:
    """The best choice among candidates that share records; ties go by record id, not by row."""
    rows = {name: contested[name].unique().to_numpy() for name in sides}
    ordered = {
        name: rows[name][side.column("record_id", rows[name]).arg_sort().to_numpy()]
        for name, side in sides.items()
        if len(contested)
    }
    ranked = contested.with_columns(
        pl.col(name).replace_strict(order, np.arange(len(order), dtype=np.uint32)) for name, order in ordered.items()
    )
    chosen = best_pairs(ranked)
    return chosen.with_columns(pl.Series(name, order[chosen[name].to_numpy()]) for name, order in ordered.items())


def _candidates(rule: MatchRule, sides: Mapping[str, Side], left: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Every pair of rows that the rule allows, with its total absolute offset as cost."""
    keys = [_keys(rule, side, left[name]).rename({"row": name}).lazy() for name, side in sides.items()]
    joined = keys[0].join(keys[1], on="key").select(*sides).collect(engine="streaming")
    joined = _in_order(joined)
    for key in rule.on:  # the joined key is a hash of them, so that records of other keys may share it
        one, other = (_said(rule, side, key, joined[name].to_numpy()) for name, side in sides.items())
        joined = joined.filter(one == other)
    joined = joined.with_columns(cost=pl.lit(0.0))
    for key, window in rule.within.items():
        distance = _distance(*(side.column(key, joined[name].to_numpy()) for name, side in sides.items()))
        joined = joined.with_columns(pl.col("cost") + distance).filter(distance <= window + EXACT)
    if rule.identity == "damaged":
        persons = (side.column("person", joined[name].to_numpy()) for name, side in sides.items())
        joined = joined.filter(damaged(*persons))
    return joined


def _keys(rule: MatchRule, side: Side, rows: np.ndarray) -> pl.DataFrame:
    """Row numbers with one number for all keys of the rule; a row that lacks a key is left out."""
    whole = len(rows) == side.height
    key, known = pl.Series([0], dtype=pl.UInt64), pl.Series([True])
    for seed, name in enumerate(rule.on):
        values = _said(rule, side, name, None if whole else rows)
        key, known = key ^ values.hash(seed), known & values.is_not_null()
    return pl.DataFrame({"row": rows, "key": key}).filter(known)


def _said(rule: MatchRule, side: Side, name: str, at: np.ndarray | None) -> pl.Series:
    """A key of the rule; of a code only as many leading characters as the rule lets count."""
    values = side.column(name, at)
    return values.str.head(rule.level[name]) if name in rule.level else values


def _in_order(joined: pl.DataFrame) -> pl.DataFrame:
    """Sorted by reported, then new: the join leaves its rows in any order."""
    packed = joined["reported"].to_numpy().astype(np.uint64) << np.uint64(32) | joined["new"].to_numpy()
    packed.sort()
    rows = {"reported": packed >> np.uint64(32), "new": packed & np.uint64(2**32 - 1)}
    return pl.DataFrame({name: numbers.astype(np.uint32) for name, numbers in rows.items()})


def _distance(reported: pl.Series, new: pl.Series) -> pl.Series:
    """Absolute difference: days between dates (whole calendar days of a time stamp), else the number's own."""
    values = pl.DataFrame({"reported": reported, "new": new})
    if reported.dtype.is_temporal():
        return values.select(days_between(pl.col("reported"), pl.col("new")).abs().cast(pl.Float64)).to_series()
    return values.select((pl.col("new") - pl.col("reported")).abs().cast(pl.Float64)).to_series()


def days_between(reported: pl.Expr, new: pl.Expr) -> pl.Expr:
    """new − reported in whole calendar days."""
    return (new.cast(pl.Date) - reported.cast(pl.Date)).dt.total_days()
