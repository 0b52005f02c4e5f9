"""The seal of a results folder: manifest.json, with the sha256 of every file, held before anything is read.

Parquet readers answer with other values, and no error, where a bit of a file has turned; the seal does not.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pipelines.project import InputError

MANIFEST = "manifest.json"
REMEDY = "restore the folder from its backup, or remove it and run again"


def seal(folder: Path) -> None:
    """Write manifest.json: each file of the folder and of those below it → sha256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    sums = {path.relative_to(folder).as_posix(): _sum(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps({"sha256": sums}, ensure_ascii=False, indent=1) + "\n", "utf-8")


def hold_intact(folder: Path) -> None:
    """Raises InputError that names the first file which is not as it was sealed.

    Files that the manifest does not name are nobody's business here: nothing reads them.
    """
    for name, expected in _sealed(folder).items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path} is missing since it was published: {REMEDY}.")
        if _sum(path) != expected:
            raise InputError(f"{path} was altered after it was published: {REMEDY}.")


def hold_if_sealed(folder: Path) -> None:
    """The same of a folder that the user named, which may be of another maker and have no manifest."""
    if (folder / MANIFEST).exists():
        hold_intact(folder)


def is_intact(folder: Path) -> bool:
    """Whether every file is as it was sealed."""
    try:
        hold_intact(folder)
    except InputError:
        return False
    return True


def _sealed(folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    try:
        told = json.loads(path.read_bytes())["sha256"]
        return {str(name): str(value) for name, value in told.items()}
    except FileNotFoundError:
        raise InputError(f"{folder} has no {MANIFEST}, which says what was published: {REMEDY}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path} was altered after it was published: {REMEDY}.") from None


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
