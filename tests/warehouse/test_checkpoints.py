"""A checkpoint that is killed anywhere leaves a warehouse that opens, with every row that was committed.

A kill within a write leaves the pages of it that were written: such states are made here, block by block.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipelines.project import InputError, Project
from pipelines.warehouse import checkpoints
from pipelines.warehouse.checkpoints import BLOCKS, kept_of
from pipelines.warehouse.database import Warehouse, open_warehouse
from pipelines.warehouse.log_seal import seal_of

BLOCK = 1 << 18
CUTS = (4096, BLOCK // 2, BLOCK - 4096)  # bytes of a block that were written when the kill came
SAID = "select count(*), sum(n), max(said) from rows"
Answer = tuple[int, int, str]


@dataclass(frozen=True)
class Broken:
    """What a checkpoint that broke off left: the warehouse's file before it, and files by their names after it."""

    before: bytes = field(repr=False)
    left: dict[str, bytes] = field(repr=False)
    answer: Answer

    @property
    def after(self) -> bytes:
        return self.left["dhd.duckdb"]

    def torn(self) -> Iterator[bytes]:
        """The file with one block half written, the other blocks being written or not."""
        for others in (self.before, self.after):
            for at in range(BLOCKS, min(len(self.before), len(self.after)), BLOCK):
                old, new = self.before[at : at + BLOCK], self.after[at : at + BLOCK]
                if old != new:
                    yield from (others[:at] + new[:cut] + old[cut:] + others[at + BLOCK :] for cut in CUTS)


def write(warehouse: Warehouse, turn: int) -> None:
    """Rows come, change and go, in few rows and in many; tables come and go."""
    with warehouse.transaction():
        warehouse.connection.execute("create table if not exists rows (n bigint, said text)")
        rows = f"select i, 'row ' || i from range({(50, 150_000, 700)[turn % 3]}) r(i)"
        warehouse.connection.execute(f"insert into rows {rows}")
        warehouse.connection.execute(f"create or replace table other_{turn % 2} as {rows}")
    with warehouse.transaction():
        warehouse.connection.execute(f"delete from rows where n % 10 = {turn}")
        warehouse.connection.execute(f"update rows set said = 'turn ' || n where n % 7 = {turn}")


def turned(project: Project, turn: int) -> None:
    with open_warehouse(project, "dhd") as warehouse:
        write(warehouse, turn)


def broken_off(project: Project, turn: int, moment: str) -> Broken:
    """A checkpoint that DuckDB breaks off at a moment, as its own tests do."""
    path = project.warehouse("dhd")
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(checkpoints.OURS, "debug_checkpoint_abort", moment)
        with open_warehouse(project, "dhd") as warehouse:
            write(warehouse, turn)
            before, answer = path.read_bytes(), warehouse.connection.execute(SAID).fetchone()
    left = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert left.keys() == {path.name, log_of(project).name, kept_of(path).name}
    return Broken(before, left, answer)


def log_of(project: Project) -> Path:
    path = project.warehouse("dhd")
    return path.with_name(f"{path.name}.wal")


def found(project: Project, files: dict[str, bytes], **how: bool) -> Answer:
    """What a warehouse says that was left so."""
    path = project.warehouse("dhd")
    for name, content in files.items():
        (path.parent / name).write_bytes(content)
    with open_warehouse(project, "dhd", **how) as warehouse:
        assert not kept_of(path).exists()
        return warehouse.connection.execute(SAID).fetchone()


@pytest.fixture(params=range(1, 4))
def broken(project, request) -> Broken:
    """A checkpoint of a warehouse that has had some (the first one finds nothing to write over), just before the
    header that makes it count."""
    for turn in range(request.param):
        turned(project, turn)
    return broken_off(project, request.param, "after_free_list_write")


def test_a_block_half_written_is_laid_back(project, broken):
    states = list(broken.torn())
    assert {found(project, broken.left | {"dhd.duckdb": state}) for state in states} == {broken.answer}
    assert len(states) >= len(CUTS)


def test_a_checkpoint_that_wrote_nothing_or_all_its_blocks_is_laid_back(project, broken):
    assert found(project, broken.left | {"dhd.duckdb": broken.before}) == broken.answer
    assert found(project, broken.left) == broken.answer


def test_a_reader_lays_back_as_well(project, broken):
    torn = list(broken.torn())[-1]
    assert found(project, broken.left | {"dhd.duckdb": torn}, read_only=True) == broken.answer


