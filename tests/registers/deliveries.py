"""Small deliveries of register tables drawn as CSV text, loaded and settled in a DuckDB of their own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import polars as pl

from pipelines.sources.codelists import read_organisations, read_sks
from pipelines.sources.registers import open_register
from pipelines.spec.register_layouts import read_layouts
from pipelines.warehouse.event_findings import event_findings
from pipelines.warehouse.events import Delivery, create_event_tables, load, load_codes
from pipelines.warehouse.settling import settle

CODES = Path(__file__).parents[2] / "expectations" / "codes"
LAYOUTS = read_layouts(CODES / "registers")
SKS, ORGANISATIONS = read_sks(CODES / "skscomplete.txt"), read_organisations(CODES / "organisations.csv")
MAY, JUNE = dt.date(2026, 5, 31), dt.date(2026, 6, 30)


class Register:
    """A DuckDB with event tables, to which deliveries can be added one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = duckdb.connect()
        create_event_tables(self.connection)
        load_codes(self.connection, SKS, ORGANISATIONS)

    def deliver(self, table: str, text: str, content_date: dt.date = MAY, receipt: str | None = None) -> Register:
        """Rows of a table as CSV with a comma; spaces around the cells are only for the eye."""
        lines = [",".join(cell.strip() for cell in line.split(",")) for line in text.strip().splitlines()]
        path = self.folder / f"{table}.csv"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        file = open_register(path, LAYOUTS)
        for rows, _ in file.batches():
            load(self.connection, file.table, rows, Delivery(receipt or table, file.layout.variant, content_date))
        return self

    def settled(self) -> Register:
        settle(self.connection)
        return self

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def findings(self) -> pl.DataFrame:
        return event_findings(self.connection)

    def found(self, rule: str) -> list[tuple[str, int]]:
        """Receipt and line of every finding of a rule."""
        return self.findings().filter(rule=rule).select("receipt_id", "line").rows()
