"""The installation's 256-bit key, and what is derived from it: pseudonyms, passwords, the file's own key.

The key file has a key on each line: the present one first, and below it those that it replaced, newest first. The
present one opens the warehouses; the very first names persons and seals the audit log for good, so that persons stay
linked when the key is changed (docs/decisions/0019).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pipelines.project import InputError, Project

BYTES = 32
PRIVATE = 0o600


def read_key(project: Project) -> bytes:
    """The present key, 32 bytes. Raises InputError where there is no such key."""
    return read_keys(project)[0]


def first_key(project: Project) -> bytes:
    """The key that names persons and seals the audit log, whatever became of it since."""
    return read_keys(project)[-1]


def read_keys(project: Project) -> list[bytes]:
    """The keys of the key file (each 64 hexadecimal digits), the present one first. Raises InputError."""
    path = project.key_file
    try:
        lines = path.read_text("ascii").split()
    except FileNotFoundError:
        raise InputError(
            f"The key {path} is missing: restore it from its safe copy; or, for a new "
            f"installation, run `sammenhold demo` or `sammenhold key make`."
        ) from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"The key {path} cannot be read: it must be a text file of yours.") from None
    _hold_private(path)
    keys = [_key(line) for line in lines]
    if not keys or None in keys:
        raise InputError(f"The key {path} is not 64 hexadecimal digits: restore it from its safe copy.")
    return keys


def _key(line: str) -> bytes | None:
    try:
        key = bytes.fromhex(line)
    except ValueError:
        return None
    return key if len(key) == BYTES else None


def make_key(project: Project) -> bytes:
    """A new random key in its file, readable to the owner only; an existing one is never overwritten.

    The key lies apart from what it opens: not under the project's data, not in a git checkout.
    """
    path = project.key_file.absolute()
    _hold_apart(path, project.home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        _write(path, [secrets.token_bytes(BYTES)])
    except FileExistsError:
        raise InputError(f"The key {path} is there already: use it, or name another file.") from None
    except OSError:
        raise InputError(f"The key {path} cannot be written: name a folder of yours.") from None
    return read_key(project)


def next_key(project: Project) -> Project:
    """A new key before the present ones, in a file of its own beside theirs; the project that is opened with it."""
    path = project.key_file.with_name(project.key_file.name + ".next")
    path.unlink(missing_ok=True)  # of a change that was broken off
    _write(path, [secrets.token_bytes(BYTES), *read_keys(project)])
    return replace(project, key_file=path)


def _write(path: Path, keys: Iterable[bytes]) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write("".join(f"{key.hex()}\n" for key in keys))
        stream.flush()
        os.fsync(stream.fileno())


def derived(key: bytes, *purpose: str) -> bytes:
    """32 bytes for one purpose (HMAC-SHA256), so that no use of the key tells anything about another."""
    return hmac.new(key, "\0".join(purpose).encode(), hashlib.sha256).digest()


def pseudonym(key: bytes, person: str) -> str:
    """The name under which a person appears outside the warehouse: 16 hexadecimal digits.

    Keyed, since all CPR numbers can be hashed in minutes: without the key nobody can go back.
    """
    return derived(key, "person", person).hex()[:16]


def region_password(key: bytes, database: str, region: str, run: str) -> str:
    """The password of a region's workbook of one run: 80 bits as four groups that can be read aloud."""
    text = base64.b32encode(derived(key, "workbook", database, region, run)[:10]).decode()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _hold_private(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise InputError(f"The key {path} can be read by others: run `chmod 600` on it.")


def _hold_apart(path: Path, home: Path) -> None:
    folders = path.resolve().parents
    if home.resolve() in folders:
        raise InputError(f"The key may not lie under {home}, beside the data it opens: name another place.")
    if any((folder / ".git").exists() for folder in folders):
        raise InputError(f"The key {path} would lie in a git checkout: name a place outside it.")
