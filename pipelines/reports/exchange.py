"""Two folders change places in one step, so that there is never a moment without either."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # renameat2(2)


def exchange(one: Path, other: Path) -> None:
    """At once on Linux. Elsewhere by three renames: who is killed between them finds `other` beside its place,
    as `.<name>.replaced`."""
    if not _at_once(one, other):
        by_renames(one, other)


def by_renames(one: Path, other: Path) -> None:
    aside = other.with_name(f".{other.name}.replaced")
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(other, aside)
    os.replace(one, other)
    os.replace(aside, one)


def _at_once(one: Path, other: Path) -> bool:
    """Whether the system could do it; not every file system can."""
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, TypeError, OSError):  # no Linux, or one before 2014
        return False
    return renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0
