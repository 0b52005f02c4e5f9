"""A printed variable list → draft specifications, one per data set, for people to finish.

A draft takes over what the list says and no more: codes as they are spelt there, and no types, units or
ranges that it does not tell. Names are made valid; the original stands in a comment beside each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pipelines.project import InputError
from pipelines.spec.list_defects import concept
from pipelines.spec.model import ATTRIBUTES, IDENTITY
from pipelines.spec.variable_list import ListedVariable, VariableList

# Answers that say why there is none; what a code means beyond that is for people to say.
MISSING = {concept(said) for said in ("[Blank]", "Ikke relevant", "Uoplyst", "Ukendt", "Ikke vurderet")}
LETTERS = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa"})


def write_drafts(listed: VariableList, source: Path, out: Path) -> list[Path]:
    """A folder per data set under `out`, named after the list's file; what stands there is never overwritten."""
    names = {dataset: database_name(source, dataset) for dataset in listed.datasets}
    paths = {dataset: out / name / "specification.yaml" for dataset, name in names.items()}
    if taken := [path for path in paths.values() if path.exists()]:
        raise InputError(f"{taken[0]} is there already: name another folder.")
    for dataset, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draft(listed, dataset, names[dataset]), "utf-8")
    return list(paths.values())


def database_name(path: Path, dataset: str) -> str:
    """`2023-02-03_Variabeloversigt_DVDD.xlsx`, `default` → `dvdd_default`."""
    return valid_name(f"{path.stem.rsplit('_', 1)[-1]}_{dataset}")


def valid_name(name: str) -> str:
    """A name as specifications have them: `OrgId` → `org_id`, `BMI_gruppe` → `bmi_gruppe`."""
    apart = re.sub(r"(?<=[a-zæøå])(?=[A-ZÆØÅ][a-zæøå])", "_", name)
    plain = re.sub(r"[^a-z0-9]+", "_", apart.casefold().translate(LETTERS)).strip("_")
    return plain[:63] if plain[:1].isalpha() else f"v_{plain}"[:63]


def draft(listed: VariableList, dataset: str, database: str) -> str:
    """The specification of one data set as YAML text that read_spec reads; `database` is its name."""
    variables = [variable for variable in listed.variables if variable.dataset == dataset]
    names = _unique_names(variables)
    dates = [names[variable.row] for variable in variables if variable.is_date]
    event = next((name for name in dates if not name.startswith("foed")), "event_date")
    return "\n".join(
        [
            f"# A draft, taken over from a printed variable list (data set {_one_line(dataset)}); people finish it.",
            "# To be decided: what one record is, the event date, types, units, ranges and comparisons.",
            f"database: {database}",
            f"title: {{da: {_said(listed.title)}}}",
            "official: false",
            f"version: {_said(f'{listed.in_force or 0}')}",
            "status: draft",
            f"record: {_said(f'one line of the data set {dataset}')}",
            f"event_date: {event}",
            "variables:",
            *(line for variable in variables for line in _variable(variable, names[variable.row])),
            "match:",
            f"  - {{rule: same day, on: [person, {event}]}}",
            "",
        ]
    )


def _unique_names(variables: list[ListedVariable]) -> dict[int, str]:
    """A valid name for every line; one that is taken, or that every record has, gets a number."""
    taken = {*IDENTITY, *ATTRIBUTES}
    names = {}
    for variable in variables:
        wanted = name = valid_name(variable.name)
        number = 1
        while name in taken:
            number += 1
            name = f"{wanted[:60]}_{number}"
        names[variable.row] = name
        taken.add(name)
    return names


def _variable(variable: ListedVariable, name: str) -> Iterator[str]:
    texts = {code: variable.texts.get(code) or code for code in variable.codes}
    missing = {code: text for code, text in texts.items() if is_missing(code)}
    values = {code: text for code, text in texts.items() if code not in missing}
    coded = bool(values) and not variable.is_date
    yield f"  {name}:  # {_one_line(variable.name)}, row {variable.row}"
    yield f"    label: {{da: {_said(variable.label or variable.name)}}}"
    if variable.definition and variable.definition != variable.label:
        yield f"    # {_one_line(variable.definition)}"
    if variable.is_date and values:
        yield f"    # The list gives this date the codes {_one_line(', '.join(values))}."
    yield f"    type: {'date' if variable.is_date else 'code' if coded else 'text'}"
    if coded:
        yield f"    values: {_said(values)}"
    if missing:
        yield f"    missing: {_said(missing)}"
    if said := _validity(variable):
        yield f"    valid: {{{said}}}"


def is_missing(code: str) -> bool:
    return concept(code) in MISSING


def _validity(variable: ListedVariable) -> str:
    ends = (("from", variable.valid_from), ("until", variable.valid_until))
    return ", ".join(f"{end}: {day}" for end, day in ends if day)


def _one_line(text: str) -> str:
    """A comment ends where its line does, whatever the cell held."""
    return " ".join(text.split())


def _said(value: str | dict[str, str]) -> str:
    """A text, or codes with their texts, quoted as YAML reads them (JSON is YAML)."""
    return json.dumps(value, ensure_ascii=False)
