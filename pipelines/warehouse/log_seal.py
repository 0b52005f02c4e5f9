"""The seal of a write-ahead log: its length and sha256 after the last commit, in a file beside it.

DuckDB takes a log that breaks off for one whose writer was killed, and drops what follows without a word. It does so
too where a bit of a length or of the log's head has turned: what was committed would be gone, and the next checkpoint
would make it so for good. What the seal covers was committed; what stands behind it DuckDB judges alone.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipelines.project import InputError

LENGTH, SEAL = 8, 8 + 32  # bytes: how long the log is; and with its sha256


class LogSeal:
    """Writes the seal of the log of the warehouse in `path`, each commit's bytes being read once."""

    def __init__(self, path: Path) -> None:
        self.log, self.seal = log_of(path), seal_of(path)
        self._begin()

    def _begin(self) -> None:
        self.length, self.sum = 0, hashlib.sha256()

    def set(self) -> None:
        """After a commit. Where the disk has no room the log is as good as before, only unsealed."""
        try:
            with self.log.open("rb") as file:
                file.seek(self.length)
                while piece := file.read(1 << 20):
                    self.length += len(piece)
                    self.sum.update(piece)
            self.seal.write_bytes(self.length.to_bytes(LENGTH, "big") + self.sum.digest())
        except OSError:
            return

    def lift(self) -> None:
        """Before a checkpoint, which empties the log."""
        self.seal.unlink(missing_ok=True)
        self._begin()


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def seal_of(path: Path) -> Path:
    return path.with_suffix(".log-seal")


def hold_log(path: Path) -> None:
    """Raises InputError where the log that a killed process left is not as it was committed.

    Read once more before that is said: a process at work seals its log anew.
    """
    if not path.exists():  # it was moved away
        seal_of(path).unlink(missing_ok=True)
    sealed = _sealed(path)
    if sealed and _as_sealed(path, int.from_bytes(sealed[:LENGTH], "big")) != sealed and _sealed(path) == sealed:
        raise InputError(f"{log_of(path)} was altered after it was written: restore {path.parent} from its backup.")


def _sealed(path: Path) -> bytes | None:
    """The seal; none where its writer was killed over it."""
    try:
        found = seal_of(path).read_bytes()
    except OSError:
        return None
    return found if len(found) == SEAL else None


def _as_sealed(path: Path, length: int) -> bytes:
    """The seal that the log would have now; its first `length` bytes count."""
    log = log_of(path)
    content = log.read_bytes()[:length] if log.exists() else b""
    return len(content).to_bytes(LENGTH, "big") + hashlib.sha256(content).digest()
