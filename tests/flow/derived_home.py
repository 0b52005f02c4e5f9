"""A tiny home for dhrd: five registers, typed forms, WSAPI submissions; a few persons whose courses are known.

Andersen (A) stands everywhere and alike; B's WSAPI record cannot be read; C was treated at a unit nobody knows;
D stands in the registers only, in an open contact that is said to be closed, and with a laboratory row cut short.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

from pipelines import flow
from pipelines.project import Project
from pipelines.spec.reading import read_source_schemas, read_spec
from pipelines.warehouse.key import make_key

ROOT = Path(__file__).parents[2]
EXPECTATIONS = ROOT / "expectations"
DAY, NOON = dt.date(2026, 9, 30), dt.datetime(2026, 9, 30, 12)
A, B, C, D, STRANGER = "0101501231", "0202502341", "0303503451", "0404504561", "0505505671"
ODENSE, NOWHERE = "4202021", "9999999"
REPORT = ROOT / "tests" / "data" / "municipal" / "section_119" / "2.json"

TIMES = "kont_starttidspunkt,kont_sluttidspunkt,flag_kont_afsluttet"
CONTACT = f"dw_ek_kontakt,dw_ek_forloeb,pnr,{TIMES},kont_type,prioritet,kont_ans,kont_ans_org_reg\n"
CONTACTS = f"""{CONTACT}\
K1,F1,{A},2026-01-05 09:00:00,2026-01-08 10:00:00,1,ALCA00,ATA1,{ODENSE},83
K2,F2,{B},2026-02-03 09:00:00,2026-02-06 10:00:00,1,ALCA00,ATA1,{ODENSE},83
K3,F3,{C},2026-03-02 09:00:00,2026-03-04 10:00:00,1,ALCA00,ATA1,{NOWHERE},83
K4,F4,{D},2026-03-09 09:00:00,,1,ALCA00,ATA1,{ODENSE},83
"""
DIAGNOSES = "dw_ek_kontakt,diag_kode,diag_kode_type,senere_afkraeftet\n" + "".join(
    f"K{number},DI214,A,\n" for number in (1, 2, 3, 4)
)
LAB = f"pnr,samplingdate,analysiscode,value\n{B},2026-01-01,NPU01568,9\n{A},2026-03-01,NPU01568,1.6\n{D},2026-03-01\n"
MEDICINE = f"pnr,atc,eksd\n{A},C10AA05,2026-01-20\n"
PERSONS = "pnr,foed_dato,koen\n" + "".join(f"{pnr},1950-0{n}-0{n},1\n" for n, pnr in enumerate((A, B, C, D), 1))


def derived_home(folder: Path) -> Project:
    """A project with a key and the files of every source."""
    project = Project(folder / "home", EXPECTATIONS, folder / "key" / "key")
    make_key(project)
    lay_registers(project)
    lay(project, "dhrd", "manual", "syddanmark", "danheart.csv", forms())
    lay(project, "dhrd", "wsapi", "syddanmark", "SD-1.json", submission())
    return project


def run_of(project: Project, database: str = "dhrd") -> flow.Run:
    return flow.Run(project, database, DAY, NOON)


def through(run: flow.Run) -> Path:
    """The whole flow; the folder of its results."""
    flow.registers(run.project, NOON)
    for verb in (flow.receive, flow.conform, flow.validate, flow.reconcile, flow.explain, flow.report, flow.decide):
        verb(run)
    results = run.project.results(run.database)
    return results / (results / "latest").read_text().strip()


def lay(project: Project, database: str, source: str, region: str, name: str, text: str) -> Path:
    path = project.inbox(database) / source / region / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def lay_registers(project: Project) -> None:
    report = REPORT.read_text("utf-8").replace("2509479989", A).replace("2022-06-", "2026-03-")
    files = {
        ("lpr", "lpr_a_kontakt_2026-06-30.csv"): CONTACTS, ("lpr", "lpr_a_diagnose_2026-06-30.csv"): DIAGNOSES,
        ("lab", "lab_forsker_2026-06-30.csv"): LAB, ("lmdb", "lmdb_2026-06-30.csv"): MEDICINE,
        ("cpr", "bef_2026-06-30.csv"): PERSONS,
        ("municipal", "2.json"): report,
    }  # fmt: skip
    for (register, name), text in files.items():
        lay(project, "registers", register, "national", name, text)


# What was typed: A and B as they are registered, C on another day within the week.
TYPED = {
    "M1": (A, ODENSE, "05-01-2026", {"ldl_kolesterol": "1,6", "rygning": "smoker", "vaegt": "84,0"}),
    "M2": (B, ODENSE, "03-02-2026", {"ldl_kolesterol": "2,5", "rygning": "never"}),
    "M3": (C, ODENSE, "03-03-2026", {}),
}  # fmt: skip


def forms(typed: Mapping[str, tuple[str, str, str, dict[str, str]]] = TYPED) -> str:
    """An export of manual forms: id → person, unit, date and whatever else was typed."""
    spec = read_spec(EXPECTATIONS / "dhrd" / "specification.yaml")
    schema = read_source_schemas(EXPECTATIONS / "dhrd", spec)["manual", "1"]
    columns = [*schema.identity.values(), *schema.fields]
    rows = [
        {"forloeb_id": name, "cpr": cpr, "afdeling_shak": unit, "dato_for_indekshaendelsen": day,
         "indekshaendelse": "ami", "iskaemisk_hjertesygdom": "DI214"} | more
        for name, (cpr, unit, day, more) in typed.items()
    ]  # fmt: skip
    lines = [";".join(columns), *(";".join(row.get(name, "") for name in columns) for row in rows)]
    return "\n".join(lines) + "\n"


def submission(number: int = 1, **changed: object) -> str:
    """What the web service sent, each record on a line of its own from line 2: A (a day late), B unreadable, and
    one whom no register knows."""
    envelope = {
        "database": "dhrd", "schemaVersion": "1.0", "region": "syddanmark", "submissionId": f"SD-{number}",
        "sequenceNumber": number, "sentAt": "2026-04-01T02:10:00+01:00",
    }  # fmt: skip
    common = {"action": "create", "shak": ODENSE}
    records = [
        {"recordId": "W1", "cpr": A, "indexDate": "2026-01-06", "smoking": "smoker", "weight": 85.5} | changed,
        {"recordId": "W2", "cpr": B, "indexDate": "2026-02-03", "smoking": "smoker", "weight": "tung"},
        {"recordId": "W3", "cpr": STRANGER, "indexDate": "2026-02-03", "smoking": "smoker"},
    ]
    lines = ",\n".join(json.dumps(common | record) for record in records)
    return json.dumps(envelope)[:-1] + ', "records": [\n' + lines + "\n]}\n"
