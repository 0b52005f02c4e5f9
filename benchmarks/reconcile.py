"""How fast two sides are held together: `make bench`, or `python -m benchmarks.reconcile [--sizes 200000 …]`.

Each job runs in a process of its own, the jobs in turn, so that a busy machine troubles all of them alike; told are
medians. The limit is what DuckDB needs to read the same columns, join them exactly and touch every value.
datacompy is measured where it is installed.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.jobs import prepared
from benchmarks.sides import write_sides

RESULTS = Path(__file__).parent / "results" / "reconcile.md"
JOBS = ("limit", "full", "from_table", "one_region", "slices")
PEERS = ("datacompy_polars", "datacompy_pandas")
LARGEST_FOR_PEERS = 2_000_000
Measured = dict[str, float]


def measured(job: str, folder: Path) -> Measured:
    """Wall and CPU seconds and peak memory of one run."""
    command = [sys.executable, "-m", "benchmarks.jobs", job, str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


def medians(jobs: list[str], folder: Path, times: int) -> dict[str, Measured]:
    """The median of each figure of each job; the jobs take turns."""
    runs = [{job: measured(job, folder) for job in jobs} for _ in range(times)]
    return {
        job: {name: statistics.median(run[job][name] for run in runs) for name in ("wall", "cpu", "peak_gb")}
        for job in jobs
    }


def table(size: int, times: int, found: dict[str, Measured]) -> list[str]:
    """The lines of one size; the ratios are to the limit."""
    limit = found["limit"]
    rows = [
        f"| {job} | {m['wall']:.1f} | {m['cpu']:.1f} | {m['peak_gb']:.2f} "
        f"| {m['wall'] / limit['wall']:.2f} | {m['cpu'] / limit['cpu']:.2f} |"
        for job, m in found.items()
    ]
    head = ["| job | wall s | CPU s | peak GB | wall ÷ limit | CPU ÷ limit |", "|---|---|---|---|---|---|"]
    return [f"## {size:,} courses, median of {times}", "", *head, *rows, ""]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--sizes", type=int, nargs="+", default=[200_000, 2_000_000, 10_000_000])
    asked.add_argument("--times", type=int, default=5)
    asked.add_argument("--data", type=Path, default=Path("workspace/benchmark"))
    said = asked.parse_args()
    peers = list(PEERS) if find_spec("datacompy") else []
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    versions = f"DuckDB {duckdb.__version__}, Polars {pl.__version__}, datacompy {'' if peers else 'not '}installed"
    lines = ["# Reconciliation: measured", "", f"{machine}; {versions}.", ""]
    for size in said.sizes:
        folder = said.data / str(size)
        if not (folder / "truth.parquet").is_file():
            write_sides(folder, size)
        prepared(folder)
        jobs = [*JOBS, *(peers if size <= LARGEST_FOR_PEERS else [])]
        lines += table(size, said.times, medians(jobs, folder, said.times))
        lines += [f"Against the truth: {json.dumps(measured_truth(folder))}", ""]
    RESULTS.write_text("\n".join(lines), "utf-8")
    print("\n".join(lines))


def measured_truth(folder: Path) -> dict[str, float]:
    """Recall and precision of the pairs."""
    command = [sys.executable, "-m", "benchmarks.jobs", "truth", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[0])


if __name__ == "__main__":
    main()
