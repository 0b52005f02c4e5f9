"""Faults in whole files: each kind is one function on the files by path; `file` names the one it strikes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from pipelines.project import InputError
from pipelines.synthetic.faults import Planting

Files = dict[str, bytes]


def same_file_twice(file: str, content: bytes, planting: Planting) -> Files:
    """The same bytes once more under another name."""
    path = PurePosixPath(file)
    return {file: content, str(path.with_stem(f"{path.stem}_igen")): content}


def unknown_schema_version(file: str, content: bytes, planting: Planting) -> Files:
    version = str(planting.parameter("version", "9.9")).encode()
    return {file: re.sub(rb'("schemaVersion": )"[^"]*"', rb'\1"' + version + b'"', content, count=1)}


def broken_json(file: str, content: bytes, planting: Planting) -> Files:
    """The transfer stopped two thirds through."""
    return {file: content[: len(content) * 2 // 3]}


def wrong_delimiter(file: str, content: bytes, planting: Planting) -> Files:
    return {file: content.replace(b";", b",")}


FILE_FAULTS: dict[str, Callable[[str, bytes, Planting], Files]] = {
    wrong.__name__: wrong for wrong in (same_file_twice, unknown_schema_version, broken_json, wrong_delimiter)
}


def plant_in_files(files: Mapping[str, bytes], planting: Planting) -> Files:
    """The files with the fault in the one that it names. Raises InputError where there is no such file."""
    file = planting.parameter("file")
    if file not in files:
        raise InputError(f"The fault {planting.fault.kind} names a file that is not made: {file}.")
    return {**files, **FILE_FAULTS[planting.fault.kind](file, files[file], planting)}
