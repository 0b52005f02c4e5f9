"""The stored counts that a gate's conditions are judged on, each with the file and the row it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

COMPLETENESS = {"completeness_of_new": "new", "completeness_of_reported": "reported", "overlap": "both"}
PLACE = ("region", "unit", "period")
LATEST_MONTHS = 3  # signals of so many newest months concern a gate
SMALL_UNITS = "small units"


@dataclass(frozen=True)
class Counted:
    """k of n, and where it stands: `rows` name the keys of the rows that were counted together."""

    k: int
    n: int
    file: str
    rows: tuple[dict[str, Any], ...]
    of: str | None = None  # the variable, the unit, or `small units`
    region: str | None = None


def counts_for(condition: str, results: Path, minimum: int) -> list[Counted]:
    """What a condition of a gate is judged on, in the contract files of `results`."""
    if condition == "agreement_each_variable":
        return _each_variable(results)
    if condition == "agreement_each_unit":
        return pooled(_agreement_of_units(results), minimum)
    if condition == "completeness_each_unit":
        return pooled(_coverage_of_units(results), minimum)
    if condition == "unexplained":
        return _unexplained(results)
    return _signals(results) if condition == "signals" else _completeness(condition, results)


def pooled(units: list[Counted], minimum: int) -> list[Counted]:
    """Units with fewer than `minimum` are judged together: those of a region; of all, where these are still too few.

    So no patient is left out of the judgement, and no unit is judged on what chance would decide.
    """
    large = [unit for unit in units if unit.n >= minimum]
    small = [unit for unit in units if unit.n < minimum]
    regions = sorted({unit.region or "" for unit in small})
    by_region = [_together([unit for unit in small if (unit.region or "") == region]) for region in regions]
    too_few = [pool for pool in by_region if pool.n < minimum]
    rest = [_together(too_few)] if too_few else []
    return [*large, *(pool for pool in by_region if pool.n >= minimum), *rest]


def _together(units: list[Counted]) -> Counted:
    rows = tuple(row for unit in units for row in unit.rows)
    regions = {unit.region for unit in units}
    region = regions.pop() if len(regions) == 1 else None
    return Counted(sum(u.k for u in units), sum(u.n for u in units), units[0].file, rows, SMALL_UNITS, region)


def _completeness(condition: str, results: Path) -> list[Counted]:
    country = _country(pl.read_parquet(results / "coverage.parquet"))
    counted = country.select(COMPLETENESS[condition], "union").rows()
    return [Counted(k, n, "coverage.parquet", (_row(),)) for k, n in counted]


def _each_variable(results: Path) -> list[Counted]:
    rows = _whole_values(_country(pl.read_parquet(results / "agreement.parquet"))).sort("variable")
    counted = rows.select("variable", pl.col("agree") + pl.col("agree_within"), "both_known").rows()
    return [Counted(k, n, "agreement.parquet", (_row(variable=v),), v) for v, k, n in counted]


def _agreement_of_units(results: Path) -> list[Counted]:
    """All variables of a unit together."""
    rows = _units(_whole_values(pl.read_parquet(results / "agreement.parquet")))
    same = (pl.col("agree") + pl.col("agree_within")).sum()
    counted = rows.group_by("region", "unit").agg(same, pl.col("both_known").sum())
    return list(_of_units(counted, "agreement.parquet"))


def _coverage_of_units(results: Path) -> list[Counted]:
    rows = _units(pl.read_parquet(results / "coverage.parquet"))
    return list(_of_units(rows.select("region", "unit", "new", "union"), "coverage.parquet"))


def _of_units(counted: pl.DataFrame, file: str) -> Iterator[Counted]:
    for region, unit, k, n in counted.sort("region", "unit").rows():
        yield Counted(k, n, file, (_row(region=region, unit=unit),), unit, region)


def _unexplained(results: Path) -> list[Counted]:
    found = pl.read_parquet(results / "discrepancies.parquet", columns=["cause_id"])
    return [Counted(found["cause_id"].null_count(), len(found), "discrepancies.parquet", ({"cause_id": None},))]


def _signals(results: Path) -> list[Counted]:
    """Signals in the newest months, of the months that were judged there."""
    charts = pl.read_parquet(results / "control_charts.parquet", columns=["period", "rule"])
    newest = charts["period"].unique().sort().tail(LATEST_MONTHS).to_list()
    judged = charts.filter(pl.col("period").is_in(newest))
    signals = len(judged) - judged["rule"].null_count()
    return [Counted(signals, len(judged), "control_charts.parquet", tuple({"period": month} for month in newest))]


def _row(**keys: str | None) -> dict[str, Any]:
    return dict.fromkeys(PLACE) | keys


def _country(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.all_horizontal(pl.col(PLACE).is_null()))


def _units(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("unit").is_not_null(), pl.col("period").is_null())


def _whole_values(agreement: pl.DataFrame) -> pl.DataFrame:
    return agreement.filter(pl.col("level").is_null())
