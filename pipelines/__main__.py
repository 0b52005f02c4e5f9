"""The command line, in the process that pipelines/supervisor.py watches."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from pipelines.redaction import NO_MEMORY, lacked
from pipelines.supervisor import OWN


def main() -> None:
    """Load the command line, which takes most of the memory that a small command takes, and do as it says."""
    with loading():
        from pipelines.cli import main as work
    ended_by_itself(work)


def ended_by_itself(work: Callable[[], None]) -> NoReturn:
    """Do what there is to do; the exit code says that nothing else ended the process."""
    try:
        work()
    except SystemExit as end:
        sys.exit(OWN + int(end.code or 0))


@contextmanager
def loading() -> Iterator[None]:
    """Libraries are loaded, and heard no more: what they write to the terminal past Python (a panic, an abort) may
    quote rows. What keeps them from being loaded is told in a sentence."""
    own = os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        yield
    except BaseException as problem:
        own.write(f"sammenhold: {lacked(NO_MEMORY, f', or no library could be loaded ({type(problem).__name__})')}\n")
        own.flush()
        os._exit(OWN + 2)  # a library that is half loaded may crash when it is left
    sys.stderr = own


if __name__ == "__main__":
    main()
