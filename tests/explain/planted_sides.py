"""Two sides that agree, noise as registries have it, and faults planted by hand: for the tests of this room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.cause import Explanation
from pipelines.explain.causes import explain
from pipelines.reconciliation.reconcile import reconcile
from pipelines.spec.model import DatabaseSpec

REFERENCE = dt.date(2026, 12, 31)
UNITS = {
    "n1": "nord", "n2": "nord", "n3": "nord", "s1": "syd", "s2": "syd", "s3": "syd",
    "m1": "midt", "m2": "midt", "o1": "ost",
}  # fmt: skip
TYPES = {"decimal": pl.Float64, "integer": pl.Int64, "date": pl.Date, "timestamp": pl.Datetime("us")}
VARIABLES: dict[str, dict[str, Any]] = {
    "day": {"type": "date"},
    "weight": {"type": "decimal", "compare": {"absolute": 0.5}},
    "pulse": {"type": "integer", "compare": {"absolute": 2}},
    "echo_day": {"type": "date"},
    "nyha": {"type": "code", "values": {"1": "I", "2": "II", "3": "III", "4": "IV"}},
    "smoker": {"type": "yes_no"},
}
MATCH = [
    {"rule": "same day", "on": ["person", "unit", "day"]},
    {"rule": "near day", "on": ["person", "unit"], "within": {"day": "3 days"}},
    {"rule": "other unit", "on": ["person", "region"], "within": {"day": "3 days"}},
]


def spec_with(**said: Any) -> DatabaseSpec:
    label = {"da": "Prøve"}
    variables = said.pop("variables", {})
    return DatabaseSpec.model_validate(
        {
            "database": "small", "title": label, "official": False, "version": "1", "record": "one course",
            "event_date": "day", "person_number": "other", "match": MATCH, "slices": ["wave"],
            "variables": {
                name: {"label": label, **VARIABLES.get(name, {}), **variables.get(name, {})}
                for name in {**VARIABLES, **variables}
            },
        } | said
    )  # fmt: skip


SPEC = spec_with()
SYD = pl.col("region") == "syd"
DAYS = 86_400_000 * pl.lit(1).cast(pl.Duration("ms"))


def agreeing(seed: int = 1, n: int = 900, units: Iterable[str] = UNITS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(reported, new): the same `n` courses of 2026 on both sides; the new ones know how they came."""
    rng = np.random.default_rng(seed)
    days = pl.Series(np.datetime64("2026-01-01") + rng.integers(0, 360, n).astype("timedelta64[D]")).cast(pl.Date)
    unit = rng.choice(list(units), n).tolist()
    frame = pl.DataFrame(
        {
            "record_id": [f"R{i:05d}" for i in range(n)], "person": [f"p{i}" for i in range(n)],
            "unit": unit, "region": [UNITS[u] for u in unit], "day": days,
            "weight": rng.normal(83, 17, n).round(1), "pulse": rng.normal(73, 14, n).round().astype(int),
            "echo_day": days + pl.Series(rng.integers(-30, 21, n)).cast(pl.Duration("ms")) * 86_400_000,
            "nyha": rng.choice(["1", "2", "3", "4"], n, p=[0.13, 0.55, 0.28, 0.04]),
            "smoker": rng.choice(["yes", "no"], n),
        }
    )  # fmt: skip
    nothing = [f"{name}_missing" for name in VARIABLES] + ["hospital", *SPEC.attributes[1:]]
    frame = frame.with_columns(
        pl.lit(None, pl.Boolean if name == "retracted" else pl.String).alias(name) for name in nothing
    )
    month = pl.col("day").dt.strftime("%m")
    new = frame.with_columns(
        record_id=pl.col("record_id").str.replace("R", "N"),
        hospital=pl.lit("H-") + pl.col("unit"),
        submission=pl.col("region") + "-" + month,
        source_file=pl.col("region") + "-" + month + ".json",
        schema_version=pl.when(pl.col("day") < dt.date(2026, 6, 1)).then(pl.lit("1.0")).otherwise(pl.lit("1.1")),
        source_system=pl.when(pl.col("region").is_in(["nord", "midt"])).then(pl.lit("A")).otherwise(pl.lit("B")),
        age_band=pl.Series(rng.choice(["18-64", "65-79", "80+"], n)),
        sex=pl.Series(rng.choice(["F", "M"], n)),
        wave=pl.Series(rng.choice(["w1", "w2"], n)),
    )
    return frame, new


def noisy_sides(seed: int = 1, n: int = 900, units: Iterable[str] = UNITS) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(reported, new) with noise and no fault: faults are planted afterwards, as transport comes after typing."""
    return noisy(*agreeing(seed, n, units), seed)


def noisy(reported: pl.DataFrame, new: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Disagreement of 1–10 % in each variable, varying between units; 2–5 % unmatched on each side.

    A wrong code is drawn as often as codes are used; so many are empty instead.
    """
    rng = np.random.default_rng(seed)
    for name in VARIABLES:
        if name == "day":
            continue
        worse = _hit(rng, new["unit"], rng.uniform(0.01, 0.10))
        other = pl.Series(rng.permutation(new[name].to_numpy())).cast(new.schema[name])
        empty = worse & (rng.random(len(new)) < 0.2)
        mistyped = pl.when(pl.Series(worse)).then(other).otherwise(new[name])
        new = new.with_columns(pl.when(~pl.Series(empty)).then(mistyped).alias(name))
    late = pl.Series(_hit(rng, new["unit"], 0.03) * rng.integers(-3, 4, len(new))).cast(pl.Duration("ms")) * 86_400_000
    new = new.with_columns(day=pl.col("day") + late)
    kept = [frame.filter(pl.Series(rng.random(len(frame)) > rng.uniform(0.02, 0.05))) for frame in (reported, new)]
    return kept[0], kept[1]


def _hit(rng: np.random.Generator, units: pl.Series, rate: float) -> np.ndarray:
    """Which rows are hit: each unit has its own rate around the common one (beta-binomial)."""
    rates = {unit: rng.beta(rate * 30, (1 - rate) * 30) for unit in sorted(units.unique())}
    return rng.random(len(units)) < np.array([rates[unit] for unit in units])


def changed(new: pl.DataFrame, where: pl.Expr, **values: pl.Expr | None) -> pl.DataFrame:
    """The new side with other values in a slice."""
    return new.with_columns(
        pl.when(where).then(value if value is not None else pl.lit(None)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def explained(reported: pl.DataFrame, new: pl.DataFrame, spec: DatabaseSpec = SPEC) -> Explanation:
    return explain(spec, reconcile(spec, reported, new, REFERENCE))


def told(explanation: Explanation) -> list[tuple]:
    """(kind, variables, slice, parameters) of each cause, the one that explains most first."""
    return [(cause.kind, cause.variables, cause.where, cause.parameters) for cause in explanation.causes]


def planted(where: pl.Expr, seed: int = 1, n: int = 900, **values: pl.Expr | None) -> list[tuple]:
    reported, new = noisy_sides(seed, n)
    return told(explained(reported, changed(new, where, **values)))
