"""The same file twice, a correction and a deletion, in every order and repeated: one end state, byte for byte."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest
from nasty import FOLDER, RECEIVED, as_submission, in_our_envelope

from pipelines.spec.constraints import constraints_of
from pipelines.spec.reading import read_source_schemas, read_spec, read_units
from pipelines.validation.check import check, mark_quarantined
from pipelines.warehouse import conforming, ledger, receiving, versions
from pipelines.warehouse.database import Warehouse, in_memory
from pipelines.warehouse.versions import current

pytestmark = pytest.mark.trust

SPEC = read_spec(FOLDER / "specification.yaml")
SCHEMAS = read_source_schemas(FOLDER, SPEC)
UNITS = read_units(SPEC, FOLDER)
REPEATS = 3
# In the order of their row; when a file came is not part of what it says.
TABLES = {
    "raw": "select * from raw_wsapi order by receipt_id, line",
    "typed": "select * from typed_wsapi order by receipt_id, line",
    "broken": "select * from broken_rows order by receipt_id, line",
    "receipts": "select * exclude (ordinal, received_at) from receipts order by receipt_id",
}


@pytest.fixture
def sequence(tmp_path) -> list[Path]:
    """The corpus's sequence; its first two steps are the same bytes under the same and under another name."""
    first = as_submission((FOLDER / "seq_1_first.csv").read_bytes(), 1)
    again = as_submission((FOLDER / "seq_2_same_again.csv").read_bytes(), 1)
    said = {"seq_1.json": first, "seq_2.json": again}
    for name in ("seq_3_correction.json", "seq_4_delete.json"):
        said[name] = in_our_envelope((FOLDER / name).read_bytes(), name)
    for name, content in said.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in said]


def step(warehouse: Warehouse, path: Path) -> None:
    receiving.receive(warehouse, SPEC, SCHEMAS, path, "wsapi", "1084", RECEIVED)
    conforming.conform(warehouse, SPEC, SCHEMAS)


def validated(warehouse: Warehouse) -> None:
    rules = constraints_of(SPEC, "wsapi", RECEIVED.date())
    mark_quarantined(warehouse.connection, "typed_wsapi", check(
        warehouse.connection, SPEC, "typed_wsapi", rules).findings)  # fmt: skip
    ledger.recount(warehouse, "wsapi")


def state(steps: Sequence[Path]) -> tuple[dict[str, str], dict[str, float]]:
    """The sha256 of each ordered table when all steps are taken, and the records that stand."""
    with in_memory() as warehouse:
        receiving.prepare(warehouse, SPEC, ("kip", "wsapi"), UNITS)
        for path in steps:
            step(warehouse, path)
        validated(warehouse)
        standing = current(warehouse, SPEC, "wsapi")
        frames = {name: warehouse.frame(query) for name, query in TABLES.items()} | {"current": standing}
        digests = {name: hashlib.sha256(frame.write_csv().encode()).hexdigest() for name, frame in frames.items()}
        return digests, dict(standing.select("record_id", "number").iter_rows())


def repeated(steps: Sequence[Path], seed: int) -> list[Path]:
    """Each step once in its place, and again up to twice anywhere after it."""
    chance, taken = random.Random(seed), list(steps)
    for path in steps:
        for _ in range(chance.randrange(REPEATS)):
            taken.insert(chance.randrange(taken.index(path) + 1, len(taken) + 1), path)
    return taken


def test_the_sequence_ends_as_the_manifest_says(sequence):
    _, standing = state(sequence)
    assert sorted(standing) == ["S-000", "S-001", "S-002", "S-003"]
    assert standing["S-002"] == 99.9


def test_after_each_step_the_manifests_number_of_records_stands(sequence):
    assert [len(state(sequence[:n])[1]) for n in range(1, 5)] == [5, 5, 5, 4]


def test_all_orders_and_repetitions_end_in_one_state(sequence, tmp_path):
    """The four steps of the manifest; the copy has the first one's name, as when a sender sends again."""
    folder = tmp_path / "again"
    folder.mkdir()
    again = folder / sequence[0].name
    again.write_bytes(sequence[1].read_bytes())
    orders = permutations([sequence[0], again, *sequence[2:]])
    ends = {tuple(state(repeated(order, seed))[0].items()) for order in orders for seed in range(REPEATS)}
    assert len(ends) == 1


def test_the_second_name_of_the_same_bytes_changes_no_record(sequence):
    ends = {tuple(state(order)[1].items()) for order in permutations(sequence)}
    assert len(ends) == 1


def test_the_order_of_arrival_alone_would_be_caught(sequence, monkeypatch):
    monkeypatch.setattr(versions, "LATEST_FIRST", "r.ordinal desc, v.line desc")
    assert len({tuple(state(order)[1].items()) for order in permutations(sequence)}) > 1


def test_a_file_taken_in_twice_would_be_caught(sequence, monkeypatch):
    once = state(sequence)[0]
    monkeypatch.setattr(receiving, "seen", lambda warehouse, receipt_id: None)
    assert state([*sequence, sequence[0]])[0] != once
