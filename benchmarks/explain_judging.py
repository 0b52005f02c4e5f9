"""Is a planted fault rightly named? Neither leniently, nor by what data cannot tell.

Slices are held against each other by the records in which the fault would show. Of what a fault made only what
would not have differed without it counts; of what a cause claims wrongly, noise that looks the same in the same
slice does not (an empty cell in a slice whose cells are all empty).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from benchmarks.explain_cases import Case
from benchmarks.explain_worlds import World, in_slice
from pipelines.explain.cause import Cause
from pipelines.reconciliation.compare import DISCREPANT, outcome
from pipelines.synthetic.faults import CLOCK

SAME_ROWS = 0.9  # Jaccard of the records of two slices that differ in days only
SAME_RECORDS = 0.98  # of two descriptions of the same records
SAME_NUMBER = 0.02  # relative
SAME_DAYS = 10  # of a lag, which is read off a curve
SEEN = 5  # records of a code before its place in a mapping is asked for
BOTH_SEEN = 6  # records of either sort before data tell that there are two
COPIES = ("submission_twice", "duplicate_record", "contact_split", "contact_merged")
PLACES = ("region", "hospital", "unit")  # a region may have but one of either
STRANGERS = ("population_too_wide", "retracted_kept", "test_persons")


@dataclass(frozen=True)
class Judge:
    """Of one fault: `clean` is the world before any fault, `after` the one that was explained."""

    case: Case
    clean: World
    after: World

    def names(self, cause: Cause) -> bool:
        return self.of_kind(cause) and self._same_slice(cause) and self._same_parameters(cause)

    def of_kind(self, cause: Cause) -> bool:
        return self._accepted(cause) and set(cause.variables) == set(self.case.truth.variables)

    # ------------------------------------------------------------ kinds

    def _accepted(self, cause: Cause) -> bool:
        """The kind itself; a more general one only where the data of this case cannot tell."""
        truth, told = self.case.truth, cause.parameters
        if cause.kind == truth.kind:
            return True
        mapping = dict(truth.parameters.get("mapping", {}))
        match truth.kind, cause.kind:
            case "constant_value", "code_recoded":
                return set(told["mapping"].values()) == {truth.parameters["value"]}
            case "code_recoded", "constant_value":
                others = set(self.touched_before[truth.variables[0]].drop_nulls()) - {told["value"]}
                return set(mapping.values()) == {told["value"]} and others <= set(mapping)
            case "code_recoded", "side_swapped":
                return mapping == {"h": "v", "v": "h"}
            case "missing_collapsed", "missing_in_new":
                return set(mapping.values()) == {None}
            case "decimal_lost", "unit_factor":
                return told["factor"] == 10 ** truth.parameters["digits"] and self._whole_numbers < BOTH_SEEN
            case "timezone_shift", "constant_offset":
                return self._fewer_season < BOTH_SEEN
            case "unit_not_reporting", "period_gap":
                return "period" in truth.slice
            case "submission_lost", "period_gap":
                return not self._hole
        return False

    @cached_property
    def touched_before(self) -> pl.DataFrame:
        """The new records of the slice as they were before the fault, where it could show."""
        frame = self._showing(self.case.before.sides.new)
        return frame.filter(in_slice(self.case.before, dict(self.case.truth.slice), frame))

    @cached_property
    def _whole_numbers(self) -> int:
        """Numbers without decimals in the slice, which lost nothing."""
        name, new = self.case.truth.variables[0], self.case.before.sides.new
        inside = new.filter(in_slice(self.case.before, dict(self.case.truth.slice), new))[name].drop_nulls()
        return int((inside == inside.round(0)).sum())

    @cached_property
    def _fewer_season(self) -> int:
        """Time stamps of the slice in the half of the year that has fewer of them."""
        moments = self.touched_before[self.case.truth.variables[0]].drop_nulls()
        summer = moments.dt.replace_time_zone("Europe/Copenhagen", ambiguous="earliest", non_existent="null")
        is_summer = (summer.dt.dst_offset().dt.total_minutes() > 0).fill_null(False)
        return min(int(is_summer.sum()), int((~is_summer).sum()))

    @cached_property
    def _hole(self) -> bool:
        """The numbers before and after that of the lost submission are there."""
        front, _, number = self.case.truth.parameters["submission"].rpartition("-")
        sent = set(self.case.before.sides.new["submission"].unique())
        return number.isdigit() and {f"{front}-{int(number) + n:0{len(number)}d}" for n in (-1, 1)} <= sent

    # ------------------------------------------------------------ slices

    def _showing(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records in which the fault would show."""
        able = self.case.affected
        return frame if able is None else frame.filter(able.fill_null(False))

    def _same_slice(self, cause: Cause) -> bool:
        """The same attributes and values, or a description as short of the same records."""
        truth, told = self.case.truth, _dated(cause.where)
        true = dict(truth.slice)
        if truth.kind == "submission_twice":
            return told in (true, dict(truth.parameters))
        if truth.kind == "unit_mapped_wrong" and told.get("unit") == truth.parameters["to"]:
            told |= {"unit": truth.parameters["from"]}
        if truth.kind == "population_too_wide":
            told = {name: value for name, value in told.items() if name != self.case.fault.variable}
        if truth.kind == "late_arrival":
            told.pop("period", None)
        frame = self.after.sides.new if truth.kind in STRANGERS else self._showing(self.case.before.sides.new)
        if truth.kind in STRANGERS:
            frame = frame.filter(pl.col("record_id").is_in(list(truth.new)))
        return self._alike(frame, told, true)

    def _alike(self, frame: pl.DataFrame, told: dict[str, Any], true: dict[str, Any]) -> bool:
        if any(name not in (*frame.columns, *CLOCK, "period") for name in told):
            return False
        one, two = (in_slice(self.after, where, frame) for where in (told, true))
        alike = int((one & two).sum()) / max(int((one | two).sum()), 1)
        same_values = _places(told) == _places(true)
        if same_values or self._by_place_and_days(told):
            return alike >= SAME_ROWS
        return alike >= SAME_RECORDS and len(told) <= len(true)

    def _by_place_and_days(self, told: dict[str, Any]) -> bool:
        """Typed records know no submission: of a lost one they can only tell where and when."""
        return self.case.truth.kind == "submission_lost" and set(told) in ({place, "period"} for place in PLACES)

    # ------------------------------------------------------------ parameters

    def _same_parameters(self, cause: Cause) -> bool:
        truth = self.case.truth
        if cause.kind != truth.kind:
            return True  # held against the truth where the kind was accepted
        true, told = dict(truth.parameters), dict(cause.parameters)
        if "mapping" in true and not self._same_mapping(told.get("mapping", true["mapping"])):
            return False
        single = {key: value for key, value in true.items() if key not in ("mapping", "from", "to")}
        if truth.kind == "unit_mapped_wrong":
            single = true
        if truth.kind == "sign_flipped":
            single = {"which": "minus added"}
        # A lag is read off few records: two standard errors of it are about 2 / √n of it.
        slack = {"lag": max(SAME_DAYS, 2 * true.get("lag", 0) / np.sqrt(max(truth.size, 1)))}
        return all(_same(told.get(key), value, slack.get(key, 0)) for key, value in single.items())

    def _same_mapping(self, told: dict[str, Any]) -> bool:
        """Every code that enough records show, and none that the fault leaves alone."""
        truth = self.case.truth
        true = dict(truth.parameters["mapping"])
        column = truth.variables[0] + ("_missing" if truth.kind == "missing_collapsed" else "")
        counts = dict(self.touched_before[column].value_counts().iter_rows())
        shown = {code for code in true if counts.get(code, 0) >= SEEN}
        return all(told.get(code, "absent") == true[code] for code in shown) and told.items() <= true.items()

    # ------------------------------------------------------------ discrepancies

    def counted(self, ids: pl.DataFrame, own: list[str]) -> tuple[int, int, int, int]:
        """(made by the fault, of these carrying its cause, claimed by the cause, of these wrongly)."""
        touched = ids.filter(self._about & self._of(self._touched))
        made = touched.join(
            self._differing_before, on=["reported_id", "new_id", "variable"], how="anti", nulls_equal=True
        )
        claimed = ids.filter(pl.col("cause_id").is_in(own))
        others = claimed.join(touched, on="discrepancy_id", how="anti").filter(~self._of(self._in_slice))
        return len(made), int(made["cause_id"].is_in(own).fill_null(False).sum()), len(claimed), len(others)

    @property
    def _about(self) -> pl.Expr:
        """Discrepancies of its variables; of whole records where it has none, or where it moves the key itself."""
        names, whole = self.case.truth.variables, pl.col("variable").is_null()
        of_variables = pl.col("variable").is_in(list(names)).fill_null(False)
        return of_variables if names and self.clean.spec.event_date not in names else of_variables | whole

    @staticmethod
    def _of(ids: frozenset[str]) -> pl.Expr:
        listed = pl.Series(sorted(ids), dtype=pl.String).implode()
        return pl.col("reported_id").is_in(listed).fill_null(False) | pl.col("new_id").is_in(listed).fill_null(False)

    @cached_property
    def _touched(self) -> frozenset[str]:
        """The records of the fault; of a copy its original too, since either may be the one that is surplus."""
        truth = self.case.truth
        originals = {i[2:].lstrip("0123456789") for i in truth.new | truth.reported if truth.kind in COPIES}
        return truth.new | truth.reported | originals

    @cached_property
    def _in_slice(self) -> frozenset[str]:
        """Every record of the true slice: noise in it may look just like the fault."""
        if self.case.truth.kind in STRANGERS:
            return frozenset()
        sides, where = self.case.before.sides, dict(self.case.truth.slice)
        return frozenset(
            i
            for frame in (sides.new, sides.reported)
            for i in frame.filter(in_slice(self.after, where, frame))["record_id"]
        )

    @cached_property
    def _differing_before(self) -> pl.DataFrame:
        """reported_id, new_id, variable of what differed, or stood alone, before any fault."""
        sides, names = self.clean.sides, self.case.truth.variables
        both = sides.reported.join(sides.new, on="course", suffix="_other")
        records = [] if names and self.clean.spec.event_date not in names else [self._alone(both)]
        return pl.concat([*(self._differing(both, name) for name in names), *records])

    def _differing(self, both: pl.DataFrame, name: str) -> pl.DataFrame:
        cells = both.select(
            pl.col("record_id").alias("reported_id"), pl.col("record_id_other").alias("new_id"),
            *(pl.col(f"{name}{part}{end}").alias(f"{name}{part}_{side}")
              for part in ("", "_missing") for end, side in (("", "reported"), ("_other", "new"))),
        )  # fmt: skip
        said = outcome(name, self.clean.spec.variables[name], cells.schema)
        return cells.filter(said.is_in(DISCREPANT)).select("reported_id", "new_id", variable=pl.lit(name))

    def _alone(self, both: pl.DataFrame) -> pl.DataFrame:
        """Whole records without a counterpart within the widest window."""
        day, sides = self.clean.spec.event_date, self.clean.sides
        window = max((days for rule in self.clean.spec.match for days in rule.within.values()), default=0)
        near = both.filter((pl.col(day) - pl.col(f"{day}_other")).dt.total_days().abs() <= window)
        nothing = pl.lit(None, pl.String)
        reported = sides.reported.filter(~pl.col("record_id").is_in(near["record_id"].implode()))
        new = sides.new.filter(~pl.col("record_id").is_in(near["record_id_other"].implode()))
        return pl.concat([
            reported.select(reported_id="record_id", new_id=nothing, variable=nothing),
            new.select(reported_id=nothing, new_id="record_id", variable=nothing),
        ])  # fmt: skip


def _dated(where: dict[str, Any]) -> dict[str, Any]:
    if "period" not in where:
        return dict(where)
    return where | {"period": {end: dt.date.fromisoformat(str(day)) for end, day in where["period"].items()}}


def _places(where: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in where.items() if name != "period"}


def _same(told: Any, true: Any, slack: float) -> bool:
    if isinstance(true, int | float) and isinstance(told, int | float):
        return abs(told - true) <= max(slack, SAME_NUMBER * abs(true))
    return told == true
