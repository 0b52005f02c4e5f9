"""The runs that stand published: which is the latest, which came before, and what exactly was judged in one.

Apart from publishing, so that a gate can be judged anew without all that makes a run being loaded.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from pathlib import Path

from pipelines.project import InputError
from pipelines.reports.manifest import MANIFEST, hold_intact

RUN_NAME = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{8}")


def evidence(folder: Path) -> dict[str, str]:
    """Contract file → sha256, for the decision: what exactly was judged."""
    made_after = {"gate.json", MANIFEST}
    files = (path for path in folder.iterdir() if path.suffix in (".parquet", ".json"))
    judged = sorted(path for path in files if path.name not in made_after)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in judged}


def previous_run(results: Path, reference_date: dt.date) -> Path | None:
    """The newest published run of an earlier reference date: a run never compares with itself.

    Raises InputError where that run was altered.
    """
    runs = [run for run in results.glob("????-??-??-????????") if run.name[:10] < reference_date.isoformat()]
    earlier = max(runs, key=lambda run: run.name, default=None)
    if earlier:
        hold_intact(earlier)
    return earlier


def latest_run(results: Path) -> Path:
    """The run that was published last. Raises InputError where there is none, or one of its files was altered."""
    pointer = results / "latest"
    if not pointer.is_file():
        raise InputError(f"There are no results for {results.name}: run `sammenhold run` first.")
    named = pointer.read_bytes().decode("utf-8", "replace").strip()
    if RUN_NAME.fullmatch(named) is None or not (results / named).is_dir():
        raise InputError(f"{pointer} names no run: restore it from its backup, or run `sammenhold run`.")
    hold_intact(results / named)
    return results / named