@pytest.mark.parametrize("turns", range(1, 4))
def test_a_checkpoint_that_counts_is_not_undone(project, turns):
    """Nor once its log is gone, when nothing but it holds what was committed."""
    for turn in range(turns):
        turned(project, turn)
    done = broken_off(project, turns, "before_truncate")
    assert found(project, done.left) == done.answer
    log_of(project).unlink(missing_ok=True)
    assert found(project, {name: done.left[name] for name in done.left if not name.endswith(".wal")}) == done.answer


def test_without_what_is_kept_a_torn_block_closes_the_warehouse(project):
    for turn in range(2):
        turned(project, turn)
    broken = broken_off(project, 2, "after_free_list_write")
    kept_of(project.warehouse("dhd")).unlink()
    log = {log_of(project).name: broken.left[log_of(project).name]}
    with pytest.raises(InputError, match="cannot be opened"):
        for state in broken.torn():
            found(project, log | {"dhd.duckdb": state})


def test_what_was_kept_and_then_damaged_is_told_and_left(project, broken):
    kept = kept_of(project.warehouse("dhd"))
    spoilt = bytearray(broken.left[kept.name])
    spoilt[len(spoilt) // 3] ^= 1
    for content in (bytes(spoilt), bytes(spoilt[: len(spoilt) // 2]), b""):
        kept.write_bytes(content)
        with pytest.raises(InputError, match="is damaged: restore"), open_warehouse(project, "dhd"):
            pass
        assert kept.read_bytes() == content
        assert project.warehouse("dhd").read_bytes() == broken.after


def test_a_warehouse_that_was_moved_away_is_begun_anew(project, broken):
    for name in broken.left:
        if not name.endswith(".before-checkpoint"):
            (project.warehouse("dhd").parent / name).unlink()
    with open_warehouse(project, "dhd") as warehouse:
        write(warehouse, 0)
    assert not kept_of(project.warehouse("dhd")).exists()


def test_what_another_process_is_at_work_in_is_left_alone(project):
    turned(project, 0)
    path = project.warehouse("dhd")
    program = (
        "import sys, pathlib; from pipelines.warehouse.checkpoints import lay_back; lay_back(pathlib.Path(sys.argv[1]))"
    )
    with open_warehouse(project, "dhd"):
        kept_of(path).write_bytes(kept := b"not read")
        subprocess.run([sys.executable, "-c", program, path], check=True)
        assert kept_of(path).read_bytes() == kept


def test_a_checkpoint_does_not_end_the_lock(project):
    path = project.warehouse("dhd")
    program = (
        "import fcntl, sys\n"
        "with open(sys.argv[1], 'r+b') as file:\n"
        "    try: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except OSError: sys.exit(0)\n"
        "sys.exit(1)"
    )
    with open_warehouse(project, "dhd") as warehouse:
        write(warehouse, 0)
        assert warehouse.checkpoints.make()
        assert subprocess.run([sys.executable, "-c", program, path]).returncode == 0, "somebody is at work"
    assert subprocess.run([sys.executable, "-c", program, path]).returncode == 1


def test_where_posix_locks_are_not_known_duckdb_is_trusted(project, monkeypatch):
    monkeypatch.setattr(checkpoints, "fcntl", None)
    for turn in range(3):
        turned(project, turn)
    assert {left.name for left in project.warehouse("dhd").parent.iterdir()} == {"dhd.duckdb"}
    with open_warehouse(project, "dhd") as warehouse:
        assert warehouse.connection.execute(SAID).fetchone()[0] > 100_000


def test_a_long_log_is_moved_while_the_warehouse_is_open(project, monkeypatch):
    with open_warehouse(project, "dhd") as warehouse:
        write(warehouse, 0)
        assert log_of(project).exists()
        monkeypatch.setattr(checkpoints, "LOG", 100)
        write(warehouse, 2)
        assert not log_of(project).exists() or log_of(project).stat().st_size < 1000


def test_nothing_half_stands_under_a_new_warehouse_s_name(project):
    path = project.warehouse("dhd")
    path.parent.mkdir(parents=True)
    path.with_suffix(".begun").write_bytes(b"half")
    with open_warehouse(project, "dhd") as warehouse:
        write(warehouse, 0)
    assert {left.name for left in path.parent.iterdir()} == {path.name}


def test_the_seal_of_a_log_whose_warehouse_was_moved_away_says_nothing(project):
    path = project.warehouse("little")
    path.parent.mkdir(parents=True)
    seal_of(path).write_bytes(bytes(40))  # of a log that went with it
    with open_warehouse(project, "little") as warehouse, warehouse.transaction():
        warehouse.connection.execute("create table t (x integer)")
    with open_warehouse(project, "little", read_only=True) as warehouse:
        assert warehouse.frame("select count(*) as n from t")["n"].to_list() == [0]
    assert not seal_of(path).exists()
