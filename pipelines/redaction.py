"""What may be told of an exception: never its message, since libraries quote rows in theirs.

The one rule behind both boundaries, of the command line and of Dagster (orchestration/redaction.py).
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from pipelines.project import InputError

PACKAGE = Path(__file__).parent
WITHHELD = "(udeladt)"
FULL, NO_MEMORY = "the disk is full", "the memory was not enough"
SAID_OF_DISK = ("no space left", "disk quota exceeded", "file too large")
SAID_OF_MEMORY = (
    "out of memory", "outofmemory", "could not allocate", "cannot allocate", "failed to allocate", "failed to pin",
    "start new thread", "failed to spawn", "failed to map segment", "bad_alloc",
    "error resource temporarily unavailable",  # a thread that was not to be had, and nothing else said of it
)  # fmt: skip
INTERRUPTED = "Interrupted: nothing half-written was kept."
REMEDIES = {FULL: "make room where the data stand", NO_MEMORY: "end other programs, or use a machine with more"}
# A CPR number as people write it, and replacement numbers (erstatnings-CPR), which have two letters near the end.
PERSON = re.compile(r"[0-9]{6}[-_. ]?[0-9]{4}|[0-9]{6}[-_.]?[0-9][A-Za-z]{2}[0-9]")


def scrubbed(text: str) -> str:
    """The text without anything that looks like a CPR number or its replacement."""
    return PERSON.sub(WITHHELD, text)


def told(problem: BaseException, doing: str) -> str:
    """One sentence: an InputError's own, scrubbed; what the machine lacks; of anything else its kind and the line of
    our code."""
    if isinstance(problem, InputError):
        return scrubbed(str(problem))
    if lack := lacking(problem):
        return lacked(lack)
    if isinstance(problem.__cause__, KeyboardInterrupt):  # DuckDB, interrupted in the middle of a query
        return INTERRUPTED
    return f"{doing} stopped with {type(problem).__name__}{_where(problem)}; its message is withheld."


def lacked(lack: str, otherwise: str = "") -> str:
    """What to say where the machine lacked something, or where it may be otherwise."""
    return (
        f"{lack[0].upper()}{lack[1:]}{otherwise}: nothing half-written was published; {REMEDIES[lack]}, then run again."
    )


def lacking(problem: BaseException | None) -> str | None:
    """Whether it is room on the disk or memory that a library ran out of, here or before, while it cleared up after
    itself; its words are read, never passed on."""
    if problem is None:
        return None
    said = f"{type(problem).__name__} {problem}".lower()
    if any(words in said for words in SAID_OF_DISK):
        return FULL
    if isinstance(problem, MemoryError) or any(words in said for words in SAID_OF_MEMORY):
        return NO_MEMORY
    return lacking(problem.__cause__ or problem.__context__)


def _where(problem: BaseException) -> str:
    """The innermost line of our own code that the exception went through."""
    own = [f for f in traceback.extract_tb(problem.__traceback__) if PACKAGE in Path(f.filename).parents]
    return f" in {Path(own[-1].filename).relative_to(PACKAGE.parent)}, line {own[-1].lineno}" if own else ""
