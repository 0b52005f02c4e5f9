"""All rules of a specification in one pass, beside Great Expectations: `python -m benchmarks.rules [--rows 2000000]`.

The sixty rules that a KIP export of drhofte is held against, on a typed table with about 1 % of bad cells a column.
Each job runs in a process of its own, the jobs in turn; told are medians. Rows are made, and for Great Expectations put
into a pandas frame with only the columns it asks for, before the clock starts; so is loading the libraries.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.memory import peak_gb
from pipelines.spec.constraints import constraints_of
from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.spec.reading import read_spec
from pipelines.spec.to_duckdb import typed_columns
from pipelines.spec.to_gx import great_expectations, gx_query, gx_suite, run_suite
from pipelines.validation.check import check

SPECIFICATION = Path(__file__).parent.parent / "expectations" / "drhofte" / "specification.yaml"
RESULTS = Path(__file__).parent / "results" / "rules.md"
DAY, SOURCE, TABLE = dt.date(2026, 9, 30), "kip", "typed_kip"
BAD, EMPTY = 0.01, 0.03
JOBS = ("one_pass", "with_findings", "great_expectations")
SKS = {"fracture": ["DS720", "DS721B", "DS722"], "operation": ["KNFB02", "KNFJ51", "KNFJ70"]}
Measured = dict[str, float]


def write_rows(file: Path, rows: int, seed: int = 1) -> None:
    """A DuckDB file with the typed table, of so many rows."""
    spec, lots = read_spec(SPECIFICATION), np.random.default_rng(seed)
    columns = {name: _column(spec, name, kind, rows, lots) for name, kind in typed_columns(spec).items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    made = pl.DataFrame(columns)
    casts = ", ".join(f'"{name}"::{kind} as "{name}"' for name, kind in typed_columns(spec).items())
    with duckdb.connect(file) as connection:
        connection.register("made", made.to_arrow())
        connection.execute(f"create or replace table {TABLE} as select {casts} from made")


def _column(spec: DatabaseSpec, name: str, kind: str, rows: int, lots: np.random.Generator) -> pl.Series:
    if name in spec.variables:
        return _values(name, spec.variables[name], rows, lots)
    if name in ("record_id", "line"):
        return pl.Series(name, np.arange(rows))
    if name == "same_id":
        return pl.Series(name, (lots.random(rows) < BAD).astype(int))
    if name == "person":
        return pl.Series(name, _chosen(["0107901234", "2412501234", "3112481111", "4499999999"], rows, lots))
    if name.endswith("_uncast"):
        return pl.Series(name, lots.random(rows) < BAD)
    word = "a" if name in ("unit", "unit_region", "channel_region") else None
    return pl.repeat(word, rows, dtype=pl.String, eager=True).alias(name)


def _values(name: str, variable: Variable, rows: int, lots: np.random.Generator) -> pl.Series:
    bad = lots.random(rows) < BAD
    if variable.type in ("date", "timestamp"):
        days = lots.integers(0, 900, rows) + np.where(bad, 5000, 0)
        values = pl.Series(np.datetime64("2024-01-01") + days.astype("timedelta64[D]"))
    elif variable.numeric:
        low, high = variable.range or (0, 100)
        values = pl.Series(np.where(bad, high + 1000, lots.integers(int(low), int(high) + 1, rows)))
    else:
        values = pl.Series(_chosen([*(SKS.get(name) or variable.domain or {"a": ""})], rows, lots))
        values = values.zip_with(pl.Series(~bad), pl.repeat("zz", rows, eager=True))
    return values.set(pl.Series(lots.random(rows) < EMPTY), None).alias(name)


def _chosen(words: list[str], rows: int, lots: np.random.Generator) -> pl.Series:
    return pl.Series(words).gather(lots.integers(0, len(words), rows))


def run_job(job: str, file: Path) -> Measured:
    """One job on the table: its wall and CPU seconds, the peak of memory, and how many rows broke how many rules."""
    spec = read_spec(SPECIFICATION)
    rules = constraints_of(spec, SOURCE, DAY)
    with duckdb.connect(file, read_only=True, config={"threads": 2}) as connection:
        if job == "great_expectations":
            great_expectations()
            suite, frame = gx_suite(spec, SOURCE, rules), connection.execute(gx_query(rules, TABLE)).df()
        counted = [f"count(*) filter (where {sql})" for rule in rules for sql in (rule.violation(), rule.applies())]
        wall, cpu = time.perf_counter(), time.process_time()
        if job == "great_expectations":
            broken = list(run_suite(suite, frame).values())
        elif job == "with_findings":
            broken = [rule.violated for rule in check(connection, spec, TABLE, rules).rules]
        else:
            broken = connection.execute(f"select {', '.join(counted)} from {TABLE}").fetchone()[::2]
        used = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return used | {"peak_gb": peak_gb(), "rules": len(rules), "broken": int(sum(broken))}


def measured(job: str, file: Path) -> Measured:
    command = [sys.executable, "-m", "benchmarks.rules", "--job", job, "--data", str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


def table(rows: int, times: int, runs: list[dict[str, Measured]]) -> list[str]:
    """The medians; ratios are CPU seconds of Great Expectations ÷ ours, of the same turn."""
    first = runs[0]
    told = {job: {name: statistics.median(run[job][name] for run in runs) for name in first[job]} for job in JOBS}
    ratio = {job: statistics.median(run[JOBS[-1]]["cpu"] / run[job]["cpu"] for run in runs) for job in JOBS}
    lines = [
        f"| {job.replace('_', ' ')} | {m['wall']:.1f} | {m['cpu']:.1f} | {m['peak_gb']:.2f} | {ratio[job]:.1f} |"
        for job, m in told.items()
    ]
    counts = {run[job]["broken"] for run in runs for job in JOBS}
    if len(counts) > 1:
        raise SystemExit(f"The jobs do not count alike: {sorted(counts)} broken rules.")
    head = ["| job | wall s | CPU s | peak GB | Great Expectations' CPU ÷ this |", "|---|---|---|---|---|"]
    said = f"{int(first[JOBS[0]]['rules'])} rules, each broken row counted alike by all three: {counts.pop():,}."
    return [f"## {rows:,} rows, median of {times}", "", *head, *lines, "", said, ""]


HEAD = """# All rules in one pass, beside Great Expectations

`one pass`: violated and eligible rows of every rule. `with findings`: the whole of `validate`, with a line for every
broken rule and row. `great expectations`: the same rules on pandas, result format SUMMARY, without unexpected values.
What Great Expectations cannot say itself (21 of the 60) it reads from a yes/no column, made before the clock starts.
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, nargs="+", default=[2_000_000])
    asked.add_argument("--times", type=int, default=3)
    asked.add_argument("--data", type=Path, default=Path("workspace/benchmark/rules"))
    asked.add_argument("--job", choices=JOBS)
    said = asked.parse_args()
    if said.job:
        print(json.dumps(run_job(said.job, said.data)))
        return
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "great-expectations", "pandas"))
    lines = [HEAD, f"{machine}; {versions}.", ""]
    for rows in said.rows:
        file = said.data / f"{rows}.duckdb"
        if not file.exists():
            write_rows(file, rows)
        lines += table(rows, said.times, [{job: measured(job, file) for job in JOBS} for _ in range(said.times)])
    RESULTS.write_text("\n".join(lines), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
