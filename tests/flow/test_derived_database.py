"""A database whose new side is made of registers, through the whole flow: records, findings, traces, accounts."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from derived_home import NOON, ODENSE, A, D, derived_home, lay, run_of, submission, through
from workbooks import workbook

from pipelines import flow, tracing
from pipelines.project import InputError, Project
from pipelines.reports.manifest import hold_intact
from pipelines.sources.arrivals import Arrival
from pipelines.warehouse import national
from pipelines.warehouse.frames import load
from pipelines.warehouse.key import make_key


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return derived_home(tmp_path_factory.mktemp("derived"))


@pytest.fixture(scope="module")
def results(project: Project) -> Path:
    return through(run_of(project))


@pytest.fixture
def copied(project: Project, results: Path, tmp_path: Path) -> Project:
    """A home of its own that has been run, to change."""
    shutil.copytree(project.home, tmp_path / "home")
    return Project(tmp_path / "home", project.expectations, project.key_file)


def frame(results: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(results / f"{name}.parquet")


def derived(project: Project) -> dict[str, dict]:
    """The typed rows of the derived side, by record."""
    with flow.opened(run_of(project)) as warehouse:
        return {row["record_id"]: row for row in warehouse.frame("from typed_lpr").to_dicts()}


def behind(results: Path, record: str, variable: str) -> list[tuple[str, str, int]]:
    """Table, file and line of the rows that a value was read from."""
    rows = frame(results, "derivation").filter(record_id=record, variable=variable)
    files = frame(results, "receipts").select("receipt_id", "file")
    return rows.join(files, on="receipt_id").select("table", "file", "line").rows()


def test_every_course_becomes_a_record_with_values_of_every_register(project, results) -> None:
    rows = derived(project)
    assert sorted(rows) == ["F1", "F2", "F3", "F4"]
    said = {name: rows["F1"][name] for name in ("person", "unit", "ldl", "statin", "smoking", "municipal_start")}
    expected = {"person": A, "unit": ODENSE, "ldl": 1.6, "statin": "yes", "smoking": "smoker"}
    assert {name: said[name] for name in expected} == expected
    assert str(said["municipal_start"]) == "2026-03-10"
    assert rows["F1"]["source_file"] == "lpr_a_diagnose_2026-06-30.csv" and rows["F1"]["submission"] == "SD-1"


def test_each_value_is_traced_to_the_file_and_line_that_says_it(results) -> None:
    assert behind(results, "F1", "ldl") == [("lab", "lab_forsker_2026-06-30.csv", 3)]
    assert behind(results, "F1", "municipal_start") == [("municipal", "2.json", 7)]
    assert behind(results, "F1", "smoking") == [("wsapi", "SD-1.json", 2)]


def test_a_discrepancy_is_traced_to_the_lines_behind_both_sides(project, results) -> None:
    wanted = frame(results, "discrepancies").filter(variable="weight")["discrepancy_id"].item()
    trail = tracing.trace(run_of(project), wanted)
    assert [(line["source"], line["file"], line["line"]) for line in trail.lines] == [
        ("lpr", "lpr_a_diagnose_2026-06-30.csv", 2), ("manual", "danheart.csv", 2),
    ]  # fmt: skip
    assert [(event["table"], event["file"], event["line"]) for event in trail.events] == [("wsapi", "SD-1.json", 2)]


def test_a_record_is_traced_to_every_event_behind_it(project, results) -> None:
    events = tracing.trace(run_of(project), "F1").events
    made = {(event["table"], event["line"]) for event in events if event["variable"] is None}
    assert made == {("diagnosis", 2)}
    assert {event["table"] for event in events} == {"diagnosis", "contact", "lab", "medicine", "municipal", "wsapi"}


def test_a_record_that_breaks_a_rule_is_held_back_and_its_form_says_so(results) -> None:
    errors = frame(results, "findings").filter(severity="error")
    assert errors.select("record_id", "rule").rows() == [
        ("W2", "weight.castable"), ("F3", "unit.known"), (None, "row.shape"),
    ]  # fmt: skip
    assert frame(results, "unmatched").filter(record_id="M3")["reason"].item() == "held_back"


def test_what_validation_holds_back_fills_no_derived_record(project, results) -> None:
    assert derived(project)["F2"]["smoking"] is None


def test_what_was_sent_for_no_derived_record_is_told_with_its_line(results) -> None:
    lost = frame(results, "findings").filter(rule="source.no_event")
    assert lost.select("record_id", "line", "severity").rows() == [("W3", 4, "warning")]


def test_findings_of_the_registers_are_told_for_the_records_that_came_from_those_rows(project, results) -> None:
    told = frame(results, "findings").filter(rule="event.no_end")
    assert told.select("record_id", "line", "severity").rows() == [("F4", 5, "warning")]
    whole = project.results("registers")
    hold_intact(whole)
    of_registers = pl.read_parquet(whole / "findings.parquet").filter(rule="event.no_end")
    assert of_registers.select("record_id", "line").rows() == [("K4", 5)]


def test_the_row_accounts_hold_for_the_receipts_of_every_source(results) -> None:
    receipts, findings = frame(results, "receipts"), frame(results, "findings")
    assert set(receipts["source"]) == {"manual", "wsapi", "lpr", "lab", "lmdb", "cpr", "municipal"}
    held = findings.filter(severity="error").select("receipt_id", "line").unique().group_by("receipt_id").len("held")
    account = receipts.join(held, on="receipt_id", how="left").with_columns(pl.col("held").fill_null(0))
    assert account.filter(pl.col("rows_in") != pl.col("rows_accepted") + pl.col("rows_quarantined")).is_empty()
    assert account.filter(pl.col("rows_quarantined") != pl.col("held")).is_empty()
    assert account.filter(pl.col("held") > 0)["source"].to_list() == ["wsapi", "lab", "lpr"]


def test_nothing_that_is_published_holds_a_person(results, project) -> None:
    published = [path for path in project.results("dhrd").parent.rglob("*") if path.suffix in (".parquet", ".json")]
    assert any(path.name == "derivation.parquet" for path in published)
    for path in published:
        text = pl.read_parquet(path).write_csv() if path.suffix == ".parquet" else path.read_text("utf-8")
        assert A not in text and D not in text


def test_the_registers_deliver_for_no_region(results) -> None:
    assert [folder.name for folder in (results / "regions").iterdir()] == ["syddanmark"]


def test_a_region_is_told_of_the_registers_rows_about_its_own_patients(project, results) -> None:
    sheet = workbook(run_of(project), results, "syddanmark")["Fejl i indberetning"]
    told = {str(cell) for row in sheet.iter_rows(2, values_only=True) for cell in row if cell}
    assert {"lpr_a_kontakt_2026-06-30.csv", D} <= told  # the open contact that is said to be closed
    assert "Enhed er ikke en kendt enhed" in told


def test_the_same_again_changes_nothing(copied, results) -> None:
    before = {path.name: path.read_bytes() for path in results.glob("*.parquet")}
    again = through(run_of(copied))
    assert again.name == results.name
    assert {path.name: path.read_bytes() for path in again.glob("*.parquet")} == before


def test_validating_twice_and_a_later_correction(copied) -> None:
    run = run_of(copied)
    with flow.opened(run) as warehouse:
        first = load(warehouse, "derivation")
    flow.validate(run)
    with flow.opened(run) as warehouse:
        assert load(warehouse, "derivation").equals(first)
    lay(copied, "dhrd", "wsapi", "syddanmark", "SD-2.json", submission(2, smoking="former", weight=None))
    for verb in (flow.receive, flow.conform, flow.validate):
        verb(run)
    assert (derived(copied)["F1"]["smoking"], derived(copied)["F1"]["weight"]) == ("former", None)


def test_a_diagnosis_that_is_retracted_later_takes_the_record_away(copied) -> None:
    text = "dw_ek_kontakt,diag_kode,diag_kode_type,senere_afkraeftet\nK1,DI214,A,Ja\n"
    lay(copied, "registers", "lpr", "national", "lpr_a_diagnose_2026-07-31.csv", text)
    flow.registers(copied, NOON)
    for verb in (flow.conform, flow.validate):
        verb(run_of(copied))
    assert "F1" not in derived(copied)
    with flow.opened(run_of(copied)) as warehouse:
        findings = load(warehouse, "findings")
    assert set(findings.filter(rule="source.no_event")["record_id"]) == {"W1", "W3"}


def test_a_table_in_another_registers_folder_is_refused_and_taken_in_where_it_belongs(tmp_path) -> None:
    project = derived_home(tmp_path)
    there = project.inbox("registers") / "lmdb" / "national" / "lab_forsker_2026-06-30.csv"
    (project.inbox("registers") / "lab" / "national" / there.name).rename(there)
    summary = flow.registers(project, NOON)
    assert (summary["refused"], summary["accepted"]) == (1, 5)
    refused = pl.read_parquet(project.results("registers") / "receipts.parquet").filter(verdict="refused")
    assert refused["reason"].item().startswith("other_register: Filen er en tabel fra lab")
    with pytest.raises(InputError, match=r"lab.*inbox/registers/lab/national.*sammenhold registers"):
        flow.conform(run_of(project))


@pytest.mark.parametrize(("register", "region"), [("lpr", "syddanmark"), ("lpr3", "national")])
def test_a_folder_that_is_no_registers_is_named(tmp_path, register, region) -> None:
    project = Project(tmp_path / "home", derived_home(tmp_path / "other").expectations, tmp_path / "key" / "key")
    make_key(project)
    lay(project, "registers", register, region, "lpr_a_kontakt_2026-06-30.csv", "x")
    with pytest.raises(InputError, match=r"national|lpr3"):
        flow.registers(project, NOON)


def test_without_any_register_one_sentence_says_what_to_do(tmp_path) -> None:
    project = derived_home(tmp_path)
    with pytest.raises(InputError, match="sammenhold registers"):
        flow.conform(run_of(project))


def test_registers_received_only_in_part_are_not_read_and_the_next_run_completes(copied) -> None:
    """As a run leaves them that was killed after a file came in and before the events were settled."""
    text = f"pnr,atc,eksd\n{A},C07AB02,2026-02-01\n"
    path = lay(copied, "registers", "lmdb", "national", "lmdb_2026-07-31.csv", text)
    lists = national.read_code_lists(copied.expectations / "codes")
    with national.open_registers(copied) as registers:
        national.receive_national(registers, lists, Arrival("lmdb", "national", path), NOON)
    with pytest.raises(InputError, match="only in part"):
        flow.conform(run_of(copied))
    flow.registers(copied, NOON)
    flow.conform(run_of(copied))
    assert derived(copied)["F1"]["beta_blocker"] == "yes"


def test_who_reads_the_registers_cannot_write_them(copied) -> None:
    with national.read_registers(copied, ["lpr"]) as registers:
        assert registers.frame("select count(*) as n from contact")["n"].item() == 4
        with pytest.raises(InputError, match="could not write"), registers.transaction():
            registers.connection.execute("delete from contact")
