"""Deriving a database's records from a year of national registers, against reading the same columns once.

    python -m benchmarks.derive --folder DIR --persons 60000 [--persons …] [--runs 5] [--out FILE.md]

The national year is 6,000,000 persons: about 20 GB of room, and an hour to make on two cores.

The yardstick is `select bit_xor(hash(columns))` over every column that the derivation has to read, without any
filter. Both stand on the encrypted register file, each run in a process of its own, in turn.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from benchmarks.memory import peak_gb
from benchmarks.national_registers import EXPECTATIONS, REGISTERS, project, registers
from pipelines.reconciliation.derive import derive
from pipelines.spec.event_views import COLUMNS, needed
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.reading import read_spec
from pipelines.warehouse.database import Warehouse, open_warehouse

DATABASES = ("drkol", "ddid")


def tables_of(spec: DatabaseSpec) -> list[str]:
    """The event tables that a specification's derivation reads."""
    chosen = [*spec.population.include, *spec.population.exclude]
    chosen += [way for variable in spec.variables.values() for ways in variable.from_.values() for way in ways]
    return sorted({"person", *needed(chosen), "contact"})


def hashed(connection: duckdb.DuckDBPyConnection, spec: DatabaseSpec) -> None:
    """The yardstick: every value that has to be read, once."""
    for table in tables_of(spec):
        columns = ", ".join((*COLUMNS[table], "receipt_id", "line"))
        connection.execute(f"select bit_xor(hash({columns})) from {table}").fetchall()


def described(warehouse: Warehouse, spec: DatabaseSpec, records: int) -> dict[str, int]:
    rows = {t: warehouse.connection.execute(f"select count(*) from {t}").fetchone()[0] for t in tables_of(spec)}
    return {"records": records, "rows": sum(rows.values())}


def one(folder: str, database: str, task: str) -> None:
    """One run of one task in this process; prints its wall and CPU seconds and peak memory (GB) as JSON."""
    spec = read_spec(EXPECTATIONS / database / "specification.yaml")
    with open_warehouse(project(Path(folder)), REGISTERS) as warehouse:
        wall, cpu = time.perf_counter(), time.process_time()
        if task == "derive":
            records = derive(warehouse.connection, spec).records.height
        else:
            records = 0
            hashed(warehouse.connection, spec)
        found = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        found["memory"] = peak_gb()
        print(json.dumps(found | described(warehouse, spec, records)))


def in_own_process(folder: Path, database: str, task: str) -> dict[str, float]:
    program = "import sys; from benchmarks.derive import one; one(*sys.argv[1:])"
    run = [sys.executable, "-c", program, str(folder), database, task]
    said = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    return json.loads(said.splitlines()[-1])  # DuckDB may show its progress before


def measured(folder: Path, database: str, runs: int) -> dict[str, dict[str, float]]:
    """Medians of both tasks over interleaved runs; the first pair only warms up and does not count."""
    pairs = [{task: in_own_process(folder, database, task) for task in ("hash", "derive")} for _ in range(runs + 1)]
    names = ("wall", "cpu", "memory", "records", "rows")
    return {t: {n: statistics.median(pair[t][n] for pair in pairs[1:]) for n in names} for t in ("hash", "derive")}


def line(persons: int, database: str, found: dict[str, dict[str, float]]) -> str:
    base, own = found["hash"], found["derive"]
    return (
        f"| {database} | {persons:,} | {own['rows'] / 1e6:.1f} | {own['records']:,.0f} "
        f"| {base['wall']:.2f} | {own['wall']:.2f} | {own['wall'] / base['wall']:.2f} "
        f"| {base['cpu']:.2f} | {own['cpu']:.2f} | {own['cpu'] / base['cpu']:.2f} "
        f"| {base['memory']:.2f} | {own['memory']:.2f} |"
    )


HEAD = (
    "| database | persons | million rows read | records | hash, s | derive, s | ratio "
    "| hash, CPU s | derive, CPU s | CPU ratio | hash, GB | derive, GB |\n|" + "---|" * 12
)


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}"
    )


def measure(
    folder: Annotated[Path, typer.Option(help="Where the register files stand, or are made.")],
    persons: Annotated[list[int], typer.Option(help="How many persons; may be said several times.")],
    runs: int = 5,
    out: Path | None = None,
) -> None:
    """The table of ratios for every size, printed and, with `out`, written. A size that stands in `folder` is used."""
    lines = []
    for size in persons:
        registers(folder / str(size), size)
        lines += [line(size, database, measured(folder / str(size), database, runs)) for database in DATABASES]
        print("\n".join([HEAD, *lines] if size == persons[0] else lines[-len(DATABASES) :]))
    if out:
        head = f"Medians of {runs} runs in turn, each in a process of its own. {machine()}.\n"
        out.write_text("\n".join([head, HEAD, *lines]) + "\n", "utf-8")


if __name__ == "__main__":
    typer.run(measure)
