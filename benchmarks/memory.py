"""How much memory this process, or this and those that it has started, have needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

EVERY = 0.02  # seconds between two looks at the memory of several processes


def peak_gb() -> float:
    """The highest resident memory of this process (VmHWM, Linux).

    Not getrusage's: that begins at what the process that started this one had.
    """
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1e6


@contextmanager
def watched() -> Iterator[list[float]]:
    """Into the list goes, again and again, the resident memory in GB of this process and its children together."""
    seen, ended = [0.0], Event()

    def look() -> None:
        while not ended.wait(EVERY):
            seen.append(resident_gb())

    looking = Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        ended.set()
        looking.join()


def resident_gb() -> float:
    """Of this process and its children at this moment (Linux)."""
    pages = 0
    for process in ("self", *_children()):
        with suppress(OSError):  # it has ended
            pages += int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e9


def _children() -> list[str]:
    found = []
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found += (thread / "children").read_text("ascii").split()
    return found
