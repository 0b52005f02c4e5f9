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
from collections.abc import Sequence
from contextlib import suppress

from pipelines.processes import end_when_idle, send
from pipelines.redaction import INTERRUPTED, NO_MEMORY, lacked

COMMAND_LINE = (sys.executable, "-P", "-m", "pipelines")  # -P: nothing is loaded from the folder one stands in
OWN = 64  # stands on top of the command line's own exit codes 0, 1 and 2: libraries, too, end a process by exit(1)
ASKED_TO_STOP = ("SIGHUP", "SIGINT", "SIGTERM")  # Windows has no first
WINDOWS_CTRL_C = 0xC000013A  # STATUS_CONTROL_C_EXIT
PATIENCE, A_YEAR = 300.0, 3.2e7  # seconds
WAIT = (["dev"], ["audit"])  # for requests, and for what is typed: rightly idle
MB = 2**20
# What loading takes. OpenBLAS, given less, waits for ever to be given it.
LEAST = {"RLIMIT_DATA": 256 * MB, "RLIMIT_AS": 768 * MB}


def main() -> None:
    """Run the command line with the words given; its exit code is ours."""
    patience = A_YEAR if sys.argv[1:2] in WAIT else PATIENCE
    sys.exit(supervised([*COMMAND_LINE, *sys.argv[1:]], patience))


def supervised(command: Sequence[str], patience: float = PATIENCE) -> int:
    """The exit code of a command without OWN; 2, after a sentence, where it ended without an exit code of its own."""
    if allows_too_little():
        return _say(lacked(NO_MEMORY, ", since a limit is set to what a process may take"))
    try:
        child = subprocess.Popen(command)
    except OSError as problem:
        return _say(lacked(NO_MEMORY, f", or no process may be started ({problem.strerror})"))
    _pass_on_signals(child)
    given_up = threading.Event()
    with suppress(RuntimeError):  # no thread to be had: then nobody watches, and the command does what it can
        threading.Thread(target=end_when_idle, args=(child, patience, given_up), daemon=True).start()
    code = child.wait()
    if OWN <= code <= OWN + 2:
        return code - OWN
    return _say(held_up() if given_up.is_set() else without_a_word(code))


def allows_too_little() -> bool:
    """Whether the system lets a process take less than loading takes."""
    if os.name == "nt":
        return False
    import resource

    return any(0 <= resource.getrlimit(getattr(resource, name))[0] < least for name, least in LEAST.items())


def without_a_word(code: int) -> str:
    """What there is to say of a command that something else ended: a signal (below 0), a library, or Windows."""
    by = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    if by in ASKED_TO_STOP or code == WINDOWS_CTRL_C:
        return INTERRUPTED
    return lacked(NO_MEMORY, f", or something else ended the command ({by})")


def held_up() -> str:
    return lacked(NO_MEMORY, ", or something else held the command up (it did nothing for minutes, and was ended)")


def _pass_on_signals(child: subprocess.Popen[bytes]) -> None:
    """Who asks us to stop asks the command, and whatever it has started."""

    def pass_on(number: int, _: object) -> None:
        if not (number == signal.SIGINT and _typed()):
            send(child.pid, number)

    for name in ASKED_TO_STOP:
        if number := getattr(signal, name, None):
            signal.signal(number, pass_on)


def _typed() -> bool:
    """Whether Ctrl-C came from our terminal, which sends it to the command as well."""
    return os.name == "nt" or any(os.isatty(fd) and os.tcgetpgrp(fd) == os.getpgrp() for fd in (0, 1, 2))


def _say(sentence: str) -> int:
    sys.stderr.write(f"sammenhold: {sentence}\n")
    return 2


if __name__ == "__main__":
    main()
