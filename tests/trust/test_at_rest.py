"""A turned bit in what is stored, results, warehouse, its log or the key, is told of or does no harm; never another
answer. One in the inbox is a file of its own, beside the one that was received."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import duckdb
import little_home
import numpy as np
import polars as pl
import pytest
from moments import without_pages
from shell import shell
from small_home import run_of, small_home, through

from pipelines import flow
from pipelines.project import InputError, Project
from pipelines.reports import publish, runs
from pipelines.reports.manifest import MANIFEST, seal
from pipelines.warehouse import database, ledger, receiving
from pipelines.warehouse.checkpoints import Checkpoints
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.key import read_key
from pipelines.warehouse.log_seal import log_of, seal_of

pytestmark = pytest.mark.trust

FLIPS = {"results": 50, "warehouse": 30, "key": 20, "log": 20}
LOG_HEAD = 64  # bytes at the beginning of a log, of which a turned bit makes it an empty one to DuckDB
DUCKDB_BLOCK, DUCKDB_HEADERS = 1 << 18, 3 * 4096


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A home with a finished run, its pages empty; a test puts back what it alters."""
    project = small_home(tmp_path_factory.mktemp("at_rest"))
    with without_pages():
        through(run_of(project))
        yield project


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


def tables_of(project: Project, database: str) -> dict[str, str]:
    """Every table of a warehouse as a reader gets it."""
    with open_warehouse(project, database, read_only=True) as warehouse:
        tables = warehouse.frame("select table_name from duckdb_tables() order by all")["table_name"]
        return {name: str(warehouse.frame(f'from "{name}"').to_dicts()) for name in tables}


def test_no_bit_of_the_warehouse_turns_unseen(project) -> None:
    path = project.warehouse("dhd")
    assert silently_wrong([path], FLIPS["warehouse"], lambda: tables_of(project, "dhd")) == []


def as_if_unchecked(content: bytes, at: int) -> bytes:
    """A file of DuckDB in which the sum of the block around `at` fits whatever stands there now."""
    first = DUCKDB_HEADERS + (at - DUCKDB_HEADERS) // DUCKDB_BLOCK * DUCKDB_BLOCK
    words = np.frombuffer(content[first + 8 : first + DUCKDB_BLOCK], np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
    summed = np.bitwise_xor.reduce(words) ^ np.uint64(5381)
    return content[:first] + summed.tobytes() + content[first + 8 :]


def test_broken_variant_whose_blocks_are_not_checked_is_caught(project, tmp_path) -> None:
    """The ledger in a file without a key: DuckDB's sums alone stand between a turned bit and another answer."""
    path = tmp_path / "plain.duckdb"
    with open_warehouse(project, "dhd", read_only=True) as warehouse, duckdb.connect(str(path)) as plain:
        plain.execute("pragma force_compression='uncompressed'")
        plain.register("ledger", warehouse.frame("from receipts order by ordinal"))
        plain.execute("create table receipts as from ledger")

    def read() -> list[tuple]:
        with duckdb.connect(str(path), read_only=True) as plain:
            return plain.execute("from receipts").fetchall()

    right, content = read(), path.read_bytes()
    at = content.index(right[0][4].encode())  # the sha256 of the first file
    path.write_bytes(flipped(content, at * 8))
    with pytest.raises(duckdb.IOException, match="checksum"):
        read()
    path.write_bytes(as_if_unchecked(flipped(content, at * 8), at))
    assert read() != right


@pytest.fixture
def killed(tmp_path, monkeypatch) -> Project:
    """A home whose warehouse still has its log: the process that received died before its checkpoint."""
    monkeypatch.setattr(Checkpoints, "make", lambda self: False)
    project = little_home.little_home_with_files(tmp_path)
    flow.receive(little_home.run_of(project))
    return project


def silently_wrong_of_log(project: Project) -> list[str]:
    """The bits of the log, in its head and all over it, and of its seal, that turn unseen; and a log cut off."""
    path = project.warehouse(little_home.DATABASE)
    read = lambda: tables_of(project, little_home.DATABASE)  # noqa: E731
    wrong = silently_wrong([log_of(path), seal_of(path)], FLIPS["log"], read)
    content, right = log_of(path).read_bytes(), read()
    spoilt = {f"head {at}": flipped(content, at * 8 + at % 8) for at in range(0, LOG_HEAD, 4)}
    for name, left in (spoilt | {"cut off": content[: len(content) // 2], "emptied": b""}).items():
        log_of(path).write_bytes(left)
        with suppress(InputError):
            wrong += [name] if read() != right else []
    log_of(path).write_bytes(content)
    return wrong


def test_no_bit_of_the_log_of_a_killed_run_turns_unseen(killed) -> None:
    assert len(tables_of(killed, little_home.DATABASE)) > 5
    assert silently_wrong_of_log(killed) == []


def test_broken_variant_that_does_not_hold_the_log_is_caught(killed, monkeypatch) -> None:
    """DuckDB by itself takes a log that begins with a turned bit for none: all that was committed is gone."""
    monkeypatch.setattr(database, "hold_log", lambda path: None)
    assert {"head 0", "cut off", "emptied"} <= set(silently_wrong_of_log(killed))


def test_no_bit_of_the_key_turns_unseen(project) -> None:
    """A letter that is written large is the same digit; any other key does not open the warehouse."""

    def read() -> bytes:
        with open_warehouse(project, "dhd", read_only=True):
            return read_key(project)

    assert silently_wrong([project.key_file], FLIPS["key"], read) == []


def test_broken_variant_whose_key_opens_nothing_is_caught(project) -> None:
    """Read without the warehouse that it must open, a key with a turned bit is just another key."""
    assert silently_wrong([project.key_file], FLIPS["key"], lambda: read_key(project)) != []


def received(project: Project) -> dict[str, str]:
    """What stands after the inbox was received: receipt → its file, and what its rows say."""
    flow.receive(little_home.run_of(project))
    rows = "from receipts left join (from raw_kip union all by name from raw_wsapi) using (receipt_id) order by all"
    with open_warehouse(project, little_home.DATABASE, read_only=True) as warehouse:
        groups = warehouse.frame(rows).group_by("receipt_id", maintain_order=True)
        return {str(receipt): f"{frame['file'][0]} {frame.to_dicts()}" for (receipt,), frame in groups}


def unseen_in_the_inbox(project: Project) -> list[str]:
    """The files received whose bit turns without a receipt of its own, or that change what was received before."""
    unseen, before = [], received(project)
    for path in sorted(project.inbox(little_home.DATABASE).glob("*/nord/*_4.*")):
        content = path.read_bytes()
        path.write_bytes(flipped(content, 8 * max(0, content.find(b"62"))))  # a weight of 62 becomes one of 72
        after = received(project)
        told = [after[receipt].split()[0] for receipt in after.keys() - before.keys()]
        unseen += [] if told == [path.name] and before.items() <= after.items() else [path.name]
        before = after
    return unseen


def test_a_received_file_that_was_altered_is_a_receipt_of_its_own(tmp_path) -> None:
    assert unseen_in_the_inbox(little_home.little_home_with_files(tmp_path)) == []


def test_broken_variant_that_knows_files_by_their_names_is_caught(tmp_path, monkeypatch) -> None:
    made = receiving._receipt

    def by_name(*given: object) -> ledger.Receipt:
        name = hashlib.sha256("/".join(map(str, given[:4])).encode()).hexdigest()
        return replace(made(*given), receipt_id=name[:16])

    monkeypatch.setattr(receiving, "_receipt", by_name)
    assert unseen_in_the_inbox(little_home.little_home_with_files(tmp_path)) != []


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
