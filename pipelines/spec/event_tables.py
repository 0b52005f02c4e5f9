"""The event tables that every register is brought to: their columns, and what a later delivery replaces.

One set of tables for all registers and both LPR variants, so that derivation reads one shape only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# `week` is a text YYWW (sygesikring), the Monday of it in the table; `operator` and `number` are read
# out of the column `text`, which keeps what the register says.
Kind = Literal["text", "timestamp", "date", "decimal", "flag", "week", "operator", "number"]
SQL_TYPES: dict[Kind, str] = {
    "text": "varchar", "timestamp": "timestamp", "date": "date", "decimal": "double", "flag": "boolean",
    "week": "date", "operator": "varchar", "number": "double",
}  # fmt: skip


@dataclass(frozen=True)
class EventTable:
    """`columns`: name and kind. `entity`: the columns that name what a later delivery replaces as a whole
    (without the first of them a row is never replaced).

    `row` tells the rows of one entity apart within a delivery (a primary code and its tillægskoder share
    a procedure_id); where it is empty every line is a row of its own.
    """

    columns: dict[str, Kind]
    entity: tuple[str, ...]
    row: tuple[str, ...] = ()


EVENT_TABLES: dict[str, EventTable] = {
    "contact": EventTable(
        {
            "contact_id": "text", "course_id": "text", "person": "text", "unit": "text", "region": "text",
            "starts": "timestamp", "ends": "timestamp", "contact_type": "text", "priority": "text",
            "specialty": "text", "system": "text", "closed": "flag", "reported": "timestamp",
        },
        entity=("contact_id",),
        row=("contact_id",),
    ),
    "diagnosis": EventTable(
        {
            "contact_id": "text", "person": "text", "code": "text", "type": "text", "parent_code": "text",
            "parent_type": "text", "retracted": "flag", "system": "text", "reported": "timestamp",
        },
        entity=("contact_id",),
        row=("contact_id", "code", "type", "parent_code"),
    ),
    "procedure": EventTable(
        {
            "procedure_id": "text", "contact_id": "text", "course_id": "text", "person": "text", "code": "text",
            "type": "text", "parent_code": "text", "parent_type": "text", "starts": "timestamp",
            "ends": "timestamp", "unit": "text", "system": "text", "reported": "timestamp",
        },
        entity=("procedure_id",),
        row=("procedure_id", "code", "type", "parent_code"),
    ),
    "result": EventTable(
        {
            "result_id": "text", "contact_id": "text", "course_id": "text", "person": "text",
            "trigger_code": "text", "code": "text", "text": "text", "operator": "operator", "number": "number",
            "taken": "timestamp", "system": "text", "reported": "timestamp",
        },
        entity=("result_id", "contact_id"),
    ),
    "course": EventTable(
        {
            "course_id": "text", "health_course_id": "text", "person": "text", "unit": "text", "region": "text",
            "label": "text", "starts": "timestamp", "ends": "timestamp", "system": "text", "reported": "timestamp",
        },
        entity=("course_id",),
        row=("course_id",),
    ),
    "lab": EventTable(
        {
            "person": "text", "code": "text", "text": "text", "operator": "operator", "number": "number",
            "unit_of_measure": "text", "taken": "timestamp", "laboratory": "text",
        },
        entity=("person", "code", "taken", "laboratory"),
    ),
    "medicine": EventTable(
        {
            "person": "text", "atc": "text", "dispensed": "date", "packages": "decimal", "volume": "decimal",
            "item": "text", "indication": "text",
        },
        entity=("person", "atc", "dispensed"),
    ),
    "person": EventTable(
        {
            "person": "text", "birth_date": "date", "sex": "text", "died": "date", "emigrated": "date",
            "current_person": "text",
        },
        entity=("person",),
        row=("person",),
    ),
    "person_number": EventTable(
        {"person": "text", "current_person": "text"}, entity=("person",), row=("person", "current_person")
    ),
    "death": EventTable({"person": "text", "died": "date", "cause": "text"}, entity=("person",), row=("person",)),
    "service": EventTable(
        {"person": "text", "specialty": "text", "week": "week", "of_child": "flag"},
        entity=("person", "specialty", "week"),
    ),
    "municipal": EventTable(
        {
            "municipal_id": "text", "person": "text", "kind": "text", "code": "text", "starts": "timestamp",
            "ends": "timestamp", "status": "text", "reported": "timestamp",
        },
        entity=("municipal_id",),
        row=("municipal_id",),
    ),
}  # fmt: skip
