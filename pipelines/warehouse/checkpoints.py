"""Checkpoints that a killed process survives.

A checkpoint moves what stands in DuckDB's write-ahead log into its file. Tables go to blocks that were free, but the
blocks of metadata are written over where they stand: a process that is killed within that one write leaves a block of
which no reader makes anything, and DuckDB opens the file no more (docs/decisions/0023). So what stands in them is kept
in a file beside, until the checkpoint is done; the next opening lays it back. Checkpoints that DuckDB would make by
itself are turned off (`OURS`).
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from pipelines.project import InputError
from pipelines.warehouse.log_seal import LogSeal, log_of

try:
    import fcntl
except ImportError:  # Windows, where nobody reads a file that DuckDB writes, and no write ends in its middle
    fcntl = None

OURS: dict[str, Any] = {"checkpoint_threshold": "1000TB"}  # settings, beside `pragma disable_checkpoint_on_shutdown`
LOG = 16 << 20  # bytes of the write-ahead log from which a checkpoint is due, DuckDB's own threshold
# https://duckdb.org/docs/stable/internals/storage: a main header, two headers that are written in turn, then blocks.
HEADERS, BLOCKS = 4096, 3 * 4096


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of the attached warehouse in `path`, whose bytes `file` reads (but on Windows)."""

    connection: duckdb.DuckDBPyConnection
    path: Path
    file: BinaryIO | None
    seal: LogSeal

    def after_commit(self) -> None:
        """A checkpoint where one is due; else the log, which has grown, is sealed anew."""
        log = log_of(self.path)
        if not (log.exists() and log.stat().st_size > LOG and self.make()):
            self.seal.set()

    def make(self) -> bool:
        """Whether it was made. Else what was committed stands in the log as before, and the next may do better."""
        try:
            if self.file:
                _keep(self.file, self._metadata(), kept_of(self.path))
            self.seal.lift()
            self.connection.execute("checkpoint warehouse")
            kept_of(self.path).unlink(missing_ok=True)
        except (duckdb.Error, OSError):
            return False
        return True

    def _metadata(self) -> dict[int, int]:
        """Where blocks of metadata stand → their bytes."""
        said = "select block_size from pragma_database_size() where database_name = 'warehouse'"
        ((size,),) = self.connection.execute(said).fetchall()
        used = self.connection.execute("pragma metadata_info").fetchall()
        return {BLOCKS + number * size: size for number, *_ in used}


@contextmanager
def checkpointed(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[Checkpoints]:
    """The checkpoints of the warehouse just attached; one is made at the end, and the connection closed.

    The file is opened once DuckDB has it, and closed after DuckDB: locks of POSIX belong to the process, and closing
    any handle of a file ends them.
    """
    connection.execute("pragma disable_checkpoint_on_shutdown")
    with path.open("rb") if fcntl else nullcontext() as file, closing(connection):
        checkpoints = Checkpoints(connection, path, file, LogSeal(path))
        yield checkpoints
        checkpoints.make()


def kept_of(path: Path) -> Path:
    """Where the blocks of a warehouse are kept while a checkpoint writes over them."""
    return path.with_suffix(".before-checkpoint")


def _keep(file: BinaryIO, blocks: dict[int, int], kept: Path) -> None:
    """Headers and blocks as they stand, each under its place in the file; all of them or none."""
    begun = kept.with_suffix(".keeping")
    with begun.open("wb") as out:
        with zipfile.ZipFile(out, "w") as archive:
            for at, size in {HEADERS: BLOCKS - HEADERS, **blocks}.items():
                archive.writestr(str(at), _read(file, at, size))
        out.flush()
        os.fsync(out.fileno())
    os.replace(begun, kept)


def lay_back(path: Path) -> None:
    """Undo what a killed checkpoint wrote over. Does nothing where there was none, or another process is at work.

    The header is written last, in one piece: where it is another, the checkpoint came to its end (or the file was
    brought back from a backup). Raises InputError where what was kept has been damaged since.
    """
    kept = kept_of(path)
    if not fcntl or not kept.exists():
        return
    if not path.exists():  # it was moved away
        kept.unlink()
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        try:
            _lay_back_blocks(file, kept)
        except zipfile.BadZipFile:
            raise InputError(f"{kept} is damaged: restore {path} from its backup, and remove {kept.name}.") from None
        kept.unlink()


def _lay_back_blocks(file: BinaryIO, kept: Path) -> None:
    with zipfile.ZipFile(kept) as archive:
        blocks = {int(name): archive.read(name) for name in archive.namelist()}
    if blocks[HEADERS] != _read(file, HEADERS, BLOCKS - HEADERS):
        return
    for at, block in blocks.items():
        file.seek(at)
        file.write(block)
    file.flush()
    os.fsync(file.fileno())


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
