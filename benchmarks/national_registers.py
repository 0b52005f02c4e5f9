"""A generated national year in the encrypted register file, in the tables that settling leaves.

The files are generated without corrections, deletions or changed numbers: every row stands. They are therefore read
straight into the tables of what stands; taking them in and settling them is measured elsewhere. A test holds that
both ways give the same tables.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow.dataset as ds

from pipelines.project import Project
from pipelines.spec.register_layouts import TableLayout, read_layouts
from pipelines.spec.to_events import typed_query
from pipelines.synthetic.national import national
from pipelines.warehouse.database import Warehouse, open_warehouse
from pipelines.warehouse.events import create_event_tables
from pipelines.warehouse.key import make_key
from pipelines.warehouse.settling import settle

EXPECTATIONS = Path(__file__).parents[1] / "expectations"
REGISTERS = "registers"
YEAR, SEED = 2025, 7
# As settling has it: a diagnosis has the person and course of its contact, a retracted one does not stand, and every
# person has a present number.
SETTLED = {
    "diagnosis": "select r.* exclude (person), c.person, c.course_id from typed r join contact c using (contact_id) "
    "where r.retracted is not true",
    "person": "select * replace (person as current_person) from typed",
}


def project(folder: Path) -> Project:
    return Project(folder / "home", EXPECTATIONS, folder / "key")


def registers(folder: Path, persons: int) -> Project:
    """A project whose register file holds a year of so many persons; made where there is none."""
    home, files = project(folder), folder / "delivered"
    if not home.warehouse(REGISTERS).exists():
        if not files.exists():
            national(files, persons, YEAR, SEED)
        make_key(home)
        with open_warehouse(home, REGISTERS) as warehouse:
            load(warehouse, files)
    return home


def load(warehouse: Warehouse, files: Path) -> None:
    """Read every generated file into its event table."""
    create_event_tables(warehouse.connection)
    settle(warehouse.connection)
    layouts = read_layouts(EXPECTATIONS / "codes" / "registers")
    for path in sorted(files.glob("*.parquet"), key=lambda path: "diagnose" in path.name):
        layout, table = next((one, name) for one in layouts if (name := one.table_of(path.name)))
        _insert(warehouse, layout.tables[table], layout.variant, path)


def _insert(warehouse: Warehouse, table: TableLayout, variant: str, path: Path) -> None:
    """The rows of a file, typed as receiving types them."""
    connection = warehouse.connection
    connection.register("delivered", ds.dataset(path))
    there = {name: str(kind) for name, kind, *_ in connection.execute("describe delivered").fetchall()}
    read = {name: found[0] for name, column in table.columns.items() if (found := column.read_from(there))}
    columns = {name: there[source] for name, source in read.items()} | {"line": "BIGINT"}
    named = ", ".join(f'"{source}" as "{name}"' for name, source in read.items())
    typed = typed_query(table, f"(select {named}, row_number() over () as line from delivered)", columns)
    connection.execute(
        f"insert into {table.event} by name with typed as (select * exclude (complaints, deleted) from ({typed})) "
        "select *, ? as variant, ?::date as content_date, ? as receipt_id "
        f"from ({SETTLED.get(table.event, 'from typed')})",
        [variant, dt.date(YEAR + 1, 3, 31), path.name],
    )
    connection.unregister("delivered")
