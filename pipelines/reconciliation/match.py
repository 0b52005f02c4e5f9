"""Staged one-to-one matching of events: which new record is which reported one.

Only keys decide (person, unit, dates, codes named by the match rules), never the values under evaluation,
never the order of rows. Each stage sees only what the earlier stages left over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor

import numpy as np
import polars as pl

from pipelines.reconciliation.assignment import EXACT, best_pairs
from pipelines.reconciliation.damaged import damaged
from pipelines.reconciliation.shape import Side, hashes
from pipelines.reconciliation.words import ODD
from pipelines.spec.model import DatabaseSpec, MatchRule

PAIRS = {"reported": pl.UInt32, "new": pl.UInt32, "stage": pl.UInt8, "ambiguous": pl.Boolean}


def match(spec: DatabaseSpec, reported: Side, new: Side, pool: Executor | None = None) -> pl.DataFrame:
    """Pairs of row numbers (reported, new), each with the number of the rule (stage) that made it.

    `ambiguous` is true where the keys do not decide: another choice would be as good, and the record ids
    settled it. A null key matches nothing. Every row stands in at most one pair. With a `pool` both sides
    are read at the same time.
    """
    sides = {"reported": reported, "new": new}  # whatever they call themselves: registers are matched too
    left = {name: np.arange(side.height, dtype=np.uint32) for name, side in sides.items()}
    pairs = [pl.DataFrame(schema=PAIRS)]
    for stage, rule in enumerate(spec.match):
        chosen = _stage(rule, sides, left, pool)
        pairs.append(chosen.with_columns(stage=pl.lit(stage, pl.UInt8)).select(list(PAIRS)))
        left = {name: _rest(rows, chosen[name]) for name, rows in left.items()}
    return pl.concat(pairs).sort("reported")


def _rest(rows: np.ndarray, taken: pl.Series) -> np.ndarray:
    free = np.ones(int(rows.max(initial=0)) + 1, dtype=bool)
    free[taken.to_numpy()] = False
    return rows[free[rows]]


def _stage(
    rule: MatchRule, sides: Mapping[str, Side], left: Mapping[str, np.ndarray], pool: Executor | None
) -> pl.DataFrame:
    """The pairs that a rule makes of the rows that are left."""
    candidates = _candidates(rule, sides, left, pool.map if pool else map)
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


def _candidates(
    rule: MatchRule, sides: Mapping[str, Side], left: Mapping[str, np.ndarray], each: Callable
) -> pl.DataFrame:
    """Every pair of rows that the rule allows, with its total absolute offset as cost."""
    known = list(each(lambda name: _keys(rule, sides[name], left[name]), sides))
    met = meeting(*(keys for _, keys in known))
    rows = dict(zip(sides, _in_order(*(of[at] for (of, _), at in zip(known, met, strict=True))), strict=True))
    alike = np.ones(len(rows["new"]), dtype=bool)
    for key in rule.on:  # rows meet by a part of a hash of all keys, so that others may have met too
        one, other = (_numbers(rule, side, key, rows[name]) for name, side in sides.items())
        alike &= one == other
    joined = pl.DataFrame({name: of if alike.all() else of[alike] for name, of in rows.items()})
    joined = joined.with_columns(cost=pl.lit(0.0))
    for key, window in rule.within.items():
        distance = _distance(*(side.column(key, joined[name].to_numpy()) for name, side in sides.items()))
        joined = joined.with_columns(pl.col("cost") + distance).filter(distance <= window + EXACT)
    if rule.identity == "damaged":
        persons = (side.column("person", joined[name].to_numpy()) for name, side in sides.items())
        joined = joined.filter(damaged(*persons))
    return joined


def _keys(rule: MatchRule, side: Side, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those rows that lack no key of the rule, with one number for all keys."""
    every = slice(None) if len(rows) == side.height else rows
    key, known = np.zeros(len(rows), dtype=np.uint64), np.ones(len(rows), dtype=bool)
    for name in rule.on:
        numbers = _numbers(rule, side, name, every)
        key *= np.uint64(ODD)
        key ^= numbers
        known &= numbers != 0
    return (rows, key) if known.all() else (rows[known], key[known])


def _numbers(rule: MatchRule, side: Side, name: str, at: np.ndarray | slice) -> np.ndarray:
    """A key of the rule as numbers; of a code only as many leading characters as the rule lets count."""
    if name in rule.level:
        return hashes(side.column(name).str.head(rule.level[name]))[at]
    return side.numbers(name, at)


def meeting(reported: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions in both of numbers that are equal, or nearly: their last bits give way to the positions.

    One sort brings together what is equal; a run of one and one is a pair as it stands.
    """
    bits = np.uint64(max(len(reported), len(new)).bit_length())
    packed = _packed(reported, new, bits)
    packed.sort()
    prefix = packed >> (bits + np.uint64(1))
    starts = np.flatnonzero(np.concatenate([[len(prefix) > 0], prefix[1:] != prefix[:-1]])[: len(prefix)])
    del prefix  # tens of millions of records are held here
    lengths = np.diff(starts, append=len(packed))
    two = starts[lengths == 2]
    first, second = packed[two], packed[two + 1]  # what is reported stands first
    apart = ((first ^ second) >> bits & np.uint64(1)).astype(bool)
    first, second = first[apart], second[apart]
    long = np.flatnonzero(lengths > 2)
    run = np.repeat(long, lengths[long])
    more = packed[np.repeat(starts[long], lengths[long]) + _counted_from_zero(lengths[long])]
    many = pl.DataFrame({"run": run, "new": (more >> bits) & np.uint64(1) == 1, "position": more})
    crossed = many.filter(~pl.col("new")).join(many.filter("new"), on="run")
    position = (np.uint64(1) << bits) - np.uint64(1)
    found = np.append(first, crossed["position"]), np.append(second, crossed["position_right"])
    return (found[0] & position).view(np.int64), (found[1] & position).view(np.int64)


def _packed(reported: np.ndarray, new: np.ndarray, bits: np.uint64) -> np.ndarray:
    """First bits of the number, a bit for the side, the position in it."""
    low, both = bits + np.uint64(1), np.concatenate([reported, new])
    both >>= low
    both <<= low
    both[: len(reported)] |= np.arange(len(reported), dtype=np.uint64)
    both[len(reported) :] |= np.arange(len(new), dtype=np.uint64) + (np.uint64(1) << bits)
    return both


def _counted_from_zero(lengths: np.ndarray) -> np.ndarray:
    """0, 1, … of each run, one run after another."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def _in_order(reported: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted by reported, then new: what has met comes in any order."""
    packed = reported.astype(np.uint64) << np.uint64(32) | new
    packed.sort()
    return (packed >> np.uint64(32)).astype(np.uint32), packed.astype(np.uint32)


def _distance(reported: pl.Series, new: pl.Series) -> pl.Series:
    """Absolute difference: days between dates (whole calendar days of a time stamp), else the number's own."""
    values = pl.DataFrame({"reported": reported, "new": new})
    if reported.dtype.is_temporal():
        return values.select(days_between(pl.col("reported"), pl.col("new")).abs().cast(pl.Float64)).to_series()
    return values.select((pl.col("new") - pl.col("reported")).abs().cast(pl.Float64)).to_series()


def days_between(reported: pl.Expr, new: pl.Expr) -> pl.Expr:
    """new − reported in whole calendar days."""
    return (new.cast(pl.Date) - reported.cast(pl.Date)).dt.total_days()
