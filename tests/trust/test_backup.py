"""A backup, as docs/security.md tells it, brings everything back; one from before a change of the key does too."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from little_home import DAY, EARLIER, deliver, little_home, run_of, through
from moments import without_pages
from wholeness import end_state, problems

from pipelines import audit
from pipelines.project import InputError, Project
from pipelines.rotation import rotate

pytestmark = pytest.mark.trust

SAVED = ("inbox", "warehouse", "results", "audit")  # as docs/security.md says


def backed_up(project: Project, folder: Path) -> Path:
    """A backup, while nothing runs; the key is kept in another place."""
    for name in SAVED:
        shutil.copytree(project.home / name, folder / "data" / name)
    shutil.copytree(project.key_file.parent, folder / "safe")
    return folder


def restored(project: Project, backup: Path, home: Path, parts: Iterable[str] = SAVED) -> Project:
    for name in parts:
        shutil.copytree(backup / "data" / name, home / name)
    return replace(project, home=home, key_file=backup / "safe" / "key")


def state(project: Project, head: str) -> dict[str, str]:
    """All that a backup must bring back: what was received, kept, published and entered in the log."""
    inbox = project.home / "inbox"
    sent = {str(path.relative_to(inbox)): path.read_text("utf-8") for path in inbox.rglob("*") if path.is_file()}
    return sent | end_state(project) | {"head": audit.verify(project, head)["head"]}


class Saved(NamedTuple):
    project: Project
    backup: Path
    head: str
    state: dict[str, str]

    def lacks(self, home: Path, parts: Iterable[str] = SAVED) -> str:
        """What is missing once these parts of the backup are laid back, or why they do not open; else nothing."""
        try:
            found = state(restored(self.project, self.backup, home, parts), self.head)
        except InputError as problem:
            return str(problem)
        return ", ".join(sorted(name for name, said in self.state.items() if found.get(name) != said))


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Iterator[Saved]:
    """A home that was backed up, and whose key was changed since; its pages are empty while tests run."""
    folder = tmp_path_factory.mktemp("backup")
    with without_pages():
        project = little_home(folder)
        deliver(project, 3)
        through(run_of(project, EARLIER))
        head = audit.verify(project)["head"]
        right, backup = state(project, head), backed_up(project, folder / "backup")
        rotate(project, "a test")
        shutil.rmtree(project.home)
        yield Saved(project, backup, head, right)


def test_a_backup_brings_all_back_and_the_work_goes_on(saved, tmp_path) -> None:
    assert saved.lacks(tmp_path / "first") == ""
    again = restored(saved.project, saved.backup, tmp_path / "second")
    with pytest.raises(InputError, match="key does not open"):
        end_state(replace(again, key_file=_another(tmp_path)))
    deliver(again, 4)
    through(run_of(again, DAY))
    assert problems(again, [saved.state["latest"]]) == []


LACKS = {"inbox": "forms_3.csv", "warehouse": "table receipts", "results": "results", "audit": "taken away"}


@pytest.mark.parametrize("part", SAVED)
def test_a_backup_without_one_of_its_parts_would_be_caught(saved, tmp_path, part) -> None:
    assert LACKS[part] in saved.lacks(tmp_path / "home", [name for name in SAVED if name != part])


def _another(folder: Path) -> Path:
    path = folder / "another"
    path.write_text("ab" * 32 + "\n", "ascii")
    path.chmod(0o600)
    return path


def test_a_backup_without_the_log_is_seen(tmp_path) -> None:
    project = little_home(tmp_path)
    audit.record(project, "little", "trace", "a question")
    head = audit.verify(project)["head"]
    shutil.rmtree(project.home / "audit")
    with pytest.raises(InputError, match="taken away"):
        audit.verify(project, head)
