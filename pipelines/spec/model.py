"""The databasespecifikation as one immutable value. Everything else about a database follows from it.

The keys are public: others write specifications in them (docs/specification.md). Codes, versions and
field names are text and must be quoted in YAML; a number or `no` in their place is refused.
"""

# ruff: noqa: RUF012 (pydantic copies the default of a field for each value)
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.spec.derivation import TABLES as REGISTERS
from pipelines.spec.derivation import Derivation, Derivations, Population
from pipelines.spec.expressions import Condition, parse_condition
from pipelines.spec.primitives import Bound, Code, Frozen, Name, Number, Text, Validity
from pipelines.spec.published import Published, Volume

Days = Annotated[int, Field(ge=0)]
SourceName = Literal["kip", "wsapi", "lpr", "lab", "lmdb", "cpr", "dar", "municipal", "manual"]
VariableType = Literal["decimal", "integer", "yes_no", "code", "sks", "text", "date", "timestamp"]
RuleName = Literal[
    "required", "castable", "range", "allowed", "pattern", "valid", "future", "condition",
    "person", "check_digit", "test_person", "unit", "region", "record_id", "event_date",
]  # fmt: skip
Severity = Literal["error", "warning"]

# The columns every record has besides the specification's variables (house.md, "Command line").
IDENTITY = ("record_id", "person", "unit", "region")
ATTRIBUTES = (
    "hospital", "submission", "source_file", "schema_version", "source_system",
    "age_band", "sex", "retracted",
)  # fmt: skip


# Columns that the typed layer and the comparison add to every record.
RESERVED = frozenset({
    "receipt_id", "line", "action", "sequence", "same_id", "unit_region", "channel_region", "quarantined",
    "pair_id", "reported_id", "new_id", "rule", "date_offset_days", "period",
})  # fmt: skip
MADE_ENDS = ("_missing", "_uncast", "_reported", "_new", "_outcome", "_relevant")


class Label(Frozen):
    da: Text
    en: Text | None = None


class Compare(Frozen):
    """When a new value says the same as the reported one; at most one way besides exact equality."""

    absolute: Number | None = Field(None, ge=0)
    relative: Number | None = Field(None, ge=0)
    days: int | None = Field(None, ge=0)
    minutes: int | None = Field(None, ge=0)
    map: dict[Code, Code] | None = None  # accepted recodings, reported → new
    level: int | None = Field(None, ge=1)  # the number of leading characters of a code that count
    normalise: bool | list[Literal["case", "blanks", "leading_zeros"]] | None = None
    not_comparable: Text | None = None  # the reason why the migration changed the meaning

    @model_validator(mode="after")
    def one_way(self) -> Compare:
        if len(self.model_fields_set) > 1:
            raise ValueError("say one way of comparing, not several")
        return self


class Variable(Frozen):
    label: Label
    type: VariableType
    unit: Text | None = None
    range: tuple[Number, Number] | None = None
    values: dict[Code, Text] | None = None
    ordinal: bool = False
    pattern: Text | None = None
    codes: list[Code] | None = None  # sks: permitted codes, a trailing * means all below
    required: bool | dict[SourceName, bool] = False
    missing: dict[Code, Text] = {}
    only_if: Text | None = None  # relevant only where this condition holds
    compare: Compare = Compare()
    valid: Validity = Validity()
    severity: dict[RuleName, Severity] = {}
    why_source: Text | None = None
    from_: dict[SourceName, Derivations] = Field({}, alias="from")  # in this order: the first that finds counts
    published: Published | None = None

    def required_in(self, source: str) -> bool:
        return self.required if isinstance(self.required, bool) else self.required.get(source, False)

    def ways_from(self, sources: Collection[str]) -> tuple[Derivation, ...]:
        """The ways to derive it from these sources, in the order in which the specification says them."""
        return tuple(way for source, ways in self.from_.items() if source in sources for way in ways)

    @cached_property
    def register_ways(self) -> tuple[Derivation, ...]:
        return self.ways_from(REGISTERS)

    @property
    def domain(self) -> dict[str, str]:
        """Every permitted code with its text; a yes/no variable has the two."""
        return {"yes": "Ja", "no": "Nej"} if self.type == "yes_no" else (self.values or {})

    @property
    def numeric(self) -> bool:
        return self.type in ("decimal", "integer")

    @property
    def categorical(self) -> bool:
        return self.type in ("yes_no", "code")

    @model_validator(mode="after")
    def fits_its_type(self) -> Variable:
        if self.type == "code" and not self.values:
            raise ValueError("a variable of type code needs values")
        if self.values and self.type != "code":
            raise ValueError(f"values belong to type code, not {self.type}")
        if self.range and not self.numeric:
            raise ValueError(f"a range belongs to numbers, not {self.type}")
        if self.range and not self.range[0] <= self.range[1] < float("inf"):
            raise ValueError("the range begins after its end, or has none")
        if overlap := sorted(set(self.missing) & set(self.domain)):
            raise ValueError(f"'{overlap[0]}' is both a value and a missing code")
        if wrong := [kind for kind in self.compare.model_fields_set if self.type not in COMPARABLE[kind]]:
            raise ValueError(f"compare {wrong[0]} does not fit type {self.type}")
        for source, ways in self.from_.items():
            for way in ways:
                way.check(source, self.type, self.domain, self.missing)
        return self


