"""A specification on its way: what is doubtful in it before it is heard or locked, and the schema of its keys.

The reader (reading.read_spec) refuses what has no meaning. Lint looks for what has one, but hardly the
one that was meant; each check is a function that yields problems.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.constraints import matches_of
from pipelines.spec.model import DatabaseSpec, Severity, SourceSchema, Variable
from pipelines.spec.reading import line_of
from pipelines.spec.to_duckdb import typed_columns

Schemas = Mapping[tuple[str, str], SourceSchema]

# SAS, in which the analyses are written, cuts names there.
LONGEST_NAME = 32


@dataclass(frozen=True)
class Problem:
    """What is doubtful, and where: the path of keys in the specification, with its line where it is known.

    `where` begins with `<source>-<version>` where the problem stands in that file.
    """

    severity: Severity
    where: str
    sentence: str
    line: int | None = None


def lint(spec: DatabaseSpec, schemas: Schemas, path: Path | None = None) -> list[Problem]:
    """Every problem, errors first; with lines where `path`, the specification's file, is given."""
    found = chain.from_iterable(check(spec, schemas) for check in CHECKS)
    problems = sorted(found, key=lambda problem: (problem.severity, problem.where, problem.sentence))
    in_schemas = tuple(f"{source}-{version}" for source, version in schemas)
    if path is None:
        return problems
    return [
        problem
        if problem.where.startswith(in_schemas)
        else replace(problem, line=line_of(path, problem.where.split(".")))
        for problem in problems
    ]


def spec_schema() -> dict[str, Any]:
    """The JSON Schema of a specification's keys, as they are written in YAML."""
    return DatabaseSpec.model_json_schema(by_alias=True)


