"""What one region sent stands in no other region's package; of a pair that two share each sees its own side."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import msoffcrypto
import openpyxl
import polars as pl
import pytest
from nasty import lay, project_in, run_of

from pipelines import flow
from pipelines.reports import packages, rows
from pipelines.spec.record_kinds import OwnRegion
from pipelines.warehouse import receiving
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.frames import load

pytestmark = pytest.mark.trust

REGIONS = ("1081", "1082", "1083", "1084", "1085")
HEADER = "cpr;enhed_sor;kontakt_start;kontakt_slut;diagnose;procedure;variabel_num;variabel_kode;indberetnings_id\n"
SHARED = "2904640110"  # typed by one region, sent by another


def canary(region: str, side: str) -> str:
    return f"KANARIE{side}{region}"


def kip(region: str, person: str, said: str, record: str) -> str:
    return f"{person};{region}001;01-03-2024 10:00;01-03-2024 11:00;DI219;{said};1,5;A;{record}\n"


def persons(region: str) -> list[str]:
    """Four people of nobody; the fourth's record is held back."""
    return [f"{day:02}0164011{REGIONS.index(region)}" for day in (1, 2, 3, 4)]


def sent(region: str, person: str, said: str, record: str, unit: str | None = None) -> dict[str, str]:
    return {
        "action": "create", "cpr": person, "enhed_sor": unit or f"{region}001", "kontakt_start": "01-03-2024 10:00",
        "kontakt_slut": "01-03-2024 11:00", "diagnose": "DI219", "procedure": said, "variabel_num": "1,5",
        "variabel_kode": "A", "indberetnings_id": record,
    }  # fmt: skip


def envelope(region: str, records: list[dict[str, str]], number: int = 1) -> bytes:
    return json.dumps({
        "database": "nasty", "schemaVersion": "1.0", "region": region,
        "submissionId": f"{canary(region, 'S')}-{number}",
        "sequenceNumber": number, "sentAt": "2024-04-01T12:00:00+02:00", "records": records,
    }).encode()  # fmt: skip


def arrived(folder: Path) -> flow.Run:
    """Every region types and sends a course that differs, one that stands alone on each side, and a bad one."""
    project = project_in(folder)
    for region in REGIONS:
        both, typed_only, sent_only, bad = persons(region)
        typed = kip(region, both, canary(region, "T"), f"K1-{canary(region, 'T')}")
        typed += kip(region, typed_only, "A", f"K2-{canary(region, 'T')}")
        new = [sent(region, both, canary(region, "N"), f"W1-{canary(region, 'N')}"),
               sent(region, sent_only, "A", f"W2-{canary(region, 'N')}"),
               sent(region, bad, "A", f"W3-{canary(region, 'N')}") | {"diagnose": "forkert"}]  # fmt: skip
        if region == "1081":
            typed += kip(region, SHARED, "DELTTASTET", "K9-DELTTASTET")
        if region == "1082":
            new.append(sent(region, SHARED, "DELTSENDT", "W9-DELTSENDT"))
        lay(project, f"{canary(region, 'F')}.csv", (HEADER + typed).encode(), "kip", region)
        lay(project, f"{canary(region, 'F')}.json", envelope(region, new), "wsapi", region)
    run = run_of(project)
    for verb in (flow.receive, flow.conform, flow.validate, flow.reconcile, flow.explain, flow.report):
        verb(run)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return arrived(tmp_path_factory.mktemp("regions"))


def package(run: flow.Run, region: str) -> str:
    """All that stands in what a region is sent, its workbook opened, and the names of the files."""
    folder = run.building / "regions" / region
    told = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))]
    told += [path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.suffix in (".html", ".json")]
    locked = msoffcrypto.OfficeFile(io.BytesIO((folder / packages.WORKBOOK).read_bytes()))
    locked.load_key(password=flow.password(run, region))
    opened = io.BytesIO()
    locked.decrypt(opened)
    book = openpyxl.load_workbook(opened)
    told += [str(cell) for sheet in book for line in sheet.iter_rows(values_only=True) for cell in line if cell]
    return "\n".join(told)


@pytest.mark.parametrize(("reader", "owner"), list(permutations(REGIONS, 2)))
def test_no_regions_canary_is_in_anothers_package(run, reader, owner):
    told = package(run, reader)
    assert not [side for side in "TNSF" if canary(owner, side) in told]
    assert not [person for person in persons(owner) if person in told]


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_finds_its_own(run, region):
    told = package(run, region)
    assert [side for side in "TNSF" if canary(region, side) in told] == list("TNSF")


