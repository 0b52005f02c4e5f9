"""What the record says of each side: weighted figures with 95 % intervals, from a stratified sample.

Each stratum's share counts by the size of the stratum (Cochran, Sampling Techniques, 3rd ed. 1977, § 5.3), so that
the differing rows, of which far more are drawn, weigh what they weigh in the data. Undecided rows are taken to be
like the decided of their stratum; their share is a figure of its own.

Intervals: Wilson's of each stratum, with the sample's size enlarged by the finite population correction
(n (N − 1) ÷ (N − n): nothing is uncertain where all were drawn), joined by the method of variance estimates recovery
(Zou, Huang & Zhang, Comput Stat Data Anal 2009;53:1080-1085), of which Newcombe's interval of a difference is a case.
A stratum whose sampled rows all say the same has a width, which an interval from sample variances has not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf, sqrt

import polars as pl

from pipelines.journal.sample import STRATA_OF_RECORDS
from pipelines.reconciliation.intervals import Figure, newcombe_paired, undefined, wilson_bounds
from pipelines.reconciliation.shape import SIDES

ANSWERS_OF_VALUES = ("both", "reported", "new", "neither", "undecided")
ANSWERS_OF_RECORDS = ("course", "no_course", "undecided")
COUNTS = {
    "variable": pl.String, "stratum": pl.String, "population": pl.Int64, "drawn": pl.Int64,
    **dict.fromkeys(dict.fromkeys((*ANSWERS_OF_VALUES, *ANSWERS_OF_RECORDS)), pl.Int64),
}  # fmt: skip
SCHEMA = {
    "variable": pl.String, "side": pl.String, "figure": pl.String, "value": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "n": pl.Int64, "reason": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One stratum's share with its interval, and the size of the stratum, which it counts by."""

    size: float
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Total:
    """An estimated number with its interval."""

    value: float
    low: float
    high: float


def counted(answers: pl.DataFrame) -> pl.DataFrame:
    """How often each answer (`said`) was given in each stratum: the columns COUNTS."""
    given = [(pl.col("said") == answer).sum().cast(pl.Int64).alias(answer) for answer in list(COUNTS)[4:]]
    of = answers.group_by("variable", "stratum").agg(pl.col("population").first(), pl.len().alias("drawn"), *given)
    return of.select(list(COUNTS)).cast(COUNTS).sort("variable", "stratum", nulls_last=True)


def audit_figures(counts: pl.DataFrame) -> pl.DataFrame:
    """The figures (SCHEMA) of `counts`: of each variable, of all values together (variable null), of records."""
    values = counts.filter(~pl.col("stratum").is_in(STRATA_OF_RECORDS))
    told = []
    for name in [*values["variable"].unique().sort(), None]:
        strata = (values if name is None else values.filter(variable=name)).to_dicts()
        told += [(name, side, figure) for side, figure in _of_values(strata)] if strata else []
    told += [(None, side, figure) for side, figure in _of_records(counts.to_dicts())]
    rows = [(v, side, f.figure, f.value, f.low, f.high, f.n, f.reason) for v, side, f in told]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _of_values(strata: Sequence[dict]) -> list[tuple[str | None, Figure]]:
    decided = [s["drawn"] - s["undecided"] for s in strata]
    right = [("reported", [s["both"] + s["reported"] for s in strata]), ("new", [s["both"] + s["new"] for s in strata])]
    shares = [(side, weighted_share("right", strata, yes, decided)) for side, yes in right]
    unsettled = weighted_share("undecided", strata, [s["undecided"] for s in strata], [s["drawn"] for s in strata])
    return [*shares, (None, _difference(strata, decided)), (None, unsettled)]


def weighted_share(figure: str, strata: Sequence[dict], yes: Sequence[int], of: Sequence[int]) -> Figure:
    """The share of the strata's population that says yes, from `yes` of `of` rows in each."""
    if 0 in of:
        return undefined(figure, sum(of), "nothing decided in a stratum")
    whole = sum(s["population"] for s in strata)
    total = _sum([_part(s["population"], k, n) for s, k, n in zip(strata, yes, of, strict=True)])
    return Figure(figure, total.value / whole, total.low / whole, total.high / whole, sum(of))


