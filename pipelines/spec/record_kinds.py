"""The kinds of rule on the record itself: that it is identified, stands once, and who it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from pipelines.spec.constraint_kinds import OnVariable, Row, quoted
from pipelines.spec.person_number import (
    CPR,
    REPLACEMENT_CPR,
    birth_date,
    birth_date_sql,
    modulus_11_sql,
    passes_modulus_11,
)


@dataclass(frozen=True)
class Present(OnVariable):
    """A column that identifies the record is filled in."""

    kind: ClassVar[str] = "present"

    def sentence(self, language: str = "da") -> str:
        return {"da": "skal udfyldes", "en": "must be filled in"}[language]

    def violated(self, row: Row) -> bool:
        return not row.get(self.variable)

    def violation(self) -> str:
        return f"coalesce(cast(\"{self.variable}\" as varchar), '') = ''"

    def applies(self) -> str:
        return "true"


@dataclass(frozen=True)
class OncePerFile(OnVariable):
    """A record id stands once in a file.

    `same_id` is how many rows a row gives way to: every row of its id that says something else, and the
    earlier ones that say the same. So of exact copies the first stands; of rows that contradict one
    another none does, since nobody can know which is meant.
    """

    kind: ClassVar[str] = "unique"

    def sentence(self, language: str = "da") -> str:
        return {"da": "står flere gange i filen", "en": "stands several times in the file"}[language]

    def violated(self, row: Row) -> bool:
        return (row.get("same_id") or 0) > 0

    def violation(self) -> str:
        return "same_id > 0"


@dataclass(frozen=True)
class PersonNumber(OnVariable):
    """A CPR number with a real birth date, or a replacement number (erstatnings-CPR)."""

    kind: ClassVar[str] = "format"

    def sentence(self, language: str = "da") -> str:
        return {"da": "er ikke et gyldigt personnummer", "en": "is not a valid person number"}[language]

    def violated(self, row: Row) -> bool:
        person = row.get("person")
        if not person or re.fullmatch(REPLACEMENT_CPR, person):
            return False
        return re.fullmatch(CPR, person) is None or birth_date(person) is None

    def violation(self) -> str:
        return (
            f"person <> '' and not regexp_matches(person, '{REPLACEMENT_CPR}') and "
            f"(not regexp_matches(person, '{CPR}') or {birth_date_sql()} is null)"
        )

    def applies(self) -> str:
        return "person <> ''"


@dataclass(frozen=True)
class CheckDigit(OnVariable):
    """Modulus 11 fails, or a replacement number: only a warning, since valid numbers are issued without it
    (cpr.dk, personnumre uden kontrolciffer, since 1 October 2007)."""

    kind: ClassVar[str] = "check_digit"

    def sentence(self, language: str = "da") -> str:
        return {
            "da": "består ikke modulus 11 eller er et erstatnings-CPR",
            "en": "fails modulus 11 or is a replacement number",
        }[language]

    def violated(self, row: Row) -> bool:
        person = row.get("person") or ""
        if re.fullmatch(CPR, person):
            return not passes_modulus_11(person)
        return re.fullmatch(REPLACEMENT_CPR, person) is not None

    def violation(self) -> str:
        plain, replacement = (f"regexp_matches(person, '{pattern}')" for pattern in (CPR, REPLACEMENT_CPR))
        return f"({plain} and not {modulus_11_sql()}) or {replacement}"

    def applies(self) -> str:
        return " or ".join(f"regexp_matches(person, '{pattern}')" for pattern in (CPR, REPLACEMENT_CPR))


@dataclass(frozen=True)
class TestPerson(OnVariable):
    """A known test person; such records are not patients and are never delivered."""

    kind: ClassVar[str] = "test_person"
    persons: tuple[str, ...]

    def sentence(self, language: str = "da") -> str:
        return {"da": "tilhører en testperson", "en": "belongs to a test person"}[language]

    def violated(self, row: Row) -> bool:
        return row.get("person") in self.persons

    def violation(self) -> str:
        return f"person in ({', '.join(quoted(person) for person in self.persons)})"


@dataclass(frozen=True)
class KnownUnit(OnVariable):
    """The unit is one of the database's reporting units (`unit_region` is null where it is not)."""

    kind: ClassVar[str] = "known"

    def sentence(self, language: str = "da") -> str:
        return {"da": "er ikke en kendt enhed", "en": "is not a known unit"}[language]

    def violated(self, row: Row) -> bool:
        return bool(row.get("unit")) and not row.get("unit_region")

    def violation(self) -> str:
        return "unit <> '' and unit_region is null"

    def applies(self) -> str:
        return "unit <> ''"


@dataclass(frozen=True)
class OwnRegion(OnVariable):
    """The unit belongs to the region on whose channel the record came: the channel decides who speaks."""

    kind: ClassVar[str] = "region"

    def sentence(self, language: str = "da") -> str:
        return {"da": "hører til en anden region end afsenderen", "en": "belongs to another region"}[language]

    def violated(self, row: Row) -> bool:
        owner, sender = row.get("unit_region"), row.get("channel_region")
        return bool(owner and sender) and owner != sender

    def violation(self) -> str:
        return "unit_region <> channel_region"

    def applies(self) -> str:
        return "unit_region is not null and channel_region is not null"
