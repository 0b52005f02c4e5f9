"""A turned bit in what is stored, results, warehouse or key, is told of or does no harm; never another answer."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from shell import shell
from small_home import run_of, small_home, through

from pipelines import flow
from pipelines.project import InputError, Project
from pipelines.reports import publish, runs
from pipelines.reports.manifest import MANIFEST, seal
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.key import read_key

pytestmark = pytest.mark.trust

FLIPS = {"results": 50, "warehouse": 30, "key": 20}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A home with a finished run; a test puts back what it alters."""
    project = small_home(tmp_path_factory.mktemp("at_rest"))
    through(run_of(project))
    return project


def flipped(content: bytes, bit: int) -> bytes:
    place, turned = divmod(bit, 8)
    return content[:place] + bytes([content[place] ^ (1 << turned)]) + content[place + 1 :]


@contextmanager
def altered(path: Path) -> Iterator[None]:
    content = path.read_bytes()
    path.write_bytes(flipped(content, 4000))
    try:
        yield
    finally:
        path.write_bytes(content)


def flips(paths: list[Path], n: int) -> list[tuple[Path, int]]:
    """`n` bits, spread over the files in turn."""
    random = np.random.default_rng(7)
    chosen = [paths[number % len(paths)] for number in range(n)]
    return [(path, int(random.integers(path.stat().st_size * 8))) for path in chosen]


def silently_wrong(paths: list[Path], n: int, read: Callable[[], object]) -> list[str]:
    """The flips after which reading gives another answer, and no error."""
    right, wrong = read(), []
    for path, bit in flips(paths, n):
        content = path.read_bytes()
        path.write_bytes(flipped(content, bit))
        try:
            if read() != right:
                wrong.append(f"{path.name} {bit}")
        except (InputError, duckdb.Error):
            continue
        finally:
            path.write_bytes(content)
    return wrong


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def as_read(folder: Path) -> list[object]:
    """Every table of a results folder as a reader gets it."""
    return [pl.read_parquet(path).to_dicts() for path in sorted(folder.glob("*.parquet"))]


def test_no_bit_of_the_results_turns_unseen(project) -> None:
    results = project.results("dhd")
    files = files_of(runs.latest_run(results))

    def read() -> list[str]:
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files_of(runs.latest_run(results))]

    assert silently_wrong(files, FLIPS["results"], read) == []


def test_broken_variant_that_trusts_the_readers_is_caught(project) -> None:
    latest = runs.latest_run(project.results("dhd"))
    tables = sorted(latest.glob("*.parquet"))

    def read() -> list[object]:
        try:
            return as_read(latest)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):  # a reader may also give up in panic
            raise InputError("unreadable") from None

    assert silently_wrong(tables, 60, read), "Parquet by itself tells another story for some turned bits"


def test_no_bit_of_the_warehouse_turns_unseen(project) -> None:
    path = project.warehouse("dhd")

    def read() -> dict[str, str]:
        with open_warehouse(project, "dhd", read_only=True) as warehouse:
            tables = warehouse.frame("select table_name from duckdb_tables() order by all")["table_name"]
            return {name: str(warehouse.frame(f'from "{name}"').to_dicts()) for name in tables}

    assert silently_wrong([path], FLIPS["warehouse"], read) == []


def test_no_bit_of_the_key_turns_unseen(project) -> None:
    """A letter that is written large is the same digit; any other key does not open the warehouse."""

    def read() -> bytes:
        with open_warehouse(project, "dhd", read_only=True):
            return read_key(project)

    assert silently_wrong([project.key_file], FLIPS["key"], read) == []


@pytest.mark.parametrize(
    "words", [["report"], ["gate"], ["status"], ["trace", "agreement/nyha"], ["password", "nordjylland"]]
)
def test_a_command_names_the_file_that_was_altered(project, words) -> None:
    table = runs.latest_run(project.results("dhd")) / "discrepancies.parquet"
    with altered(table):
        process = shell(project, *words)
        told = process.communicate()[1]
    assert process.returncode == 2
    assert told.count("\n") == 1 and str(table) in told


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("{}"), lambda path: path.write_text("[")])
def test_results_without_their_manifest_are_not_read(project, spoil) -> None:
    manifest = runs.latest_run(project.results("dhd")) / MANIFEST
    content = manifest.read_bytes()
    spoil(manifest)
    try:
        with pytest.raises(InputError, match=MANIFEST):
            runs.latest_run(project.results("dhd"))
    finally:
        manifest.write_bytes(content)


def test_a_run_is_named_and_sealed_by_its_content_alone(project, tmp_path) -> None:
    latest = runs.latest_run(project.results("dhd"))
    copy = tmp_path / "copy"
    shutil.copytree(latest, copy)
    (copy / MANIFEST).unlink()
    assert publish.run_name(copy, run_of(project).reference_date) == latest.name
    seal(copy)
    assert (copy / MANIFEST).read_bytes() == (latest / MANIFEST).read_bytes()
    assert set(json.loads((copy / MANIFEST).read_bytes())["sha256"]) == {
        path.relative_to(copy).as_posix() for path in files_of(copy) if path.name != MANIFEST
    }


def test_running_again_puts_an_altered_run_right(project) -> None:
    latest = runs.latest_run(project.results("dhd"))
    table = latest / "pairs.parquet"
    right = table.read_bytes()
    table.write_bytes(flipped(right, 4000))
    run = run_of(project)
    shutil.copytree(latest, run.building)
    (run.building / "pairs.parquet").write_bytes(right)
    flow.decide(run)
    assert runs.latest_run(project.results("dhd")) == latest
    assert table.read_bytes() == right


def test_an_altered_earlier_run_is_not_compared_with(project) -> None:
    latest = runs.latest_run(project.results("dhd"))
    later = run_of(project).reference_date.replace(year=2027)
    assert runs.previous_run(latest.parent, later) == latest
    with altered(latest / "discrepancies.parquet"), pytest.raises(InputError, match="altered"):
        runs.previous_run(latest.parent, later)
