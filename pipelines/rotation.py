"""Changing the key: every warehouse is encrypted anew, persons keep their pseudonyms, and the old key opens nothing.

The change happens at one moment, when the key file is replaced. Killed before it, the old key stands and opens
everything; killed after it, the new one does (docs/decisions/0019).
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from pipelines import audit
from pipelines.project import Project
from pipelines.run import alone_with
from pipelines.warehouse.database import settle_next
from pipelines.warehouse.key import derived, next_key, read_key
from pipelines.warehouse.re_encryption import re_encrypt


def rotate(project: Project, why: str) -> list[str]:
    """Make a new key, and encrypt every warehouse of the project with it; their names.

    Raises InputError, and the old key stays, where a run is at work or the disk has no room for a copy of each.
    """
    names = sorted(path.stem for path in project.warehouse("any").parent.glob("*.duckdb"))
    with ExitStack() as held:
        for name in names:
            held.enter_context(alone_with(project, name))
        later = next_key(project)
        for name in names:
            re_encrypt(project, name, later)
        audit.record(project, "", "key rotate", why)
        os.replace(later.key_file, project.key_file)
        for name in names:
            settle_next(project.warehouse(name), derived(read_key(project), "warehouse", name))
    return names
