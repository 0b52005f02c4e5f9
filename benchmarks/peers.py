"""What other tools report on the same five small cases, and how long they take: `python -m benchmarks.peers`.

Writes docs/peers.md. The peers live in an environment of their own (`--environment`, made where it is not there),
since they need other versions than we do. `--sizes 1000000 10000000` runs the timings too: each tool in a process of
its own, ended where it needs more memory or time than is said. Without sizes the timings written before are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from benchmarks.peer_cases import CASES, Case
from benchmarks.peer_tools import KEYS, Told, frame
from benchmarks.sides import write_sides
from pipelines.reconciliation.reconcile import reconcile
from pipelines.reconciliation.shape import column_types
from pipelines.spec.model import DatabaseSpec

PEERS = ("datacompy==1.1.0", "diffly==1.6.0", "reladiff==0.6.0", "polars==1.44.2", "pandas==3.0.6", "duckdb==2.0.1",
         "pyarrow==26.0.1")  # fmt: skip
DOCUMENT = Path(__file__).parent.parent / "docs" / "peers.md"
TIMINGS = Path(__file__).parent / "results" / "peers.json"
NAMES = {"sammenhold": "Sammenhold", "datacompy_polars": "datacompy, Polars", "datacompy_pandas": "datacompy, pandas",
         "diffly": "diffly", "polars_join": "a plain Polars join", "reladiff": "reladiff"}  # fmt: skip
LABEL = {"da": "Prøve"}
PLACES = ("region", "unit", "period", "level")
MISSING = ("missing_differs", "reported_missing", "new_missing", "both_missing")


def specification(case: Case) -> DatabaseSpec:
    return DatabaseSpec.model_validate({
        "database": "peers", "title": LABEL, "official": False, "version": "1", "record": "one contact",
        "event_date": "day", "person_number": "other",
        "match": [{"rule": "same day", "on": ["person", "day"]},
                  {"rule": "near day", "on": ["person"], "within": {"day": 3}}],
        "variables": {name: {"label": LABEL, **said} for name, said in case.variables.items()},
    })  # fmt: skip


def ours(case: Case) -> Told:
    """What Sammenhold says, by its specification; and of the rows the other way round."""
    answers = [_reconciled(case, turn) for turn in (slice(None), slice(None, None, -1))]
    return answers[0] | ({} if answers[0] == answers[1] else {"in_other_order": answers[1]})


def _reconciled(case: Case, turn: slice) -> Told:
    spec = specification(case)
    reported, new = frame(case, case.reported), frame(case, case.new)
    sides = _canonical(spec, reported, "R"), _canonical(spec, new, "N")[turn]
    found = reconcile(spec, *sides)
    counts, rows = found.counts(), found.agreement.filter(pl.all_horizontal(pl.col(PLACES).is_null()))
    same = {row["variable"]: _agreement(row) for row in rows.to_dicts()}
    ambiguous = int(found.pairs["ambiguous"].sum())
    told = {name: counts[name] for name in ("pairs", "only_reported", "only_new")} | {"same": same}
    return told | ({"ambiguous": ambiguous} if ambiguous else {})


def _agreement(row: dict) -> str:
    within = f", {row['agree_within']} of them within" if row["agree_within"] else ""
    missing = "".join(f", {row[name]} {name.replace('_', ' ')}" for name in MISSING if row[name])
    return f"{row['agree'] + row['agree_within']}/{row['both_known']}{within}{missing}"


def _canonical(spec: DatabaseSpec, rows: pl.DataFrame, letter: str) -> pl.DataFrame:
    rows = rows.with_columns(record_id=letter + pl.int_range(pl.len()).cast(pl.String))
    absent = [name for name in column_types(spec) if name not in rows.columns]
    return rows.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)


def words(told: Told) -> str:
    """One tool's answer as a line."""
    if "refused" in told:
        return f"refuses ({told['refused']})"
    alone = [f"{told[name]} {name.replace('_', ' ')}" for name in ("only_reported", "only_new") if told[name]]
    said = ", ".join([f"{told['pairs']} pairs", *alone])
    said += "; " + ", ".join(f"{name} {share}" for name, share in told["same"].items())
    if told.get("ambiguous"):
        said += f"; {told['ambiguous']} pairs said to be ambiguous"
    if "in_other_order" in told:
        said += f". **Rows the other way round: {words(told['in_other_order'])}**"
    return said


def cases(peers: dict) -> Iterator[str]:
    for case in CASES:
        yield from (f"### {case.name.capitalize()}", "", *_shown(case), "", f"Right: {case.right}.", "")
        yield from ("| tool | key | reports |", "|---|---|---|")
        yield f"| **Sammenhold** | its match rules | {words(ours(case))} |"
        for tool, answers in peers["cases"][case.name].items():
            for key, told in answers.items():
                yield f"| {NAMES[tool]} | {key} | {words(told)} |"
        yield ""


def _shown(case: Case) -> Iterator[str]:
    """The two sides as text."""
    yield "```text"
    for name, rows in (("reported", case.reported), ("new", case.new)):
        yield f"{name + ':':<10}" + "   ".join(" ".join("-" if c is None else f"{c}" for c in row) for row in rows)
    yield "```"


