"""What the difference of an indicator between the two sides consists of: coverage, eligibility, unknown, value.

An indicator's value on a side is met ÷ (met + not met) of the side's records. Between the value of all reported
records and that of all new ones lie six other shares, each of fewer courses (`chain`), so that every step has one
reason:

    all → on both sides here → in the denominator of both → known on both

    coverage    = (reported all → on both) less (new all → on both)
    eligibility = the same of the step to those in the denominator of both
    unknown     = the same of the step to those known on both
    value       = new − reported among the courses known on both

so that coverage + eligibility + unknown + value = new − reported, exactly. Swapping the sides turns every sign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.reconciliation.indicators import BY_PLACE, MET, NOT_MET, STANDINGS, standings
from pipelines.reconciliation.intervals import NO_INTERVAL, NO_SPREAD, Interval, newcombe_paired
from pipelines.reconciliation.shape import SIDES
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.primitives import meets

PARTS = ("coverage", "eligibility", "unknown", "value")
SCHEMA = {
    **dict.fromkeys(("indicator", "region", "unit"), pl.String),
    **dict.fromkeys(("difference", "low", "high", *PARTS, "value_low", "value_high"), pl.Float64),
    "known_on_both": pl.Int64, "crosses_standard": pl.Boolean,
}  # fmt: skip
ABSENT = len(STANDINGS)  # the record is not on this side, here
CELLS = ABSENT + 1
# Which standings on the other side each share is of: any, on both sides, in both denominators, known on both.
CHAIN = (slice(0, CELLS), slice(0, ABSENT), slice(1, ABSENT), slice(NOT_MET, ABSENT))
REPLICATES = 1000

Place = tuple[str | None, str | None]  # region, unit
Profiles = tuple[np.ndarray, np.ndarray]  # tables [profile, reported, new]; persons with each


def indicator_differences(
    spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame
) -> pl.DataFrame:
    """indicator_differences.parquet: per indicator and place the difference new − reported, its parts and intervals.

    `reported` and `new` are the comparable records of each side (record_id, person, region, unit, variables),
    `pairs` their reported_id and new_id. A course whose two records stand in different places is on one side only
    in each of them. `low`, `high`: cluster bootstrap by person, 95 %; null where no replicate differs. `value_low`,
    `value_high`: Newcombe's paired interval. Parts are null where no course is known on both sides.
    """
    if not spec.indicators:
        return pl.DataFrame(schema=SCHEMA)
    courses = _courses(spec, reported, new, pairs)
    rows = [
        _row(spec, name, *place, *profiles)
        for level in BY_PLACE
        for here in [_at_level(courses, level, list(spec.indicators))]
        for name in spec.indicators
        for place, profiles in _profiles(here, level, name)
    ]
    found = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return found.sort("indicator", "region", "unit", nulls_last=False)


def decomposed(tables: np.ndarray) -> dict[str, np.ndarray]:
    """The difference and its parts from counts of courses by standing: tables[…, reported, new].

    NaN where a share that is needed has nothing in its denominator.
    """
    reported = [_share(tables, others) for others in CHAIN]
    new = [_share(np.swapaxes(tables, -1, -2), others) for others in CHAIN]
    steps = [(reported[i + 1] - reported[i]) - (new[i + 1] - new[i]) for i in range(len(CHAIN) - 1)]
    parts = dict(zip(PARTS, [*steps, new[-1] - reported[-1]], strict=True))
    return {"reported": reported[0], "new": new[0], "difference": new[0] - reported[0]} | parts


def _share(tables: np.ndarray, others: slice) -> np.ndarray:
    """Met ÷ known on the side of the last axis but one, among courses that stand as `others` on the other side."""
    met = tables[..., MET, others].sum(-1)
    known = tables[..., NOT_MET:ABSENT, others].sum((-1, -2))
    return np.divide(met, known, out=np.full(known.shape, np.nan), where=known > 0)


def _courses(spec: DatabaseSpec, reported: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """One row per course: its person, and per side its place and its standing in each indicator."""
    left, right = (_side(spec, frame, side) for side, frame in zip(SIDES, (reported, new), strict=True))
    joined = left.join(pairs.select("reported_id", "new_id"), on="reported_id", how="left").join(
        right, on="new_id", how="full", coalesce=True
    )
    # A record without a person is a cluster of its own.
    nobody = pl.concat_str(pl.col("reported_id").fill_null(""), pl.lit("\0"), pl.col("new_id").fill_null(""))
    return joined.with_columns(
        _person=pl.coalesce("_person_reported", "_person_new", nobody),
        _both=pl.col("reported_id").is_not_null() & pl.col("new_id").is_not_null(),
    )


def _side(spec: DatabaseSpec, frame: pl.DataFrame, side: str) -> pl.DataFrame:
    identity = [pl.col(name).alias(f"_{name}_{side}") for name in ("person", "region", "unit")]
    stands = standings(spec, frame).rename(lambda name: f"{name}_{side}")
    return pl.concat([frame.select(pl.col("record_id").alias(f"{side}_id"), *identity), stands], how="horizontal")


def _at_level(courses: pl.DataFrame, level: tuple[str, ...], names: list[str]) -> pl.DataFrame:
    """`_person`, the columns of `level`, and per indicator the cell of the course's two standings there.

    `_alone`: no other course of the person is there.
    """
    same = [(pl.col(f"_{name}_reported") == pl.col(f"_{name}_new")).fill_null(False) for name in level]
    together = pl.all_horizontal(pl.col("_both"), *same)
    parts = [courses.filter(together).select(_cells(level, names, "reported", absent=None))]
    for here, elsewhere in (SIDES, SIDES[::-1]):
        one_sided = courses.filter(~together, pl.col(f"{here}_id").is_not_null())
        parts.append(one_sided.select(_cells(level, names, here, absent=elsewhere)))
    return pl.concat(parts).drop_nulls(list(level)).with_columns(_alone=pl.len().over("_person", *level) == 1)


def _cells(level: tuple[str, ...], names: list[str], placed_by: str, absent: str | None) -> list[pl.Expr]:
    places = [pl.col(f"_{name}_{placed_by}").alias(name) for name in level]
    return [pl.col("_person"), *places, *(_cell(name, absent).alias(name) for name in names)]


def _cell(name: str, absent: str | None) -> pl.Expr:
    row, column = (pl.lit(ABSENT) if side == absent else pl.col(f"{name}_{side}").cast(pl.Int32) for side in SIDES)
    return (row * CELLS + column).cast(pl.Int32)


def _profiles(here: pl.DataFrame, level: tuple[str, ...], name: str) -> Iterator[tuple[Place, Profiles]]:
    """Per place the different profiles of persons (how many of their courses are in each cell), and how many have each.

    Persons with the same profile are alike to the figures, so that a bootstrap need only draw how many of each.
    """
    one = here.filter("_alone").select(*level, _profile=pl.col(name).cast(pl.String))
    cells = pl.col(name).sort().cast(pl.String).str.join(" ")
    several = here.filter(~pl.col("_alone")).group_by("_person", *level).agg(_profile=cells).drop("_person")
    counted = pl.concat([one, several]).group_by(*level, "_profile").len("_n").sort(*level, "_profile")
    grouped = counted.group_by(level, maintain_order=True) if level else [((), counted)] * bool(len(counted))
    for place, rows in grouped:
        region, unit = (*place, None, None)[:2]
        yield (region, unit), (_tables(rows["_profile"]), rows["_n"].to_numpy())


def _tables(profiles: pl.Series) -> np.ndarray:
    """Counts of courses by standing on both sides, a table per profile."""
    tables = np.zeros((len(profiles), CELLS * CELLS), np.int64)
    for position, text in enumerate(profiles):
        np.add.at(tables[position], np.array(text.split(), int), 1)
    return tables.reshape(-1, CELLS, CELLS)


def _row(
    spec: DatabaseSpec, name: str, region: str | None, unit: str | None, tables: np.ndarray, persons: np.ndarray
) -> tuple:
    whole = np.tensordot(persons, tables, 1)
    found = {part: _or_none(value) for part, value in decomposed(whole).items()}
    (neither, new_only), (reported_only, both) = whole[NOT_MET:ABSENT, NOT_MET:ABSENT].tolist()
    paired = newcombe_paired(both, new_only, reported_only, neither)
    known = both + new_only + reported_only + neither
    interval = _bootstrapped(tables, persons, _seed(spec.database, name, region, unit))
    shown = (found["difference"], *interval, *(found[part] for part in PARTS), *paired, known)
    return (name, region, unit, *shown, _crosses(spec, name, found["reported"], found["new"]))


def _bootstrapped(tables: np.ndarray, persons: np.ndarray, seed: int) -> Interval:
    """The 2.5th and 97.5th percentile of the difference when persons are drawn anew, with replacement.

    Field & Welsh, J R Stat Soc B 2007;69:369-390 (the cluster bootstrap). Null where nothing varied: a width of
    nothing would claim certainty.
    """
    random, n = np.random.default_rng(seed), int(persons.sum())
    drawn = random.multinomial(n, persons / n, size=REPLICATES)
    differences = decomposed((drawn @ tables.reshape(len(tables), -1)).reshape(-1, CELLS, CELLS))["difference"]
    known = differences[~np.isnan(differences)]
    if len(known) < REPLICATES / 2 or np.ptp(known) < NO_SPREAD:
        return NO_INTERVAL
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def _seed(*of: str | None) -> int:
    """The same draws for the same figure in every run, whatever else is computed."""
    return int.from_bytes(hashlib.sha256(repr(of).encode()).digest()[:8], "big")


def _crosses(spec: DatabaseSpec, name: str, reported: float | None, new: float | None) -> bool | None:
    """Does one side meet the indicator's standard and the other not? Null where that cannot be said."""
    standard = spec.indicators[name].standard
    if standard is None or reported is None or new is None:
        return None
    return meets(standard, reported) != meets(standard, new)


def _or_none(value: np.ndarray) -> float | None:
    return None if np.isnan(value) else float(value)