def _names(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    for name in spec.variables:
        if len(name) > LONGEST_NAME:
            yield Problem("warning", f"variables.{name}", f"The name has more than {LONGEST_NAME} characters.")


def _labels(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    labels = {name: variable.label.da.casefold().strip() for name, variable in spec.variables.items()}
    for name in _repeated(labels):
        yield Problem("warning", f"variables.{name}.label", "Another variable has the same label.")
    for name, indicator in spec.indicators.items():
        if indicator.label is None:
            yield Problem("warning", f"indicators.{name}", "The indicator has no label.")


def _codes(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    for name, variable in spec.variables.items():
        texts = {code: text.casefold().strip() for code, text in (variable.values or {}).items()}
        for code in _repeated(texts):
            yield Problem("error", f"variables.{name}.values.{code}", "Another code has the same text.")
        if len({_style(code) for code in texts}) > 1:
            yield Problem("warning", f"variables.{name}.values", "The codes are written in different styles.")


def _missing_codes(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    for name, variable in spec.variables.items():
        if variable.type == "yes_no" and "unknown" not in variable.missing:
            yield Problem("warning", f"variables.{name}.missing", "Yes/no without a code for unknown (uoplyst).")


def _values(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    """Comparisons, validity and patterns of each variable."""
    for name, variable in spec.variables.items():
        where = f"variables.{name}"
        if variable.type == "decimal" and not variable.compare.model_fields_set:
            yield Problem("warning", f"{where}.compare", "Decimals are compared without a tolerance.")
        valid = variable.valid
        if valid.from_ and valid.until and valid.until < valid.from_:
            yield Problem("error", f"{where}.valid", "The validity ends before it begins.")
        if not _pattern_can_be_read(variable):
            yield Problem("error", f"{where}.pattern", "The pattern is not a regular expression (RE2).")


def _published(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    for name, variable in spec.variables.items():
        share = (variable.published.share or {}) if variable.published else {}
        if share and abs(sum(share.values()) - 1) > 0.001:
            yield Problem("error", f"variables.{name}.published.share", "The shares do not sum to 1.")
        for code in share:
            if variable.domain and code not in variable.domain:
                yield Problem("error", f"variables.{name}.published.share.{code}", "The code is not a value.")
        for code in variable.published.missing if variable.published else ():
            if code not in variable.missing:
                where = f"variables.{name}.published.missing.{code}"
                yield Problem("error", where, "The code is not a missing code.")


def _standards(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    """Standards and gates are shares: 90 % is written 0.90."""
    standards = {f"indicators.{name}.standard": one.standard for name, one in spec.indicators.items()}
    gates = {
        f"gates.{name}.{asked}": bound for name, gate in spec.gates.items() for asked, bound in gate.conditions.items()
    }
    for where, bound in {**standards, **gates}.items():
        if bound and not 0 <= float(bound.lstrip("<>= ")) <= 1:
            yield Problem("error", where, "The limit is a share and must lie from 0 to 1.")


def _steps(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    """What a migration needs besides variables: gates, a parallel period, settling times."""
    if not spec.gates:
        yield Problem("warning", "gates", "No gate says when the new data may go on.")
    if not spec.changeover:
        yield Problem("warning", "changeover", "No parallel period: every record counts as comparable.")
    if not spec.settling_days:
        yield Problem("warning", "settling_days", "No settling time: late records count as missing.")
    for name, period in spec.changeover.items():
        if period.new_from and period.kip_until and period.kip_until < period.new_from:
            yield Problem("error", f"changeover.{name}", "Typing ends before the new source begins.")
    rules = {str(number): stage.rule for number, stage in enumerate(spec.match)}
    for number in _repeated(rules):
        yield Problem("error", f"match.{number}", "Another stage has the same name, and pairs carry it.")


def _use(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    """What counts in deliveries is said once for each place and day, and for every place."""
    said = {str(number): f"{use.region} {use.unit} {use.from_}" for number, use in enumerate(spec.use)}
    for number in _repeated(said):
        yield Problem("error", f"use.{number}", "Another line says the same place from the same day.")
    if spec.use and not any(use.region is None and use.unit is None and use.from_ is None for use in spec.use):
        yield Problem("warning", "use", "No line holds for every place and day: elsewhere no course counts.")
    for number, use in enumerate(spec.use):
        if use.fallback is None:
            yield Problem("warning", f"use.{number}", f"No fallback: a course that {use.source} lacks does not count.")
        if use.fallback == use.source:
            yield Problem("error", f"use.{number}.fallback", "The fallback is the source itself.")


def _reasons(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    """Registers are chosen first, WSAPI then, KIP last: what no register gives says why."""
    for name, variable in spec.variables.items():
        if not variable.from_ and not variable.why_source:
            yield Problem("warning", f"variables.{name}", "No register gives the variable, and no why_source says why.")


def _conditions(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    """Every condition is put to an empty typed table: its parts must fit the variables' types."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in typed_columns(spec).items())
    with duckdb.connect() as connection:
        connection.execute(f"create table typed ({columns})")
        for where, text in spec.condition_texts():
            try:
                connection.execute(f"select cast(({spec.condition(text).sql}) as boolean) from typed")
            except duckdb.Error:
                yield Problem("error", where, "The condition does not fit the types of its variables.")


def _carried(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    """Each variable comes from somewhere, and a compared one from both sides."""
    carried = {
        source: {name for (of, _), schema in schemas.items() if of == source for name in schema.variables}
        for source in {source for source, _ in schemas}
    }
    for name, variable in spec.variables.items():
        where = f"variables.{name}"
        if schemas and not variable.from_ and not any(name in names for names in carried.values()):
            yield Problem("error", where, "No source carries the variable.")
            continue
        for source in (spec.sides.reported, spec.sides.new):
            if name in spec.compared and name not in carried.get(source, {name}) and source not in variable.from_:
                yield Problem("warning", where, f"The variable is compared, but {source} does not carry it.")


def _formats(spec: DatabaseSpec, schemas: Schemas) -> Iterator[Problem]:
    """Each version of a format carries what is required, in words that mean codes of the specification."""
    for (source, version), schema in schemas.items():
        file = f"{source}-{version}"
        for column in ("record_id", "person"):
            if column not in schema.identity:
                yield Problem("error", f"{file}.identity", f"No field carries {column}.")
        for name, variable in spec.variables.items():
            if variable.required_in(source) and name not in schema.variables:
                yield Problem("error", f"{file}.fields", f"No field carries {name}, which {source} must fill in.")
        for name, field in schema.fields.items():
            variable = spec.variables[field.variable]
            yield from _words(f"{file}.fields.{name}", variable, field.values, field.missing)


def _words(where: str, variable: Variable, values: Mapping[str, str], missing: Mapping[str, str]) -> Iterator[Problem]:
    if strange := set(values.values()) - set(variable.domain):
        yield Problem("error", f"{where}.values", f"The code {min(strange)} is not a value of the variable.")
    if values and (unsaid := set(variable.domain) - set(values.values())):
        yield Problem("warning", f"{where}.values", f"No word means the code {min(unsaid)}.")
    if strange := set(missing.values()) - set(variable.missing):
        yield Problem("error", f"{where}.missing", f"The code {min(strange)} is not a missing code of the variable.")
    if unsaid := set(variable.missing) - set(missing.values()):
        yield Problem("warning", f"{where}.missing", f"No word means the missing code {min(unsaid)}.")


CHECKS: tuple[Callable[[DatabaseSpec, Schemas], Iterable[Problem]], ...] = (
    _names, _labels, _codes, _missing_codes, _values, _published, _standards, _steps, _use, _reasons,
    _conditions, _carried, _formats,
)  # fmt: skip


def _repeated(said: Mapping[str, str]) -> list[str]:
    """The keys whose text stands at another key too."""
    counts = Counter(said.values())
    return [key for key, text in said.items() if counts[text] > 1]


def _style(code: str) -> str:
    """How a code is written: which kinds of signs stand in it, such as letters in upper case, then digits."""
    kinds = re.sub("[0-9]+", "9", re.sub("[A-ZÆØÅ]+", "A", code))
    return re.sub("[a-zæøå]+", "a", kinds)


def _pattern_can_be_read(variable: Variable) -> bool:
    form = matches_of(variable)
    try:
        re.compile(form[0] if form else "")
        duckdb.execute(f"select regexp_matches('', {quoted(form[0] if form else '')})")
    except (re.error, duckdb.Error):
        return False
    return True
