"""While regions change over one by one, the flow counts each course exactly once, from the source that `use` names."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from derived_home import CONTACT, EXPECTATIONS, ODENSE, derived_home, forms, lay, run_of

from pipelines import flow
from pipelines.project import Project

AALBORG = "8001021"
NORTH, SOUTH = (AALBORG, "81", "nordjylland"), (ODENSE, "83", "syddanmark")
PERSONS = [f"01015012{n:02}" for n in range(40, 48)]
# Course → where and when it is registered, and where and when it is typed (either may be missing).
COURSES = {
    "both, before": ((NORTH, "2026-01-10"), (NORTH, "2026-01-10")),
    "both, after": ((NORTH, "2026-03-10"), (NORTH, "2026-03-10")),
    "twin across the day": ((NORTH, "2026-02-02"), (NORTH, "2026-01-30")),
    "twin across regions": ((SOUTH, "2026-03-10"), (NORTH, "2026-03-09")),
    "only registered": ((SOUTH, "2026-03-12"), None),
    "only typed": (None, (SOUTH, "2026-03-14")),
    "typed twice": ((SOUTH, "2026-01-20"), (SOUTH, "2026-01-20")),
    "typed twice, not registered": (None, (NORTH, "2026-03-20")),
}
EVERYWHERE = "{source: manual, fallback: lpr}"
STATES = {
    "nobody yet": [EVERYWHERE],
    "north from February": ["{region: nordjylland, from: 2026-02-01, source: lpr, fallback: manual}", EVERYWHERE],
    "north, then a southern unit": [
        "{region: nordjylland, from: 2026-02-01, source: lpr, fallback: manual}",
        f'{{unit: "{ODENSE}", from: 2026-03-01, source: lpr, fallback: manual}}', EVERYWHERE,
    ],
    "all": ["{source: lpr, fallback: manual}"],
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The courses taken through the flow until they can be held side by side."""
    project = derived_home(tmp_path_factory.mktemp("go_live"))
    contacts, diagnoses, typed = [], [], {}
    for number, (person, (registered, form)) in enumerate(zip(PERSONS, COURSES.values(), strict=True)):
        if registered:
            (unit, code, _), day = registered
            contacts.append(f"K{number},F{number},{person},{day} 09:00:00,{day} 12:00:00,1,ALCA00,ATA1,{unit},{code}\n")
            diagnoses.append(f"K{number},DI214,A,\n")
        if form:
            (unit, _, region), day = form
            typed.setdefault(region, {})[f"M{number}"] = (person, unit, "-".join(day.split("-")[::-1]), {})
            if "twice" in list(COURSES)[number]:
                typed[region][f"M{number}-again"] = typed[region][f"M{number}"]
    lay(project, "registers", "lpr", "national", "lpr_a_kontakt_2026-06-30.csv", CONTACT + "".join(contacts))
    header = "dw_ek_kontakt,diag_kode,diag_kode_type,senere_afkraeftet\n"
    lay(project, "registers", "lpr", "national", "lpr_a_diagnose_2026-06-30.csv", header + "".join(diagnoses))
    lay(project, "dhrd", "manual", "syddanmark", "danheart.csv", forms(typed["syddanmark"]))
    lay(project, "dhrd", "manual", "nordjylland", "danheart.csv", forms(typed["nordjylland"]))
    (project.inbox("dhrd") / "wsapi" / "syddanmark" / "SD-1.json").unlink()
    flow.registers(project, run_of(project).received_at)
    for verb in (flow.receive, flow.conform, flow.validate):
        verb(run_of(project))
    return project


def counted(project: Project, folder: Path, use: list[str]) -> pl.DataFrame:
    """counted.parquet under another `use`."""
    shutil.copytree(EXPECTATIONS, folder)
    path = folder / "dhrd" / "specification.yaml"
    before, _, after = path.read_text("utf-8").partition("\nuse:\n")
    rest = after[after.index("settling_days:") :]
    path.write_text("\n".join([before, "use:", *(f"  - {line}" for line in use), rest]), "utf-8")
    run = run_of(replace(project, expectations=folder))
    flow.reconcile(run)
    return pl.read_parquet(run.building / "counted.parquet")


def course_of(record: str) -> str:
    return list(COURSES)[int(record.removesuffix("-again")[1:])]


@pytest.mark.parametrize("state", STATES)
def test_each_course_counts_exactly_once_in_every_state(project, tmp_path, state) -> None:
    found = counted(project, tmp_path / "expectations", STATES[state])
    assert sorted(map(course_of, found["record_id"])) == sorted(COURSES)
    told = {"M": ("reported", "manual"), "F": ("new", "lpr")}
    assert found.select("side", "datakilde").rows() == [told[record[0]] for record in found["record_id"]]


def test_the_place_and_day_of_the_typed_record_decide_for_both_twins(project, tmp_path) -> None:
    found = counted(project, tmp_path / "expectations", STATES["north from February"])
    sources = {course_of(record): source for record, source in found.select("record_id", "datakilde").iter_rows()}
    assert sources == {
        "both, before": "manual", "both, after": "lpr", "twin across the day": "manual", "twin across regions": "lpr",
        "only registered": "lpr", "only typed": "manual", "typed twice": "manual",
        "typed twice, not registered": "manual",
    }  # fmt: skip
