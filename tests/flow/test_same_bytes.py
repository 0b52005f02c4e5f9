"""The same inputs and reference date give the same bytes, whatever the order of rows and columns; and runs in a row."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from pipelines.plain_files import reconcile_files

EXAMPLE = Path(__file__).parents[2] / "docs" / "example"
DAY = dt.date(2026, 9, 30)
# These tell of the very files that were read: their names, bytes and line numbers.
OF_FILES = {"receipts.parquet", "findings.parquet"}


def reconciled(folder: Path, reported: Path, new: Path, **more) -> Path:
    reconcile_files(EXAMPLE / "specification.yaml", reported, new, folder, DAY, **more)
    return folder


def shuffled(path: Path, folder: Path, letter: str) -> Path:
    """The same records in another order of rows and columns."""
    frame = pl.read_csv(path, infer_schema=False)
    target = folder / f"{letter}.csv"
    frame.select(sorted(frame.columns, reverse=True)).sample(fraction=1, shuffle=True, seed=3).write_csv(target)
    return target


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Path:
    return reconciled(tmp_path_factory.mktemp("first") / "out", EXAMPLE / "reported.csv", EXAMPLE / "new.csv")


def test_the_same_files_give_the_same_bytes(first, tmp_path):
    again = reconciled(tmp_path / "out", EXAMPLE / "reported.csv", EXAMPLE / "new.csv")
    assert contents(again) == contents(first)


def test_the_order_of_rows_and_columns_changes_no_byte_of_what_is_found(first, tmp_path):
    files = [shuffled(EXAMPLE / f"{side}.csv", tmp_path, side) for side in ("reported", "new")]
    again = contents(reconciled(tmp_path / "out", *files))
    expected = {name: said for name, said in contents(first).items() if name.endswith(".parquet")}
    assert {name for name, said in expected.items() if again[name] != said} <= OF_FILES
    assert {"history.parquet", "signals.parquet", "indicator_differences.parquet", "changeover.parquet"} <= set(
        expected
    )


def test_a_second_run_knows_the_first(first, tmp_path):
    second = reconciled(tmp_path / "out", EXAMPLE / "reported.csv", EXAMPLE / "new.csv", previous=first)
    states = pl.read_parquet(second / "discrepancies.parquet")["state"]
    assert len(states) > 0 and set(states) == {"persisting"}
    mended = reconciled(tmp_path / "mended", EXAMPLE / "new.csv", EXAMPLE / "new.csv", previous=second)
    history = pl.read_parquet(mended / "history.parquet")
    assert set(history.filter(pl.col("variable").is_not_null())["state"]) <= {"resolved"} and len(history) == len(
        states
    )


def test_chapmans_estimate_stands_among_the_figures(first):
    figures = pl.read_parquet(first / "figures.parquet").filter(figure="chapman")
    coverage = pl.read_parquet(first / "coverage.parquet").filter(pl.col("period").is_null())
    assert len(figures) == len(coverage) > 0
    assert (figures["value"] >= figures["n"]).all() and set(figures["n"]) == set(coverage["union"])