def _difference(strata: Sequence[dict], decided: Sequence[int]) -> Figure:
    """How much larger the new side's share of right values is than the reported side's, of the same rows.

    Where the sides agree they are right together, so that all of it lies where they differ.
    """
    if 0 in decided:
        return undefined("right_difference", sum(decided), "nothing decided in a stratum")
    whole = sum(s["population"] for s in strata)
    parts = [_paired(s, n) for s, n in zip(strata, decided, strict=True) if s["stratum"] == "differ"]
    total = _sum(parts)
    return Figure("right_difference", total.value / whole, total.low / whole, total.high / whole, sum(decided))


def _paired(stratum: dict, n: int) -> Part:
    factor, share = _enlarged(stratum["population"], n), (stratum["new"] - stratum["reported"]) / n
    if isinf(factor):
        return Part(stratum["population"], share, share, share)
    low, high = newcombe_paired(*(stratum[said] * factor for said in ("both", "new", "reported", "neither")))
    return Part(stratum["population"], share, low, high)


def _of_records(counts: Sequence[dict]) -> list[tuple[str | None, Figure]]:
    """Of a side's records, those that are courses (ppv); of the courses on either side, those it has (sensitivity)."""
    strata = {s["stratum"]: s for s in counts if s["stratum"] in STRATA_OF_RECORDS}
    told = []
    for side, other in (SIDES, SIDES[::-1]):
        own = [strata[name] for name in ("pair", f"only_{side}") if name in strata]
        missed = [strata[name] for name in (f"only_{other}",) if name in strata]
        told += [(side, _ppv(own)), (side, _sensitivity(own, missed))]
    return told


def _ppv(own: Sequence[dict]) -> Figure:
    decided = [s["drawn"] - s["undecided"] for s in own]
    if not own:
        return undefined("ppv", 0, "no records")
    return weighted_share("ppv", own, [s["course"] for s in own], decided)


def _sensitivity(own: Sequence[dict], missed: Sequence[dict]) -> Figure:
    n = sum(s["drawn"] - s["undecided"] for s in (*own, *missed))
    if any(s["drawn"] == s["undecided"] for s in (*own, *missed)):
        return undefined("sensitivity", n, "nothing decided in a stratum")
    had, lacked = (_sum([_courses(s) for s in part]) for part in (own, missed))
    if had.value + lacked.value == 0:
        return undefined("sensitivity", n, "no courses")
    low, high = _share_of_both(had, lacked)
    return Figure("sensitivity", had.value / (had.value + lacked.value), low, high, n)


def _courses(stratum: dict) -> Part:
    return _part(stratum["population"], stratum["course"], stratum["drawn"] - stratum["undecided"])


def _enlarged(population: int, n: int) -> float:
    """By how much a sample without replacement is worth more than one with."""
    return (population - 1) / (population - n) if n < population else float("inf")


def _part(population: int, yes: int, n: int) -> Part:
    """Wilson's interval with the finite population correction; none where the whole stratum was seen."""
    factor, share = _enlarged(population, n), yes / n
    if isinf(factor):
        return Part(population, share, share, share)
    low, high = wilson_bounds([min(yes * factor, n * factor)], [n * factor])
    return Part(population, share, float(low[0]), float(high[0]))


def _sum(parts: Sequence[Part]) -> Total:
    """The strata's numbers added up: each end is as far off as its parts' ends, squared and added."""
    value = sum(part.size * part.share for part in parts)
    down = sqrt(sum((part.size * (part.share - part.low)) ** 2 for part in parts))
    up = sqrt(sum((part.size * (part.high - part.share)) ** 2 for part in parts))
    return Total(value, value - down, value + up)


def _share_of_both(had: Total, lacked: Total) -> tuple[float, float]:
    """The interval of had ÷ (had + lacked), by that of lacked ÷ had.

    MOVER-R of two independent estimates: Donner & Zou, Stat Methods Med Res 2012;21:347-359.
    """
    return 1 / (1 + _ratio_end(lacked, had, upper=True)), 1 / (1 + _ratio_end(lacked, had, upper=False))


def _ratio_end(top: Total, bottom: Total, upper: bool) -> float:
    one, other = (top.high, bottom.low) if upper else (max(top.low, 0.0), bottom.high)
    reach = other * (2 * bottom.value - other)
    if reach <= 0:
        return float("inf") if upper else 0.0
    product = top.value * bottom.value
    spread = sqrt(max(product**2 - one * (2 * top.value - one) * reach, 0.0))
    return max((product + spread if upper else product - spread) / reach, 0.0)
