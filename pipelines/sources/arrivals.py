"""What lies in an inbox: inbox/<database>/<source>/<region>/<file>; the folder says who speaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.sources.kip_sas import catalogue_of


@dataclass(frozen=True)
class Arrival:
    source: str
    region: str
    path: Path


def arrivals(inbox: Path) -> list[Arrival]:
    """Every whole file under a database's inbox, in a fixed order.

    Left alone: files still being written (.part, .tmp), hidden ones and links, which may lead elsewhere, and
    a SAS catalogue beside its data, which is read with them.
    """
    files = sorted(path for path in inbox.glob("*/*/*") if path.is_file() and not path.is_symlink())
    beside = {catalogue_of(path) for path in files if path.suffix == ".sas7bdat"}
    return [Arrival(path.parts[-3], path.parts[-2], path) for path in files if _is_whole(path) and path not in beside]


def _is_whole(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix not in (".part", ".tmp")
