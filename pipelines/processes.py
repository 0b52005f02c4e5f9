"""A command and what it has started: its work, and its end. psutil is loaded when first asked: few commands need it."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psutil import Process

IDLE = 0.05  # of a processor, or less; a spinner takes about half of it
Work = tuple[float, int]


def whole_of(pid: int) -> list[Process]:
    """The processes of the command, directly started or not, its own the last; none where it has ended."""
    import psutil

    try:
        first = psutil.Process(pid)
        return [*first.children(recursive=True), first]
    except psutil.Error:
        return []


def send(pid: int, number: int) -> None:
    """A signal to the whole of a command."""
    import psutil

    for process in whole_of(pid):
        with suppress(psutil.Error):
            process.send_signal(number)


def end_when_idle(command: subprocess.Popen[bytes], patience: float, given_up: threading.Event) -> None:
    """End a command that for so many seconds has used hardly any processor and no disk.

    Polars waits for ever for a thread that the system refused it.
    """
    idle, look, before = 0.0, patience / 10, None
    while idle < patience:
        time.sleep(look)
        now = work_of(command.pid)
        idle = idle + look if is_idle(before, now, look) else 0.0
        before = now
    given_up.set()
    send(command.pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # which on Windows is as final


def is_idle(before: Work | None, now: Work | None, seconds: float) -> bool:
    """What is not known is not idle."""
    if before is None or now is None:
        return False
    return now[0] - before[0] < IDLE * seconds and now[1] == before[1]


def work_of(pid: int) -> Work | None:
    """Seconds of processors, and bytes of disks where the system tells, that a command has had; None: not known."""
    import psutil

    try:
        told = [_told(process) for process in whole_of(pid)]
    except psutil.Error:
        return None
    return sum(seconds for seconds, _ in told), sum(traffic for _, traffic in told)


def _told(process: Process) -> Work:
    traffic = process.io_counters()[2:4] if hasattr(process, "io_counters") else ()
    return sum(process.cpu_times()[:2]), sum(traffic)
