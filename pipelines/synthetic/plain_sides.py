"""Two canonical frames of an invented database: the same courses on both sides, then noise as registries have it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.synthetic.streams import stream

REFERENCE_DATE = dt.date(2026, 12, 31)
SCHEMA_CHANGE = (0.25, 0.75)  # of the time: a region takes up the next schema version somewhere between these
WORDS = ("ærø", "Åse", "Søby", "Høng", "Rebild", "Ny by")
AGE_BANDS = ("18-49", "50-64", "65-79", "80+")
# Known of the new record only: how it came. Everything else stands on both sides.
TRANSPORT = ("submission", "source_file", "schema_version", "source_system")
SPREAD = 0.02  # intraclass correlation of errors within a unit
EMPTY = 0.2  # share of the errors that are an empty cell


@dataclass(frozen=True)
class Layout:
    """Where, when and how the courses of a database come: what a slice may name, and how it is written."""

    first_day: dt.date = dt.date(2026, 1, 1)
    reference_date: dt.date = REFERENCE_DATE
    regions: tuple[str, ...] | None = None  # else three to five of ra … rf
    units_a_region: tuple[int, int] = (2, 8)  # the second is not reached
    unit: str = "{}"  # how a unit's number is written
    versions: tuple[str, ...] = ("1.0", "1.1")  # one after the other
    systems: tuple[str, ...] = ("Alfa", "Beta", "Gamma")
    days_a_submission: int | None = None  # submissions are numbered by region; else one a month, named by it
    age_bands: tuple[str, ...] = AGE_BANDS
    own_values: tuple[str, ...] = ("x1", "x2", "x3")  # of the specification's own slices

    @property
    def days(self) -> int:
        return (self.reference_date - self.first_day).days + 1


@dataclass(frozen=True)
class PlainSides:
    """`reported` and `new` canonical frames; `course` (−1: of nobody) says which records are of one course.

    While faults are planted both sides have every attribute, so that a slice means the same on both.
    """

    reported: pl.DataFrame
    new: pl.DataFrame
    reference_date: dt.date = REFERENCE_DATE

    def finished(self, spec: DatabaseSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(reported, new) as `reconcile` gets them."""
        typed = self.reported.with_columns(pl.lit(None, pl.String).alias(name) for name in TRANSPORT)
        return typed.drop("course"), self.new.drop("course")


def agreeing(spec: DatabaseSpec, n: int, seed: int, layout: Layout | None = None) -> PlainSides:
    """`n` courses, of a year where no layout says otherwise; regions, units and schema changes of the seed's own."""
    rng, layout = stream(seed, "plain", "courses"), layout or Layout()
    frame = _placed(spec, _persons(n, rng), layout, rng)
    day = frame[spec.event_date].to_numpy().astype("datetime64[D]")
    columns = [c for name, v in spec.variables.items() if name != spec.event_date for c in _drawn(name, v, day, rng)]
    frame = frame.with_columns(*columns, pl.lit(None, pl.String).alias(f"{spec.event_date}_missing"))
    reported = frame.with_columns(record_id=pl.format("R{}", pl.col("course").cast(pl.String).str.zfill(7)))
    new = frame.with_columns(record_id=pl.format("N{}", pl.col("course").cast(pl.String).str.zfill(7)))
    return PlainSides(reported, new, layout.reference_date)


