"""The command `sammenhold`: the command line at work in a process of its own, and a sentence where that ends without.

Libraries that are refused memory abort the process that they are in, and a system that has none left kills one:
nobody in such a process can say anything any more. So only the standard library is loaded here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from pipelines.redaction import INTERRUPTED, NO_MEMORY, lacked

COMMAND_LINE = (sys.executable, "-P", "-m", "pipelines")  # -P: nothing is loaded from the folder one stands in
OWN = 64  # stands on top of the command line's own exit code: libraries, too, end a process by exit(1)
ASKED_TO_STOP = ("SIGHUP", "SIGINT", "SIGTERM")  # Windows has no first
PATIENCE, IDLE = 300.0, 0.05  # seconds in which less of a processor, as a spinner takes, and no disk is used
WAIT, A_YEAR = (["dev"], ["audit"]), 3.2e7  # for requests, for what is typed
STALLED = 1000  # no exit code of a process
MB = 2**20
# What loading takes. OpenBLAS, given less, waits for ever to be given it.
LEAST = {"RLIMIT_DATA": 256 * MB, "RLIMIT_AS": 768 * MB}


def main() -> None:
    """Run the command line with the words given; its exit code is ours."""
    waits = sys.argv[1:2] in WAIT
    sys.exit(supervised([*COMMAND_LINE, *sys.argv[1:]], A_YEAR if waits else PATIENCE))


def supervised(command: Sequence[str], patience: float = PATIENCE) -> int:
    """The exit code of a command without OWN; 2, after a sentence, where it ended without an exit code of its own."""
    if allows_too_little():
        return _say(lacked(NO_MEMORY, ", since a limit is set to what a process may take"))
    child = subprocess.Popen(command)
    for name in ASKED_TO_STOP:
        if number := getattr(signal, name, None):
            signal.signal(number, lambda number, _: _pass_on(child, number))
    ended = threading.Event()
    threading.Thread(target=_end_when_idle, args=(child, patience, ended), daemon=True).start()
    code = child.wait()
    return code - OWN if OWN <= code < 256 else _say(without_a_word(STALLED if ended.is_set() else code))


def allows_too_little() -> bool:
    """Whether the system lets a process take less than loading takes."""
    if os.name == "nt":
        return False
    import resource

    return any(0 <= resource.getrlimit(getattr(resource, name))[0] < least for name, least in LEAST.items())


def without_a_word(code: int) -> str:
    """What there is to say of a command that something else ended: a signal (below 0), a library, or Windows."""
    if code == STALLED:
        return lacked(NO_MEMORY, ", or something else held the command up (it did nothing for minutes, and was ended)")
    by = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return INTERRUPTED if by in ASKED_TO_STOP else lacked(NO_MEMORY, f", or something else ended the command ({by})")


def _end_when_idle(child: subprocess.Popen[bytes], patience: float, ended: threading.Event) -> None:
    """Polars waits for ever for a thread that it was refused."""
    idle, look, before = 0.0, patience / 10, (0.0, 0)
    while idle < patience:
        time.sleep(look)
        seconds, traffic = done = _work_of(child.pid)
        idle = idle + look if seconds - before[0] < IDLE * look and traffic == before[1] else 0.0
        before = done
    ended.set()
    child.kill()


def _work_of(pid: int) -> tuple[float, int]:
    """Seconds of processors, and bytes of disks where the system tells, that a process and what it started have had."""
    import psutil  # not before it is needed: few commands take so long

    try:
        process = psutil.Process(pid)
        all_of_it = [process, *process.children(recursive=True)]
        traffic = [one.io_counters()[2:4] for one in all_of_it if hasattr(one, "io_counters")]
        return sum(sum(one.cpu_times()[:2]) for one in all_of_it), sum(map(sum, traffic))
    except psutil.Error:  # it ends just now
        return 0.0, -1


def _pass_on(child: subprocess.Popen[bytes], number: int) -> None:
    """Ctrl-C has reached the command as it has reached us; what was sent to us alone is for it."""
    if number != signal.SIGINT:
        child.send_signal(number)


def _say(sentence: str) -> int:
    sys.stderr.write(f"sammenhold: {sentence}\n")
    return 2


if __name__ == "__main__":
    main()
