"""Where things are. One frozen value, passed as an argument; nothing global, nothing read at import time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REGISTERS = "registers"  # the national registers' own inbox, warehouse and results; no database may be called so


class InputError(Exception):
    """Something the user gave is wrong: one sentence that says what, where and what to do (exit 2).

    The sentence never carries a person's data; it is shown, logged and stored as it is.
    """


@dataclass(frozen=True)
class Project:
    """The folders of one installation.

    `home` holds inbox/, warehouse/ and results/; `expectations` the specifications;
    `key_file` the 256-bit key, which must lie outside `home` (docs/decisions/0002).
    """

    home: Path
    expectations: Path
    key_file: Path

    def inbox(self, database: str) -> Path:
        return self.home / "inbox" / database

    def specification(self, database: str) -> Path:
        return self.expectations / database / "specification.yaml"

    def warehouse(self, database: str) -> Path:
        return self.home / "warehouse" / f"{database}.duckdb"

    def results(self, database: str) -> Path:
        return self.home / "results" / database

    def databases(self) -> list[str]:
        """Every database that has a specification, in alphabetical order."""
        names = {path.parent.name for path in self.expectations.glob("*/specification.yaml")}
        return sorted(names - {REGISTERS})


def project_at(home: Path, expectations: Path | None = None, key_file: Path | None = None) -> Project:
    """The project whose data stand under `home`; key and specifications may stand elsewhere."""
    environment_key = os.environ.get("SAMMENHOLD_KEY_FILE")
    return Project(
        home=home.resolve(),
        expectations=(expectations or Path("expectations")).resolve(),
        key_file=key_file or (Path(environment_key) if environment_key else default_key_file()),
    )


def default_key_file() -> Path:
    """The key's usual place: the user's own configuration folder, never the repository."""
    return Path.home() / ".config" / "sammenhold" / "key"
