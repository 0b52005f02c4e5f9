"""A warehouse under another key: a copy beside it, which takes its place at the next opening with that key.

Nothing is changed in the old file, and nothing of the copy counts, before the project's key is the new one: wherever
a change of the key is broken off, one key opens all that there is.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.project import InputError, Project
from pipelines.redaction import REMEDIES, lacking
from pipelines.spec.constraint_kinds import quoted
from pipelines.warehouse.checkpoints import checkpointed, lay_back
from pipelines.warehouse.database import attach, connect, next_of
from pipelines.warehouse.key import derived, read_key


def re_encrypt(project: Project, database: str, later: Project) -> None:
    """A copy of a warehouse beside it that the key of `later` opens, held against it table by table.

    It takes the warehouse's place at the next opening, once that key is the project's. Raises InputError where
    another run is at work, or the copy is another.
    """
    path = project.warehouse(database)
    keys = [derived(read_key(one), "warehouse", database) for one in (project, later)]
    lay_back(path)
    connection = connect(None)
    try:
        attach(connection, path, keys[0])
        with checkpointed(connection, path) as checkpoints:
            _copy(connection, path, keys[1])
            if not checkpoints.make():  # nothing may be left in a log that the new key cannot read
                raise InputError(f"{path} could not be written: see that the disk has room, then try again.")
    except duckdb.Error as problem:
        lack = lacking(problem)
        remedy = REMEDIES[lack] if lack else "see that the disk has room"
        raise InputError(f"{path} could not be copied under the new key: {remedy}, then try again.") from None
    finally:
        connection.close()


def _copy(connection: duckdb.DuckDBPyConnection, path: Path, key: bytes) -> None:
    copy = next_of(path)
    copy.unlink(missing_ok=True)
    connection.execute(f"attach {quoted(str(copy))} as copy (encryption_key '{key.hex()}')")
    connection.execute("copy from database warehouse to copy")
    if _content(connection, "warehouse") != _content(connection, "copy"):
        raise InputError(f"The copy of {path} under the new key is another: the old key stays.")
    connection.execute("checkpoint copy")


def _content(connection: duckdb.DuckDBPyConnection, attached: str) -> dict[str, tuple[int, int]]:
    """Each table → how many rows, and what they hold."""
    named = "select table_name from duckdb_tables() where database_name = ? order by all"
    names = [name for (name,) in connection.execute(named, [attached]).fetchall()]
    said = 'select count(*), bit_xor(hash(t)) from {}.main."{}" t'
    return {name: connection.execute(said.format(attached, name)).fetchone() for name in names}
