"""The command `sammenhold`: the command line at work in a process of its own, and a sentence where that ends without.

Libraries that are refused memory abort the process that they are in, and a system that has none left kills one:
nobody in such a process can say anything any more. So only the standard library is loaded here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from pipelines.redaction import INTERRUPTED, NO_MEMORY, lacked

COMMAND_LINE = (sys.executable, "-P", "-m", "pipelines")  # -P: nothing is loaded from the folder one stands in
OWN = 64  # stands on top of the command line's own exit code: libraries, too, end a process by exit(1)
ASKED_TO_STOP = ("SIGHUP", "SIGINT", "SIGTERM")  # Windows has no first
MB = 2**20
# What loading takes. OpenBLAS, given less, waits for ever to be given it.
LEAST = {"RLIMIT_DATA": 256 * MB, "RLIMIT_AS": 768 * MB}


def main() -> None:
    """Run the command line with the words given; its exit code is ours."""
    sys.exit(supervised([*COMMAND_LINE, *sys.argv[1:]]))


def supervised(command: Sequence[str]) -> int:
    """The exit code of a command without OWN; 2, after a sentence, where it ended without an exit code of its own."""
    if allows_too_little():
        return _say(lacked(NO_MEMORY, ", since a limit is set to what a process may take"))
    child = subprocess.Popen(command)
    for name in ASKED_TO_STOP:
        if number := getattr(signal, name, None):
            signal.signal(number, lambda number, _: _pass_on(child, number))
    code = child.wait()
    return code - OWN if OWN <= code < 256 else _say(without_a_word(code))


def allows_too_little() -> bool:
    """Whether the system lets a process take less than loading takes."""
    if os.name == "nt":
        return False
    import resource

    return any(0 <= resource.getrlimit(getattr(resource, name))[0] < least for name, least in LEAST.items())


def without_a_word(code: int) -> str:
    """What there is to say of a command that something else ended: a signal (below 0), a library, or Windows."""
    by = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return INTERRUPTED if by in ASKED_TO_STOP else lacked(NO_MEMORY, f", or something else ended the command ({by})")


def _pass_on(child: subprocess.Popen[bytes], number: int) -> None:
    """Ctrl-C has reached the command as it has reached us; what was sent to us alone is for it."""
    if number != signal.SIGINT:
        child.send_signal(number)


def _say(sentence: str) -> int:
    sys.stderr.write(f"sammenhold: {sentence}\n")
    return 2


if __name__ == "__main__":
    main()
