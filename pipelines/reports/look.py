"""From report data to one HTML file: no network, no scripts, nothing that a cell says is active."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.reports.messages import Messages
from pipelines.reports.numbers import moment

TEMPLATES = Path(__file__).parent / "templates"
# Ten digits, or an erstatnings-CPR with its two letters, standing alone.
_PERSON_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{6}[- ]?[0-9](?:[0-9]{2}|[A-Za-z]{2})[0-9](?![0-9A-Za-z])")


def render(template: str, report: object, messages: Messages) -> str:
    """One HTML page of the value that the template shows. Every text is escaped, and what has the shape of a
    CPR number is blacked out."""
    return templates().get_template(template).render(report=report, t=messages.text, language=messages.language)


@cache
def templates() -> Environment:
    """The templates, each compiled once in a process."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=without_person_numbers,
    )
    environment.filters |= {"unbroken": unbroken, "moment": moment}
    return environment


def unbroken(said: str) -> str:
    """A cell of numbers may be broken before its interval or its counts, and nowhere else."""
    return re.sub(r" (?![(·])", "\N{NO-BREAK SPACE}", said)


def without_person_numbers(said: Any) -> Any:
    """The last guard before a page is written: a file name or a reason may have brought a CPR along."""
    if isinstance(said, Markup) or not isinstance(said, str):
        return said
    return _PERSON_NUMBER.sub("██████-████", said)
