"""Municipal delivery reports of the common gateway (FHIR collection Bundles, classified by FSIII) as events.

One report is about one citizen. A later report says the same resource anew; `entered-in-error` retracts it.
FSIII codes are spelled in three ways (UUID, UUID with underscores, letters and digits of earlier versions): all
become the present UUID. Hospital diagnoses in focus keep their own code (SKS, ICPC-2).
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import ValidationError

from pipelines.project import InputError
from pipelines.sources.batch import Batch, Broken, Refused, broken_frame, decoded
from pipelines.sources.envelope import Placed, placed_apart, read_envelope
from pipelines.sources.fhir_bundle import EVENTS, CarePlan, Coding, Condition, Encounter, Event, Patient

FSIII = "urn:oid:1.2.208.176.2.21"
RETRACTED = "entered-in-error"
DANISH_TIME = ZoneInfo("Europe/Copenhagen")
COLUMNS = ("action", "municipal_id", "person", "kind", "code", "name", "starts", "ends", "status", "part_of")


@dataclass(frozen=True)
class MunicipalCode:
    """A code of FSIII or of the gateway. `kind`: what it may be said of; `section` of the law, where it has one."""

    code: str
    kind: str
    section: str
    name: str


@dataclass(frozen=True)
class MunicipalEvent:
    """One row of `municipal`, as text; times are Danish civil time."""

    action: str
    municipal_id: str
    person: str
    kind: str
    code: str
    name: str | None
    starts: str | None
    ends: str | None
    status: str | None
    part_of: str | None


class NotAnEvent(ValueError):
    """The rule that an entry breaks and the reason in Danish, without what it says."""


def read_codes(path: Path) -> dict[str, MunicipalCode]:
    """Every spelling of every code in a list with the columns code, earlier, kind, section and name."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    except OSError:
        raise InputError(f"{path} cannot be read: put the list of municipal codes there.") from None
    spelled = {}
    for row in rows:
        code = MunicipalCode(row["code"], row["kind"], row["section"], row["name"])
        for spelling in (row["code"], row["code"].replace("-", "_"), row["earlier"] or row["code"]):
            if spelled.setdefault(spelling, code) != code:
                raise InputError(f"{path}: two codes are spelled {spelling}; keep one of them.")
    return spelled


def read_fsiii(content: bytes, codes: Mapping[str, MunicipalCode]) -> Batch:
    """The report's events: line of the entry, action (create, or delete where it is retracted) and COLUMNS.

    Entries that are no event are in `broken`, with the line they begin on; citizen and organisations are no
    rows. Raises Refused where it is no report about exactly one citizen with exactly one CPR number.
    """
    bundle = read_envelope(decoded(content), list_key="entry")
    _hold_bundle(bundle)
    entries = [Placed(line, _resource(entry)) for line, entry in placed_apart(bundle["entry"])]
    citizen = _citizen(entries)
    rows, broken = [], []
    for line, resource in entries:
        if resource.get("resourceType") in ("Patient", "Organization"):
            continue
        try:
            rows.append((line, *astuple(_event(resource, citizen, codes))))
        except NotAnEvent as problem:
            broken.append(Broken(line, *problem.args))
    schema = {"line": pl.Int64} | dict.fromkeys(COLUMNS, pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return Batch("municipal", "R4", frame, broken_frame(broken), sent_at=bundle["timestamp"])


def _hold_bundle(bundle: Mapping[str, Any]) -> None:
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "collection" or "entry" not in bundle:
        raise Refused("not_the_format", "Filen er ikke en FHIR-samling (Bundle).", "The file is no FHIR collection.")
    if _moment(bundle.get("timestamp")) is None or "T" not in bundle["timestamp"]:
        raise Refused("not_the_format", "Samlingen siger ikke, hvornår den er sendt.", "The bundle has no timestamp.")


def _resource(entry: Any) -> dict[str, Any]:
    """The entry's resource, with the id that its address ends in where it has none of its own."""
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict):
        return {}
    address = entry.get("fullUrl")
    return {"id": address.rpartition("/")[2]} | resource if isinstance(address, str) else resource


