"""Municipal delivery reports: one FHIR collection for each citizen, an entry a line."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence

from pipelines.synthetic.events import Event
from pipelines.synthetic.registers import by_person

CPR = "urn:oid:1.2.208.176.1.2"
FSIII = "urn:oid:1.2.208.176.2.21"
COMMON = "http://fhir.kl.dk/term/CodeSystem/KLCommonCodes"


def municipal_files(events: Sequence[Event], content_date: dt.date, series: str = "") -> dict[str, bytes]:
    """The municipal events as reports, by path; a file's name says nothing of the citizen. Reports are numbered
    within their `series`."""
    citizens = sorted(by_person([event for event in events if event.table == "municipal"]).items())
    return {
        f"registers/municipal/national/report_{series}{number:05d}_{content_date}.json": _bundle(
            f"b{series}{number}", person, own, content_date
        )
        for number, (person, own) in enumerate(citizens, 1)
    }


def _bundle(key: str, person: str, events: Sequence[Event], content_date: dt.date) -> bytes:
    citizen = {"resourceType": "Patient", "id": key, "identifier": [{"system": CPR, "value": person}]}
    plans = [
        _care_plan(f"{key}-{place}", f"Patient/{key}", event)
        for place, event in enumerate(sorted(events, key=lambda one: one.tie), 1)
    ]
    lines = ",\n".join(json.dumps({"resource": one}, ensure_ascii=False) for one in (citizen, *plans))
    sent = f"{content_date}T04:00:00Z"
    return (
        f'{{"resourceType": "Bundle", "type": "collection", "timestamp": "{sent}", "entry": [\n{lines}\n]}}\n'.encode()
    )


def _care_plan(number: str, citizen: str, event: Event) -> Mapping:
    """A course of care, or one planned intervention of it."""
    said = {"resourceType": "CarePlan", "id": number, "status": "active", "intent": "plan",
            "period": {"start": str(event.starts.date())}, "subject": {"reference": citizen}}  # fmt: skip
    if event.type == "care_plan":
        return said | {"category": [{"coding": [{"system": COMMON, "code": event.code}]}]}
    coding = {"coding": [{"system": FSIII, "code": event.code}]}
    return said | {"activity": [{"detail": {"code": coding, "status": "in-progress"}}]}
