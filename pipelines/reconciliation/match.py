"""Staged one-to-one matching of events: which new record is which reported one.

Only keys decide (person, unit, dates, codes named by the match rules), never the values under evaluation,
never the order of rows. Each stage sees only what the earlier stages left over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial

import numpy as np
import polars as pl

from pipelines.reconciliation.assignment import EXACT, best_pairs
from pipelines.reconciliation.damaged import damaged
from pipelines.reconciliation.shape import Side, hashes
from pipelines.reconciliation.words import ODD
from pipelines.spec.model import DatabaseSpec, MatchRule

PAIRS = {"reported": pl.UInt32, "new": pl.UInt32, "stage": pl.UInt8, "ambiguous": pl.Boolean}
NOBODY = np.iinfo(np.uint32).max
PART = 1 << 21  # numbers that are sorted together: they stay near the processor, and parts are sorted at the same time
Rows = dict[str, np.ndarray]
Met = tuple[np.ndarray, np.ndarray]
Keyed = tuple[np.ndarray, np.ndarray]  # rows, and a number for the keys of each


def match(spec: DatabaseSpec, reported: Side, new: Side, pool: Executor | None = None) -> pl.DataFrame:
    """Pairs of row numbers (reported, new), each with the number of the rule (stage) that made it.

    `ambiguous` is true where the keys do not decide: another choice would be as good, and the record ids
    settled it. A null key matches nothing. Every row stands in at most one pair. With a `pool` both sides
    are read at the same time.
    """
    sides = {"reported": reported, "new": new}  # whatever they call themselves: registers are matched too
    free = {name: np.ones(side.height, dtype=bool) for name, side in sides.items()}
    partner = np.full(reported.height, NOBODY, np.uint32)
    made_by, in_doubt = np.zeros(reported.height, np.uint8), np.zeros(reported.height, bool)
    for stage, rule in enumerate(spec.match):
        chosen = _stage(rule, sides, free, pool.map if pool else map)
        rows = {name: chosen[name].to_numpy() for name in sides}
        for name in sides:
            free[name][rows[name]] = False
        partner[rows["reported"]] = rows["new"]
        made_by[rows["reported"]] = stage
        in_doubt[rows["reported"]] = chosen["ambiguous"].to_numpy()
    found = _rows_where(partner != NOBODY)
    return pl.DataFrame([found, partner[found], made_by[found], in_doubt[found]], schema=PAIRS)


def _rows_where(chosen: np.ndarray) -> np.ndarray:
    return np.flatnonzero(chosen).astype(np.uint32)


def _stage(rule: MatchRule, sides: Mapping[str, Side], free: Rows, each: Callable) -> pl.DataFrame:
    """The pairs that a rule makes of the rows that are free."""
    known = each(lambda name: _keys(rule, sides[name], _rows_where(free[name])), sides)
    lonely, crossed = (dict(zip(sides, rows, strict=True)) for rows in meeting(*known, each))
    alone = _allowed(rule, sides, lonely, each)
    several = _allowed(rule, sides, crossed, each)
    single = pl.Series(_single(several["reported"]) & _single(several["new"]))
    chosen = [pairs.with_columns(ambiguous=pl.lit(False)) for pairs in (alone, several.filter(single))]
    if not rule.unambiguous:
        chosen.append(_settled(several.filter(~single), sides))
    return pl.concat(chosen)


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


def _allowed(rule: MatchRule, sides: Mapping[str, Side], rows: Rows, each: Callable) -> pl.DataFrame:
    """Those of the rows that have met which the rule allows to be a pair, with their total absolute offset as cost."""
    alike = np.ones(len(rows["new"]), dtype=bool)
    for key in rule.on:  # rows meet by a part of a hash of all keys, so that others may have met too
        one, other = each(partial(_numbers, rule, key), sides.values(), rows.values())
        alike &= one == other
    joined = pl.DataFrame({name: rows[name] if alike.all() else rows[name][alike] for name in sides})
    joined = joined.with_columns(cost=pl.lit(0.0))
    for key, window in rule.within.items():
        distance = _distance(*(side.column(key, joined[name].to_numpy()) for name, side in sides.items()))
        joined = joined.with_columns(pl.col("cost") + distance).filter(distance <= window + EXACT)
    if rule.identity == "damaged":
        persons = (side.column("person", joined[name].to_numpy()) for name, side in sides.items())
        joined = joined.filter(damaged(*persons))
    return joined


def _keys(rule: MatchRule, side: Side, rows: np.ndarray) -> Keyed:
    """Those rows that lack no key of the rule, with one number for all keys."""
    every = slice(None) if len(rows) == side.height else rows
    key, known = np.zeros(len(rows), dtype=np.uint64), np.ones(len(rows), dtype=bool)
    for name in rule.on:
        numbers = _numbers(rule, name, side, every)
        key *= np.uint64(ODD)
        key ^= numbers
        known &= numbers != 0
    return (rows, key) if known.all() else (rows[known], key[known])


def _numbers(rule: MatchRule, name: str, side: Side, at: np.ndarray | slice) -> np.ndarray:
    """A key of the rule as numbers; of a code only as many leading characters as the rule lets count."""
    if name in rule.level:
        return hashes(side.column(name).str.head(rule.level[name]))[at]
    return side.numbers(name, at)


def meeting(reported: Keyed, new: Keyed, each: Callable = map) -> tuple[Met, Met]:
    """The rows of both whose numbers are equal, or nearly: those that have met one to one, and every pair of those
    that have met several.

    Numbers of the same first bits are brought together part by part, `each` at the same time where it can.
    """
    sides = (reported, new)
    wanted = sum(len(rows) for rows, _ in sides) // PART
    bits = np.uint64(min(max(wanted, 1).bit_length() - 1, 8))
    first = [(numbers >> (np.uint64(64) - bits)).astype(np.uint8) for _, numbers in sides]

    def met(part: int) -> tuple[Met, Met]:
        at = [np.flatnonzero(of == part) for of in first]
        rows = [rows.take(here) for (rows, _), here in zip(sides, at, strict=True)]
        found = _met(*(numbers.take(here) for (_, numbers), here in zip(sides, at, strict=True)))
        return tuple(tuple(of.take(position) for of, position in zip(rows, pair, strict=True)) for pair in found)

    parts = each(met, range(1 << int(bits)))
    return tuple(tuple(map(np.concatenate, zip(*pairs, strict=True))) for pairs in zip(*parts, strict=True))


def _met(reported: np.ndarray, new: np.ndarray) -> tuple[Met, Met]:
    """Positions in both of a part's numbers: their last bits give way to the positions, and one sort brings together
    what is equal. A run of one and one is a pair as it stands."""
    bits = np.uint64(max(len(reported), len(new)).bit_length())
    packed = _packed(reported, new, bits)
    packed.sort()
    prefix = packed >> (bits + np.uint64(1))
    starts = np.flatnonzero(np.concatenate([[len(prefix) > 0], prefix[1:] != prefix[:-1]])[: len(prefix)])
    lengths = np.diff(starts, append=len(packed))
    two = starts[lengths == 2]
    one, other = packed[two], packed[two + 1]  # what is reported stands first
    apart = ((one ^ other) >> bits & np.uint64(1)).astype(bool)
    long = np.flatnonzero(lengths > 2)
    run = np.repeat(long, lengths[long])
    more = packed[np.repeat(starts[long], lengths[long]) + _counted_from_zero(lengths[long])]
    many = pl.DataFrame({"run": run, "new": (more >> bits) & np.uint64(1) == 1, "position": more})
    crossed = many.filter(~pl.col("new")).join(many.filter("new"), on="run")
    position = (np.uint64(1) << bits) - np.uint64(1)
    return tuple(
        tuple((numbers & position).view(np.int64) for numbers in pair)
        for pair in ((one[apart], other[apart]), (crossed["position"].to_numpy(), crossed["position_right"].to_numpy()))
    )


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


def _distance(reported: pl.Series, new: pl.Series) -> pl.Series:
    """Absolute difference: days between dates (whole calendar days of a time stamp), else the number's own."""
    values = pl.DataFrame({"reported": reported, "new": new})
    if reported.dtype.is_temporal():
        return values.select(days_between(pl.col("reported"), pl.col("new")).abs().cast(pl.Float64)).to_series()
    return values.select((pl.col("new") - pl.col("reported")).abs().cast(pl.Float64)).to_series()


def days_between(reported: pl.Expr, new: pl.Expr) -> pl.Expr:
    """new − reported in whole calendar days."""
    return (new.cast(pl.Date) - reported.cast(pl.Date)).dt.total_days()
