"""The corpus of malformed submissions comes out exactly as its manifest says."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import polars as pl
import pytest
from measured import measured
from nasty import FOLDER, MANIFEST, arrive, lay, project_in, run_of, taken_in

from pipelines import flow
from pipelines.sources import delimited
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.frames import load

pytestmark = pytest.mark.trust

SECONDS, MEGABYTES = 2, 300
FILES = {entry["file"]: entry for entry in MANIFEST["files"]}
VERDICTS = {"accept": "accepted", "quarantine-rows": "partly", "reject-file": "refused"}


@pytest.fixture
def project(tmp_path):
    return project_in(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def _libraries(tmp_path_factory):
    """What is loaded once in a process stands in memory before the first clock starts."""
    taken_in(project_in(tmp_path_factory.mktemp("first")))


def account(receipts: pl.DataFrame) -> tuple[str, int | None, int, int]:
    """Verdict and rows in, accepted and quarantined, of the one file that came; of a refused one no rows in."""
    verdict, *rows = receipts.select("verdict", "rows_in", "rows_accepted", "rows_quarantined").row(0)
    return (verdict, None, *rows[1:]) if verdict == "refused" else (verdict, *rows)


def expected(name: str) -> tuple[str, int | None, int, int]:
    entry = FILES[name]
    return VERDICTS[entry["expect"]], entry["rows_in"], entry["rows_accepted"], entry["rows_quarantined"]


def test_the_corpus_is_whole():
    assert len(FILES) == 30
    for name, entry in FILES.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest().startswith(entry["sha256"][:60])


@pytest.mark.parametrize("name", FILES, ids=[name.replace("0101701234", "person") for name in FILES])
def test_each_file_comes_out_as_the_manifest_says(project, name):
    arrive(project, name, FILES[name]["channel_region"])
    with measured() as cost:
        receipts = taken_in(project)
    assert account(receipts) == expected(name)
    assert (receipts["reason"][0] is not None) == (FILES[name]["expect"] == "reject-file")
    assert name[:12] not in str(receipts["reason"][0])
    assert cost.seconds < SECONDS
    assert cost.megabytes < MEGABYTES
    assert [path.name for path in project.home.rglob("*") if path.suffix in (".csv", ".json")] in ([], [name])


def test_every_row_that_is_held_back_has_its_reason(project):
    arrive(project, "q_ragged_rows.csv", "1084")
    arrive(project, "q_numbers.csv", "1084")
    receipts = taken_in(project)
    with open_warehouse(project, "nasty") as warehouse:
        findings = load(warehouse, "findings")
    errors = findings.filter(severity="error").unique(["receipt_id", "line"])
    assert errors.height == receipts["rows_quarantined"].sum() == 7
    assert errors["reason"].null_count() == 0


def test_a_replacement_number_is_accepted_with_a_warning(project):
    good = (FOLDER / "ok_leap_day.csv").read_bytes()
    lay(project, "replacement.csv", good.replace(b"2902640110", b"2902640AB1"), "kip", "1084")
    assert account(taken_in(project)) == ("accepted", 1, 1, 0)
    with open_warehouse(project, "nasty") as warehouse:
        found = warehouse.frame("select rule, severity from frame_findings").rows()
    assert found == [("person.check_digit", "warning")]


def test_a_reader_that_pads_short_rows_would_be_caught(project, monkeypatch):
    """The broken variant does what common CSV readers do."""
    monkeypatch.setattr(delimited, "_problem", lambda line, row, width, hidden: None)
    monkeypatch.setattr(
        delimited, "_frame", lambda header, lines, cells, made=delimited._frame: made(
            header, lines, [(row + [""] * len(header))[: len(header)] for row in cells]))  # fmt: skip
    arrive(project, "q_ragged_rows.csv", "1084")
    assert account(taken_in(project)) != expected("q_ragged_rows.csv")


def test_a_specification_without_its_rules_would_be_caught(project, monkeypatch):
    run = run_of(project)
    monkeypatch.setattr(flow.Run, "spec", replace(run).spec.model_copy(update={"rules": {}}))
    arrive(project, "q_time_order.csv", "1084")
    assert account(taken_in(project)) != expected("q_time_order.csv")
