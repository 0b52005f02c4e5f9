"""Changes the key, killed at every step: `rotating.py FOLDER`. Prints a line for each, as JSON.

`kept`: the key that opens the home after the kill is the `old` or the `new` one; `wrong`: what is lost, other than it
was, or opened by another key; `next`: the same after the change that nobody interrupts.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # nothing in the process that forks may have threads of its own at work

from killing import answer, ended, forked
from little_home import DATABASE, EARLIER, deliver, little_home, run_of, through
from moments import without_drawing
from wholeness import SOURCES

from pipelines import audit, rotation
from pipelines.project import InputError, Project
from pipelines.warehouse import database, re_encryption
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.key import read_keys

PERSON = "0101434100"
STEPS = ((rotation, "next_key"), (rotation, "re_encrypt"), (re_encryption, "_content"), (audit, "record"),
         (os, "replace"), (rotation, "settle_next"))  # fmt: skip


def prepared(folder: Path) -> Project:
    """A home with two warehouses and a log that names a person."""
    project = little_home(folder)
    deliver(project, 3)
    answer(lambda: through(run_of(project, EARLIER)))
    shutil.copyfile(project.warehouse(DATABASE), project.warehouse("other"))
    answer(lambda: _remade(project))
    return project


def _remade(project: Project) -> None:
    project.warehouse("other").unlink()
    with open_warehouse(project, "other") as warehouse:
        warehouse.connection.execute("create table persons as select 'x' || i as person from range(9) t(i)")
    audit.record(project, DATABASE, "trace", "a question", [PERSON])


def copy(project: Project, name: str) -> Project:
    home = project.home.with_name(name)
    shutil.copytree(project.home, home / "home")
    shutil.copytree(project.key_file.parent, home / "keys")
    return replace(project, home=home / "home", key_file=home / "keys" / "key")


def content(project: Project) -> dict[str, str]:
    """What is kept: every row, and the log's entries about a person."""
    said = {"log": str([entry["number"] for entry in audit.entries_about(project, PERSON)])}
    with open_warehouse(project, "other") as warehouse:
        said["persons"] = str(warehouse.frame("from persons").to_dicts())
    with open_warehouse(project, DATABASE) as warehouse:
        for table in [f"{layer}_{source}" for layer in ("raw", "typed") for source in SOURCES] + ["receipts"]:
            said[table] = str(warehouse.frame(f"from {table}").to_dicts())
    return said


def dying(call: Callable, passed: list[int], last: int) -> Callable:
    """The call, and the end of the process just before or after it."""

    def called(*given, **named):
        for step in (lambda: None, lambda: call(*given, **named)):
            answered = step()
            passed.append(1)
            if len(passed) == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return answered

    return called


def rotate_and_die(project: Project, last: int) -> None:
    passed: list[int] = []
    for owner, name in STEPS:
        setattr(owner, name, dying(getattr(owner, name), passed, last))
    rotation.rotate(project, "a test")


def looked_at(project: Project, old: Project, right: dict[str, str]) -> dict[str, object]:
    now, before = read_keys(project), read_keys(old)
    wrong = [name for name, said in content(project).items() if right[name] != said]
    if now != before:
        only_old = replace(project, key_file=old.key_file)
        wrong += [f"the old key opens {name}" for name in (DATABASE, "other") if _opens(only_old, name)]
    return {"kept": "old" if now == before else "new", "wrong": wrong}


def _opens(project: Project, name: str) -> bool:
    try:
        with open_warehouse(project, name):
            return True
    except InputError:
        return False


def completed(project: Project, old: Project, right: dict[str, str]) -> list[str]:
    rotation.rotate(project, "again")
    left = [path.name for path in project.home.rglob("*.next")]
    return looked_at(project, old, right)["wrong"] + left


def in_place(project: Project, name: str, later: Project) -> None:
    """The broken variant: the copy takes the warehouse's place at once, before the key is the new one."""
    _re_encrypt(project, name, later)
    os.replace(database.next_of(project.warehouse(name)), project.warehouse(name))


_re_encrypt = rotation.re_encrypt


def main(folder: Path, variant: str = "") -> None:
    without_drawing()
    old = prepared(folder)
    right, last, result = answer(lambda: content(old)), 0, -signal.SIGKILL
    if variant:
        rotation.re_encrypt = in_place
    while result == -signal.SIGKILL:
        last += 1
        project = copy(old, f"rotated{last}")
        result = ended(forked(lambda project=project, last=last: rotate_and_die(project, last)))
        try:
            told = answer(lambda project=project: looked_at(project, old, right))
            told["next"] = [] if variant else answer(lambda project=project: completed(project, old, right))
        except RuntimeError:
            told = {"kept": "neither", "wrong": ["it does not open"], "next": []}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        if variant and told["wrong"]:
            return  # it is seen


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
