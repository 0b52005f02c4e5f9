"""Small files of the sample database, and how they are taken in."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.warehouse.ledger import Receipt
from pipelines.warehouse.receiving import receive

RECEIVED = dt.datetime(2026, 10, 1, 6)
CPR = "0101701234"


def record(number: int, action: str = "create", **fields: Any) -> dict[str, Any]:
    made = {"action": action, "recordId": f"W-{number}", "cpr": CPR, "shak": "8001101"}
    return made | {"startDate": "2026-03-01", "lvef": 30 + number} | fields


def delete(number: int) -> dict[str, Any]:
    return {"action": "delete", "recordId": f"W-{number}"}


def submission(folder: Path, sequence: int, records: Iterable[Mapping[str, Any]], **changes: Any) -> Path:
    """A WSAPI file with each record on its own line, the first on line 2."""
    envelope = {
        "database": "dhd", "schemaVersion": "1.1", "region": "nordjylland",
        "submissionId": f"NJ-{sequence:06}", "sequenceNumber": sequence,
        "sentAt": "2026-03-02T02:10:00+01:00",
    } | changes  # fmt: skip
    lines = ",\n".join(json.dumps(one) for one in records)
    path = folder / f"NJ-{sequence:06}.json"
    path.write_text(json.dumps(envelope)[:-1] + ', "records": [\n' + lines + "\n]}\n", encoding="utf-8")
    return path


def take_in(warehouse, spec, schemas, path: Path, source: str = "wsapi", region: str = "nordjylland") -> Receipt:
    return receive(warehouse, spec, schemas, path, source, region, RECEIVED)
