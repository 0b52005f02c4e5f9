"""Two canonical frames of an invented database: the same courses on both sides, then noise as registries have it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.synthetic.streams import stream

FIRST_DAY = np.datetime64("2026-01-01")
DAYS = 365
REFERENCE_DATE = dt.date(2026, 12, 31)
SCHEMA_CHANGE = (90, 270)  # a region takes up schema 1.1 on a day between these
WORDS = ("ærø", "Åse", "Søby", "Høng", "Rebild", "Ny by")
AGE_BANDS = ("18-49", "50-64", "65-79", "80+")
# Known of the new record only: how it came. Everything else stands on both sides.
TRANSPORT = ("submission", "source_file", "schema_version", "source_system")
SPREAD = 0.02  # intraclass correlation of errors within a unit
EMPTY = 0.2  # share of the errors that are an empty cell


@dataclass(frozen=True)
class PlainSides:
    """`reported` and `new` canonical frames; `course` (−1: of nobody) says which records are of one course.

    While faults are planted both sides have every attribute, so that a slice means the same on both.
    """

    reported: pl.DataFrame
    new: pl.DataFrame

    def finished(self, spec: DatabaseSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(reported, new) as `reconcile` gets them."""
        typed = self.reported.with_columns(pl.lit(None, pl.String).alias(name) for name in TRANSPORT)
        return typed.drop("course"), self.new.drop("course")


def agreeing(spec: DatabaseSpec, n: int, seed: int) -> PlainSides:
    """`n` courses of a year; regions, units and schema versions of the seed's own."""
    rng = stream(seed, "plain", "courses")
    frame = _placed(spec, _persons(n, rng), rng)
    day = frame[spec.event_date].to_numpy().astype("datetime64[D]")
    columns = [c for name, v in spec.variables.items() if name != spec.event_date for c in _drawn(name, v, day, rng)]
    frame = frame.with_columns(*columns, pl.lit(None, pl.String).alias(f"{spec.event_date}_missing"))
    reported = frame.with_columns(record_id=pl.format("R{}", pl.col("course").cast(pl.String).str.zfill(7)))
    return PlainSides(
        reported, frame.with_columns(record_id=pl.format("N{}", pl.col("course").cast(pl.String).str.zfill(7)))
    )


def _persons(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Ten digits that begin with a day of a month; every fourth course is of a person who has another one."""
    born = rng.integers(0, 28_000, n).astype("timedelta64[D]") + np.datetime64("1930-01-01")
    digits = pl.Series(born).dt.strftime("%d%m%y") + pl.Series(
        rng.permutation(np.arange(1000, 1000 + n)) % 9000 + 1000
    ).cast(pl.String)
    again = rng.random(n) < 0.25
    whose = np.where(again, rng.integers(0, n, n), np.arange(n))
    return pl.DataFrame({"course": np.arange(n), "person": digits.gather(whose), "whose": whose})


def _placed(spec: DatabaseSpec, persons: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Where, when and how each course came; a person is seen at one unit."""
    n, regions = len(persons), [f"r{letter}" for letter in "abcdef"[: int(rng.integers(3, 6))]]
    units = [
        (region, str(rng.integers(100_000, 999_999))) for region in regions for _ in range(int(rng.integers(2, 8)))
    ]
    at = rng.choice(len(units), n, p=rng.dirichlet(np.full(len(units), 3.0)))[persons["whose"].to_numpy()]
    day = FIRST_DAY + rng.integers(0, DAYS, n).astype("timedelta64[D]")
    change = {region: FIRST_DAY + np.timedelta64(int(rng.integers(*SCHEMA_CHANGE)), "D") for region in regions}
    system = {region: str(rng.choice(["Alfa", "Beta", "Gamma"])) for region in regions}
    region = [units[i][0] for i in at]
    month = pl.Series(day).dt.strftime("%m")
    hospitals = {unit: f"H{i // 2}" for i, (_, unit) in enumerate(units)}
    frame = persons.drop("whose").with_columns(
        pl.Series(spec.event_date, day).cast(pl.Date),
        region=pl.Series(region), unit=pl.Series([units[i][1] for i in at]),
        hospital=pl.Series([hospitals[units[i][1]] for i in at]),
        schema_version=pl.Series(np.where(day >= np.array([change[r] for r in region]), "1.1", "1.0")),
        source_system=pl.Series([system[r] for r in region]),
        submission=pl.Series(region) + "-" + month, source_file=pl.Series(region) + "-" + month + ".json",
        age_band=pl.Series(rng.choice(AGE_BANDS, n)), sex=pl.Series(rng.choice(["F", "M"], n)),
        retracted=pl.lit(False),
    )  # fmt: skip
    own = [pl.Series(name, rng.choice(["x1", "x2", "x3"], n)) for name in spec.slices]
    return frame.with_columns(own)


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
    return PlainSides(*kept)


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