_NUMBERS, _TEXTS = ("decimal", "integer"), ("code", "sks", "text", "yes_no")
COMPARABLE = {
    "absolute": _NUMBERS, "relative": _NUMBERS, "days": ("date", "timestamp"), "minutes": ("timestamp",),
    "map": _TEXTS, "level": ("sks", "code", "text"), "normalise": _TEXTS,
    "not_comparable": (*_NUMBERS, *_TEXTS, "date", "timestamp"),
}  # fmt: skip


class MatchRule(Frozen):
    """One stage of matching: equal on `on`, within so many days (or units) on `within`."""

    rule: Text
    on: tuple[Name, ...] = Field(min_length=1)
    within: dict[Name, int] = {}
    level: dict[Name, Annotated[int, Field(ge=1)]] = {}  # of a code in `on`: the leading characters that count
    identity: Literal["same", "damaged"] = "same"  # damaged: another person number, one slip of the hand away
    unambiguous: bool = False  # pair only records that have no other candidate at this stage

    @model_validator(mode="after")
    def keys_fit(self) -> MatchRule:
        if self.identity == "damaged" and "person" in self.on:
            raise ValueError("identity: damaged looks for another person number, so `on` may not name person")
        if strange := [name for name in self.level if name not in self.on]:
            raise ValueError(f"level names {strange[0]}, which is not in `on`")
        return self

    @field_validator("within", mode="before")
    @classmethod
    def read_days(cls, value: Any) -> Any:
        """`3 days` or 3."""
        return {name: _days(window) for name, window in value.items()} if isinstance(value, dict) else value


def _days(window: Any) -> Any:
    found = re.fullmatch(r"(\d+)\s*(days?)?", str(window))
    return int(found[1]) if found else window


class Indicator(Frozen):
    label: Label | None = None
    denominator: Text
    numerator: Text
    standard: Bound | None = None
    unknown: Text | None = None
    source: Text | None = None


class Gate(Frozen):
    """Conditions on intervals, judged at `confidence`; fewer than `minimum` observations cannot be judged."""

    completeness_of_new: Bound | None = None
    completeness_of_reported: Bound | None = None
    overlap: Bound | None = None
    agreement_each_variable: Bound | None = None
    completeness_each_unit: Bound | None = None
    agreement_each_unit: Bound | None = None
    unexplained: Bound | None = None
    signals: Bound | None = None
    confidence: float = Field(0.95, gt=0.5, lt=1)
    minimum: int = Field(20, ge=1)

    @property
    def conditions(self) -> dict[str, str]:
        names = [n for n in type(self).model_fields if n not in ("confidence", "minimum")]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


class Changeover(Frozen):
    """The parallel period (periode med dobbeltindberetning) of a region or unit, both days included."""

    new_from: dt.date | None = None
    kip_until: dt.date | None = None