def _citizen(entries: list[Placed]) -> Patient:
    said = [resource for _, resource in entries if resource.get("resourceType") == "Patient"]
    try:
        citizens = [Patient.model_validate(one) for one in said]
    except ValidationError:
        citizens = []
    if len(citizens) != 1 or len(citizens[0].persons) != 1:
        raise Refused(
            "citizen",
            "Samlingen handler ikke om netop én borger med netop ét CPR-nummer.",
            "The bundle is not about exactly one citizen with exactly one CPR number.",
        )
    return citizens[0]


def _event(resource: dict[str, Any], citizen: Patient, codes: Mapping[str, MunicipalCode]) -> MunicipalEvent:
    said = _parsed(resource)
    if said.subject.id != citizen.id:
        raise NotAnEvent("fsiii.subject", "Ressourcen handler ikke om samlingens borger.")
    kind, coding = _kind(said)
    starts, ends = _times(said)
    retracted = RETRACTED in (_status(said), _verification(said))
    known = _known(kind, coding, codes)
    return MunicipalEvent(
        action="delete" if retracted else "create",
        municipal_id=said.id,
        person=citizen.persons[0],
        kind=kind,
        code=known.code if known else coding.code,
        name=known.name if known else None,
        starts=_time(starts),
        ends=_time(ends),
        status=RETRACTED if retracted else _status(said),
        part_of=said.part_of,
    )


def _parsed(resource: dict[str, Any]) -> Event:
    model = EVENTS.get(str(resource.get("resourceType")))
    if model is None:
        raise NotAnEvent("fsiii.resource", "Posten er ikke en ressource, som en leverance har.")
    try:
        return model.model_validate(resource)
    except ValidationError as problem:
        where = next(str(part) for part in problem.errors(include_input=False)[0]["loc"])
        raise NotAnEvent("fsiii.resource", f"Ressourcens {where} mangler eller er forkert.") from None


def _kind(said: Event) -> tuple[str, Coding]:
    """What kind of event it is, and the code that says which."""
    match said:
        case CarePlan() if said.intervention:
            return "planned_intervention", said.intervention.coding[0]
        case CarePlan() if said.category:
            return "care_plan", said.category[0].coding[0]
        case CarePlan():
            raise NotAnEvent("fsiii.resource", "Ressourcens category mangler eller er forkert.")
        case Encounter():
            return "encounter", said.kind
        case Condition():
            coding = said.code.coding[0]
            return ("condition" if coding.system == FSIII else "focus_condition"), coding
    return "service_request", said.code.coding[0]


def _known(kind: str, coding: Coding, codes: Mapping[str, MunicipalCode]) -> MunicipalCode | None:
    """The code in its present spelling; contacts and hospital diagnoses have codes of other systems."""
    if kind in ("encounter", "focus_condition"):
        return None
    known = codes.get(coding.code)
    if known is None:
        raise NotAnEvent("fsiii.code", "Koden er ikke en kendt stavemåde af en kode i FSIII.")
    if known.kind != kind:
        raise NotAnEvent("fsiii.code", "Koden hører ikke til denne slags ressource.")
    return known


def _status(said: Event) -> str | None:
    if isinstance(said, Condition):
        return said.clinicalStatus.coding[0].code if said.clinicalStatus else None
    return said.status


def _verification(said: Event) -> str | None:
    """A condition says apart from its course whether it is true; other resources say all in their status."""
    concept = said.verificationStatus if isinstance(said, Condition) else None
    return concept.coding[0].code if concept else None


def _times(said: Event) -> tuple[str | None, str | None]:
    match said:
        case CarePlan() | Encounter():
            return said.period.start, said.period.end
        case Condition():
            return said.recordedDate, None
    return said.authoredOn, None


def _time(text: str | None) -> str | None:
    """A day or a moment as Danish civil time, `2022-06-10 14:10:00`."""
    if text is None:
        return None
    moment = _moment(text)
    if moment is None:
        raise NotAnEvent("fsiii.time", "Ressourcen har en tid, der ikke er en dato eller et tidspunkt.")
    return (moment.astimezone(DANISH_TIME) if moment.tzinfo else moment).strftime("%Y-%m-%d %H:%M:%S")


def _moment(text: Any) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
