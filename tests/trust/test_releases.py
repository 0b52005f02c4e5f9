"""A row that is held back is released by somebody, for a reason, and never where it breaks a rule of identity."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest
from nasty import lay, project_in, run_of, taken_in

from pipelines import audit, quarantine
from pipelines.project import InputError, Project
from pipelines.run import opened
from pipelines.warehouse.frames import load
from pipelines.warehouse.versions import current

pytestmark = pytest.mark.trust

HEADER = "cpr;enhed_sor;kontakt_start;kontakt_slut;diagnose;procedure;variabel_num;variabel_kode;indberetnings_id"
GOOD = "0103644010;1084001;01-03-2024 10:00;01-03-2024 11:00;DI219;A;1,5;A;K1"
UNREADABLE = "0203644010;1084001;01-03-2024 10:00;01-03-2024 11:00;DI219;A;meget;A;K2"
NOBODY = "9999999999;1084001;01-03-2024 10:00;01-03-2024 11:00;DI219;A;1,5;A;K3"
SHORT = "0303644010;1084001"
NOON = dt.datetime(2025, 6, 2, 12)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = project_in(tmp_path)
    lay(project, "rows.csv", "\n".join([HEADER, GOOD, UNREADABLE, NOBODY, SHORT, ""]).encode(), "kip", "1084")
    taken_in(project)
    return project


def row_of(project: Project, line: int) -> str:
    (receipt,) = {row["receipt_id"] for row in quarantine.quarantined(run_of(project))}
    return f"{receipt}:{line}"


def used(project: Project) -> list[str]:
    run = run_of(project)
    with opened(run) as warehouse:
        return current(warehouse, run.spec, "kip")["record_id"].to_list()


def test_what_is_held_back_is_listed_with_its_reason_and_no_value(project) -> None:
    rows = quarantine.quarantined(run_of(project))
    assert {row["line"] for row in rows} == {3, 4, 5}
    assert all(row["rule"] and row["reason"] and row["file"] == "rows.csv" for row in rows)
    told = json.dumps(rows, default=str)
    assert "meget" not in told and not re.search(r"9999999999|\d{6}4010", told)


def test_a_released_row_is_used_and_the_account_holds(project) -> None:
    assert used(project) == ["K1"]
    rules = quarantine.release(
        run_of(project), row_of(project, 3), "Datamanager", "ringet op: feltet er frivilligt", NOON
    )
    assert used(project) == ["K1"], "only the next run uses it"
    receipts = taken_in(project).filter(pl.col("verdict") != "duplicate")
    assert used(project) == ["K1", "K2"]
    assert receipts.select("rows_in", "rows_accepted", "rows_quarantined").rows() == [(4, 2, 2)]
    with opened(run_of(project)) as warehouse:
        told = load(warehouse, "findings").filter(pl.col("line") == 3, pl.col("rule").is_in(rules))
    assert set(told.select("severity", "released").rows()) == {("warning", True)}


def test_the_list_tells_who_released_a_row_when_and_why(project) -> None:
    quarantine.release(run_of(project), row_of(project, 3), "Datamanager", "feltet er frivilligt", NOON)
    for _ in range(2):  # before and after the next run
        told = [row for row in quarantine.quarantined(run_of(project)) if row["line"] == 3]
        assert {(row["released_by"], row["released_at"], row["why"]) for row in told} == {
            ("Datamanager", NOON, "feltet er frivilligt")
        }
        taken_in(project)


def test_a_release_covers_the_rules_that_were_judged_and_no_others(project) -> None:
    run, row = run_of(project), row_of(project, 3)
    quarantine.release(run, row, "Datamanager", "feltet er frivilligt", NOON)
    with opened(run) as warehouse:
        warehouse.connection.execute("update releases set rule = 'another.rule'")
    taken_in(project)
    assert used(project) == ["K1"]


@pytest.mark.parametrize(
    ("line", "by", "why", "told"),
    [
        (4, "Datamanager", "kendt", "rule of identity"),
        (5, "Datamanager", "kendt", "could not be read"),
        (2, "Datamanager", "kendt", "not held back"),
        (3, " ", "kendt", "--by says nothing"),
        (3, "Datamanager", "det er 020364-4010", "--why holds a person number"),
    ],
)
def test_what_may_not_be_released_is_said_in_one_sentence(project, line, by, why, told) -> None:
    before = used(project)
    with pytest.raises(InputError, match=told):
        quarantine.release(run_of(project), row_of(project, line), by, why, NOON)
    taken_in(project)
    assert used(project) == before


def test_broken_variant_that_releases_identity_too_is_caught(project, monkeypatch) -> None:
    monkeypatch.setattr(quarantine, "OF_IDENTITY", set())
    quarantine.release(run_of(project), row_of(project, 4), "Datamanager", "kendt", NOON)
    taken_in(project)
    assert "K3" in used(project)


def test_readings_and_releases_stand_in_the_log_under_the_persons_pseudonym(project) -> None:
    row = row_of(project, 3)
    quarantine.release(run_of(project), row, "Datamanager", "feltet er frivilligt", NOON)
    did = [(entry["did"], entry["why"]) for entry in audit.entries_about(project, "020364-4010\n")]
    assert did == [
        ("quarantine", "what is held back"),
        (f"release {row}", "Datamanager: feltet er frivilligt"),
    ]
    assert audit.entries_about(project, "0103644010") == [], "whose row was never held back was not read"
