"""A cause in one sentence, in Danish and English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.explain.kinds import KINDS
from pipelines.spec.clock import HOUR_BAND, WEEKDAY, WEEKDAYS
from pipelines.spec.model import DatabaseSpec, Variable

# Words that parameters take, in Danish; in English they stand as they are.
DANISH = {
    "rounded": "afrundet", "truncated": "afkortet", "month": "måned", "year": "år", "lost": "tabt", "added": "tilføjet",
    "case": "store og små bogstaver", "blanks": "blanktegn", "leading_zeros": "foranstillede nuller",
    "mojibake": "forkert tegnsæt", "leading_zero_lost": "foranstillet nul tabt", "digit_wrong": "ét ciffer forkert",
    "digits_transposed": "to cifre byttet om", "minus lost": "minus er tabt", "minus added": "minus er tilføjet",
    "flipped": "plus og minus byttet om", "first": "den første", "last": "den sidste", "lowest": "den laveste",
    "highest": "den højeste",
}  # fmt: skip
DANISH_WEEKDAY = dict(
    zip(WEEKDAYS, ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"), strict=True)
)
SIGNED = ("offset", "hours")
DAY = {"da": ("dag", "dage"), "en": ("day", "days")}
EMPTY = {"da": "tom", "en": "empty"}
AND = {"da": " og ", "en": " and "}
ATTRIBUTE = {
    "da": {
        "region": "{}", "unit": "enhed {}", "hospital": "hospital {}", "schema_version": "skema {}",
        "source_system": "system {}", "submission": "indberetning {}", "source_file": "fil {}",
        "age_band": "alder {}", "sex": "køn {}", WEEKDAY: "ugedag {}", HOUR_BAND: "kl. {}",
    },
    "en": {
        "region": "{}", "unit": "unit {}", "hospital": "hospital {}", "schema_version": "schema {}",
        "source_system": "system {}", "submission": "submission {}", "source_file": "file {}",
        "age_band": "age {}", "sex": "sex {}", WEEKDAY: "weekday {}", HOUR_BAND: "hours {}",
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
    named = _listed([words.variable(name, language) for name in variables], language)
    variable = words.spec.variables[variables[0]] if variables else None
    if "edge" in parameters:
        parameters = {"edge": ", ".join(f"{words.variable(n, language)} = {v}" for n, v in parameters["edge"].items())}
    values = {key: _shown(value, variable, language, key in SIGNED) for key, value in parameters.items()}
    if parameters.get("which") in words.spec.variables:
        values["which"] = words.variable(parameters["which"], language)
    if "days" in parameters:
        values["days"] = _days(parameters["days"], language)
    what = getattr(KINDS[kind], language).format(variable=named, **values)
    counted = COUNTED[language].format(explained=explained, in_slice=in_slice)
    said = f"{_where(where, words, language)}: {what} ({counted})."
    return said[0].upper() + said[1:]


def _where(where: Mapping[str, Any], words: Words, language: str) -> str:
    parts = []
    for name, value in sorted(where.items(), key=lambda item: item[0] == "period"):
        if name == "period":
            parts += [PERIOD[language][end].format(_date(day)) for end, day in value.items()]
        else:
            values = value if isinstance(value, list) else [value]
            said = _listed([_value(name, one, words, language) for one in values], language)
            parts.append(_attribute(name, words, language).format(said))
    return ", ".join(parts) or COUNTRY[language]


def value_in_words(spec: DatabaseSpec, name: str, value: str, language: str) -> str:
    """A weekday by its name, a code with its text; what is neither as it is."""
    if name == WEEKDAY and language == "da":
        return DANISH_WEEKDAY.get(value, value)
    return _code(value, spec.variables.get(name))


def _value(name: str, value: str, words: Words, language: str) -> str:
    said = value_in_words(words.spec, name, value, language)
    return said if name in words.spec.variables else words.place(said)


def _attribute(name: str, words: Words, language: str) -> str:
    named = words.variable(name, language) if name in words.spec.variables else name
    return ATTRIBUTE[language].get(name, named + " {}")


def _listed(texts: Sequence[str], language: str) -> str:
    """One, two and three."""
    return AND[language].join(part for part in (", ".join(texts[:-1]), texts[-1] if texts else "") if part)


def _shown(value: Any, variable: Variable | None, language: str, signed: bool = False) -> str:
    if isinstance(value, Mapping):
        return ", ".join(
            f"{_code(old, variable)} → {_code(new, variable) or EMPTY[language]}" for old, new in value.items()
        )
    if isinstance(value, float):
        text = f"{value:.10g}"
        return text.replace(".", ",") if language == "da" else text
    if isinstance(value, list):
        return _listed([str(one) for one in value], language)
    if isinstance(value, int):
        return f"{value:+d}" if signed else str(value)
    return DANISH.get(value, str(value)) if language == "da" else str(value).replace("_", " ")


def _days(days: int, language: str) -> str:
    """«+1 dag», «−3 dage»."""
    one, more = DAY[language]
    return f"{days:+d} {one if abs(days) == 1 else more}".replace("-", "−")


def _code(code: str | None, variable: Variable | None) -> str:
    """A code with its text, where the text says more."""
    text = (variable.missing | variable.domain).get(code or "") if variable else None
    return f"{code} ({text})" if text and text != code else "" if code is None else str(code)


def _date(day: str) -> str:
    return dt.date.fromisoformat(day).strftime("%d-%m-%Y")
