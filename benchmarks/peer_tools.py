"""What each other tool reports, and how long it takes. Runs in an environment of the peers' own.

`python -m benchmarks.peer_tools cases` prints one line of JSON: case → tool → key → what it says.
`python -m benchmarks.peer_tools time TOOL FOLDER` prints wall and CPU seconds and the peak of memory.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import polars as pl

from benchmarks.memory import peak_gb
from benchmarks.peer_cases import CASES, Case, Rows

KEYS = ["person", "unit", "start_date"]
Told = dict[str, object]


def frame(case: Case, rows: Rows) -> pl.DataFrame:
    read = pl.DataFrame(list(rows), schema=list(case.columns), orient="row")
    return read.with_columns(pl.col("day").str.to_date())


def datacompy_polars(left: pl.DataFrame, right: pl.DataFrame, keys: list[str], case: Case) -> Told:
    from datacompy import PolarsCompare

    return _datacompy(PolarsCompare(left, right, join_columns=keys), keys)


def datacompy_pandas(left: pl.DataFrame, right: pl.DataFrame, keys: list[str], case: Case) -> Told:
    from datacompy import PandasCompare

    return _datacompy(PandasCompare(left.to_pandas(), right.to_pandas(), join_columns=keys), keys)


def _datacompy(compare: object, keys: list[str]) -> Told:
    columns = {one["column"]: one for one in compare.column_stats}
    same = {name: f"{one['match_cnt']}/{one['match_cnt'] + one['unequal_cnt']}" for name, one in columns.items()
            if name not in keys}  # fmt: skip
    return _told(len(compare.intersect_rows), len(compare.df1_unq_rows), len(compare.df2_unq_rows), same)


def diffly(left: pl.DataFrame, right: pl.DataFrame, keys: list[str], case: Case) -> Told:
    from diffly import compare_frames

    compared = compare_frames(left, right, primary_key=keys, abs_tol_temporal=dt.timedelta(days=case.days))
    pairs = compared.num_rows_joined()
    same = {name: f"{round(compared.fraction_same(name) * pairs)}/{pairs}" for name in left.columns
            if name not in keys and pairs}  # fmt: skip
    return _told(pairs, compared.num_rows_left_only(), compared.num_rows_right_only(), same)


def polars_join(left: pl.DataFrame, right: pl.DataFrame, keys: list[str], case: Case) -> Told:
    joined = left.join(right, on=keys, nulls_equal=True)
    same = {name: f"{joined[name].eq_missing(joined[f'{name}_right']).sum()}/{joined.height}" for name in left.columns
            if name not in keys}  # fmt: skip
    alone = (one.join(other, on=keys, how="anti").height for one, other in ((left, right), (right, left)))
    return _told(joined.height, *alone, same)


def reladiff(left: pl.DataFrame, right: pl.DataFrame, keys: list[str], case: Case) -> Told:
    """It tells rows, no columns: a changed row is one that went and one that came under the same key.

    A date cannot be its key in DuckDB, so it is given as text.
    """
    left, right = (side.with_columns(pl.col(pl.Date).cast(pl.String)) for side in (left, right))
    with tempfile.TemporaryDirectory() as folder:
        changes = list(_reladiff(_duckdb(Path(folder) / "sides.duckdb", left, right), keys, left.columns))
    gone, came = ({row[: len(keys)] for sign, row in changes if sign == wanted} for wanted in "-+")
    both = gone & came
    pairs = left.height - len(gone - both)
    return _told(pairs, len(gone - both), len(came - both), {"row": f"{pairs - len(both)}/{pairs}"})


def _duckdb(file: Path, left: pl.DataFrame, right: pl.DataFrame) -> Path:
    import duckdb

    with duckdb.connect(file) as connection:
        for name, side in (("reported", left), ("new", right)):
            connection.register("side", side.to_arrow())
            connection.execute(f"create table {name} as select * from side")
    return file


def _reladiff(file: Path, keys: list[str], columns: list[str]) -> object:
    from reladiff import Algorithm, connect_to_table, diff_tables

    others = tuple(name for name in columns if name not in keys)
    database = {"driver": "duckdb", "filepath": str(file)}
    tables = [connect_to_table(database, name, tuple(keys), extra_columns=others) for name in ("reported", "new")]
    return diff_tables(*tables, algorithm=Algorithm.JOINDIFF, extra_columns=others)


def _told(pairs: int, only_reported: int, only_new: int, same: dict[str, str]) -> Told:
    return {"pairs": pairs, "only_reported": only_reported, "only_new": only_new, "same": same}


TOOLS: dict[str, Callable[..., Told]] = {tool.__name__: tool for tool in (
    datacompy_polars, datacompy_pandas, diffly, polars_join, reladiff,
)}  # fmt: skip


def said(tool: Callable[..., Told], case: Case, keys: tuple[str, ...]) -> Told:
    """What a tool says of a case, and whether it says the same of the rows the other way round."""
    answers = []
    for turn in (slice(None), slice(None, None, -1)):
        sides = [frame(case, rows) for rows in (case.reported, case.new[turn])]
        try:
            answers.append(tool(*sides, list(keys), case))
        except Exception as refusal:  # each library refuses in its own way, and that is what it reports
            answers.append({"refused": f"{type(refusal).__name__}: {str(refusal).splitlines()[0][:80]}"})
    return answers[0] | ({} if answers[0] == answers[1] else {"in_other_order": answers[1]})


def cases() -> dict[str, dict[str, dict[str, Told]]]:
    return {
        case.name: {
            name: {", ".join(keys): said(tool, case, keys) for keys in case.keys} for name, tool in TOOLS.items()
        }
        for case in CASES
    }


def timed(tool: str, folder: Path) -> dict[str, float]:
    """The easier job: sides whose keys are exact and stand once, no list of what differs."""
    files = [folder / f"{name}.once.parquet" for name in ("reported", "new")]
    database = folder / "once.duckdb"
    if tool == "reladiff" and not database.exists():
        _duckdb(database, *(pl.read_parquet(file).with_columns(pl.col(KEYS).cast(pl.String)) for file in files))
    __import__({"polars_join": "polars"}.get(tool, tool.partition("_")[0]))
    wall, cpu = time.perf_counter(), time.process_time()
    _job(tool, files, database)
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak_gb": peak_gb()}


def _job(tool: str, files: list[Path], database: Path) -> None:
    nothing = CASES[2]
    if tool == "reladiff":
        columns = pl.read_parquet_schema(files[0])
        sum(1 for _ in _reladiff(database, KEYS, list(columns)))
    elif tool == "datacompy_pandas":
        import pandas as pd
        from datacompy import PandasCompare

        PandasCompare(*(pd.read_parquet(file) for file in files), join_columns=KEYS).report()
    elif tool == "datacompy_polars":
        from datacompy import PolarsCompare

        PolarsCompare(*(pl.read_parquet(file) for file in files), join_columns=KEYS).report()
    else:
        TOOLS[tool](*(pl.read_parquet(file) for file in files), KEYS, nothing)


def versions() -> dict[str, str]:
    return {
        name: version(name) for name in ("datacompy", "diffly", "reladiff", "polars", "pandas", "duckdb", "pyarrow")
    }


def main() -> None:
    verb, *rest = sys.argv[1:]
    told = {"cases": cases(), "versions": versions()} if verb == "cases" else timed(rest[0], Path(rest[1]))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
