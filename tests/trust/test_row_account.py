"""Five hundred seeded mutations of good files of every form: every row is accepted, held back or refused with all."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest
from measured import measured
from nasty import FOLDER, RECEIVED, as_submission, in_our_envelope, project_in

from pipelines.sources.batch import Refused, broken_frame
from pipelines.sources.fsiii import read_codes, read_fsiii
from pipelines.spec.constraints import constraints_of
from pipelines.spec.reading import read_source_schemas, read_spec, read_units
from pipelines.validation.check import check, mark_quarantined
from pipelines.warehouse import conforming, ledger, receiving
from pipelines.warehouse.database import Warehouse, in_memory, open_warehouse

pytestmark = pytest.mark.trust

SECONDS, MEGABYTES, MUTATIONS = 2, 300, 500
REPOSITORY = Path(__file__).parents[2]
SPEC = read_spec(FOLDER / "specification.yaml")
SCHEMAS = read_source_schemas(FOLDER, SPEC)
UNITS = read_units(SPEC, FOLDER)
Mutation = Callable[[bytes, random.Random], bytes]


def as_xml(submission: bytes) -> bytes:
    said = json.loads(submission)
    records = "".join(
        "<record>" + "".join(f"<{name}>{value}</{name}>" for name, value in record.items()) + "</record>\n"
        for record in said.pop("records")
    )
    head = "".join(f"<{name}>{value}</{name}>" for name, value in said.items())
    return f"<submission>{head}<records>\n{records}</records></submission>".encode()


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", content)
    return packed.getvalue()


CSV = (FOLDER / "ok_reordered_columns.csv").read_bytes()
SUBMISSION = as_submission(CSV, 1)
GOOD = {
    "csv": ("kip", CSV),
    "quoted csv": ("kip", (FOLDER / "ok_embedded_newline_quote.csv").read_bytes()),
    "parquet": ("kip", (FOLDER / "ok_rows.parquet").read_bytes()),
    "gzip": ("kip", gzip.compress(CSV, mtime=0)),
    "zip": ("kip", zipped(CSV)),
    "json": ("wsapi", SUBMISSION),
    "json in lines": ("wsapi", json.dumps(json.loads(SUBMISSION), indent=1).encode()),
    "other json": ("wsapi", in_our_envelope((FOLDER / "ok_rows.json").read_bytes(), "ok_rows.json")),
    "xml": ("wsapi", as_xml(SUBMISSION)),
}
HOSTILE = (b"", b"\0", b'"', b";", b"\n", b"\r", b"=1+1", b"'; drop table receipts; --", b"\xff", b"\xe6", b"<", b"&",
           b"{", b"]", b",", b"NaN", b"-0", b"9" * 400, b"\xef\xbb\xbf", "Æ\u202e".encode(),
           b"x" * 200_000)  # fmt: skip


def flipped(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def inserted(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + chance.choice(HOSTILE) + content[place:]


def left_out(content: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(content))
    return content[:first] + content[first + chance.randrange(1, 60) :]


def twice(content: bytes, chance: random.Random) -> bytes:
    first = chance.randrange(len(content))
    last = first + chance.randrange(1, 200)
    return content[:last] + content[first:last] + content[last:]


MANNERS: tuple[Mutation, ...] = (flipped, cut, inserted, left_out, twice)


def mutations() -> list[tuple[str, str, bytes]]:
    """Name, source and content; the same every time."""
    made = []
    for number in range(MUTATIONS):
        chance = random.Random(number)
        form = list(GOOD)[number % len(GOOD)]
        source, content = GOOD[form]
        for _ in range(chance.randrange(1, 4)):
            content = chance.choice(MANNERS)(content or b" ", chance)
        made.append((f"{number}.dat", source, content))
    return made


def take_in(warehouse: Warehouse, folder: Path, name: str, source: str, content: bytes) -> ledger.Receipt:
    path = folder / name
    path.write_bytes(content)
    return receiving.receive(warehouse, SPEC, SCHEMAS, path, source, "1084", RECEIVED)


def stored_rows(warehouse: Warehouse) -> dict[str, int]:
    """Receipt → the rows that stand in the warehouse, typed, broken and deleted."""
    found = warehouse.frame(
        "select receipt_id, count(*) as n from (select receipt_id from typed_kip union all "
        "select receipt_id from typed_wsapi union all select receipt_id from broken_rows union all "
        "select receipt_id from raw_wsapi where action = 'delete') group by all"
    )
    return dict(found.iter_rows())


def validated(warehouse: Warehouse) -> None:
    for source in ("kip", "wsapi"):
        rules = constraints_of(SPEC, source, RECEIVED.date())
        mark_quarantined(warehouse.connection, f"typed_{source}", check(
            warehouse.connection, SPEC, f"typed_{source}", rules).findings)  # fmt: skip
        ledger.recount(warehouse, source)


def wrong_accounts(warehouse: Warehouse) -> list[str]:
    """The files whose rows do not add up, row by row as they stand, or that are refused without a reason."""
    receipts = warehouse.frame("select * from receipts")
    stored = stored_rows(warehouse)
    held = dict(warehouse.frame(
        "select receipt_id, count(*) as n from (select receipt_id from typed_kip where quarantined union all select "
        "receipt_id from typed_wsapi where quarantined union all select receipt_id from broken_rows) group by all"
    ).iter_rows())  # fmt: skip
    wrong = []
    for receipt in receipts.iter_rows(named=True):
        rows = stored.get(receipt["receipt_id"], 0)
        if receipt["verdict"] == "refused":
            right = rows == 0 and receipt["reason"]
        else:
            quarantined = held.get(receipt["receipt_id"], 0)
            right = (rows, quarantined, rows - quarantined) == (
                receipt["rows_in"], receipt["rows_quarantined"], receipt["rows_accepted"])  # fmt: skip
        wrong += [] if right else [receipt["file"]]
    return wrong


@pytest.fixture
def warehouse(tmp_path):
    with open_warehouse(project_in(tmp_path), "nasty") as opened:
        receiving.prepare(opened, SPEC, ("kip", "wsapi"), UNITS)
        yield opened


def test_every_mutation_keeps_the_row_account_fast_and_small(warehouse, tmp_path):
    receipts = []
    for name, source, content in mutations():
        with measured() as cost:
            receipts.append(take_in(warehouse, tmp_path, name, source, content))
        assert cost.seconds < SECONDS, name
        assert cost.megabytes < MEGABYTES, name
    conforming.conform(warehouse, SPEC, SCHEMAS)
    validated(warehouse)
    assert wrong_accounts(warehouse) == []
    verdicts = pl.Series([receipt.verdict for receipt in receipts]).value_counts()
    assert verdicts.height >= 3  # the mutations tell something: some pass, some are refused, some lose rows


def test_unreadable_rows_that_are_dropped_would_be_caught(warehouse, tmp_path, monkeypatch):
    """The broken variant forgets the rows that it could not split after it has counted them."""
    described = receiving._described
    monkeypatch.setattr(receiving, "_described", lambda receipt, batch: _forgotten(described(receipt, batch), batch))
    for name, source, content in mutations()[:60]:
        take_in(warehouse, tmp_path, name, source, content)
    conforming.conform(warehouse, SPEC, SCHEMAS)
    assert wrong_accounts(warehouse) != []


def _forgotten(receipt, batch):
    object.__setattr__(batch, "broken", broken_frame([]))
    return receipt


# A row too short, too long, or with a sign that no cell may have: the lines of the file are what came in.
def line_mutations() -> list[tuple[str, bytes, int]]:
    header, *lines = CSV.decode().splitlines(keepends=True)
    made = []
    for number in range(100):
        chance = random.Random(number)
        rows = [line for line in lines if chance.random() < 0.9] or lines[:1]
        rows = [_spoiled(line, chance) if chance.random() < 0.3 else line for line in rows]
        made.append((f"line-{number}.csv", (header + "".join(rows)).encode(), len(rows)))
    return made


def _spoiled(line: str, chance: random.Random) -> str:
    cells = line.rstrip("\n").split(";")
    place = chance.randrange(len(cells))
    cells[place : place + 1] = chance.choice([[], ["", ""], ["\0"], ["12,3,4"], ["x" * 100_001], ["31-02-2024 10:00"]])
    return ";".join(cells) + "\n"


def test_the_rows_in_are_the_lines_of_the_file(warehouse, tmp_path):
    for name, content, rows in line_mutations():
        receipt = take_in(warehouse, tmp_path, name, "kip", content)
        assert (receipt.verdict, receipt.rows_in) == (receipt.verdict, rows) and receipt.verdict != "refused"
    conforming.conform(warehouse, SPEC, SCHEMAS)
    validated(warehouse)
    assert wrong_accounts(warehouse) == []


def stored_account(**rows: int) -> tuple[int, int, int]:
    """What the ledger holds after a receipt with these rows was entered."""
    with in_memory() as warehouse:
        receiving.prepare(warehouse, SPEC, ("kip", "wsapi"), UNITS)
        receipt = ledger.Receipt("1", "nasty", "a.csv", "0", "kip", "1084", RECEIVED, "accepted", **rows)
        ledger.write(warehouse, receipt)
        return warehouse.frame("select rows_in, rows_accepted, rows_quarantined from receipts").row(0)


ROWS_LEFT_OUT = {"rows_in": 3, "rows_accepted": 1, "rows_quarantined": 1}


def test_the_database_itself_refuses_an_account_that_does_not_add_up():
    with pytest.raises(duckdb.ConstraintException):
        stored_account(**ROWS_LEFT_OUT)
    assert stored_account(**ROWS_LEFT_OUT | {"rows_accepted": 2}) == (3, 2, 1)


def test_a_ledger_without_its_constraint_would_be_caught(monkeypatch):
    """The broken variant is a ledger that takes any account: a row in three is lost, and nothing says so."""
    constraint = "check (verdict = 'refused' or rows_in = rows_accepted + rows_quarantined)"
    assert constraint in ledger.CREATE
    monkeypatch.setattr(receiving, "CREATE", ledger.CREATE.replace(constraint, "check (true)"))
    assert stored_account(**ROWS_LEFT_OUT) == (3, 1, 1)


def test_a_municipal_report_is_refused_or_every_entry_is_accounted_for():
    codes = read_codes(REPOSITORY / "expectations" / "codes" / "fsiii.csv")
    good = [path.read_bytes() for path in sorted((REPOSITORY / "tests/data/municipal").glob("*/*.json"))]
    read = 0
    for number in range(MUTATIONS // 2):
        chance = random.Random(number)
        content = chance.choice(MANNERS)(chance.choice(good), chance)
        try:
            batch = read_fsiii(content, codes)
        except Refused:
            continue
        entries = [entry.get("resource", {}) for entry in json.loads(content)["entry"]]
        aside = [one for one in entries if one.get("resourceType") in ("Patient", "Organization")]
        assert batch.rows_in == len(entries) - len(aside)
        read += 1
    assert read > 20
