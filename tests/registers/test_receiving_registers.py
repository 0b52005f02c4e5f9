"""A register's table into the encrypted warehouse: rows and receipt together, once, or a refusal."""

from __future__ import annotations

import datetime as dt

import pytest
from deliveries import LAYOUTS

from pipelines.project import Project
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.event_findings import event_findings
from pipelines.warehouse.key import make_key
from pipelines.warehouse.ledger import receipts
from pipelines.warehouse.registers import prepare_registers, receive_register
from pipelines.warehouse.settling import settle

NOON = dt.datetime(2026, 6, 1, 12)
LAB = "pnr;samplingdate;analysiscode;value;ekstra\nP1;2026-01-01;NPU1;5;x\nP2;2026-01-01;NPU1;<5;x\n"


@pytest.fixture
def registers(tmp_path):
    project = Project(tmp_path / "home", tmp_path, tmp_path / "keys" / "key")
    make_key(project)
    with open_warehouse(project, "registers") as warehouse:
        prepare_registers(warehouse)
        yield warehouse


def received(warehouse, tmp_path, name: str, text: str):
    (tmp_path / name).write_text(text, "utf-8")
    return receive_register(warehouse, LAYOUTS, tmp_path / name, NOON)


def lines(warehouse) -> list[tuple]:
    return warehouse.connection.execute("select line, content_date from lab_history order by all").fetchall()


def test_rows_and_receipt_stand_together_and_unknown_columns_are_named(registers, tmp_path) -> None:
    receipt = received(registers, tmp_path, "lab_forsker_2026-05-31.csv", LAB + "P3;2026\n")
    assert (receipt.source, receipt.schema_version, receipt.verdict) == ("lab", "laboratory", "partly")
    assert (receipt.rows_in, receipt.rows_accepted, receipt.rows_quarantined) == (3, 2, 1)
    assert receipt.reason == "unknown_columns: Ukendte kolonner er holdt ude: ekstra."
    assert lines(registers) == [(2, dt.date(2026, 5, 31)), (3, dt.date(2026, 5, 31))]
    assert registers.frame("select line, rule from broken_rows").rows() == [(4, "row.shape")]
    settle(registers.connection)
    found = event_findings(registers.connection)
    assert found.select("receipt_id", "line", "rule").rows() == [(receipt.receipt_id, 3, "event.operator")]


def test_the_same_file_twice_changes_nothing(registers, tmp_path) -> None:
    first = received(registers, tmp_path, "lab_forsker_2026-05-31.csv", LAB)
    again = receive_register(registers, LAYOUTS, tmp_path / "lab_forsker_2026-05-31.csv", NOON + dt.timedelta(1))
    assert again == first and len(lines(registers)) == 2 and receipts(registers).height == 1


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("lab_forsker.csv", LAB, "no_content_date"),
        ("lab_forsker_2026-13-31.csv", LAB, "no_content_date"),
        ("laboratorium_2026-05-31.csv", LAB, "unknown_table"),
        ("lab_forsker_2026-05-31.csv", "pnr;value\nP1;5\n", "missing_column"),
    ],
)
def test_a_refused_file_leaves_its_reason_and_no_row(registers, tmp_path, name: str, text: str, code: str) -> None:
    receipt = received(registers, tmp_path, name, text)
    assert receipt.verdict == "refused" and receipt.reason.startswith(f"{code}: ")
    assert lines(registers) == [] and receipts(registers)["verdict"].to_list() == ["refused"]


def test_a_file_that_turns_out_damaged_halfway_leaves_nothing(registers, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("pipelines.sources.delimited.BLOCK", 16)
    (tmp_path / "lab_forsker_2026-05-31.csv").write_bytes(LAB.encode() + "P3;2026-01-01;NPU1;på;\n".encode("latin-1"))
    receipt = receive_register(registers, LAYOUTS, tmp_path / "lab_forsker_2026-05-31.csv", NOON)
    assert receipt.reason.startswith("not_utf8") and lines(registers) == []
    assert registers.frame("from event_complaints").height == 0


def test_a_name_that_looks_like_a_person_is_not_shown(registers, tmp_path) -> None:
    receipt = received(registers, tmp_path, "lab_forsker_0101701234_2026-05-31.csv", LAB)
    assert "0101701234" not in receipt.file
