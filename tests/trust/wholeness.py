"""What must hold of a home at every moment, also where a process was killed; and what its end state is."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
from little_home import DATABASE

from pipelines import audit
from pipelines.project import InputError, Project
from pipelines.reports import runs
from pipelines.reports.manifest import hold_intact
from pipelines.warehouse.database import Warehouse, open_warehouse

SOURCES = ("kip", "wsapi")
# Receipts whose rows are not all there, each once; and rows of which no receipt tells.
TORN = """
    with rows as (select receipt_id, line from raw_{0} union all
                  select receipt_id, line from broken_rows join receipts using (receipt_id) where source = '{0}'),
    counted as (select receipt_id, count(*) as n, count(distinct line) as lines from rows group by all),
    told as (from receipts where source = '{0}' and verdict <> 'refused')
    select receipt_id from counted full join told using (receipt_id)
    where counted.n is distinct from told.rows_in or counted.lines is distinct from told.rows_in
"""
TWICE = "select sha256 from receipts group by source, region, sha256 having count(*) > 1"


def problems(project: Project, acknowledged: Iterable[str]) -> list[str]:
    """What is lost, doubled, torn or closed. Looks at a copy of the warehouse: opening it would mend it."""
    told = set(acknowledged)
    found = [*_of_results(project, {name for name in told if runs.RUN_NAME.fullmatch(name)})]
    found += [f"log: {problem}" for problem in _said(lambda: audit.verify(project))]
    with tempfile.TemporaryDirectory() as folder:
        copy = replace(project, home=Path(folder))
        if project.warehouse(DATABASE).exists():
            shutil.copytree(project.home / "warehouse", copy.home / "warehouse")
        found += _said(lambda: found.extend(_of_warehouse(copy, told)))
    return found


def _of_results(project: Project, acknowledged: set[str]) -> Iterator[str]:
    results = project.results(DATABASE)
    for folder in sorted(results.glob("2*")):
        yield from _said(lambda folder=folder: hold_intact(folder))
        for table in folder.glob("*.parquet"):
            pl.read_parquet(table)
    there = {folder.name for folder in results.glob("2*")}
    yield from (f"published and lost: {run}" for run in sorted(acknowledged - there))
    if there:
        yield from _said(lambda: runs.latest_run(results))


def _of_warehouse(project: Project, told: set[str]) -> Iterator[str]:
    with open_warehouse(project, DATABASE) as warehouse:
        tables = set(warehouse.frame("select table_name from duckdb_tables()")["table_name"])
        if "raw_wsapi" not in tables:  # nothing was prepared yet
            known: set[str] = set()
        else:
            known = set(warehouse.frame("select receipt_id from receipts")["receipt_id"])
            for source in SOURCES:
                yield from (
                    f"{source}: torn {receipt}" for receipt in warehouse.frame(TORN.format(source))["receipt_id"]
                )
            yield from (f"received twice: {file}" for file in warehouse.frame(TWICE)["sha256"])
    lost = {name for name in told if not runs.RUN_NAME.fullmatch(name)} - known
    yield from (f"acknowledged and lost: {receipt}" for receipt in sorted(lost))


def _said(look: object) -> list[str]:
    try:
        look()
    except InputError as problem:
        return [str(problem)]
    return []


def end_state(project: Project) -> dict[str, str]:
    """Every table of the warehouse and every file of the latest run → a hash of what it holds.

    Workbooks are encrypted with a new salt each time, so they and the seal over them are left out.
    """
    latest = runs.latest_run(project.results(DATABASE))
    files = sorted(path for path in latest.rglob("*") if path.is_file())
    named = {path.relative_to(latest).as_posix(): path for path in files}
    sums = {name: _sum(path.read_bytes()) for name, path in named.items() if path.suffix != ".xlsx"}
    sums.pop("manifest.json")
    with open_warehouse(project, DATABASE) as warehouse:
        return sums | {"latest": latest.name} | dict(_tables(warehouse))


def _tables(warehouse: Warehouse) -> Iterator[tuple[str, str]]:
    for name in sorted(warehouse.frame("select table_name from duckdb_tables()")["table_name"]):
        yield f"table {name}", _sum(str(warehouse.frame(f'select * from "{name}" order by all').to_dicts()).encode())


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
