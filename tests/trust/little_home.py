"""A home with a database of two variables and two regions, small enough that hundreds of runs can be killed."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable
from pathlib import Path

from pipelines import flow
from pipelines.project import Project
from pipelines.warehouse.key import make_key

DATABASE = "little"
DAY, EARLIER = dt.date(2026, 9, 30), dt.date(2026, 6, 30)
VERBS = (flow.receive, flow.conform, flow.validate, flow.reconcile, flow.explain, flow.report, flow.decide)
REGIONS = ("nord", "syd")
RECORDS = 12  # a file's
SPECIFICATION = """
database: little
title: {da: Lille prøve}
official: false
version: "1"
record: one visit
event_date: visit
units: units.csv
variables:
  visit: {label: {da: Besøg}, type: date, required: true}
  weight: {label: {da: Vægt}, type: decimal, range: [30, 250]}
match: [{rule: same day, on: [person, visit]}]
gates:
  first_data: {completeness_of_new: ">= 0.90"}
"""
FORMAT = """
source: SOURCE
version: "1"
identity: {record_id: id, person: cpr, unit: unit}
fields: {besoeg: {variable: visit}, vaegt: {variable: weight}}
"""
Row = dict[str, str]


def little_home(folder: Path) -> Project:
    """The project, with a key and an empty inbox."""
    said = folder / "expectations" / DATABASE
    said.mkdir(parents=True)
    (said / "specification.yaml").write_text(SPECIFICATION, "utf-8")
    for source in ("kip", "wsapi"):
        (said / f"{source}-1.yaml").write_text(FORMAT.replace("SOURCE", source), "utf-8")
    units = [f"{number},{region},," for number, region in enumerate(REGIONS, 1)]
    (said / "units.csv").write_text("\n".join(["unit,region,valid_from,valid_until", *units, ""]), "utf-8")
    (said.parent / "codes").mkdir()
    names = [f"{region}: {{name: Region {region.title()}}}\n" for region in REGIONS]
    (said.parent / "codes" / "regions.yaml").write_text("".join(names), "utf-8")
    project = Project(folder / "home", said.parent, folder / "keys" / "key")
    make_key(project)
    return project


def deliver(project: Project, month: int) -> None:
    """Each region's forms and submission of a month of 2026; one file cannot be read, and one row is held back."""
    for unit, region in enumerate(REGIONS, 1):
        rows = list(_rows(month, unit))
        typed = [row | {"vaegt": str(number)} if number == 99 else row for number, row in enumerate(rows)]
        _lay(project, "kip", region, f"forms_{month}.csv", _as_csv(typed))
        _lay(project, "wsapi", region, f"S_{month}.json", _as_submission(rows, region, month))
    _lay(project, "kip", "nord", f"spoilt_{month}.csv", b"id;cpr\n1;2\n")


def _rows(month: int, unit: int) -> Iterable[Row]:
    for number in range(RECORDS):
        day = f"2026-{month:02}-{number + 1:02}"
        weight = "much" if number == 3 else str(60 + number + unit)
        yield {"id": f"{month}-{unit}-{number}", "cpr": f"{number + 1:02}01{month + 40:02}4{unit}00", "unit": str(unit),
               "besoeg": day, "vaegt": weight}  # fmt: skip


def _as_csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _as_submission(rows: list[Row], region: str, month: int) -> bytes:
    records = [{"action": "create"} | row | {"vaegt": "1" + row["vaegt"]} for row in rows[1:]]
    envelope = {
        "database": DATABASE, "schemaVersion": "1", "region": region, "submissionId": f"{region}-{month}",
        "sequenceNumber": month, "sentAt": f"2026-{month:02}-28T12:00:00+02:00", "records": records,
    }  # fmt: skip
    return json.dumps(envelope).encode()


def _lay(project: Project, source: str, region: str, name: str, content: bytes) -> None:
    path = project.inbox(DATABASE) / source / region / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run_of(project: Project, day: dt.date = DAY) -> flow.Run:
    return flow.Run(project, DATABASE, day, dt.datetime.combine(day, dt.time(12)))


def through(run: flow.Run) -> None:
    for verb in VERBS:
        verb(run)


def published(project: Project) -> Path:
    """The folder of the latest results."""
    results = project.results(DATABASE)
    return results / (results / "latest").read_text("utf-8").strip()


def little_home_with_files(folder: Path) -> Project:
    """The same with what the regions sent of one month."""
    project = little_home(folder)
    deliver(project, 4)
    return project
