"""How much memory this process has needed."""

from __future__ import annotations

from pathlib import Path


def peak_gb() -> float:
    """The highest resident memory of this process (VmHWM, Linux).

    Not getrusage's: that begins at what the process that started this one had.
    """
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1e6
