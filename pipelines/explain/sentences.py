"""A cause in one sentence, in Danish and English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.spec.model import DatabaseSpec, Variable

WHAT = {
    "da": {
        "unit_factor": "{variable} er {factor} gange det manuelt indberettede (anden måleenhed)",
        "constant_offset": "{variable} er forskudt med {offset}",
        "date_shift": "{variable} er flyttet {days} dage",
        "code_recoded": "{variable} er omkodet: {mapping}",
        "missing_in_new": "{variable} mangler i den nye indberetning",
        "missing_in_reported": "{variable} mangler i den manuelle indberetning",
        "unit_not_reporting": "enheden indberetter ikke",
        "period_gap": "der mangler indberetninger",
        "submission_twice": "indberetningen er sendt to gange",
        "duplicate_record": "forløb er registreret to gange",
        "unit_mapped_wrong": "forløb fra enhed {from} står under enhed {to}",
        "test_persons": "testpersoner i driftsdata",
        "retracted_kept": "forløb, som kilden har trukket tilbage, tæller stadig med",
    },
    "en": {
        "unit_factor": "{variable} is {factor} times what was typed (another unit of measurement)",
        "constant_offset": "{variable} is moved by {offset}",
        "date_shift": "{variable} is moved {days} days",
        "code_recoded": "{variable} is recoded: {mapping}",
        "missing_in_new": "{variable} is missing in the new submission",
        "missing_in_reported": "{variable} is missing in the typed form",
        "unit_not_reporting": "the unit does not send",
        "period_gap": "submissions are missing",
        "submission_twice": "the submission was sent twice",
        "duplicate_record": "courses are registered twice",
        "unit_mapped_wrong": "courses of unit {from} stand under unit {to}",
        "test_persons": "test persons in production data",
        "retracted_kept": "records that their source has withdrawn still count",
    },
}
ATTRIBUTE = {
    "da": {
        "region": "{}", "unit": "enhed {}", "hospital": "hospital {}", "schema_version": "skema {}",
        "source_system": "system {}", "submission": "indberetning {}", "source_file": "fil {}",
        "age_band": "alder {}", "sex": "køn {}",
    },
    "en": {
        "region": "{}", "unit": "unit {}", "hospital": "hospital {}", "schema_version": "schema {}",
        "source_system": "system {}", "submission": "submission {}", "source_file": "file {}",
        "age_band": "age {}", "sex": "sex {}",
    },
}  # fmt: skip
COUNTRY = {"da": "Hele landet", "en": "The whole country"}
COUNTED = {"da": "{explained} af {in_slice}", "en": "{explained} of {in_slice}"}
PERIOD = {"da": {"from": "fra {}", "to": "til {}"}, "en": {"from": "from {}", "to": "to {}"}}


@dataclass(frozen=True)
class Words:
    """Names of variables (from the specification) and of regions and units (from the code lists)."""

    spec: DatabaseSpec
    regions: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def variable(self, name: str, language: str) -> str:
        label = self.spec.variables[name].label
        return (label.en if language == "en" else None) or label.da

    def place(self, code: str) -> str:
        """A region's name; a unit's name with its code; any other value as it is."""
        if code in self.units:
            return f"{self.units[code]} ({code})"
        return self.regions.get(code, code)


def sentence(
    kind: str,
    variables: Sequence[str],
    where: Mapping[str, Any],
    parameters: Mapping[str, Any],
    explained: int,
    in_slice: int,
    words: Words,
    language: str,
) -> str:
    """For instance: «Region Nordjylland, fra 01-03-2026: Vægt er 1000 gange det manuelt indberettede …: 412 af 415»."""
    named = " og ".join(words.variable(name, language) for name in variables)
    variable = words.spec.variables[variables[0]] if variables else None
    values = {key: _shown(value, variable, language) for key, value in parameters.items()}
    what = WHAT[language][kind].format(variable=named, **values)
    counted = COUNTED[language].format(explained=explained, in_slice=in_slice)
    said = f"{_where(where, words, language)}: {what} ({counted})."
    return said[0].upper() + said[1:]


def _where(where: Mapping[str, Any], words: Words, language: str) -> str:
    parts = []
    for name, value in sorted(where.items(), key=lambda item: item[0] == "period"):
        if name == "period":
            parts += [PERIOD[language][end].format(_date(day)) for end, day in value.items()]
        else:
            parts.append(ATTRIBUTE[language].get(name, name + " {}").format(words.place(value)))
    return ", ".join(parts) or COUNTRY[language]


def _shown(value: Any, variable: Variable | None, language: str) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_code(old, variable)} → {_code(new, variable)}" for old, new in value.items())
    if isinstance(value, float):
        text = f"{value:.10g}"
        return text.replace(".", ",") if language == "da" else text
    return f"{value:+d}" if isinstance(value, int) else str(value)


def _code(code: str | None, variable: Variable | None) -> str:
    """A code with its text, where the text says more."""
    text = variable.domain.get(code or "") if variable else None
    return f"{code} ({text})" if text and text != code else str(code)


def _date(day: str) -> str:
    return dt.date.fromisoformat(day).strftime("%d-%m-%Y")
