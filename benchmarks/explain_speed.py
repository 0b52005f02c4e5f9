"""How fast a million pairs are explained: `python -m benchmarks.explain_speed [--pairs 1000000]`.

25 variables and 15 attributes: the sides of benchmarks/sides.py (3 % of the values differ), with six faults planted in
them. Told are seconds of `reconcile` on the files (matching and comparing; and with all contract files but the
explanation's and the report, which is what the command does), of `explain` on what it found, and the peak of memory.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.sides import benchmark_spec, write_sides
from pipelines.explain.causes import explain
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


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, seconds of the clock, and of the processor, those of a helper included."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    return work(), time.perf_counter() - wall, cpu_seconds() - cpu


def cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def peak_gb() -> float:
    """Of this process and, if it had one, its helper: together at most so much."""
    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(resource.getrusage(who).ru_maxrss for who in whose) / 1024**2


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--pairs", type=int, default=1_000_000)
    asked.add_argument("--data", type=Path, default=Path("workspace/benchmark"))
    said = asked.parse_args()
    folder, spec = said.data / f"explain-{said.pairs}", spec_with_slices()
    if not (folder / "truth.parquet").is_file():
        write_planted(folder, said.pairs)
    sides = [completed(spec, pl.scan_parquet(folder / f"{side}.parquet")) for side in ("reported", "new")]
    found, *reconciled = timed(lambda: reconcile(spec, *sides))
    with tempfile.TemporaryDirectory() as out:
        _, *written = timed(lambda: write_reconciliation(Path(out), found))
    full = [reconciled[n] + written[n] for n in (0, 1)]
    for name, (wall, cpu) in (("compared", reconciled), ("and written", full)):
        print(f"reconcile, {name}: {wall:.1f} s, {cpu:.1f} CPU s, peak {peak_gb():.2f} GB", flush=True)
    explanation, *explained = timed(lambda: explain(spec, found))
    for cause in explanation.causes:
        print(f"  {cause.kind} {cause.variables} {cause.where} {cause.explained} of {cause.in_slice}")
    print(f"explain: {explained[0]:.1f} s, {explained[1]:.1f} CPU s, peak {peak_gb():.2f} GB")
    for name, of in (("compared", reconciled), ("and written", full)):
        wall, cpu = (e / r for e, r in zip(explained, of, strict=True))
        print(f"{len(found.index)} pairs: {wall:.2f} x the clock, {cpu:.2f} x the CPU of reconcile, {name}")


if __name__ == "__main__":
    main()
