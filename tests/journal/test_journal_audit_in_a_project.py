"""The command in a project: sheets drawn from the latest run, kept out of the results, and read back as figures."""

from __future__ import annotations

import io
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import msoffcrypto
import openpyxl
import polars as pl
import pytest

from pipelines import audit, cli, journal
from pipelines.reports.manifest import hold_intact
from pipelines.reports.workbook import locked
from pipelines.run import Run, opened
from pipelines.warehouse.frames import load, save

SIZE = journal.Size(2, 3, ("nyha", "weight"))


@pytest.fixture(scope="module")
def run(sample_run: Run, tmp_path_factory) -> Run:
    """The sample run in a home of this module's own."""
    home = tmp_path_factory.mktemp("journal") / "home"
    shutil.copytree(sample_run.project.home, home)
    return replace(sample_run, project=replace(sample_run.project, home=home))


@pytest.fixture(scope="module")
def drawn(run) -> tuple[str, list[Path]]:
    return journal.draw_sheets(run, 7, SIZE)


def unlocked(path: Path, password: str) -> openpyxl.Workbook:
    file, plain = msoffcrypto.OfficeFile(io.BytesIO(path.read_bytes())), io.BytesIO()
    file.load_key(password=password)
    file.decrypt(plain)
    return openpyxl.load_workbook(plain)


def filled(run: Run, name: str, sheets: list[Path], folder: Path) -> list[Path]:
    """Every value is right on both sides, and every course belongs, says this clinician."""
    for path in sheets:
        book, stream = unlocked(path, journal.password(run, path.stem, name)), io.BytesIO()
        for page, answer in (("Værdier", "begge er rigtige"), ("Forløb", "ja, det hører med")):
            at = {cell.value: cell.column for cell in book[page][1]}["Svar"]
            for row in range(2, book[page].max_row + 1):
                book[page].cell(row, at).value = answer
        book.save(stream)
        password = journal.password(run, path.stem, name)
        (folder / path.name).write_bytes(locked(stream.getvalue(), password))
    return sorted(folder.glob("*.xlsx"))


def shell(run: Run, monkeypatch, *words: str) -> int:
    where = {"SAMMENHOLD_HOME": run.project.home, "SAMMENHOLD_KEY_FILE": run.project.key_file,
             "SAMMENHOLD_EXPECTATIONS": run.project.expectations}  # fmt: skip
    for name, value in where.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(sys, "argv", ["sammenhold", "journal-audit", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code


def test_each_region_gets_a_sheet_of_its_own_under_its_own_password(run, drawn) -> None:
    name, sheets = drawn
    assert [path.stem for path in sheets] == ["hovedstaden", "midtjylland", "nordjylland", "sjaelland", "syddanmark"]
    passwords = {journal.password(run, path.stem, name) for path in sheets}
    assert len(passwords) == 5
    rows = [r for path in sheets for r in unlocked(path, journal.password(run, path.stem, name))["Forløb"].iter_rows(2)]
    assert len(rows) == 3 * 3


def test_the_drawing_is_logged_with_its_persons(run, drawn) -> None:
    entries = [json.loads(line) for line in (run.project.home / "audit" / "log.jsonl").read_text().splitlines()]
    told = [entry for entry in entries if entry["did"].startswith(f"journal audit {drawn[0]} ")]
    assert len(told) == 5 and all(entry["persons"] for entry in told)
    assert audit.verify(run.project)["entries"] == len(entries)


def test_what_is_kept_names_no_person_and_no_value(run, drawn) -> None:
    with opened(run) as warehouse:
        kept = load(warehouse, "journal_audit")
    assert kept.columns == ["audit", "row_id", "region", "variable", "stratum", "population", "a_side"]


def test_the_published_run_is_untouched(run, drawn) -> None:
    results = run.project.results("dhd")
    hold_intact(results / (results / "latest").read_text().strip())


def test_filled_sheets_become_figures_beside_them(run, drawn, tmp_path, monkeypatch, capsys) -> None:
    name, sheets = drawn
    files = filled(run, name, sheets, tmp_path)
    words = [word for path in files for word in ("--filled", str(path))]
    assert shell(run, monkeypatch, *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    folder = run.project.results("dhd") / "journal-audit" / name
    assert pl.read_parquet(folder / "journal_audit.parquet").to_dicts() == told
    right = [row for row in told if row["figure"] == "right"]
    assert {row["variable"] for row in right} == {"nyha", "weight", None}
    assert all(row["value"] == 1 and row["low"] < 1 for row in right)
    counts = pl.read_parquet(folder / "journal_audit_counts.parquet")
    assert counts.filter(variable="nyha")["drawn"].to_list() == [2, 2]
    assert shell(run, monkeypatch, *words) == 0
    assert "rigtige værdier" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "sentence"), [
    (["--seed", "7"], "was drawn before"), (["--values", "0"], "at least one row"),
    (["--variable", "hoejde"], "no variable that dhd compares"), (["--filled", "x.xlsx", "--password", "y"], "either"),
    (["--password", "groenland"], "no sheet for 'groenland'"), (["--filled", "nothing.xlsx"], "cannot be read"),
    (["--audit", "a"], "say it with --filled"), (["--filled", "x", "--audit", "a"], "There is no journal audit 'a'"),
])  # fmt: skip
def test_wrong_input_gets_one_sentence(run, drawn, monkeypatch, capsys, words, sentence) -> None:
    assert shell(run, monkeypatch, *words) == 2
    told = capsys.readouterr().err
    assert sentence in told and told.count("\n") == 1


def test_a_warehouse_that_has_gone_on_is_refused(run, drawn, monkeypatch, capsys) -> None:
    with opened(run) as warehouse:
        before = load(warehouse, "pair_index")
        save(warehouse, "pair_index", before.head(5))
    assert shell(run, monkeypatch, "--seed", "8") == 2
    assert "has gone on since" in capsys.readouterr().err
    with opened(run) as warehouse:
        save(warehouse, "pair_index", before)
    assert shell(run, monkeypatch, "--seed", "8", "--values", "1", "--records", "1") == 0
    assert shell(run, monkeypatch, "--password", "nordjylland", "--audit", drawn[0]) == 0
    assert capsys.readouterr().out.endswith(journal.password(run, "nordjylland", drawn[0]) + "\n")
