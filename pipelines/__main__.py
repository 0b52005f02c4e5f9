"""The command line, in the process that pipelines/supervisor.py watches."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from pipelines.redaction import INTERRUPTED, NO_MEMORY, lacked, scrubbed
from pipelines.supervisor import OWN

SAID = (0, 1, 2)  # the exit codes of the command line


class Scrubbed(io.TextIOWrapper):
    """The terminal, without persons: warnings, and failures of threads, come from libraries, and may quote rows."""

    def write(self, text: str) -> int:
        return super().write(scrubbed(text))


def main() -> None:
    """Load the command line, which takes most of the memory that a small command takes, and do as it says."""
    with loading():
        from pipelines.cli import main as work
    ended_by_itself(work)


@contextmanager
def loading() -> Iterator[None]:
    """Libraries are loaded, and heard no more: what they write to the terminal past Python (a panic, an abort) may
    quote rows. What keeps them from being loaded is told in a sentence."""
    own = _terminal()
    try:
        yield
    except BaseException as problem:
        kept = INTERRUPTED if isinstance(problem, KeyboardInterrupt) else _unloaded(problem)
        own.write(f"sammenhold: {kept}\n")
        own.flush()
        os._exit(OWN + 2)  # a library that is half loaded may crash when it is left
    sys.stderr = own


def _terminal() -> Scrubbed:
    """Where we write from now on; file 2, where libraries write, leads nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    ours = os.dup(2) if sys.stderr else os.dup(nowhere)  # None where the shell has closed it
    encoding = sys.stderr.encoding if sys.stderr else "utf-8"
    os.dup2(nowhere, 2)
    return Scrubbed(open(ours, "wb", 0), encoding, errors="backslashreplace", line_buffering=True, write_through=True)


def _unloaded(problem: BaseException) -> str:
    return lacked(NO_MEMORY, f", or no library could be loaded ({type(problem).__name__})")


def ended_by_itself(work: Callable[[], None]) -> NoReturn:
    """Do what there is to do; the exit code says that nothing else ended the process."""
    try:
        work()
    except SystemExit as end:
        _let_go_of_pipe()
        sys.exit(OWN + (end.code or 0 if (end.code or 0) in SAID else 2))


def _let_go_of_pipe() -> None:
    """Python gives an exit code of its own where nobody reads the rest of what was answered."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
