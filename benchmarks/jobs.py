"""The jobs that are measured, each run in a process of its own: `python -m benchmarks.jobs JOB FOLDER`.

Prints one line of JSON: wall and CPU seconds and peak resident memory, libraries loaded before the clock starts.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.memory import peak_gb
from benchmarks.sides import REGIONS, benchmark_spec
from pipelines.reconciliation.compare import OUTCOMES
from pipelines.reconciliation.coverage import KINDS, coverage
from pipelines.reconciliation.intervals import wilson_columns
from pipelines.reconciliation.reconcile import Reconciliation, reconcile
from pipelines.reconciliation.rollup import PLACES, rolled_up
from pipelines.reconciliation.shape import completed
from pipelines.reports.publish import write_reconciliation

KEYS = ("record_id", "person", "unit", "region", "start_date")


def limit(folder: Path) -> None:
    """DuckDB reads the same columns, joins exactly on the keys and touches every value in one trivial aggregate."""
    variables = [name for name in pl.scan_parquet(folder / "new.parquet").collect_schema() if name not in KEYS]
    touched = ", ".join(f"sum(hash({side}.{name}) & 1)" for name in variables for side in "rn")
    sides = f"'{folder}/reported.parquet' r join '{folder}/new.parquet' n using (person, unit, start_date)"
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute(f"select count(*), {touched} from {sides}").fetchall()


def full(folder: Path) -> None:
    """Match, compare 25 variables, and write all contract files but the explanation's."""
    _written(_reconciled(folder))


def from_table(folder: Path) -> None:
    """The same from tables of a DuckDB file, which is made before the clock starts (see `prepared`)."""
    spec = benchmark_spec()
    with duckdb.connect(folder / "sides.duckdb", read_only=True, config={"threads": 2}) as connection:
        _written(reconcile(spec, *(completed(spec, connection.table(n).pl(lazy=True)) for n in ("reported", "new"))))


def prepared(folder: Path) -> None:
    """What some jobs start from: a DuckDB file of both sides, one region's files, and counts of whole and parts."""
    with duckdb.connect(folder / "sides.duckdb") as connection:
        for name in ("reported", "new"):
            query = f"create or replace table {name} as select * from '{folder / name}.parquet'"
            connection.execute(query)
    (folder / "region").mkdir(exist_ok=True)
    for name in ("reported", "new"):
        rows = pl.scan_parquet(folder / f"{name}.parquet").filter(region=REGIONS[0])
        rows.sink_parquet(folder / "region" / f"{name}.parquet")
    found = _reconciled(folder)
    found.agreement.drop_nulls(PLACES).write_parquet(folder / "all.counts.parquet")
    for name, finest in _additive(found).items():
        finest.filter(pl.col("region") != REGIONS[0]).write_parquet(folder / f"others.{name}.parquet")


def one_region(folder: Path) -> None:
    """One region of five, which stands in files of its own, and its counts added to those of the others.

    The region's pairs, discrepancies, history and unmatched records are its own files and take their place as they
    are. Figures and charts of units and regions are the region's own too; those of the country are not made anew.
    """
    found = _reconciled(folder / "region")
    _written(found)
    every = {
        name: pl.concat([pl.read_parquet(folder / f"others.{name}.parquet"), finest])
        for name, finest in _additive(found).items()
    }
    agreed = every["agreement"].with_columns(agreeing=pl.col("agree") + pl.col("agree_within"))
    agreed = rolled_up(agreed, ("variable", "level"))
    wilson_columns(agreed, "agreeing", "both_known", "share")
    coverage(every["coverage"])
    for name in ("transitions", "offsets"):
        every[name].group_by(pl.exclude("region", "n")).agg(pl.col("n").sum())


def _additive(found: Reconciliation) -> dict[str, pl.DataFrame]:
    """What adds up: the counts at the finest places, and what became of what by region."""
    return {
        "agreement": found.agreement.drop_nulls(PLACES).select(
            "variable", "level", *PLACES, *OUTCOMES, "both_known", "relevant"
        ),
        "coverage": found.coverage.drop_nulls(PLACES).select(*PLACES, *KINDS),
        "transitions": found.transitions.drop_nulls("region"),
        "offsets": found.offsets.drop_nulls("region"),
    }


def slices(folder: Path) -> None:
    """Every one- and two-attribute slice of every variable, rolled up from the finest counts."""
    counts = pl.read_parquet(folder / "all.counts.parquet").filter(pl.col("level").is_null())
    names = ("region", "unit", "period")
    for by in [(), *((name,) for name in names), ("region", "unit"), ("region", "period"), ("unit", "period")]:
        counts.group_by("variable", *by).agg(pl.col(pl.Int64).sum())


def truth(folder: Path) -> None:
    """Recall and precision of the pairs against the generated truth."""
    found = _reconciled(folder).pairs.select("reported_id", "new_id")
    expected = pl.read_parquet(folder / "truth.parquet")
    right = found.join(expected, on=["reported_id", "new_id"], how="semi").height
    print(json.dumps({"recall": right / expected.height, "precision": right / found.height}))


def datacompy_polars(folder: Path) -> None:
    from datacompy import PolarsCompare

    _compared_by_peer(PolarsCompare, [_without_twins(folder, name) for name in ("reported", "new")])


def datacompy_pandas(folder: Path) -> None:
    from datacompy import PandasCompare

    _compared_by_peer(PandasCompare, [_without_twins(folder, name).to_pandas() for name in ("reported", "new")])


def _compared_by_peer(compare: Callable, sides: list) -> None:
    """Its easier job: exact keys without repetition, and no table of discrepancies."""
    compare(*sides, join_columns=["person", "unit", "start_date"]).report()


def _without_twins(folder: Path, name: str) -> pl.DataFrame:
    frame = pl.read_parquet(folder / f"{name}.parquet").drop("record_id", "region")
    return frame.unique(["person", "unit", "start_date"], keep="first", maintain_order=True)


def _reconciled(folder: Path) -> Reconciliation:
    spec = benchmark_spec()
    return reconcile(spec, *(completed(spec, pl.scan_parquet(folder / f"{n}.parquet")) for n in ("reported", "new")))


def _written(found: Reconciliation) -> None:
    with tempfile.TemporaryDirectory() as out:
        write_reconciliation(Path(out), found)


JOBS = {job.__name__: job for job in (
    limit, full, from_table, one_region, slices, truth, datacompy_polars, datacompy_pandas,
)}  # fmt: skip


def main() -> None:
    job, folder = JOBS[sys.argv[1]], Path(sys.argv[2])
    wall, cpu = time.perf_counter(), time.process_time()
    job(folder)
    used = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps(used | {"peak_gb": peak_gb()}))


if __name__ == "__main__":
    main()
