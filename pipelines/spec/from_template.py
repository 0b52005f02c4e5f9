"""A new database's folder, begun from a template: files to be changed by people, and no code."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.project import REGISTERS, InputError

TEMPLATE = Path(__file__).parent / "templates" / "database"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
# What a new database does not take over from the one it is begun from.
OWN = {"title": "{{da: {name}}}", "official": "false", "version": '"0.1"', "status": "draft"}


def new_database(name: str, expectations: Path, template: str | None = None) -> Path:
    """Write the folder of a database and give its specification's path.

    `template` is a database under `expectations`; without one, the commented specification that ships with
    the package. Raises InputError where the name is taken or none, or the template is unknown.
    """
    if not NAME.fullmatch(name) or name == REGISTERS:
        raise InputError(
            "A database's name is lower case letters, digits and _, such as dhd, and not registers: choose another."
        )
    source = expectations / template if template else TEMPLATE
    if template and (not NAME.fullmatch(template) or not (source / "specification.yaml").is_file()):
        raise InputError(f"There is no specification of '{template}' in {expectations}: name one of its databases.")
    folder = expectations / name
    if folder.exists():
        raise InputError(f"{folder} is there already: choose another name.")
    texts = {path.name: path.read_text("utf-8") for path in sorted(source.glob("*.yaml"))}
    folder.mkdir(parents=True)
    for file, text in texts.items():
        (folder / file).write_text(_renamed(text, name, template) if template else _named(text, name), "utf-8")
    return folder / "specification.yaml"


def _named(text: str, name: str) -> str:
    return re.sub(r"^database: .*$", f"database: {name}", text, flags=re.MULTILINE)


def _renamed(text: str, name: str, template: str) -> str:
    """The text of another database under a new name: what is the other's own is begun anew."""
    lines = _named(text, name).splitlines(keepends=True)
    while lines and lines[0].startswith("#"):  # the comment that tells of the other database
        lines.pop(0)
    if any(line.startswith("database:") for line in lines):  # the specification, no format file
        lines = [_own(line, name) for line in lines if not line.startswith("controller:")]
    header = f"# Begun from {template}: change what is not the same. Every key: docs/specification.md\n"
    return header + "".join(lines)


def _own(line: str, name: str) -> str:
    key = line.partition(":")[0]
    return f"{key}: {OWN[key].format(name=name)}\n" if key in OWN else line
