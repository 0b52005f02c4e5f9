"""Faults planted in two canonical frames, on noise as it is, and the truth of what each of them made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic import plain_records, value_faults
from pipelines.synthetic.faults import Fault, Planting
from pipelines.synthetic.plain_sides import PlainSides
from pipelines.synthetic.streams import stream

RECODED = frozenset({"code_recoded"})
# More general names that are right too, where data alone cannot tell (the catalogue's own list).
GENERAL: Mapping[str, frozenset[str]] = {
    "side_swapped": RECODED, "inverted": RECODED, "code_truncated": RECODED, "code_prefix": RECODED,
    "text_form": RECODED,
    "missing_collapsed": frozenset({"code_recoded", "missing_in_new"}),
    "constant_value": frozenset({"code_recoded"}),
    "code_recoded": frozenset({"constant_value", "inverted", "side_swapped"}),
    "decimal_lost": frozenset({"unit_factor"}),
    "timezone_shift": frozenset({"constant_offset"}),
    "retracted_kept": frozenset({"population_too_wide"}),
    "boundary_off": frozenset({"population_too_narrow"}),
    "submission_twice": frozenset({"duplicate_record"}),
    "submission_lost": frozenset({"period_gap"}),
    "unit_not_reporting": frozenset({"period_gap"}),
    "person_id_changed": frozenset({"person_id_damaged"}),
}  # fmt: skip

VALUES: dict[str, Callable[[pl.DataFrame, Planting], pl.DataFrame]] = {
    **dict.fromkeys(value_faults.VALUE_FAULTS, value_faults.plant_in_values),
    "missing_in_new": value_faults.emptied,
    "missing_in_reported": value_faults.emptied,
    "missing_collapsed": value_faults.missing_collapsed,
    "constant_value": value_faults.constant_value,
    "variables_swapped": value_faults.variables_swapped,
    "wrong_pick": value_faults.wrong_pick,
    "stale_value": value_faults.stale_value,
}
KINDS = frozenset(VALUES) | frozenset(plain_records.PLANTERS)


@dataclass(frozen=True)
class Truth:
    """What an explanation must say, and which records it made differ: ids of each side."""

    kind: str
    variables: tuple[str, ...]
    slice: Mapping[str, Any]
    parameters: Mapping[str, Any]
    reported: frozenset[str]
    new: frozenset[str]

    @property
    def accepted(self) -> frozenset[str]:
        """The kind, and the more general ones."""
        return GENERAL.get(self.kind, frozenset()) | {self.kind}

    @property
    def size(self) -> int:
        return max(len(self.reported), len(self.new))


def plant_plain(
    spec: DatabaseSpec, sides: PlainSides, fault: Fault, variables: tuple[str, ...] = (), seed: int = 0
) -> tuple[PlainSides, Truth]:
    """The sides with one fault more, in each of `variables` (for faults in values), and its truth.

    Raises InputError where the kind is unknown.
    """
    if fault.kind not in KINDS:
        raise InputError(f"{fault.kind} is no kind of fault in plain files: choose one of {', '.join(sorted(KINDS))}.")
    planting = Planting(spec, fault, stream(seed, "plain", fault.kind), sides.reference_date, {})
    if fault.kind in plain_records.PLANTERS:
        after = plain_records.PLANTERS[fault.kind](sides, planting)
        return after, _truth(fault, (), *_touched(sides, after))
    before = getattr(sides, fault.side)
    after = before
    for name in variables:
        after = VALUES[fault.kind](after, _of_variable(planting, name))
    after = _in_most(before, after, planting)
    planted = replace(sides, **{fault.side: after})
    return planted, _truth(fault, variables, *_touched(sides, planted))


def _in_most(before: pl.DataFrame, after: pl.DataFrame, planting: Planting) -> pl.DataFrame:
    """The fault in the share of its records that the parameter `share` says; else in all."""
    share = planting.fault.parameters.get("share", 1.0)
    if share == 1.0:
        return after
    struck = pl.Series(planting.rng.random(len(after)) < share)
    return after.select(pl.when(struck).then(after[name]).otherwise(before[name]).alias(name) for name in after.columns)


def _of_variable(planting: Planting, name: str) -> Planting:
    fault = planting.fault.model_copy(update={"variable": name})
    return Planting(planting.spec, fault, planting.rng, planting.reference_date, planting.short_names)


def _touched(before: PlainSides, after: PlainSides) -> tuple[frozenset[str], frozenset[str]]:
    """The ids of records that came, went or changed, and of their courses on the other side."""
    reported, new = (_differing(getattr(before, side), getattr(after, side)) for side in ("reported", "new"))
    of_course = pl.concat([before.new, after.new]).filter(pl.col("record_id").is_in(new.implode()))["course"]
    gone = before.new.join(after.new, on="record_id", how="anti")["course"]
    courses = pl.concat([of_course, gone]).unique()
    other = after.reported.filter(pl.col("course").is_in(courses.implode()))["record_id"]
    return frozenset(reported) | frozenset(other), frozenset(new)


def _differing(before: pl.DataFrame, after: pl.DataFrame) -> pl.Series:
    if before is after:
        return pl.Series([], dtype=pl.String)
    return after.join(before, on=after.columns, how="anti", nulls_equal=True)["record_id"]


def _truth(fault: Fault, variables: tuple[str, ...], reported: frozenset[str], new: frozenset[str]) -> Truth:
    other = (fault.parameters["other"],) if fault.kind == "variables_swapped" else ()
    parameters = {key: value for key, value in fault.parameters.items() if key not in ("other", "share", "written")}
    return Truth(fault.kind, (*variables, *other), fault.slice, parameters, reported, new)
