"""The corpus of malformed submissions (tests/data/nasty), laid in an inbox as this project receives files."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import flow
from pipelines.project import Project
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.frames import load
from pipelines.warehouse.key import make_key

FOLDER = Path(__file__).parents[1] / "data" / "nasty"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text("utf-8"))
RECEIVED = dt.datetime.fromisoformat(MANIFEST["rules"]["received_at"]).astimezone(dt.UTC).replace(tzinfo=None)
ACTIONS = {"ret": "correct", "slet": "delete"}


def project_in(folder: Path) -> Project:
    """A project whose one database is the corpus's own."""
    project = Project(folder / "home", FOLDER.parent, folder / "keys" / "key")
    make_key(project)
    return project


def run_of(project: Project) -> flow.Run:
    return flow.Run(project, "nasty", RECEIVED.date(), RECEIVED)


def lay(project: Project, name: str, content: bytes, source: str, region: str) -> Path:
    path = project.inbox("nasty") / source / region / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def arrive(project: Project, name: str, region: str) -> Path:
    """A file of the corpus on its channel: JSON through the web service, all else as a KIP export."""
    content = (FOLDER / name).read_bytes()
    if not name.endswith(".json"):
        return lay(project, name, content, "kip", region)
    return lay(project, name, in_our_envelope(content, name), "wsapi", region)


def in_our_envelope(content: bytes, name: str) -> bytes:
    """The corpus's envelope under this project's names, sign by sign: what is broken in it stays broken."""
    text = content.decode()
    said = re.search(r'"aendringstype": "(\w+)", ', text)
    sequence = "" if '"sekvens"' in text else '"sequenceNumber": 1, '
    before = f'{{"database": "nasty", "submissionId": "{name[:-5]}", "sentAt": "2025-06-01T12:00:00+02:00", {sequence}'
    ours = {"skema_version": "schemaVersion", "sekvens": "sequenceNumber", "raekker": "records"}
    text = text.replace(said[0], "") if said else text
    for theirs, our in ours.items():
        text = text.replace(f'"{theirs}": ', f'"{our}": ')
    action = ACTIONS[said[1]] if said else "create"
    text = re.sub(r'\{(?="(cpr|indberetnings_id)")', f'{{"action": "{action}", ', text)
    return (before + text[1:]).encode() if text.startswith('{"schemaVersion"') else text.encode()


def as_submission(content: bytes, sequence: int) -> bytes:
    """A CSV of the corpus as a submission with a sequence number, which a KIP export has not."""
    rows = list(csv.DictReader(io.StringIO(content.decode()), delimiter=";"))
    envelope: dict[str, Any] = {
        "database": "nasty", "schemaVersion": "1.0", "region": "1084", "submissionId": f"S-{sequence}",
        "sequenceNumber": sequence, "sentAt": "2025-06-01T12:00:00+02:00",
        "records": [{"action": "create"} | row for row in rows],
    }  # fmt: skip
    return json.dumps(envelope).encode()


def taken_in(project: Project) -> pl.DataFrame:
    """The receipts after the inbox was received, read and validated."""
    run = run_of(project)
    for verb in (flow.receive, flow.conform, flow.validate):
        verb(run)
    with open_warehouse(project, "nasty") as warehouse:
        return load(warehouse, "receipts")
