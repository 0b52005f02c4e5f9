"""A fault that a migration may bring: its kind, where it strikes, and with which parameters.

Kinds, slices and parameters are said in the words of causes.json, so that a truth and a cause can be held
side by side.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from pipelines.project import InputError
from pipelines.spec.clock import BAND_OF_HOUR, HOUR_BAND, WEEKDAY, WEEKDAYS
from pipelines.spec.model import DatabaseSpec, Frozen, Name, Text
from pipelines.spec.reading import read_model

# What a slice may name of an event that is no column.
CLOCK = {
    WEEKDAY: lambda event: event.dt.weekday().replace_strict(dict(enumerate(WEEKDAYS, 1)), default=None),
    HOUR_BAND: lambda event: event.dt.hour().replace_strict(dict(enumerate(BAND_OF_HOUR)), default=None),
}


class Fault(Frozen):
    """One fault. `slice` is {attribute: value, list of values or prefix*}, `period` is {from, to} of the
    event date (inclusive, either may be missing); an empty slice is the whole country."""

    kind: Name
    side: Literal["reported", "new"] = "new"
    variable: Name | None = None
    slice: dict[Name, Any] = Field({})
    parameters: dict[Name, Any] = Field({})


class Plan(Frozen):
    """Everything that synthetic data are made from beside the specification."""

    seed: int
    scale: float = 1.0
    from_date: dt.date
    reference_date: dt.date
    takes_up: dict[Text, list[Text]] = Field({})  # schema version → the regions that use it; else all
    faults: tuple[Fault, ...] = ()


def read_plan(path: Path) -> Plan:
    """A plan in YAML (sample_data/faults.yaml). Raises InputError with file and line."""
    return read_model(path, Plan)


@dataclass(frozen=True)
class Planting:
    """What a planter needs to know: the fault, its own random numbers, and the setting."""

    spec: DatabaseSpec
    fault: Fault
    rng: np.random.Generator
    reference_date: dt.date
    short_names: Mapping[str, str]  # region → prefix of its ids

    def parameter(self, name: str, default: Any = None) -> Any:
        """A parameter of the fault; one without a default must be said."""
        if name not in self.fault.parameters and default is None:
            raise InputError(f"The fault {self.fault.kind} needs the parameter {name}.")
        return self.fault.parameters.get(name, default)

    @property
    def variable(self) -> str:
        if self.fault.variable not in self.spec.variables:
            raise InputError(f"The fault {self.fault.kind} needs a variable of {self.spec.database}.")
        return self.fault.variable

    def in_slice(self, frame: pl.DataFrame) -> pl.Series:
        """True for each row of the slice."""
        tests = [_test(frame, self.spec, name, wanted) for name, wanted in self.fault.slice.items()]
        everywhere = pl.repeat(True, frame.height, eager=True)
        return frame.select(pl.all_horizontal(everywhere, *tests).alias("in_slice"))["in_slice"]

    def records_in_slice(self, frame: pl.DataFrame) -> pl.Expr:
        """True for every message of a record that has a message in the slice."""
        return pl.col("record_id").is_in(frame.filter(self.in_slice(frame))["record_id"].unique().to_list())


def _test(frame: pl.DataFrame, spec: DatabaseSpec, name: str, wanted: Any) -> pl.Expr:
    if name == "period":
        day = pl.col(spec.event_date).cast(pl.Date)
        return day.is_between(wanted.get("from", dt.date.min), wanted.get("to", dt.date.max))
    if name not in frame.columns and name not in CLOCK:
        raise InputError(f"A fault's slice names {name}, which the records do not have.")
    column = pl.col(name).cast(pl.String) if name in frame.columns else CLOCK[name](pl.col(spec.event_date))
    options = [str(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
    return pl.any_horizontal(
        column.str.starts_with(value[:-1]) if value.endswith("*") else column == value for value in options
    ).fill_null(False)
