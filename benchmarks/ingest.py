"""CSV into the encrypted warehouse, beside DuckDB's own `create table as` of the same file as text.

python -m benchmarks.ingest [--rows 2000000] [--kip-rows 200000] [--runs 5] [--write]

Both write to an encrypted file with two threads and end with a checkpoint. Ours: sha256, rows with their line
numbers, receipt and ledger; a register's rows are typed and complained about as well (`receive_register`), a KIP
export's are raw text (`receive`), and its typing (`conform`) is a row of its own. Each run is a process of its own,
and the ways take turns.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.memory import peak_gb
from pipelines.project import Project
from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.reading import read_source_schemas, read_spec, read_units
from pipelines.spec.register_layouts import read_layouts
from pipelines.warehouse.conforming import conform
from pipelines.warehouse.database import Warehouse, _attach, _connect, open_warehouse
from pipelines.warehouse.key import make_key
from pipelines.warehouse.receiving import prepare, receive
from pipelines.warehouse.registers import prepare_registers, receive_register

ROOT = Path(__file__).parents[1]
DHD = ROOT / "expectations" / "dhd"
NOON = dt.datetime(2026, 6, 1, 12)
CONTENT_DATE = "2026-05-31"


def laboratory(folder: Path, rows: int) -> Path:
    """Laboratory results of a year: 300 codes, one value in a hundred is a limit such as <5."""
    random = np.random.default_rng(1)
    minute = random.integers(0, 365 * 24 * 60, rows)
    taken = pl.Series(np.datetime64("2025-01-01", "ms") + minute * np.timedelta64(60_000, "ms"))
    values = np.round(random.gamma(4, 20, rows), 1).astype(str)
    limits = np.where(random.random(rows) < 0.01, np.char.add("<", values), values)
    frame = pl.DataFrame(
        {
            "pnr": pl.Series(random.integers(0, max(rows // 8, 1), rows)).cast(pl.String).str.zfill(10),
            "samplingdate": taken.dt.strftime("%Y-%m-%d"),
            "samplingtime": taken.dt.strftime("%H:%M:%S"),
            "analysiscode": [f"NPU{code:05}" for code in random.integers(1000, 1300, rows)],
            "value": limits,
            "unit": random.choice(["mmol/L", "%", "g/L", "10E9/L"], rows),
            "laboratorium_idcode": random.choice(["RKI", "HVH", "OUH", "AUH"], rows),
        }
    )
    frame.write_csv(path := folder / f"lab_forsker_{CONTENT_DATE}.csv", separator=";")
    return path


def contacts(folder: Path, rows: int) -> Path:
    """Hospital contacts of a year in LPR_A's columns, one in twenty still open."""
    random = np.random.default_rng(2)
    minute = random.integers(0, 365 * 24 * 60, rows)
    begin = np.datetime64("2025-01-01", "ms") + minute * np.timedelta64(60_000, "ms")
    end = pl.Series(begin + random.integers(10, 5000, rows) * np.timedelta64(60_000, "ms"))
    frame = pl.DataFrame(
        {
            "dw_ek_kontakt": np.arange(rows).astype(str),
            "dw_ek_forloeb": (np.arange(rows) // 2).astype(str),
            "pnr": pl.Series(random.integers(0, max(rows // 4, 1), rows)).cast(pl.String).str.zfill(10),
            "kont_starttidspunkt": pl.Series(begin).dt.strftime("%Y-%m-%d %H:%M:%S"),
            "kont_sluttidspunkt": pl.select(
                pl.when(pl.Series(random.random(rows) >= 0.05)).then(end.dt.strftime("%Y-%m-%d %H:%M:%S"))
            ).to_series(),
            "kont_ans": random.choice(["6620141", "6620056", "3800A80", "130116"], rows),
            "kont_type": random.choice(["ALCA00", "ALCA03"], rows),
            "prioritet": random.choice(["ATA1", "ATA3"], rows),
        }
    )
    frame.write_csv(path := folder / f"lpr_a_kontakt_{CONTENT_DATE}.csv", separator=";")
    return path


def forms(folder: Path, rows: int) -> Path:
    """The sample KIP export with its forms drawn again and again, each under an id of its own."""
    [sample] = sorted((ROOT / "sample_data").glob("inbox/dhd/kip/midtjylland/*.csv"))[:1]
    frame = pl.read_csv(sample, separator=";", infer_schema=False)
    drawn = frame[np.random.default_rng(3).integers(0, frame.height, rows)]
    drawn.with_columns(skema_id=pl.Series(np.arange(rows)).cast(pl.String)).write_csv(
        path := folder / "kip.csv", separator=";"
    )
    return path


def by_duckdb(home: Path, file: Path) -> Callable[[], object]:
    """DuckDB's reader with every column named and said to be text, so that it need not guess."""
    connection = _connect(home)
    _attach(connection, home / "text.duckdb", bytes(32))
    with file.open(encoding="utf-8") as opened:
        columns = ", ".join(f"{quoted(name)}: 'varchar'" for name in opened.readline().strip().split(";"))
    options = f"delim = ';', header = true, auto_detect = false, columns = {{{columns}}}"
    read = f"create table arrived as select * from read_csv({quoted(str(file))}, {options})"
    return lambda: (connection.execute(read), connection.execute("checkpoint"))


def register(warehouse: Warehouse, file: Path) -> Callable[[], object]:
    prepare_registers(warehouse)
    layouts = read_layouts(ROOT / "expectations" / "codes" / "registers")
    return lambda: (
        receive_register(warehouse, layouts, file, NOON),
        warehouse.connection.execute("checkpoint"),
    )


def form_file(warehouse: Warehouse, file: Path, typed: bool) -> Callable[[], object]:
    spec = read_spec(DHD / "specification.yaml")
    schemas = read_source_schemas(DHD, spec)
    prepare(warehouse, spec, ("kip", "wsapi"), read_units(spec, DHD))
    return lambda: (
        receive(warehouse, spec, schemas, file, "kip", "midtjylland", NOON),
        conform(warehouse, spec, schemas) if typed else None,
        warehouse.connection.execute("checkpoint"),
    )


def measured(work: Callable[[], object]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    peak = peak_gb() * 1000
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak": peak}


def one(way: str, file: Path) -> dict[str, float]:
    """One way in a fresh home; `peak` is the process's memory in MB, imports included."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "home", ROOT / "expectations", Path(folder) / "keys" / "key")
        project.home.mkdir()
        if way == "duckdb":
            return measured(by_duckdb(project.home, file))
        make_key(project)
        with open_warehouse(project, "dhd") as warehouse:
            if way == "register":
                return measured(register(warehouse, file))
            return measured(form_file(warehouse, file, typed=way == "kip typed"))


def in_turns(file: Path, ways: list[str], runs: int) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(runs):
        for way in ways:
            command = [sys.executable, "-m", "benchmarks.ingest", "--one", way, str(file)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
            found[way].append(json.loads(answer.stdout))
    return found


def table(title: str, file: Path, ways: list[str], runs: int) -> str:
    """Medians of the runs; the ratio is the median over the turns of ours ÷ DuckDB's, in the same turn."""
    found = in_turns(file, ways, runs)
    lines = [
        f"\n## {title}, {file.stat().st_size / 1e6:.0f} MB, {runs} runs\n",
        "| way | wall s | CPU s | peak MB | wall ÷ DuckDB | CPU ÷ DuckDB |",
        "|---|---|---|---|---|---|",
    ]
    for way in ways:
        wall, cpu, peak = (statistics.median(run[key] for run in found[way]) for key in ("wall", "cpu", "peak"))
        ratios = " | ".join(f"{_ratio(found[way], found['duckdb'], key):.2f}" for key in ("wall", "cpu"))
        lines.append(f"| {way} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {ratios} |")
    return "\n".join(lines)


def _ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]], key: str) -> float:
    return statistics.median(a[key] / b[key] for a, b in zip(ours, theirs, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--kip-rows", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="keep the tables in benchmarks/results/ingest.md")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.one:
        print(json.dumps(one(said.one[0], Path(said.one[1]))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        laboratory_file, contact_file = laboratory(folder, said.rows), contacts(folder, said.rows)
        tables = [
            table(f"Laboratory, {said.rows:,} rows", laboratory_file, ["duckdb", "register"], said.runs),
            table(f"Contacts, {said.rows:,} rows", contact_file, ["duckdb", "register"], said.runs),
            table(f"KIP, {said.kip_rows:,} forms", forms(folder, said.kip_rows),
                  ["duckdb", "kip", "kip typed"], said.runs),
        ]  # fmt: skip
    versions = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, Polars {pl.__version__}"
    text = "\n".join(["# CSV into the encrypted warehouse\n", _said(), f"{versions}.", *tables]) + "\n"
    print(text)
    if said.write:
        (ROOT / "benchmarks" / "results" / "ingest.md").write_text(text, "utf-8")


def _said() -> str:
    """What was measured, and on what."""
    cores, memory = len(_processors()), _memory()
    return (
        "`python -m benchmarks.ingest --write`: medians of interleaved runs, each a process of its own; both sides "
        "end with a checkpoint of the encrypted file. `duckdb` is `create table as` of `read_csv` with every column "
        "text. `register` is all of `receive_register`: sha256, lines, typing, complaints, receipt and ledger. `kip` "
        "is `receive` (raw text, lines, receipt, ledger), `kip typed` the same and `conform`. Other work ran on the "
        f"machine at the same time, so that CPU says more than wall.\n\n{cores} cores, {memory} GB,"
    )


def _processors() -> list[str]:
    return [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("processor")]


def _memory() -> int:
    [total] = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")]
    return round(int(total.split()[1]) / 1024**2)


if __name__ == "__main__":
    main()
