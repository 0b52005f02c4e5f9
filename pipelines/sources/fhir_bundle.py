"""The parts of FHIR R4 that a municipal delivery report says and we use; everything else in a resource is left.

Profiles: hl7dk/kl-gateway-prevention (section 119) and hl7dk/kl-gateway-rehab (section 140).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

CPR = "urn:oid:1.2.208.176.1.2"
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,64}$")]


class Said(BaseModel):
    """A part of a resource; its errors never show what was said."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Coding(Said):
    system: str = ""
    code: str


class Concept(Said):
    coding: tuple[Coding, ...] = Field(min_length=1)


class Identifier(Said):
    system: str
    value: str


class Reference(Said):
    reference: str = ""

    @property
    def id(self) -> str:
        """The last part of `CarePlan/…` or of a whole address."""
        return self.reference.rpartition("/")[2]


class Extension(Said):
    valueReference: Reference | None = None


class Period(Said):
    start: str
    end: str | None = None


class Detail(Said):
    """What is planned; a planned intervention has a code here, a care plan has not."""

    code: Concept | None = None


class Activity(Said):
    detail: Detail = Detail()


class Resource(Said):
    """What every resource has that is about the citizen."""

    id: Id
    subject: Reference
    basedOn: tuple[Reference, ...] = ()
    extension: tuple[Extension, ...] = ()

    @property
    def part_of(self) -> str | None:
        """The plan or request that it is based on, said either way of the profiles."""
        said = [*self.basedOn, *(one.valueReference for one in self.extension if one.valueReference)]
        return said[0].id if said else None


class Patient(Said):
    resourceType: Literal["Patient"]
    id: Id
    identifier: tuple[Identifier, ...]

    @property
    def persons(self) -> list[str]:
        return [one.value for one in self.identifier if one.system == CPR]


class ServiceRequest(Resource):
    resourceType: Literal["ServiceRequest"]
    status: str
    code: Concept
    authoredOn: str


class CarePlan(Resource):
    """A course of care, or with a code in its activity one planned intervention."""

    resourceType: Literal["CarePlan"]
    status: str
    category: tuple[Concept, ...] = ()
    period: Period
    activity: tuple[Activity, ...] = ()

    @property
    def intervention(self) -> Concept | None:
        return next((one.detail.code for one in self.activity if one.detail.code), None)


class Encounter(Resource):
    resourceType: Literal["Encounter"]
    status: str
    kind: Coding = Field(alias="class")
    period: Period


class Condition(Resource):
    """A problem by FSIII, or the disease that is in focus, by SKS or ICPC-2."""

    resourceType: Literal["Condition"]
    code: Concept
    clinicalStatus: Concept | None = None
    verificationStatus: Concept | None = None
    recordedDate: str | None = None


Event = ServiceRequest | CarePlan | Encounter | Condition
EVENTS: dict[str, type[Event]] = {
    "ServiceRequest": ServiceRequest, "CarePlan": CarePlan, "Encounter": Encounter, "Condition": Condition,
}  # fmt: skip