def environment(folder: Path) -> Path:
    """The peers' own Python, installed where it is not there."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PEERS], check=True)
    return python


def prepared(folder: Path, size: int) -> Path:
    """Both sides of so many courses, and for the peers the same with exact keys that stand once."""
    if not (folder / "truth.parquet").is_file():
        write_sides(folder, size)
    for name in ("reported", "new"):
        if not (folder / f"{name}.once.parquet").is_file():
            rows = pl.read_parquet(folder / f"{name}.parquet").drop("record_id", "region")
            rows.unique(KEYS, keep="first", maintain_order=True).write_parquet(folder / f"{name}.once.parquet")
    return folder


def timed(python: Path, tool: str, folder: Path, most_gb: float, most_seconds: float) -> dict[str, float | str]:
    """Wall, CPU and memory of one run in a process of its own, or why it was ended."""
    ours = [sys.executable, "-m", "benchmarks.jobs", "full", str(folder)]
    peer = [str(python), "-m", "benchmarks.peer_tools", "time", tool, str(folder)]
    started = time.monotonic()
    with subprocess.Popen(ours if tool == "sammenhold" else peer, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            time.sleep(0.2)
            ended = _too_much(process.pid, most_gb, time.monotonic() - started, most_seconds)
            if ended:
                process.kill()
                return {"ended": ended}
        said = process.stdout.read().splitlines()
    return json.loads(said[-1]) if process.returncode == 0 else {"ended": f"failed (exit {process.returncode})"}


def _too_much(pid: int, most_gb: float, seconds: float, most_seconds: float) -> str | None:
    if seconds > most_seconds:
        return f"more than {most_seconds / 60:.0f} minutes"
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:  # it has just ended
        return None
    used = [int(line.split()[1]) / 1e6 for line in status.splitlines() if line.startswith("VmRSS")]
    return f"more than {most_gb:.0f} GB" if used and used[0] > most_gb else None


def timings(measured: dict) -> Iterator[str]:
    for size, found in measured["sizes"].items():
        by_tool = found["tools"]
        yield from (f"### {int(size):,} courses", "", f"One run each: {measured['machine']}, load {found['load']}.", "")
        yield from ("| tool | wall s | CPU s | peak GB | CPU ÷ Sammenhold |", "|---|---|---|---|---|")
        own = by_tool["sammenhold"].get("cpu")
        for tool, said in by_tool.items():
            if "ended" in said:
                yield f"| {NAMES[tool]} | ended: {said['ended']} | | | |"
            else:
                ratio = f"{said['cpu'] / own:.2f}" if own else ""
                yield f"| {NAMES[tool]} | {said['wall']:.1f} | {said['cpu']:.1f} | {said['peak_gb']:.2f} | {ratio} |"
        yield ""


HEAD = """# Beside other tools

`python -m benchmarks.peers` makes this page: five small cases that registries meet every day, given to each tool as
its own documentation says, and the time each takes on large tables. Peers are given every key that a user might name,
and a tolerance where they have one (diffly: days). What each says is printed as it says it, not judged; *right* is our
answer, which a reader can check by eye. Where the rows of one side the other way round give another answer, that is
printed too.

In *honest missingness* the peers get two columns, the value and the code of why there is none. *a/b*: a of b alike.
"""
FOOT = """
Peers' job is the easier one: keys are exact and stand once (prepared before the clock starts), no tables by region,
unit and month, no statistics and no list of what differs (datacompy writes its report; reladiff lists changed rows).
Sammenhold matches within three days, compares 25 variables and writes all contract files but the explanation. Libraries
are loaded before the clock starts. Reading Parquet is in the time, except for reladiff, whose DuckDB tables are made
before.
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--environment", type=Path, default=Path("workspace/benchmark/peers"))
    asked.add_argument("--data", type=Path, default=Path("workspace/benchmark"))
    asked.add_argument("--sizes", type=int, nargs="*", default=[])
    asked.add_argument("--tools", nargs="+", default=list(NAMES), choices=list(NAMES))
    asked.add_argument("--most-gb", type=float, default=16)
    asked.add_argument("--most-minutes", type=float, default=30)
    said = asked.parse_args()
    python = environment(said.environment)
    ran = subprocess.run(
        [str(python), "-m", "benchmarks.peer_tools", "cases"], capture_output=True, text=True, check=True
    )
    peers = json.loads(ran.stdout.splitlines()[-1])
    measured = json.loads(TIMINGS.read_text("utf-8")) if TIMINGS.exists() else {"sizes": {}}
    measured["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    for size in said.sizes:
        folder = prepared(said.data / str(size), size)
        found = measured["sizes"].setdefault(str(size), {"load": 0, "tools": {}})
        for tool in said.tools:
            found["load"] = max(found["load"], round(os.getloadavg()[0]))
            found["tools"][tool] = timed(python, tool, folder, said.most_gb, 60 * said.most_minutes)
            print(size, tool, found["tools"][tool], flush=True)
            TIMINGS.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    versions = "Versions: " + ", ".join(f"{name} {number}" for name, number in peers["versions"].items())
    lines = [HEAD, f"{versions}.\n", "## Five cases\n", *cases(peers), "## Time\n", *timings(measured), FOOT.strip()]
    DOCUMENT.write_text("\n".join(lines) + "\n", "utf-8")
    print(DOCUMENT)


if __name__ == "__main__":
    main()
