"""The truth beside synthetic data: every planted fault, what it changed, and where it must be reported."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.synthetic.faults import Fault, Planting

COLUMNS = (
    "database", "fault_id", "kind", "reported_in", "side", "variable", "slice", "parameters", "rule", "records", "n",
    "comparable",
)  # fmt: skip

# The rule that finds an entry (its id in pipelines/spec/constraints.py), or the verdict on a file.
RULES = {
    "cast_error": "{variable}.castable", "out_of_range": "{variable}.range",
    "missing_required": "{variable}.required", "future_date": "{variable}.future",
    "unknown_unit": "unit.known", "foreign_unit": "unit.region", "test_persons": "person.test_person",
}  # fmt: skip
VERDICTS = {
    "same_file_twice": "duplicate", "unknown_schema_version": "refused", "broken_json": "refused",
    "wrong_delimiter": "refused",
}  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """One line of truth.csv. `records` are ids where single records are found, else empty; `n` counts the
    records changed (or the lines of a file), `comparable` those that have a counterpart to differ from."""

    fault_id: str
    kind: str
    reported_in: str
    side: str
    variable: str | None
    slice: Mapping[str, Any]
    parameters: Mapping[str, Any]
    rule: str | None
    records: tuple[str, ...]
    n: int
    comparable: int


def planted_in_records(fault_id: str, planting: Planting, touched: pl.DataFrame, comparable: Set[int]) -> Planted:
    """The truth of a fault that changed the records `touched` (record_id, course, submission)."""
    fault, rule = planting.fault, rule_of(planting)
    reported_in = "findings" if rule and fault.kind != "test_persons" else "causes"
    where, parameters = dict(fault.slice), dict(fault.parameters)
    if fault.kind == "submission_twice":
        parameters = {"submission": touched["submission"][0]}
        where = {"region": touched["region"][0], **where, **parameters}
    return Planted(
        fault_id, fault.kind, reported_in, fault.side, fault.variable, where, parameters, rule,
        tuple(touched["record_id"]) if rule else (),
        touched.height, touched["course"].is_in(list(comparable)).sum(),
    )  # fmt: skip


def rule_of(planting: Planting) -> str | None:
    """The rule that finds the fault record by record, where one does."""
    fault = planting.fault
    if fault.kind == "unknown_code":
        domain = planting.spec.variables[planting.variable].domain
        return f"{fault.variable}.{'allowed' if domain else 'pattern'}"
    if fault.kind == "person_id_damaged":
        return "person.format" if fault.parameters.get("damage") == "leading_zero_lost" else None
    return RULES[fault.kind].format(variable=fault.variable) if fault.kind in RULES else None


def planted_in_file(fault_id: str, planting: Planting, files: Mapping[str, bytes]) -> Planted:
    """The truth of a fault in a whole file: the verdict its receipt must carry."""
    fault = planting.fault
    lines = files.get(planting.parameter("file"), b"").count(b"\n")
    return Planted(
        fault_id, fault.kind, "receipts", fault.side, None, dict(fault.slice), dict(fault.parameters),
        VERDICTS[fault.kind], (), lines, 0,
    )  # fmt: skip


def not_in_schema(
    spec: DatabaseSpec,
    schemas: Mapping[tuple[str, str], SourceSchema],
    reported: SourceSchema,
    new: pl.DataFrame,
    comparable: Set[int],
) -> list[Planted]:
    """Variables that are typed but that a schema version in use cannot carry: missing in new by design."""
    truths = []
    for version in new["schema_version"].unique().sort():
        carried = schemas[spec.sides.new, version].variables
        records = new.filter(schema_version=version).unique("record_id", maintain_order=True)
        for variable in spec.compared:
            if variable in reported.variables and variable not in carried:
                fault = Fault(kind="missing_in_new", variable=variable, slice={"schema_version": version})
                truths.append(_by_design(f"S{len(truths) + 1:02d}", fault, records, comparable))
    return truths


def _by_design(fault_id: str, fault: Fault, records: pl.DataFrame, comparable: Set[int]) -> Planted:
    return Planted(
        fault_id, fault.kind, "causes", "new", fault.variable, fault.slice, {}, None, (),
        records.height, records["course"].is_in(list(comparable)).sum(),
    )  # fmt: skip


def truth_csv(truths: Mapping[str, Sequence[Planted]]) -> str:
    """The text of truth.csv for each database's faults; slice, parameters and records as JSON (records: ids, or
    their number)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for database, planted in sorted(truths.items()):
        for truth in sorted(planted, key=lambda truth: truth.fault_id):
            writer.writerow((database, *(_cell(truth, column) for column in COLUMNS[1:])))
    return text.getvalue()


def _cell(truth: Planted, column: str) -> Any:
    value = getattr(truth, column)
    if column == "records":
        value = list(value) if truth.rule and value else truth.n
    if column in ("slice", "parameters", "records"):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return "" if value is None else value