class Use(Frozen):
    """Which source counts in deliveries, so that no course counts twice or not at all."""

    source: SourceName
    region: Code | None = None
    unit: Code | None = None
    from_: dt.date | None = Field(None, alias="from")
    fallback: SourceName | None = None


class Signals(Frozen):
    """Control charts of continued validation: at most one false signal per chart in `run_length` months."""

    run_length: int = Field(2000, ge=20)
    from_: dt.date | None = Field(None, alias="from")  # months before this expect nothing, as after a known change


class Sides(Frozen):
    reported: SourceName = "kip"
    new: SourceName = "wsapi"


class Rule(Frozen):
    """A condition across variables that every record must meet; unknown (null) does not break it."""

    holds: Text
    label: Label
    severity: Severity = "error"


class Field_(Frozen):
    """How one source field carries a variable: its own name for codes and missing, and its unit."""

    variable: Name
    values: dict[str, Code] = {}  # the source's word → the specification's code
    missing: dict[str, Code] = {}
    factor: Number = 1  # source value × factor = the specification's unit


class SourceSchema(Frozen):
    """One version of one source's format: WSAPI schema version, or KIP form version.

    The formats themselves are our assumption (not public); only this file and the adapter know them.
    """

    source: SourceName
    version: Text
    valid: Validity = Validity()
    notation: Literal["iso", "danish"] = "iso"  # danish: decimal comma, dd-mm-yyyy
    identity: dict[Name, Text]  # record_id, person, unit … → the source's field
    fields: dict[Text, Field_]

    @property
    def variables(self) -> dict[str, str]:
        """Variable → the source's field name."""
        return {field.variable: name for name, field in self.fields.items()}


