"""Changing the key, killed at every step: one key opens all that there is, and persons stay who they were."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from little_home import DATABASE, DAY, little_home_with_files, published, run_of, through
from shell import ended, shell

from pipelines import flow
from pipelines.project import InputError
from pipelines.reports import runs
from pipelines.rotation import rotate
from pipelines.run import alone_with
from pipelines.warehouse.key import read_keys

pytestmark = pytest.mark.trust

PROGRAM = Path(__file__).with_name("rotating.py")


def rotating(folder: Path, *variant: str) -> list[dict]:
    done = subprocess.run([sys.executable, PROGRAM, folder, *variant], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_change_of_the_key_killed_at_every_step_loses_nothing(tmp_path) -> None:
    found = rotating(tmp_path)
    assert [one["wrong"] + one["next"] for one in found] == [[]] * len(found)
    kept = [one["kept"] for one in found]
    assert kept == sorted(kept, reverse=True) and set(kept) == {"old", "new"}, "there is one moment of change"
    assert len(found) > 20


def test_broken_variant_that_changes_one_warehouse_after_another_is_caught(tmp_path) -> None:
    assert any(one["wrong"] for one in rotating(tmp_path, "in place"))


def test_passwords_and_persons_outlive_the_key(tmp_path) -> None:
    project = little_home_with_files(tmp_path)
    through(run_of(project))
    results = published(project)
    region = next((results / "regions").iterdir()).name
    told = shell(project, "password", "--database", DATABASE, region).communicate()[0]
    process = shell(project, "key", "rotate", "--why", "årligt skifte")
    assert process.communicate()[1] == "" and process.returncode == 0
    assert len(read_keys(project)) == 2
    again = shell(project, "password", "--database", DATABASE, region).communicate()[0]
    assert again == told, "what was published keeps its password"
    assert flow.password(run_of(project), region) != told.strip(), "the next run's is another"
    person = shell(project, "audit", "person")
    assert person.communicate("0101011234\n")[1] == "" and person.returncode == 0
    assert ended(shell(project, "run", "--database", DATABASE, "--reference-date", DAY.isoformat())) == 0
    assert runs.latest_run(project.results(DATABASE)) == results


def test_the_key_stays_while_a_run_is_at_work(tmp_path) -> None:
    project = little_home_with_files(tmp_path)
    flow.receive(run_of(project))
    keys = read_keys(project)
    holder = (
        "import sys, pathlib; from pipelines.project import Project; from pipelines.run import alone_with\n"
        "home, database = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        "with alone_with(Project(home, None, None), database): print('held', flush=True); input()"
    )
    words = [sys.executable, "-c", holder, project.home, DATABASE]
    with subprocess.Popen(words, stdin=-1, stdout=-1, text=True) as other:
        other.stdout.readline()
        with pytest.raises(InputError, match="at work"):
            rotate(project, "a test")
        other.communicate("\n")
    assert read_keys(project) == keys
    with alone_with(project, DATABASE):
        assert rotate(project, "a test") == [DATABASE]
