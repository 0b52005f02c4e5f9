"""A municipal course enriches the records that hospital contacts make, and makes none: it is never a discrepancy."""

from __future__ import annotations

import polars as pl
from reports import CODES, RECEIVED, SECTION_119, SECTION_140

from pipelines.reconciliation.derive import derive
from pipelines.reconciliation.reconcile import reconcile
from pipelines.spec.model import DatabaseSpec
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.municipal import receive_municipal
from pipelines.warehouse.registers import prepare_registers
from pipelines.warehouse.settling import settle

HIP, DIABETES = "1502779995", "2509479989"
TRAINING = "2abe20c7-c0b4-41c1-b397-52acf36499ef"
TRAINED = {
    "municipal": TRAINING, "type": "planned_intervention",
    "window": {"after": "day", "days": [0, 90]}, "what": "yes_no",
}  # fmt: skip
SPEC = DatabaseSpec.model_validate(
    {
        "database": "small", "title": {"da": "Prøve"}, "official": False, "version": "1", "record": "et brud",
        "event_date": "day", "person_number": "other", "sides": {"reported": "kip", "new": "lpr"},
        "match": [{"rule": "same day", "on": ["person", "day"]}],
        "population": {"include": {"contact": {"contact_type": "ALCA00"}}},
        "variables": {
            "day": {"label": {"da": "Dag"}, "type": "date"},
            "trained": {"label": {"da": "Trænet"}, "type": "yes_no", "from": {"municipal": TRAINED}},
        },
    }
)  # fmt: skip
CONTACT = """
insert into contact_history by name select ? as contact_id, ? as person, ? as line, 'ALCA00' as contact_type,
    timestamp '2022-05-20 10:00' as starts, date '2022-06-30' as content_date, 'lpr_a' as variant,
    'lpr' as receipt_id, false as deleted
"""


def reconciled(*persons: str):
    """The hip fracture as typed in KIP, beside what these persons' contacts and both municipal courses make."""
    with in_memory() as warehouse:
        prepare_registers(warehouse)
        for path in [*SECTION_119, *SECTION_140]:
            receive_municipal(warehouse, CODES, path, RECEIVED)
        for number, person in enumerate(persons, 1):
            warehouse.connection.execute(CONTACT, [f"C-{number}", person, number])
        settle(warehouse.connection)
        derived = derive(warehouse.connection, SPEC)
    typed = derived.records.filter(person=HIP).with_columns(record_id=pl.lit("K-1"))
    return derived, reconcile(SPEC, typed, derived.records)


def test_a_municipal_course_without_a_hospital_contact_is_no_discrepancy():
    derived, found = reconciled(HIP)
    assert derived.records.select("person", "trained").rows() == [(HIP, "yes")]
    assert (found.unmatched.height, found.discrepancies.height) == (0, 0)


def test_a_hospital_contact_that_is_not_typed_still_is_one():
    """Beside the test above: it is the contact that makes a record, not the municipal course."""
    derived, found = reconciled(HIP, DIABETES)
    assert sorted(derived.records.select("person", "trained").rows()) == [(HIP, "yes"), (DIABETES, "no")]
    assert found.unmatched["side"].to_list() == ["new"]


def test_the_value_is_traced_to_the_line_of_the_report():
    derived, _ = reconciled(HIP)
    behind = derived.trace(derived.records["record_id"][0], "trained")
    assert behind.select("table", "line").rows() == [("municipal", 10)]
