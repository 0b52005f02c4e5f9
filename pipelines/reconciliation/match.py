"""Staged one-to-one matching of events: which new record is which reported one.

Only keys decide (person, unit, dates, codes named by the match rules), never the values under evaluation,
never the order of rows. Each stage sees only what the earlier stages left over.
"""

from __future__ import annotations

from functools import reduce

import polars as pl

from pipelines.reconciliation.assignment import EXACT, best_pairs
from pipelines.spec.model import DatabaseSpec, MatchRule

PAIRS = {"reported": pl.UInt32, "new": pl.UInt32, "rule": pl.String}


def match(spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Pairs of row numbers (reported, new) with the rule that made each; frames are sorted by record id.

    A null key matches nothing. Every row stands in at most one pair.
    """
    left, right = _keys(spec, reported, "reported"), _keys(spec, new, "new")
    pairs = [pl.DataFrame(schema=PAIRS)]
    for rule in spec.match:
        chosen = _stage(rule, left, right).with_columns(rule=pl.lit(rule.rule))
        pairs.append(chosen.select(list(PAIRS)))
        left = left.join(chosen, on="reported", how="anti")
        right = right.join(chosen, on="new", how="anti")
    return pl.concat(pairs).sort("reported")


def _keys(spec: DatabaseSpec, frame: pl.DataFrame, side: str) -> pl.DataFrame:
    names = {name for rule in spec.match for name in (*rule.on, *rule.within)}
    return frame.select(sorted(names)).with_row_index(side)


def _stage(rule: MatchRule, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    candidates = _candidates(rule, left, right)
    if rule.unambiguous:
        return candidates.filter((pl.len().over("reported") == 1) & (pl.len().over("new") == 1))
    return best_pairs(candidates)


def _candidates(rule: MatchRule, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Every pair of rows that the rule allows, with its total absolute offset as cost."""
    windows = list(rule.within)
    joined = left.select("reported", *rule.on, *windows).join(
        right.select("new", *rule.on, *(pl.col(name).alias(f"{name}_of_new") for name in windows)),
        on=list(rule.on),
    )
    offsets = {name: _distance(left, name) for name in windows}
    inside = reduce(lambda a, b: a & b, [offsets[n] <= rule.within[n] + EXACT for n in windows], pl.lit(True))
    cost = reduce(lambda a, b: a + b, offsets.values(), pl.lit(0.0))
    return joined.filter(inside).select("reported", "new", cost=cost.cast(pl.Float64))


def _distance(left: pl.DataFrame, name: str) -> pl.Expr:
    """Absolute difference: days between dates (whole calendar days of a time stamp), else the number's own."""
    if left.schema[name].is_temporal():
        return days_between(pl.col(name), pl.col(f"{name}_of_new")).abs()
    return (pl.col(f"{name}_of_new") - pl.col(name)).abs()


def days_between(reported: pl.Expr, new: pl.Expr) -> pl.Expr:
    """new − reported in whole calendar days."""
    return (new.cast(pl.Date) - reported.cast(pl.Date)).dt.total_days()
