"""The audit log: who read rows of persons or decided something, when, why, and which persons (as pseudonyms).

One line of JSON per entry, each sealed with a keyed hash over itself and the seal before it (HMAC-SHA256): without
the key no entry can be changed, added, moved or taken out unseen. How far the log goes stands in a file beside it,
so that a log that was cut is seen; who keeps `head` elsewhere also sees where both files were put back.
"""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipelines.project import InputError, Project
from pipelines.redaction import scrubbed
from pipelines.warehouse.key import derived, first_key, pseudonym

BEGINNING = "0" * 64  # the seal before the first entry


def record(project: Project, database: str, did: str, why: str, persons: Iterable[str | None] = ()) -> None:
    """Append an entry. `persons` are CPR numbers, which are written as pseudonyms; `did` and `why` hold none.

    Called before what was read is shown, or decided: what cannot be logged is not done. Raises InputError where
    entries were taken away.
    """
    key = first_key(project)
    log = _log(project)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(log.with_suffix(".lock")):
        number, before = _end(project)
        entry = {
            "number": number + 1,
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "who": _who(),
            "database": database,
            "did": did,
            "why": scrubbed(why),
            "persons": sorted({pseudonym(key, person) for person in persons if person}),
        }
        _append(log, entry | {"seal": _seal(key, before, entry)})


def verify(project: Project, head: str | None = None) -> dict[str, Any]:
    """How many entries the log has, and its head, `<entries>:<seal>`, to be kept elsewhere.

    `head` is one that was kept: the log must still go through it. Raises InputError that names the first line
    which is not as it was written.
    """
    key, before = first_key(project), BEGINNING
    seals = [before]
    for number, line in enumerate(_lines(project), 1):
        before = _held(key, before, number, line)
        seals.append(before)
    for known, where in ((_anchor(project), "the file beside it"), (head, "the head that was kept")):
        if known is not None and not _goes_through(seals, known):
            raise InputError(f"The audit log does not go as far as {where} says: entries were taken away.")
    return {"entries": len(seals) - 1, "head": f"{len(seals) - 1}:{before}"}


def entries_about(project: Project, person: str) -> list[dict[str, Any]]:
    """The entries of a verified log that are about a person, by CPR number. Raises InputError where it is none."""
    plain = person.strip().replace("-", "").replace(" ", "")
    if len(plain) != 10 or not plain.isascii() or not plain.isalnum():
        raise InputError("That is no person number: give its ten characters on standard input, on one line.")
    verify(project)
    name = pseudonym(first_key(project), plain.upper())
    return [entry for entry in map(json.loads, _lines(project)) if name in entry["persons"]]


def _log(project: Project) -> Path:
    return project.home / "audit" / "log.jsonl"


def _who() -> str:
    try:
        return scrubbed(getpass.getuser())
    except (KeyError, OSError):  # a container's user may have no name
        return "unnamed"


def _end(project: Project) -> tuple[int, str]:
    """How many entries the log has, and the last one's seal. What a killed process left half-written is dropped."""
    log, anchor = _log(project), _anchor(project) or "0"
    content = log.read_bytes() if log.is_file() else b""
    *lines, rest = content.split(b"\n")
    try:
        seal = json.loads(lines[-1])["seal"] if lines else BEGINNING
        whole = int(anchor.partition(":")[0]) <= len(lines)
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise InputError(f"The audit log {log} was altered: `sammenhold audit verify` says where.")
    if rest:
        os.truncate(log, len(content) - len(rest))
    return len(lines), seal


def _append(log: Path, sealed: dict[str, Any]) -> None:
    """The entry first, then how far the log goes: one that is killed between leaves the log longer, never cut."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_line(sealed) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    head = log.with_suffix(".writing")
    head.write_text(f"{sealed['number']}:{sealed['seal']}", "ascii")
    os.replace(head, log.with_suffix(".head"))


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode()


def _seal(key: bytes, before: str, entry: dict[str, Any]) -> str:
    return hmac.new(derived(key, "audit"), before.encode() + _line(entry), hashlib.sha256).hexdigest()


def _lines(project: Project) -> list[bytes]:
    """The log's lines. A last one without its end was cut."""
    log = _log(project)
    if not log.is_file():
        if _anchor(project) is not None:
            raise InputError(f"The audit log {log} is missing: restore it from its backup.")
        return []
    *lines, rest = log.read_bytes().split(b"\n")
    return lines if rest == b"" else [*lines, rest + b"(cut)"]


def _held(key: bytes, before: str, number: int, line: bytes) -> str:
    """The seal of a line that is, byte for byte, the entry with that number after that seal."""
    try:
        entry = json.loads(line)
        seal = entry.pop("seal")
        sound = entry["number"] == number and line == _line(entry | {"seal": seal})
    except (ValueError, KeyError, TypeError, AttributeError):
        sound = False
    if not sound or not hmac.compare_digest(seal, _seal(key, before, entry)):
        raise InputError(f"The audit log was altered at line {number}: restore it from its backup.")
    return seal


def _anchor(project: Project) -> str | None:
    path = _log(project).with_suffix(".head")
    return path.read_bytes().decode("ascii", "replace") if path.is_file() else None


def _goes_through(seals: list[str], head: str) -> bool:
    number, _, seal = head.partition(":")
    return number.isascii() and number.isdigit() and int(number) < len(seals) and seals[int(number)] == seal
