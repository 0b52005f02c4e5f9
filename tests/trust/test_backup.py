"""A backup, as docs/security.md tells it, brings everything back; one from before a change of the key does too."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from little_home import DAY, EARLIER, deliver, little_home, run_of, through
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


def restored(project: Project, backup: Path, home: Path) -> Project:
    for name in SAVED:
        shutil.copytree(backup / "data" / name, home / name)
    return replace(project, home=home, key_file=backup / "safe" / "key")


def test_a_backup_brings_all_back_and_the_work_goes_on(tmp_path, monkeypatch) -> None:
    without = ("pipelines.reports.packages.country_report", "pipelines.reports.packages.region_report")
    for page in without:
        monkeypatch.setattr(page, lambda spec, folder, *rest: "<p></p>\n")
    project = little_home(tmp_path)
    deliver(project, 3)
    through(run_of(project, EARLIER))
    right, head = end_state(project), audit.verify(project)["head"]
    backup = backed_up(project, tmp_path / "backup")
    rotate(project, "a test")
    shutil.rmtree(project.home)
    again = restored(project, backup, tmp_path / "elsewhere")
    assert end_state(again) == right
    assert audit.verify(again, head)["head"] == head
    with pytest.raises(InputError, match="key does not open"):
        end_state(replace(again, key_file=_another(tmp_path)))
    deliver(again, 4)
    through(run_of(again, DAY))
    assert problems(again, [right["latest"]]) == []


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
