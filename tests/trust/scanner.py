"""Looks for persons in everything under a folder: names, bytes and what stands inside containers, in many spellings."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb
import polars as pl


def spellings(person: str) -> list[bytes]:
    """Twelve ways in which a person number may stand somewhere."""
    day, rest = person[:6], person[6:]
    plain = person.encode()
    texts = [person, f"{day}-{rest}", f"{day} {rest}", f"{day}_{rest}", f"{day}.{rest}", f"{day}%2D{rest}"]
    spelled = [text.encode() for text in texts] + [person.encode("utf-16-le"), plain.hex().encode()]
    spelled += [hashlib.new(name, plain).hexdigest().encode() for name in ("md5", "sha1", "sha256")]
    return [*spelled, base64.b64encode(plain)[:12]]


def persons_found(folder: Path, persons: Iterable[str], left_out: Callable[[Path], bool]) -> list[str]:
    """Where a person stands: `<file>: <spelling>`. `left_out` are the files that may hold persons."""
    wanted = {spelled: f"{n}" for person in persons for n, spelled in enumerate(spellings(person))}
    found = []
    for path in sorted(path for path in folder.rglob("*") if not left_out(path)):
        said = [str(path.relative_to(folder)).encode(), *(contents(path) if path.is_file() else [])]
        whole = b"\n".join(said)
        found += [f"{path.name}: spelling {number}" for spelled, number in wanted.items() if spelled in whole]
    return found


def contents(path: Path) -> Iterator[bytes]:
    """The file's bytes, and what it holds where it is a container of a kind that we know."""
    content = path.read_bytes()
    yield content
    yield from opened(content)
    if content.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            yield "\n".join(database.iterdump()).encode()
        database.close()
    if content[8:12] == b"DUCK":
        yield from in_duckdb(path)


def opened(content: bytes) -> Iterator[bytes]:
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                inside = archive.read(name)
                yield name.encode()
                yield inside
                yield from opened(inside)
    if content.startswith(b"\x1f\x8b"):
        inside = gzip.decompress(content)
        yield inside
        yield from opened(inside)
    if content.startswith(b"PAR1"):
        frame = pl.read_parquet(io.BytesIO(content))
        yield frame.cast(pl.String, strict=False).write_csv().encode()


def in_duckdb(path: Path) -> Iterator[bytes]:
    """Every table of a file that opens without a key; an encrypted one does not."""
    try:
        with duckdb.connect(str(path), read_only=True) as database:
            for (table,) in database.execute("select table_name from information_schema.tables").fetchall():
                yield database.execute(f'select * from "{table}"').pl().cast(pl.String).write_csv().encode()
    except duckdb.Error:
        return
