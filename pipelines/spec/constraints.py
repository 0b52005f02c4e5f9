"""Every rule that a record of a database is held against, made from its specification."""

from __future__ import annotations

import datetime as dt
import re

from pipelines.spec.constraint_kinds import (
    Allowed,
    Castable,
    Constraint,
    Holds,
    InForce,
    InRange,
    Matches,
    NotInFuture,
    Required,
)
from pipelines.spec.expressions import Condition
from pipelines.spec.model import DatabaseSpec, Severity, Variable
from pipelines.spec.record_kinds import (
    CheckDigit,
    KnownUnit,
    OncePerFile,
    OwnRegion,
    PersonNumber,
    Present,
    TestPerson,
)

# What a person calls the columns that every record has.
RECORD_LABELS = {"record_id": "Post-id", "person": "Personnummer", "unit": "Enhed"}


def constraints_of(spec: DatabaseSpec, source: str, reference_date: dt.date | None) -> tuple[Constraint, ...]:
    """Every rule that a record from `source` is held against, in the order of the specification.

    Without a reference date nothing is known to lie in the future, and that rule is left out.
    """
    on_variables = [c for name in spec.variables for c in _on_variable(spec, name, source, reference_date)]
    return (*_on_record(spec), *on_variables, *_conditions(spec))


def reason_of(spec: DatabaseSpec, rule: Constraint) -> str:
    """The rule as a Danish sentence about its variable, such as `Højde skal ligge fra 120 til 220`."""
    if isinstance(rule, Holds):
        return rule.sentence()
    variable = spec.variables.get(rule.variable or "")
    label = variable.label.da if variable else RECORD_LABELS.get(rule.variable or "", "Dato")
    return f"{label} {rule.sentence()}"


def _on_record(spec: DatabaseSpec) -> list[Constraint]:
    def severity(kind: str, default: Severity = "error") -> Severity:
        return spec.severity.get(kind, default)

    rules: list[Constraint] = [
        Present("record_id", severity("record_id")),
        OncePerFile("record_id", severity("record_id")),
        Present("person", severity("person")),
    ]
    if spec.event_date not in spec.variables:
        rules.append(Present(spec.event_date, severity("event_date")))
    if spec.person_number == "cpr":
        rules += [
            PersonNumber("person", severity("person")),
            CheckDigit("person", severity("check_digit", "warning")),
        ]
    if spec.test_persons:
        rules.append(TestPerson("person", severity("test_person", "warning"), tuple(spec.test_persons)))
    if spec.units:
        rules += [KnownUnit("unit", severity("unit")), OwnRegion("unit", severity("region"))]
    return rules


def _on_variable(spec: DatabaseSpec, name: str, source: str, reference_date: dt.date | None) -> list[Constraint]:
    variable = spec.variables[name]

    def severity(kind: str, default: Severity = "error") -> Severity:
        return variable.severity.get(kind, default)

    only_if = spec.condition(variable.only_if) if variable.only_if else None
    rules: list[Constraint] = []
    if variable.required_in(source) or name == spec.event_date:
        rules.append(Required(name, severity("required"), only_if))
    if variable.type not in ("code", "sks", "text", "yes_no"):
        rules.append(Castable(name, severity("castable"), variable.type))
    if variable.range:
        rules.append(InRange(name, severity("range", "warning"), *variable.range))
    if variable.domain:
        rules.append(Allowed(name, severity("allowed"), tuple(variable.domain)))
    if form := matches_of(variable):
        rules.append(Matches(name, severity("pattern"), *form))
    if variable.valid.from_ or variable.valid.until:
        rules.append(InForce(name, severity("valid", "warning"), spec.event_date, variable.valid))
    if variable.type in ("date", "timestamp") and reference_date:
        rules.append(NotInFuture(name, severity("future"), reference_date))
    return rules


def matches_of(variable: Variable) -> tuple[str, str] | None:
    """The pattern of a text and how it is shown; SKS codes below a chapter are said with a star."""
    if variable.codes:
        parts = [re.escape(code.rstrip("*")) + ("[0-9A-Z]*" if code.endswith("*") else "") for code in variable.codes]
        return f"^(?:{'|'.join(parts)})$", ", ".join(variable.codes)
    if variable.type == "sks":
        return "^[A-Z][0-9A-Z]{1,9}$", "SKS-kode"
    return (
        (f"^(?:{ascii_classes(variable.pattern).removeprefix('^').removesuffix('$')})$", variable.pattern)
        if variable.pattern
        else None
    )


def ascii_classes(pattern: str) -> str:
    r"""A pattern with `\d` and `\w` written out, so that every regex engine takes them as ASCII only."""
    spelled = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \\t\\n\\r\\f\\v"}
    parts, inside = [], False
    for token in re.findall(r"\\.|.", pattern, re.DOTALL):
        inside = (inside or token == "[") and token != "]"
        known = spelled.get(token[1:]) if token[0] == "\\" else None
        parts.append(token if known is None else known if inside else f"[{known}]")
    return "".join(parts)


def _conditions(spec: DatabaseSpec) -> list[Constraint]:
    made = []
    for name, rule in spec.rules.items():
        condition = spec.condition(rule.holds)
        texts = (rule.label.da, rule.label.en or rule.label.da)
        made.append(Holds(_first_named(condition, spec), rule.severity, name, condition, texts))
    return made


def _first_named(condition: Condition, spec: DatabaseSpec) -> str:
    """The variable that stands first in a condition's text; a missing code belongs to its variable."""
    places = {column: re.search(rf"\b{column}\b", condition.text) for column in condition.columns}
    first = min(places, key=lambda column: places[column].start(), default="record_id")
    return first if first in spec.variables else first.removesuffix("_missing")
