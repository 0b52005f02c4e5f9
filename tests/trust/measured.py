"""What a step costs, on Linux: seconds of the processor (what else the machine does is left out), and the memory
that it took at its worst beyond what stood before.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Cost:
    seconds: float = 0.0
    megabytes: float = 0.0


@contextmanager
def measured() -> Iterator[Cost]:
    """The cost of what happens inside, known when it has ended, also by an exception."""
    cost = Cost()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (proc(5))
    before, began = _status("VmRSS"), time.process_time()
    try:
        yield cost
    finally:
        cost.seconds = time.process_time() - began
        cost.megabytes = (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    """Kilobytes."""
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1])
