"""How fast a million pairs are explained: `python -m benchmarks.explain_speed [--pairs 1000000]`.

25 variables and 15 columns that may say where: the sides of benchmarks/sides.py (3 % of the values differ), with
seven faults planted in them. Told are the seconds of the steps of `sammenhold reconcile` (read; matched, compared
and the contract's files written; explained, and causes.json, the causes of discrepancies and the reasons of unmatched
records written; the report), and the most memory that it and its helper held at one moment.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import yaml

from benchmarks.memory import watched
from benchmarks.sides import benchmark_spec, write_sides
from pipelines.explain.causes import explain
from pipelines.plain_files import reconcile_files
from pipelines.reconciliation.reconcile import reconcile
from pipelines.reconciliation.shape import completed
from pipelines.reports.publish import write_reconciliation
from pipelines.spec.model import DatabaseSpec

SLICES = ("ward", "referral", "channel", "form", "vendor", "wave")  # beside the nine attributes of every database
TRANSPORT = ("submission", "source_file", "schema_version", "source_system")
UNIT, DAY = pl.col("unit"), pl.col("start_date")
# Where a fault strikes, and what it makes of which variable.
FAULTS = {
    "unit_factor": (UNIT.eq("u003") & DAY.ge(dt.date(2024, 9, 1)), {"decimal_0": pl.col("decimal_0") * 1000}),
    "date_shift": (pl.col("region") == "syddanmark", {"seen_on": pl.col("seen_on") + pl.duration(days=7)}),
    "missing_in_new": (pl.col("schema_version") == "1.1", {"integer_1": pl.lit(None, pl.Int64)}),
    "code_recoded": (UNIT.is_in(["u011", "u042"]), {"code_2": pl.col("code_2").replace({"1": "2", "2": "3"})}),
    "constant_value": (pl.col("form") == "form-2", {"yes_no_3": pl.lit("no")}),
    "code_truncated": (pl.col("vendor") == "vendor-1", {"diagnosis": pl.col("diagnosis").str.head(4)}),
}
SILENT = UNIT == "u077"  # unit_not_reporting
BEFORE, EXPLAINING = ("læser filerne", "sammenholder"), "forklarer"  # steps of the command
Seconds = tuple[float, float]  # of the clock, of the processor


def spec_with_slices() -> DatabaseSpec:
    said = benchmark_spec().model_dump(mode="json", by_alias=True, exclude_none=True)
    return DatabaseSpec.model_validate(said | {"slices": list(SLICES)})


def write_planted(folder: Path, pairs: int) -> None:
    """The two sides with their attributes, and the faults in the new one."""
    write_sides(folder, pairs)
    for side in ("reported", "new"):
        frame = pl.read_parquet(folder / f"{side}.parquet").with_columns(_own()).with_columns(_transport())
        frame = frame.drop(TRANSPORT) if side == "reported" else _faulty(frame)
        frame.write_parquet(folder / f"{side}.parquet")


def _own() -> list[pl.Expr]:
    """What a record says of itself: alike on both sides, since a person's number decides it."""
    person = pl.col("person").str.slice(0, 9).cast(pl.Int64)
    own = {name: pl.format(name + "-{}", person // 7**n % (3 + n)) for n, name in enumerate(SLICES)}
    own |= {"age_band": pl.format("age-{}", person // 11 % 4), "sex": pl.format("sex-{}", person // 13 % 2)}
    own |= {"hospital": pl.format("h{}", UNIT.str.slice(1).cast(pl.Int64) // 3), "retracted": pl.lit(False)}
    return [expression.alias(name) for name, expression in own.items()]


def _transport() -> list[pl.Expr]:
    sent = pl.format("{}-{}", "region", DAY.dt.strftime("%Y%m"))
    newer = dt.date(2025, 4, 1) <= DAY
    return [
        sent.alias("submission"),
        (sent + ".json").alias("source_file"),
        pl.when(newer).then(pl.lit("1.1")).otherwise(pl.lit("1.0")).alias("schema_version"),
        pl.when(pl.col("region") < "n").then(pl.lit("Alfa")).otherwise(pl.lit("Beta")).alias("source_system"),
    ]


def _faulty(new: pl.DataFrame) -> pl.DataFrame:
    for where, changed in FAULTS.values():
        new = new.with_columns(
            pl.when(where).then(value).otherwise(pl.col(name)).alias(name) for name, value in changed.items()
        )
    return new.filter(~SILENT)


class Clock:
    """Seconds of the clock and of the processor since it was last asked; of this process and what it has started."""

    def __init__(self) -> None:
        self._since = _now()

    def lap(self) -> Seconds:
        before, self._since = self._since, _now()
        return self._since[0] - before[0], self._since[1] - before[1]


def _now() -> Seconds:
    used = os.times()
    return time.perf_counter(), used.user + used.system + used.children_user + used.children_system


def by_command(spec: DatabaseSpec, folder: Path) -> dict[str, Seconds]:
    """What `sammenhold reconcile` spends on each of its steps, by their names."""
    steps: list[str] = []
    laps: list[Seconds] = []
    clock = Clock()

    def step(name: str) -> None:
        laps.append(clock.lap())
        steps.append(name)

    with tempfile.TemporaryDirectory() as out:
        said = Path(out) / "specification.yaml"
        said.write_text(yaml.safe_dump(spec.model_dump(mode="json", by_alias=True, exclude_none=True)), "utf-8")
        reconcile_files(said, folder / "reported.parquet", folder / "new.parquet", Path(out) / "results", progress=step)
        laps.append(clock.lap())
    return dict(zip(steps, laps[1:], strict=True))


def by_engine(spec: DatabaseSpec, folder: Path) -> dict[str, Seconds]:
    """The search alone, against comparing what is read from Parquet a column at a time and writing its files."""
    clock, spent = Clock(), {}
    found = reconcile(spec, *(completed(spec, pl.scan_parquet(folder / f"{s}.parquet")) for s in ("reported", "new")))
    spent["compared"] = clock.lap()
    with tempfile.TemporaryDirectory() as out:
        write_reconciliation(Path(out), found)
    spent["written"] = clock.lap()
    explanation = explain(spec, found)
    spent["explained"] = clock.lap()
    for cause in explanation.causes:
        print(f"  {cause.kind} {cause.variables} {cause.where} {cause.explained} of {cause.in_slice}")
    return spent


def ratio(spent: dict[str, Seconds], of: str, to: Sequence[str]) -> str:
    clock, cpu = (spent[of][n] / sum(spent[step][n] for step in to) for n in (0, 1))
    return f"{clock:.2f} x the clock, {cpu:.2f} x the CPU"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--pairs", type=int, default=1_000_000)
    asked.add_argument("--data", type=Path, default=Path("workspace/benchmark"))
    asked.add_argument("--engine", action="store_true", help="the search alone, on columns read from Parquet")
    said = asked.parse_args()
    folder, spec = said.data / f"explain-{said.pairs}", spec_with_slices()
    if not (folder / "truth.parquet").is_file():
        write_planted(folder, said.pairs)
    with watched() as gigabytes:
        spent = (by_engine if said.engine else by_command)(spec, folder)
    for step, (clock, cpu) in spent.items():
        print(f"{step}: {clock:.1f} s, {cpu:.1f} CPU s")
    of, to = ("explained", ("compared", "written")) if said.engine else (EXPLAINING, BEFORE)
    print(f"{of} = {ratio(spent, of, to)} of {' + '.join(to)}; {max(gigabytes):.2f} GB")


if __name__ == "__main__":
    main()
