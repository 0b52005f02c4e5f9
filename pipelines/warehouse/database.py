"""Opening the warehouse: one encrypted DuckDB file per clinical database, one process at a time.

DuckDB writes encrypted files offline only with the cryptography of its httpfs extension, which is loaded
from its Python package by path; nothing is ever fetched (docs/decisions/0002).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_httpfs
import polars as pl
import pyarrow as pa

from pipelines.project import InputError, Project
from pipelines.redaction import REMEDIES, lacking
from pipelines.spec.constraint_kinds import quoted
from pipelines.warehouse.checkpoints import OURS, Checkpoints, checkpointed, lay_back
from pipelines.warehouse.key import derived, read_key
from pipelines.warehouse.log_seal import hold_log

THREADS = 2
ROW_GROUP = 122_880  # rows that DuckDB reads and stores together
MEMORY = "2500MB"  # what DuckDB may hold; beyond that it spills; deriving from a nation takes less than 4 GB in all
LOADED = set[Path]()  # extensions that this process runs, whose signature was checked when it loaded them


@dataclass(frozen=True)
class Warehouse:
    """An open warehouse. Values from outside are parameters or registered frames, never SQL text."""

    connection: duckdb.DuckDBPyConnection
    database: str
    checkpoints: Checkpoints | None = None  # of one that is written to a file

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is kept, or nothing. DuckDB's own errors quote rows: they stop here."""
        self.connection.execute("begin transaction")
        try:
            yield
            self.connection.execute("commit")
        except duckdb.Error as problem:
            self._undo()
            lack = lacking(problem)
            remedy = REMEDIES[lack] if lack else "see that the disk has room"
            raise InputError(
                f"The warehouse of {self.database} could not write ({lack or type(problem).__name__}): nothing was "
                f"changed; {remedy}, then run again."
            ) from None
        except BaseException:
            self._undo()
            raise
        if self.checkpoints:
            self.checkpoints.after_commit()

    def frame(self, query: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """The answer of a query as a frame."""
        return self.connection.execute(query, list(parameters)).pl()

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Append a frame's rows; the columns go by name, those that the frame lacks become null."""
        with self.registered(frame) as name:
            self.connection.execute(f"insert into {table} by name select * from {name}")

    @contextmanager
    def registered(self, frame: pl.DataFrame) -> Iterator[str]:
        """A frame as a relation that queries can name."""
        self.connection.register("incoming", in_row_groups(frame))
        try:
            yield "incoming"
        finally:
            self.connection.unregister("incoming")

    def _undo(self) -> None:
        try:
            self.connection.execute("rollback")
        except duckdb.Error:  # the failed commit has rolled back already
            return


def in_row_groups(rows: pl.DataFrame) -> pa.Table:
    """The rows in pieces of DuckDB's row groups: only pieces are read by more than one thread."""
    table = rows.to_arrow(compat_level=pl.CompatLevel.newest())
    return pa.Table.from_batches(table.to_batches(max_chunksize=ROW_GROUP), table.schema)


@contextmanager
def open_warehouse(project: Project, database: str, read_only: bool = False) -> Iterator[Warehouse]:
    """The encrypted warehouse of one clinical database, or the registers'; made where there is none.

    Many may read one at the same time (`read_only`; temporary tables may be made), while nobody writes it.
    Raises InputError where the key is missing or another, or while another run is at work.
    """
    key = derived(read_key(project), "warehouse", database)
    path = project.warehouse(database)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    settle_next(path, key)
    lay_back(path)
    spill = path.parent / f"spill-{database}-{os.getpid()}"
    with closing(connect(spill)) as connection:
        if read_only:
            attach(connection, path, key, read_only)
            _lock_down(connection)
            yield Warehouse(connection, database)
            return
        _make(path, key)
        attach(connection, path, key)
        _clear_spill(path, spill)
        with checkpointed(connection, path) as checkpoints:
            _lock_down(connection)
            yield Warehouse(connection, database, checkpoints)


def _make(path: Path, key: bytes) -> None:
    """An empty warehouse where there is none, under its name only when it is whole."""
    if path.exists():
        return
    begun = path.with_suffix(".begun")
    begun.unlink(missing_ok=True)
    with closing(connect(None)) as connection:
        attach(connection, begun, key)
    os.replace(begun, path)


def settle_next(path: Path, key: bytes) -> None:
    """A copy that a change of the key left beside a warehouse takes its place once the key is the copy's.

    With any other key the change did not come to its end, and the copy is left to the next one.
    """
    copy = next_of(path)
    if copy.exists() and opens(copy, key):
        os.replace(copy, path)


def next_of(path: Path) -> Path:
    """Where a change of the key keeps a warehouse's copy under the new one (warehouse/re_encryption.py)."""
    return path.with_suffix(".next")


def opens(path: Path, key: bytes) -> bool:
    """Whether a warehouse's own key opens the file."""
    connection = connect(None)
    try:
        attach(connection, path, key, read_only=True)
    except InputError:
        return False
    finally:
        connection.close()
    return True


@contextmanager
def in_memory() -> Iterator[Warehouse]:
    """A warehouse that is gone afterwards, for commands on plain files; nothing is stored."""
    connection = connect(None)
    try:
        _lock_down(connection)
        yield Warehouse(connection, "memory")
    finally:
        connection.close()


def _clear_spill(path: Path, own: Path) -> None:
    """Remove what killed processes spilled: nobody else is at work while this one writes. Its own folder stays, since
    opening may have spilled already, and DuckDB makes a folder only once."""
    for left in {*path.parent.glob(f"spill-{path.stem}-[0-9]*")} - {own}:
        shutil.rmtree(left, ignore_errors=True)


def connect(spill: Path | None) -> duckdb.DuckDBPyConnection:
    """A connection that fetches nothing; it spills encrypted into a folder of its own, or not at all."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": THREADS,
            "memory_limit": MEMORY,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_unsigned_extensions": bool(LOADED),  # to hash what runs already, again for each file, proves nothing
            "python_enable_replacements": False,
            "temp_directory": str(spill) if spill else "",
            **OURS,
        },
    )
    connection.execute("set temp_file_encryption = true")
    return connection


def attach(connection: duckdb.DuckDBPyConnection, path: Path, key: bytes, read_only: bool = False) -> None:
    """Attach and enter the file. DuckDB's message would show the key, so none of it is passed on."""
    existed, mode = path.exists(), ", read_only" if read_only else ""
    hold_log(path)
    try:
        _load(connection, _cryptography())
        connection.execute(f"attach {quoted(str(path))} as warehouse (encryption_key '{key.hex()}'{mode})")
        connection.execute("use warehouse")
    except duckdb.Error as problem:
        if not existed:  # a failed attach leaves an empty file, which would later open without a key
            path.unlink(missing_ok=True)
        raise InputError(_why_closed(path, problem)) from None


def _load(connection: duckdb.DuckDBPyConnection, extension: Path) -> None:
    connection.execute(f"load {quoted(str(extension))}")
    LOADED.add(extension)


def _why_closed(path: Path, problem: duckdb.Error) -> str:
    message = str(problem)
    if lack := lacking(problem):
        return f"{path} cannot be opened, since {lack}: {REMEDIES[lack]}, then run again."
    if "lock" in message or "already attached" in message:
        return f"Another run is at work in {path}: wait until it has ended, then run again."
    if "encryption key" in message:
        return f"The key does not open {path}: use the key with which it was made."
    if "is not encrypted" in message:
        return f"{path} is not encrypted: move it away, then run again."
    closed = f"{path} cannot be opened as a warehouse ({type(problem).__name__})"
    return f"{closed}: restore it from its backup, or move it away and run again."


def _cryptography() -> Path:
    package = Path(duckdb_extension_httpfs.__file__).parent
    found = sorted(package.glob(f"extensions/v{duckdb.__version__}/httpfs.duckdb_extension"))
    if not found:
        raise InputError(
            f"duckdb-extension-httpfs does not fit duckdb {duckdb.__version__}: install the locked versions."
        )
    return found[0]


def _lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    """From here on no query reads or writes another file, and none can lift that."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