def _persons(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Ten digits that begin with a day of a month; every fourth course is of a person who has another one."""
    born = rng.integers(0, 28_000, n).astype("timedelta64[D]") + np.datetime64("1930-01-01")
    digits = pl.Series(born).dt.strftime("%d%m%y") + pl.Series(
        rng.permutation(np.arange(1000, 1000 + n)) % 9000 + 1000
    ).cast(pl.String)
    again = rng.random(n) < 0.25
    whose = np.where(again, rng.integers(0, n, n), np.arange(n))
    return pl.DataFrame({"course": np.arange(n), "person": digits.gather(whose), "whose": whose})


def _placed(spec: DatabaseSpec, persons: pl.DataFrame, layout: Layout, rng: np.random.Generator) -> pl.DataFrame:
    """Where, when and how each course came; a person is seen at one unit."""
    n = len(persons)
    regions = layout.regions or [f"r{letter}" for letter in "abcdef"[: int(rng.integers(3, 6))]]
    units = [
        (region, layout.unit.format(rng.integers(100_000, 999_999)))
        for region in regions
        for _ in range(int(rng.integers(*layout.units_a_region)))
    ]
    at = rng.choice(len(units), n, p=rng.dirichlet(np.full(len(units), 3.0)))[persons["whose"].to_numpy()]
    first = np.datetime64(layout.first_day)
    day = first + rng.integers(0, layout.days, n).astype("timedelta64[D]")
    region = [units[i][0] for i in at]
    version = _versions(layout, regions, region, (day - first).astype(int), rng)
    system = {region: str(rng.choice(layout.systems)) for region in regions}
    hospitals = {unit: f"H{i // 2}" for i, (_, unit) in enumerate(units)}
    submission = pl.Series(region) + "-" + _submission(layout, day)
    frame = persons.drop("whose").with_columns(
        pl.Series(spec.event_date, day).cast(pl.Date),
        region=pl.Series(region), unit=pl.Series([units[i][1] for i in at]),
        hospital=pl.Series([hospitals[units[i][1]] for i in at]), schema_version=version,
        source_system=pl.Series([system[r] for r in region]),
        submission=submission, source_file=submission + ".json",
        age_band=pl.Series(rng.choice(layout.age_bands, n)), sex=pl.Series(rng.choice(["F", "M"], n)),
        retracted=pl.lit(False),
    )  # fmt: skip
    own = [pl.Series(name, rng.choice(layout.own_values, n)) for name in spec.slices]
    return frame.with_columns(own)


def _versions(
    layout: Layout, regions: Iterable[str], region: list[str], day: np.ndarray, rng: np.random.Generator
) -> pl.Series:
    """Each region takes up one version after the other, on days of its own."""
    early, late = (int(share * layout.days) for share in SCHEMA_CHANGE)
    changes = {name: np.sort(rng.integers(early, late, len(layout.versions) - 1)) for name in regions}
    taken_up = (day[:, None] >= np.array([changes[name] for name in region])).sum(1)
    return pl.Series([layout.versions[i] for i in taken_up.tolist()])


def _submission(layout: Layout, day: np.ndarray) -> pl.Series:
    """The month, or a running number of so many days each."""
    if layout.days_a_submission is None:
        return pl.Series(day).dt.strftime("%m" if layout.days <= 366 else "%Y-%m")
    number = (day - np.datetime64(layout.first_day)).astype(int) // layout.days_a_submission + 1
    return pl.Series(number).cast(pl.String).str.zfill(6)


def _drawn(name: str, variable: Variable, day: np.ndarray, rng: np.random.Generator) -> list[pl.Series]:
    """Values of one variable and its missing codes."""
    n, published = len(day), variable.published
    values = _values(variable, day, rng)
    share = published.missing if published else {}
    code = rng.choice([*share, ""], n, p=[*share.values(), 1 - sum(share.values())]) if share else np.full(n, "")
    missing = pl.Series(f"{name}_missing", [c or None for c in code.tolist()], dtype=pl.String)
    return [pl.select(pl.when(missing.is_null()).then(values).alias(name)).to_series(), missing]


def _values(variable: Variable, day: np.ndarray, rng: np.random.Generator) -> pl.Series:
    n, published = len(day), variable.published
    if variable.numeric:
        value = np.clip(rng.normal(published.mean, published.sd, n), published.mean / 5, None)
        return pl.Series(value.round(1) if variable.type == "decimal" else value.round().astype(np.int64))
    if variable.type == "date":
        return pl.Series(day - rng.integers(1, 60, n).astype("timedelta64[D]")).cast(pl.Date)
    if variable.type == "timestamp":
        minutes = rng.integers(0, 24 * 60, n).astype("timedelta64[m]")
        return pl.Series((day.astype("datetime64[m]") + minutes).astype("datetime64[us]"))
    if variable.type == "text":
        return pl.Series([f"{rng.choice(WORDS)} {i:03d}" for i in rng.integers(0, 400, n)])
    codes, share = list(published.share), np.array(list(published.share.values()))
    return pl.Series(rng.choice(codes, n, p=share / share.sum()).tolist())


def noisy(spec: DatabaseSpec, sides: PlainSides, seed: int, worst: float = 0.10) -> PlainSides:
    """Disagreement of 1 % to `worst` in each variable, varying between units; 2–5 % of each side alone.

    A wrong code is drawn as often as codes are used, a wrong number is another patient's or has two digits
    exchanged, a date is some days off, and some cells are left empty.
    """
    rng, new = stream(seed, "plain", "noise"), sides.new
    for name, variable in spec.variables.items():
        worse = _hit(rng, new["unit"], rng.uniform(0.01, worst) if name != spec.event_date else 0.03)
        empty = worse & (rng.random(len(new)) < EMPTY) & (name != spec.event_date)
        wrong = _mistyped(new[name], variable, name == spec.event_date, rng)
        mistyped = pl.when(pl.Series(empty)).then(None).when(pl.Series(worse)).then(wrong).otherwise(new[name])
        new = new.with_columns(mistyped.cast(new.schema[name]).alias(name))
    kept = [
        frame.filter(pl.Series(rng.random(len(frame)) > rng.uniform(0.02, 0.05))) for frame in (sides.reported, new)
    ]
    return PlainSides(*kept, sides.reference_date)


def _hit(rng: np.random.Generator, units: pl.Series, rate: float) -> np.ndarray:
    """Which rows are hit: each unit has its own rate around the common one (beta-binomial)."""
    weight = 1 / SPREAD - 1
    rates = {unit: rng.beta(rate * weight, (1 - rate) * weight) for unit in sorted(units.unique())}
    return rng.random(len(units)) < np.array([rates[unit] for unit in units])


def _mistyped(values: pl.Series, variable: Variable, is_event: bool, rng: np.random.Generator) -> pl.Series:
    n = len(values)
    if is_event:
        return values + pl.Series(rng.integers(-3, 4, n).astype("timedelta64[D]").astype("timedelta64[us]"))
    if variable.type == "date":
        return values + pl.Series(rng.integers(-20, 21, n).astype("timedelta64[D]").astype("timedelta64[us]"))
    if variable.type == "timestamp":
        return values + pl.Series((rng.integers(-300, 300, n) * 60_000_000).astype("timedelta64[us]"))
    other = values.gather(rng.permutation(n))
    if not variable.numeric:
        return other
    exchanged = pl.select(_exchanged(values.cast(pl.Float64))).to_series().cast(values.dtype)
    return pl.select(pl.when(pl.Series(rng.random(n) < 0.3)).then(exchanged).otherwise(other)).to_series()


def _exchanged(values: pl.Series) -> pl.Expr:
    """The first two digits of a number exchanged."""
    text = values.cast(pl.String)
    return (
        pl.lit(text.str.slice(1, 1) + text.str.slice(0, 1) + text.str.slice(2))
        .cast(pl.Float64, strict=False)
        .fill_null(values)
    )
