"""The one boundary that every step of Dagster stands behind: no exception carries a person's data out.

Dagster stores an exception with its message, its cause and its context, for good and unencrypted. So what
leaves a step is a new failure: an InputError's own sentence, scrubbed once more; of anything else only its
kind and the line of our code, since libraries quote rows in their messages.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg

from pipelines.redaction import told

Given, Answer = ParamSpec("Given"), TypeVar("Answer")


def redacted(step: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """The step, failing only with a clean dagster.Failure."""

    @functools.wraps(step)
    def behind_the_boundary(*given: Given.args, **named: Given.kwargs) -> Answer:
        try:
            return step(*given, **named)
        except (KeyboardInterrupt, SystemExit, dg.DagsterExecutionInterruptedError):
            raise
        except BaseException as problem:  # a library's panic is no Exception
            said = told(problem, step.__name__)
        # Raised out here, where the exception is gone: `from None` alone would keep it as the context.
        raise dg.Failure(said)

    return behind_the_boundary
