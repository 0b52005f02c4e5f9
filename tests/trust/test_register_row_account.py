"""Mutations of good register files: every row is taken in, held back, or refused with the whole file."""

from __future__ import annotations

import datetime as dt
import io
import random
from pathlib import Path

import polars as pl
import pytest
from nasty import RECEIVED
from test_row_account import MANNERS

from pipelines.spec.register_layouts import read_layouts
from pipelines.warehouse.database import Warehouse, in_memory
from pipelines.warehouse.ledger import Receipt
from pipelines.warehouse.registers import prepare_registers, receive_register

pytestmark = pytest.mark.trust

REPOSITORY = Path(__file__).parents[2]
LAYOUTS = read_layouts(REPOSITORY / "expectations" / "codes" / "registers")
MUTATIONS = 120
HEADER = "pnr;samplingdate;analysiscode;value"
ROWS = [f"P{n};2026-01-{n % 28 + 1:02};NPU0{n % 3};{'<' * (n % 7 == 0)}{n}" for n in range(40)]
CSV = "\n".join([HEADER, *ROWS, ""]).encode()


def as_parquet(text: bytes) -> bytes:
    held = io.BytesIO()
    pl.read_csv(text, separator=";", infer_schema=False).write_parquet(held)
    return held.getvalue()


GOOD = {"csv": CSV, "csv with commas": CSV.replace(b";", b","), "parquet": as_parquet(CSV)}


def received(warehouse: Warehouse, folder: Path, number: int, content: bytes, kind: str) -> Receipt:
    """A delivery of its own day."""
    day = dt.date(2020, 1, 1) + dt.timedelta(number)
    path = folder / f"lab_forsker_{day}.{kind}"
    path.write_bytes(content)
    return receive_register(warehouse, LAYOUTS, path, RECEIVED)


def stored(warehouse: Warehouse, table: str) -> dict[str, int]:
    return dict(warehouse.frame(f"select receipt_id, count(*) from {table} group by all").iter_rows())


def wrong_accounts(warehouse: Warehouse, receipts: list[Receipt]) -> list[str]:
    """Receipts whose rows do not add up, or do not stand where the receipt says."""
    kept, held_back = stored(warehouse, "lab_history"), stored(warehouse, "broken_rows")
    return [
        one.receipt_id
        for one in receipts
        if (kept.get(one.receipt_id, 0), held_back.get(one.receipt_id, 0))
        != ((0, 0) if one.verdict == "refused" else (one.rows_accepted, one.rows_quarantined))
        or (one.verdict != "refused" and one.rows_in != one.rows_accepted + one.rows_quarantined)
    ]


@pytest.fixture(scope="module")
def mutated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("registers")
    with in_memory() as warehouse:
        prepare_registers(warehouse)
        receipts = []
        for number in range(MUTATIONS):
            chance, form = random.Random(number), list(GOOD)[number % len(GOOD)]
            content = chance.choice(MANNERS)(GOOD[form], chance)
            receipts.append(received(warehouse, folder, number, content, "parquet" if form == "parquet" else "csv"))
        yield warehouse, receipts


def test_every_mutation_of_a_register_file_keeps_the_row_account(mutated) -> None:
    warehouse, receipts = mutated
    assert wrong_accounts(warehouse, receipts) == []
    verdicts = [one.verdict for one in receipts]
    assert min(verdicts.count(verdict) for verdict in ("accepted", "partly", "refused")) > 5
    assert all(one.reason for one in receipts if one.verdict == "refused")


def test_a_row_that_is_lost_or_stands_twice_would_be_caught(mutated) -> None:
    """The broken variants: a row is taken out of the table, or put in once more."""
    warehouse, receipts = mutated
    one = next(one for one in receipts if one.verdict == "accepted")
    for wrong in ("delete from lab_history where receipt_id = ? and line = 3",
                  "insert into lab_history select * from lab_history where receipt_id = ? and line = 4"):  # fmt: skip
        warehouse.connection.execute("begin transaction")
        warehouse.connection.execute(wrong, [one.receipt_id])
        assert wrong_accounts(warehouse, receipts) == [one.receipt_id]
        warehouse.connection.execute("rollback")
