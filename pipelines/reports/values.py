"""One value of a variable as a region reads it: the code with its text, decimal comma, dd-mm-yyyy."""

from __future__ import annotations

import datetime as dt
import re

from pipelines.reports.numbers import day
from pipelines.spec.model import Variable

EMPTY = "(tom)"


def value_text(variable: Variable, raw: str | None) -> str:
    """`raw` (ISO, decimal point, codes, as in contract files) in Danish; the unreadable stands as is."""
    if raw is None or raw == "":
        return EMPTY
    if raw in variable.missing:
        return variable.missing[raw]
    if variable.type == "yes_no":
        return variable.domain.get(raw, raw)
    if variable.type == "code":
        return code_text(variable, raw)
    if variable.numeric:
        return _number(raw)
    return _moment(raw) if variable.type in ("date", "timestamp") else raw


def code_text(variable: Variable, raw: str) -> str:
    """A code with what it means: `3 – III`."""
    meaning = variable.domain.get(raw)
    return raw if meaning is None or meaning == raw else f"{raw} – {meaning}"


def known_code(variable: Variable, raw: str | None) -> bool:
    """Is this a code of the variable's domain, an SKS code or a missing code?

    Only such values stand in reports of aggregates; a free text may say who somebody is.
    """
    if raw is None or raw in variable.missing or raw in variable.domain:
        return True
    return variable.type == "sks" and re.fullmatch(r"[A-ZÆØÅ][A-Z0-9ÆØÅ]{1,9}", raw) is not None


def _number(raw: str) -> str:
    """27.50 → 27,5 and 27.0 → 27; a text that is no number stands as it is."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", raw):
        return raw
    return (raw.rstrip("0").rstrip(".") if "." in raw else raw).replace(".", ",")


def _moment(raw: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(raw)
    except ValueError:
        return raw
    return day(moment) if len(raw) <= len("2026-01-01") else f"{day(moment)} kl. {moment:%H:%M}"
