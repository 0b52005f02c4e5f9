"""A variable whose events may still come: it waits longer than its record.

A readmission within 30 days is not known on day 10, whatever has settled; until its window has closed and the
register behind it has settled, the variable of that pair is not applicable, and neither agrees nor differs.
"""

from __future__ import annotations

import math

from pipelines.spec.derivation import TABLES as REGISTERS
from pipelines.spec.derivation import Window
from pipelines.spec.model import DatabaseSpec


def settles_after(spec: DatabaseSpec, name: str) -> int:
    """Days after the event date until a variable is complete: its window's end and its register's settling.

    0 where it waits no longer than its record (spec.record_settles), or does not come from register events.
    """
    if spec.sides.new not in REGISTERS:
        return 0
    ends = {source: _reach(spec, name, source) for source in spec.variables[name].from_}
    days = max((end + spec.settling(source) for source, end in ends.items() if end > 0), default=0)
    return days if days > spec.record_settles else 0


def _reach(spec: DatabaseSpec, name: str, source: str) -> int:
    """Days from the event date to the end of the variable's latest window; an open end waits for nothing."""
    windows = [way.window for way in spec.variables[name].from_.get(source, ()) if way.window]
    return max((_end(window) + _anchored(spec, window) for window in windows), default=0)


def _anchored(spec: DatabaseSpec, window: Window) -> int:
    """How far the anchor itself may lie after the event date, where it is another variable of the record."""
    if window.anchor in ("event", "end", spec.event_date) or window.anchor not in spec.variables:
        return 0
    return max((_reach(spec, window.anchor, source) for source in spec.variables[window.anchor].from_), default=0)


def _end(window: Window) -> int:
    end = window.span[1] or 0
    return max(0, math.ceil(end if window.days is not None else end / 24))
