"""Planting faults one after another, and noting for each what it changed: the truth of the data."""

from __future__ import annotations

from collections.abc import Callable, Set

import polars as pl

from pipelines.project import InputError
from pipelines.synthetic import entry_faults, record_faults, value_faults
from pipelines.synthetic.faults import Planting
from pipelines.synthetic.file_faults import FILE_FAULTS, plant_in_files
from pipelines.synthetic.truth import Planted, planted_in_file, planted_in_records

Planter = Callable[[pl.DataFrame, Planting], pl.DataFrame]

PLANTERS: dict[str, Planter] = {
    **dict.fromkeys(value_faults.VALUE_FAULTS, value_faults.plant_in_values),
    "missing_in_new": value_faults.emptied,
    "missing_in_reported": value_faults.emptied,
    "missing_collapsed": value_faults.missing_collapsed,
    "variables_swapped": value_faults.variables_swapped,
    "wrong_pick": value_faults.wrong_pick,
    "constant_value": value_faults.constant_value,
    "unit_not_reporting": record_faults.not_sent,
    "period_gap": record_faults.not_sent,
    "submission_lost": record_faults.not_sent,
    "population_too_narrow": record_faults.not_sent,
    "retracted_kept": record_faults.retracted_kept,
    "duplicate_record": record_faults.duplicate_record,
    "submission_twice": record_faults.submission_twice,
    "test_persons": record_faults.test_persons,
    "unit_mapped_wrong": record_faults.unit_mapped_wrong,
    "person_id_damaged": record_faults.person_id_damaged,
    "cast_error": entry_faults.cast_error,
    "unknown_code": entry_faults.unknown_code,
    "out_of_range": entry_faults.out_of_range,
    "missing_required": entry_faults.missing_required,
    "future_date": entry_faults.future_date,
    "unknown_unit": entry_faults.unknown_unit,
    "foreign_unit": entry_faults.foreign_unit,
}
KINDS = frozenset(PLANTERS) | frozenset(FILE_FAULTS)


def plant(
    sides: dict[str, pl.DataFrame], plantings: dict[str, Planting], comparable: Set[int]
) -> tuple[dict[str, pl.DataFrame], list[Planted]]:
    """The two sides (`reported`, `new`) with every fault in records, and what each of them changed.

    Raises InputError where a kind is unknown or a fault changes nothing: it would be a truth nobody can find.
    """
    truths = []
    for fault_id, planting in plantings.items():
        fault = planting.fault
        if fault.kind not in KINDS:
            raise InputError(f"{fault_id}: {fault.kind} is no kind of fault; known: {', '.join(sorted(KINDS))}.")
        if fault.kind in FILE_FAULTS:
            continue
        before = sides[fault.side]
        after = _planted(fault_id, before, planting)
        touched = changed(before, after)
        if touched.is_empty():
            raise InputError(f"{fault_id} ({fault.kind}) changes nothing: its slice holds no such records.")
        sides = {**sides, fault.side: after}
        truths.append(planted_in_records(fault_id, planting, touched, comparable))
    return sides, truths


def _planted(fault_id: str, before: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """One fault planted; a library's own error would show values, so it is said in our words."""
    try:
        return PLANTERS[planting.fault.kind](before, planting)
    except (KeyError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError):
        raise InputError(
            f"{fault_id} ({planting.fault.kind}): its variable, slice or parameters do not fit the kind."
        ) from None


def plant_files(files: dict[str, bytes], plantings: dict[str, Planting]) -> tuple[dict[str, bytes], list[Planted]]:
    """The files with every fault in whole files, and what each of them changed."""
    truths = []
    for fault_id, planting in plantings.items():
        if planting.fault.kind in FILE_FAULTS:
            truths.append(planted_in_file(fault_id, planting, files))
            files = plant_in_files(files, planting)
    return files, truths


def changed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """record_id, course and submission of every record whose messages differ, are new or are gone."""
    fresh = [column for column in after.columns if column not in before.columns]
    before = before.with_columns(pl.lit(None, after.schema[column]).alias(column) for column in fresh)
    before = before.select(after.columns)
    gone = before.join(after, on=after.columns, how="anti", nulls_equal=True)
    come = after.join(before, on=after.columns, how="anti", nulls_equal=True)
    return pl.concat([come, gone]).unique("record_id", keep="first", maintain_order=True).sort("record_id")
