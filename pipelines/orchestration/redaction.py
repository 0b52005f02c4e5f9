"""The one boundary that every step of Dagster stands behind: no exception carries a person's data out.

Dagster stores an exception with its message, its cause and its context, for good and unencrypted. So what
leaves a step is a new failure: an InputError's own sentence, scrubbed once more; of anything else only its
kind and the line of our code, since libraries quote rows in their messages.
"""

from __future__ import annotations

import functools
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import dagster as dg

from pipelines.project import InputError
from pipelines.sources.batch import PERSON_LIKE

PACKAGE = Path(__file__).parents[1]
WITHHELD = "(udeladt)"
# Replacement numbers (erstatnings-CPR) have two letters among the last four signs.
PERSON = re.compile(rf"{PERSON_LIKE.pattern}|[0-9]{{6}}[-_.]?[0-9][A-Za-z]{{2}}[0-9]")

Given, Answer = ParamSpec("Given"), TypeVar("Answer")


def redacted(step: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """The step, failing only with a clean dagster.Failure."""

    @functools.wraps(step)
    def behind_the_boundary(*given: Given.args, **named: Given.kwargs) -> Answer:
        try:
            return step(*given, **named)
        except InputError as problem:
            said = scrubbed(str(problem))
        except Exception as problem:
            said = f"{step.__name__} stopped with {type(problem).__name__} {_where(problem)}; its message is withheld."
        # Raised out here, where the exception is gone: `from None` alone would keep it as the context.
        raise dg.Failure(said)

    return behind_the_boundary


def scrubbed(text: str) -> str:
    """The text without anything that looks like a CPR number or its replacement."""
    return PERSON.sub(WITHHELD, text)


def _where(problem: Exception) -> str:
    """The innermost line of our own code that the exception went through."""
    own = [f for f in traceback.extract_tb(problem.__traceback__) if PACKAGE in Path(f.filename).parents]
    return f"in {Path(own[-1].filename).relative_to(PACKAGE.parent)}, line {own[-1].lineno}" if own else ""
