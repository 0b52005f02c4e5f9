"""Receives an inbox in a process of its own that may be killed: `killed_run.py HOME KEY INBOX [how …]`.

`each statement`: for k = 1, 2, … a child receives one file and dies after its k-th statement; counts the
warehouses in which rows and receipts disagree. `no transaction`: the broken variant, which must be caught.
"""

import os
import shutil
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import duckdb
from submissions import take_in

from pipelines.project import Project
from pipelines.spec.reading import read_source_schemas, read_spec, read_units
from pipelines.warehouse.database import Warehouse, open_warehouse
from pipelines.warehouse.receiving import prepare

FOLDER = Path(__file__).parents[2] / "expectations" / "dhd"
SPEC = read_spec(FOLDER / "specification.yaml")
SCHEMAS = read_source_schemas(FOLDER, SPEC)
UNITS = read_units(SPEC, FOLDER)


class DyingConnection:
    """A DuckDB connection in whose process everything ends after so many statements."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, left: int) -> None:
        self.connection, self.left = connection, left

    def execute(self, *arguments):
        answer = self.connection.execute(*arguments)
        self.left -= 1
        if self.left == 0:
            os._exit(9)
        return answer

    def __getattr__(self, name):
        return getattr(self.connection, name)


class WithoutTransaction(Warehouse):
    def transaction(self):
        return nullcontext()


def receive_and_die(project: Project, path: Path, statements: int, kind: type[Warehouse]) -> None:
    with open_warehouse(project, "dhd") as warehouse:
        dying = kind(DyingConnection(warehouse.connection, statements), "dhd")
        take_in(dying, SPEC, SCHEMAS, path)


def in_child(work, *arguments) -> int:
    child = os.fork()
    if child == 0:
        work(*arguments)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def prepared(project: Project) -> None:
    with open_warehouse(project, "dhd") as warehouse:
        prepare(warehouse, SPEC, ("kip", "wsapi"), UNITS)


def exit_if_torn(project: Project) -> None:
    with open_warehouse(project, "dhd") as warehouse:
        (torn,) = warehouse.connection.execute(
            "select count(*) from (select receipt_id, count(*) as n from raw_wsapi group by 1) rows "
            "full join receipts using (receipt_id) where rows.n is distinct from receipts.rows_in"
        ).fetchone()
    os._exit(1 if torn else 0)


def each_statement(home: Path, key: Path, path: Path, kind: type[Warehouse]) -> int:
    torn, statements, ended = 0, 0, 9
    empty = Project(home, FOLDER.parent, key)
    in_child(prepared, empty)
    while ended == 9:
        statements += 1
        project = replace(empty, home=home / str(statements))
        shutil.copytree(home / "warehouse", project.home / "warehouse")
        ended = in_child(receive_and_die, project, path, statements, kind)
        torn += in_child(exit_if_torn, project)
    return torn


def receive_all(project: Project, inbox: Path) -> int:
    with open_warehouse(project, "dhd") as warehouse:
        prepare(warehouse, SPEC, ("kip", "wsapi"), UNITS)
        say("ready")
        return len([take_in(warehouse, SPEC, SCHEMAS, path) for path in sorted(inbox.iterdir())])


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    home, key, inbox = map(Path, sys.argv[1:4])
    if "each statement" in sys.argv:
        kind = WithoutTransaction if "no transaction" in sys.argv else Warehouse
        say("torn", each_statement(home, key, min(inbox.iterdir()), kind))
    else:
        say(receive_all(Project(home, FOLDER.parent, key), inbox))
