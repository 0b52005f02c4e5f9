"""The Danish person number (CPR) and its replacements: form, birth date, modulus 11."""

from __future__ import annotations

import datetime as dt

# HL7 Denmark's patterns (dk-core, CC0-1.0): CPR; X-eCPR (national) and D-eCPR (regional) replacement numbers.
_DAY_MONTH = "(((0[1-9]|[12][0-9]|3[01])(0[13578]|10|12))|((0[1-9]|[12][0-9]|30)(0[469]|11))|((0[1-9]|[12][0-9])02))"
CPR = f"^{_DAY_MONTH}[0-9]{{6}}$"
REPLACEMENT_CPR = f"^{_DAY_MONTH}[0-9]{{2}}[015-7][A-Z]{{2}}[0-9]$"
# The weights of modulus 11 (cpr.dk, opbygning af CPR-nummeret).
MODULUS_11 = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)


def birth_date(person: str) -> dt.date | None:
    """The date in a CPR number; digit 7 decides the century (CPR's own table), None where it is no date."""
    day, month, year, seventh = int(person[:2]), int(person[2:4]), int(person[4:6]), int(person[6])
    try:
        return dt.date(_century(seventh, year) + year, month, day)
    except ValueError:
        return None


def _century(seventh: int, year: int) -> int:
    if seventh <= 3:
        return 1900
    if seventh in (4, 9):
        return 2000 if year <= 36 else 1900
    return 2000 if year <= 57 else 1800


def birth_date_sql(column: str = "person") -> str:
    """The same date in SQL; null for replacement numbers and impossible dates."""
    seventh, year = f"substr({column}, 7, 1)", f"substr({column}, 5, 2)"
    century = (
        f"case when {seventh} <= '3' then '19' "
        f"when {seventh} in ('4', '9') then case when {year} <= '36' then '20' else '19' end "
        f"else case when {year} <= '57' then '20' else '18' end end"
    )
    text = f"({century}) || {year} || '-' || substr({column}, 3, 2) || '-' || substr({column}, 1, 2)"
    return f"case when regexp_matches({column}, '{CPR}') then try_cast({text} as date) end"


def passes_modulus_11(person: str) -> bool:
    """Whether ten digits weigh a multiple of eleven; numbers issued since October 2007 need not (cpr.dk)."""
    return sum(weight * int(digit) for weight, digit in zip(MODULUS_11, person, strict=True)) % 11 == 0


def modulus_11_sql(column: str = "person") -> str:
    """The same sum in SQL; null where the text is not ten digits."""
    total = " + ".join(
        f"{weight} * try_cast(substr({column}, {place}, 1) as integer)" for place, weight in enumerate(MODULUS_11, 1)
    )
    return f"(({total}) % 11 = 0)"