class DatabaseSpec(Frozen):
    database: Name
    title: Label
    official: bool
    controller: Text | None = None
    version: Text
    status: Literal["draft", "hearing", "commenting", "provisional", "locked"] = "draft"
    record: Text
    event_date: Name
    person_number: Literal["cpr", "other"] = "cpr"  # other: the person column is not a CPR number
    severity: dict[RuleName, Severity] = {}  # for rules on the record itself (person, unit, …)
    sides: Sides = Sides()
    population: Population = Population()
    variables: dict[Name, Variable] = Field(min_length=1)
    rules: dict[Name, Rule] = {}
    match: tuple[MatchRule, ...] = Field(min_length=1)
    indicators: dict[Name, Indicator] = {}
    gates: dict[Name, Gate] = {}
    signals: Signals = Signals()
    changeover: dict[Code, Changeover] = {}
    use: tuple[Use, ...] = ()
    settling_days: Days | dict[SourceName, Days] = 0
    slices: tuple[Name, ...] = ()
    test_persons: Text | tuple[Code, ...] = ()
    units: Text | None = None  # the file of reporting units, beside the specification
    small_cells: int = Field(5, ge=3)  # counts from 1 to one less are hidden in what crosses regions
    published: Volume | None = None
    sources: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def names_are_known(self) -> DatabaseSpec:
        made = {f"{name}{end}" for name in (*self.variables, *IDENTITY) for end in MADE_ENDS} | RESERVED
        if taken := [name for name in (*self.variables, *self.slices) if name in made]:
            raise ValueError(f"{taken[0]} is the name of a column that the comparison itself adds: choose another")
        if strange := [n for n in self.slices if n in IDENTITY or self.slices.count(n) > 1]:
            raise ValueError(f"slices names {strange[0]}, which every record has already, or names it twice")
        if clash := sorted(set(self.variables) & {*IDENTITY, *ATTRIBUTES}):
            raise ValueError(f"variables.{clash[0]} has the name of a column that every record has")
        if measured := [n for n in self.slices if self._type_of(n) not in ("yes_no", "code", "sks", "text")]:
            raise ValueError(f"slices names {measured[0]}, which is a date or a number: name a code or a text")
        known = {*IDENTITY, *ATTRIBUTES, *self.slices, *self.variables, self.event_date}
        if (event := self.variables.get(self.event_date)) and event.type not in ("date", "timestamp"):
            raise ValueError(f"event_date: {self.event_date} is not a date")
        for number, rule in enumerate(self.match):
            if flat := [name for name in rule.within if self._type_of(name) in ("yes_no", "code", "sks", "text")]:
                raise ValueError(f"match.{number} has a window around {flat[0]}, which is neither a date nor a number")
            if uncoded := [n for n in rule.level if self._type_of(n) not in ("code", "sks", "text")]:
                raise ValueError(f"match.{number} has a level of {uncoded[0]}, which is no code")
            if strange := [name for name in (*rule.on, *rule.within) if name not in known]:
                raise ValueError(f"match.{number} names {strange[0]}, which is not a variable")
        self._anchors_are_dates()
        for where, text in self.condition_texts():
            try:
                self.condition(text)
            except ValueError as problem:
                raise ValueError(f"{where}: {problem}") from None
        return self

    def _type_of(self, name: str) -> str:
        undeclared = "date" if name == self.event_date else "text"
        return self.variables[name].type if name in self.variables else undeclared

    @cached_property
    def derived(self) -> tuple[str, ...]:
        """The variables that registers fill, the event date apart: that is the record's own."""
        return tuple(name for name, v in self.variables.items() if name != self.event_date and v.register_ways)

    def anchors_of(self, name: str) -> set[str]:
        """The other variables that the windows of a derived variable are anchored at."""
        windows = [way.window for ways in self.variables[name].from_.values() for way in ways if way.window]
        return {window.anchor for window in windows} - {"event", "end", self.event_date}

    def _anchors_are_dates(self) -> None:
        for name in self.variables:
            for anchor in sorted(self.anchors_of(name)):
                dated = self.variables.get(anchor)
                if dated is None or dated.type not in ("date", "timestamp") or not dated.from_:
                    raise ValueError(f"variables.{name}.from: {anchor} is no date derived from registers")
        try:
            TopologicalSorter({name: self.anchors_of(name) for name in self.variables}).prepare()
        except CycleError as problem:
            raise ValueError(f"variables.{problem.args[1][0]}.from: its window is anchored at itself") from None
        event = self.variables.get(self.event_date)
        if event and any(way.table != "event" for ways in event.from_.values() for way in ways):
            raise ValueError(f"variables.{self.event_date}.from: the population decides the event date, say event")

    def condition_texts(self) -> list[tuple[str, str]]:
        """Every condition the specification says, with the path of keys where it stands."""
        indicators = [
            (f"indicators.{name}.{part}", text)
            for name, indicator in self.indicators.items()
            for part in ("denominator", "numerator", "unknown")
            if (text := getattr(indicator, part))
        ]
        rules = [(f"rules.{name}.holds", rule.holds) for name, rule in self.rules.items()]
        relevant = [(f"variables.{name}.only_if", v.only_if) for name, v in self.variables.items() if v.only_if]
        return indicators + rules + relevant

    def condition(self, text: str) -> Condition:
        """A condition on the variables, their `<variable>_missing` codes and every record's columns."""
        return parse_condition(text, self.condition_columns)

    @cached_property
    def condition_columns(self) -> frozenset[str]:
        missing = {f"{name}_missing" for name in self.variables}
        return frozenset({*self.variables, *missing, *IDENTITY, *ATTRIBUTES, *self.slices, self.event_date})

    @property
    def compared(self) -> dict[str, Variable]:
        """The variables whose two sides are held side by side."""
        return {n: v for n, v in self.variables.items() if v.compare.not_comparable is None}

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns that stand beside the variables, and may explain a difference."""
        return (*ATTRIBUTES, *(name for name in self.slices if name not in self.variables))

    def settling(self, source: str) -> int:
        return self.settling_days if isinstance(self.settling_days, int) else self.settling_days.get(source, 0)

    @property
    def record_settles(self) -> int:
        """Days after the event date until every source of a record, on either side, counts as complete.

        A new side that is made of register events waits for each register that a compared variable is from, and
        for the web service where a compared variable is from none.
        """
        new = {self.sides.new}
        if self.sides.new in REGISTERS:
            own = [variable for name, variable in self.compared.items() if name != self.event_date]
            new |= {source for variable in own for source in variable.from_ or ("wsapi",)}
        return max(self.settling(source) for source in {self.sides.reported, *new})