def test_of_a_shared_pair_each_sees_its_own_side(run):
    typing, sending = package(run, "1081"), package(run, "1082")
    assert "DELTTASTET" in typing and "DELTSENDT" not in typing
    assert "DELTSENDT" in sending and "DELTTASTET" not in sending


@pytest.mark.parametrize("region", REGIONS[2:])
def test_a_region_beside_a_shared_pair_sees_nothing_of_it(run, region):
    assert "DELT" not in package(run, region)


def test_the_countrys_page_has_no_canary(run):
    told = (run.building / "report.html").read_text("utf-8")
    assert not [r for r in REGIONS for side in "TNF" if canary(r, side) in told]


def test_a_workbook_without_its_filter_would_be_caught(run, monkeypatch, tmp_path):
    """The broken variant puts the rows of the whole country in each region's list."""
    other = packages.region_rows
    monkeypatch.setattr(packages, "region_rows", lambda *given: other(*given[:-1], "1085"))
    monkeypatch.setattr("pipelines.reports.workbook.own_rows", lambda found, region: rows.own_rows(found, "1085"))
    told = package(arrived(tmp_path), "1081")
    assert canary("1085", "N") in told


def test_a_shared_pair_without_its_blinds_would_be_caught(monkeypatch, tmp_path):
    monkeypatch.setattr(rows, "_seen", lambda side: [pl.lit(False).alias(f"hidden_{side}")])
    assert "DELTSENDT" in package(arrived(tmp_path), "1081")


# A submission that claims another region, or holds its rows.
def receipts(folder: Path, content: bytes, source: str, name: str) -> tuple[str, int, int]:
    project = project_in(folder)
    lay(project, name, content, source, "1084")
    run = run_of(project)
    for verb in (flow.receive, flow.conform, flow.validate):
        verb(run)
    with open_warehouse(project, "nasty") as warehouse:
        return load(warehouse, "receipts").select("verdict", "rows_in", "rows_quarantined").row(0)


PERSON = "0101640110"
SPOOFS = {
    "an envelope that names another region": (envelope("1082", [sent("1084", PERSON, "A", "W1")]), "wsapi", "refused"),
    "only rows of another region, sent": (envelope("1084", [sent("1082", PERSON, "A", "W1")]), "wsapi", "refused"),
    "only rows of another region, typed": ((HEADER + kip("1082", PERSON, "A", "K1")).encode(), "kip", "refused"),
    "one row of another region, sent": (
        envelope("1084", [sent("1084", PERSON, "A", "W1"), sent("1082", PERSON, "A", "W2")]), "wsapi", "partly"),
    "one row of another region, typed": (
        (HEADER + kip("1084", PERSON, "A", "K1") + kip("1082", PERSON, "A", "K2")).encode(), "kip", "partly"),
}  # fmt: skip


def misjudged(folder: Path, name: str) -> list[str]:
    """The spoof's name where it is judged as something else, or where other rows than one are held back."""
    content, source, verdict = SPOOFS[name]
    found, rows_in, held = receipts(folder, content, source, "a.dat")
    right = found == verdict and (verdict == "refused" or (rows_in, held) == (2, 1))
    return [] if right else [name]


@pytest.mark.parametrize("name", SPOOFS, ids=[name.replace(" ", "_") for name in SPOOFS])
def test_who_speaks_is_decided_by_the_channel(tmp_path, name):
    assert misjudged(tmp_path, name) == []


@pytest.mark.parametrize("name", SPOOFS, ids=[name.replace(" ", "_") for name in SPOOFS])
def test_a_channel_that_is_not_asked_would_be_caught(tmp_path, monkeypatch, name):
    """The broken variant believes envelope and rows: neither is held against the channel that they came on."""
    read, rules = receiving.read_form, flow.constraints_of
    monkeypatch.setattr(receiving, "read_form", lambda *given: replace(read(*given), region=None))
    monkeypatch.setattr(receiving, "_hold_units", lambda *given: None)
    monkeypatch.setattr(
        flow, "constraints_of", lambda *given: [rule for rule in rules(*given) if not isinstance(rule, OwnRegion)]
    )
    assert misjudged(tmp_path, name) == [name]
