"""Two runs of one database at once: one works, the other ends with one sentence; a killed run is cleared away."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from little_home import DATABASE, DAY, EARLIER, little_home_with_files, published, run_of, through
from shell import shell
from small_home import EXPECTATIONS

from pipelines import flow
from pipelines.project import InputError, Project
from pipelines.reports import publish
from pipelines.run import alone
from pipelines.warehouse.key import make_key

pytestmark = pytest.mark.trust

RUN = ("run", "--database", DATABASE, "--reference-date", DAY.isoformat())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return little_home_with_files(tmp_path)


def wait(process: subprocess.Popen[str], until: Callable[[], bool]) -> None:
    while not until() and process.poll() is None:
        time.sleep(0.01)


def test_of_two_runs_one_works_and_the_other_says_so(project) -> None:
    first = shell(project, *RUN)
    wait(first, until=lambda: project.warehouse(DATABASE).exists())
    first.send_signal(signal.SIGSTOP)  # it is at work for as long as the others take to begin
    others = [shell(project, *RUN) for _ in range(2)]
    told = [other.communicate()[1].strip() for other in others]
    assert [other.returncode for other in others] == [2, 2]
    assert set(told) == {"sammenhold: Another run of little is at work: wait until it has ended, then run again."}
    first.send_signal(signal.SIGCONT)
    first.communicate()
    assert first.returncode == 0
    assert [path.name for path in runs_of(project)] == [published(project).name]


PAIRING, PAIRS = Path(__file__).with_name("pairing.py"), 20


def pairs(folder: Path, *words: str) -> list[dict]:
    done = subprocess.run([sys.executable, PAIRING, folder, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def disturbed(found: list[dict]) -> list[str]:
    """What two runs at once made otherwise than one, and what either said but that another is at work."""
    strange = [f"ended {one['ends']}" for one in found if sorted(one["ends"]) not in ([0, 0], [0, 2])]
    words = [line for one in found for said in one["said"] for line in said.splitlines() if line.startswith("sammen")]
    expected = "sammenhold: Another run of little is at work: wait until it has ended, then run again."
    strange += [one for one in words if one != expected]
    return strange + [problem for one in found for problem in one["wrong"] + one["other"]]


def test_twenty_times_two_at_once_end_as_one(tmp_path) -> None:
    found = pairs(tmp_path, str(PAIRS))
    assert len(found) == PAIRS and disturbed(found) == []
    assert any(2 in one["ends"] for one in found), "they met"


def test_broken_variant_without_the_lock_is_caught(tmp_path) -> None:
    """DuckDB's own lock is left, which names a file and speaks only where both have it open."""
    assert disturbed(pairs(tmp_path, "4", "unlocked"))


def test_a_killed_runs_folder_is_cleared_by_the_next(project) -> None:
    killed = shell(project, *RUN)
    wait(killed, until=lambda: bool(unfinished(project)))
    killed.kill()
    killed.communicate()
    assert unfinished(project) and not runs_of(project)
    through(run_of(project, EARLIER))
    assert [path.name[:10] for path in runs_of(project)] == [EARLIER.isoformat()]
    assert not unfinished(project)


def interleaved(project: Project) -> None:
    """A run as of another day begins between two steps of one, as a second process's would."""
    run, other = run_of(project), run_of(project, EARLIER)
    for verb in (flow.receive, flow.conform, flow.validate, flow.reconcile):
        verb(run)
    flow.reconcile(other)
    flow.explain(run)


def test_a_run_does_not_go_on_with_what_another_left(project) -> None:
    with pytest.raises(InputError, match="under way"):
        interleaved(project)


def test_broken_variant_where_nothing_is_cleared_is_caught(project, monkeypatch) -> None:
    monkeypatch.setattr("pipelines.reports.publish.start_run", publish.start)
    interleaved(project)
    assert len(unfinished(project)) == 2, "the first went on in its folder with the other's rows"


def beside(project: Project, first: str) -> str:
    """What a run says that is started while another is at work, between two of its steps."""
    with alone(run_of(project)):
        return shell(project, *RUN, first=first).communicate()[1]


def test_a_run_beside_another_stops_before_its_first_step(project) -> None:
    no_steps = "import contextlib, pipelines.cli as cli, pipelines.run as run; cli.STEPS.clear()"
    assert "Another run of little" in beside(project, no_steps)
    without = "run.alone = lambda run: contextlib.nullcontext()"
    assert "Another run of little" not in beside(project, f"{no_steps}; {without}"), "the broken variant has no lock"


def runs_of(project: Project) -> list[Path]:
    return sorted(project.results(DATABASE).glob("2*"))


def unfinished(project: Project) -> list[Path]:
    return sorted(project.results(DATABASE).glob(".building*"))


HOLDER = (
    "import pathlib, sys; from pipelines.project import Project; from pipelines.run import alone_with\n"
    "with alone_with(Project(pathlib.Path(sys.argv[1]), None, None), 'registers'): print('held', flush=True); input()"
)


def test_of_two_that_take_in_registers_the_second_says_so(tmp_path) -> None:
    project = Project(tmp_path / "home", EXPECTATIONS, tmp_path / "keys" / "key")
    make_key(project)
    with subprocess.Popen([sys.executable, "-c", HOLDER, project.home], stdin=-1, stdout=-1, text=True) as other:
        other.stdout.readline()
        with pytest.raises(InputError, match="Another run of registers is at work"):
            flow.registers(project, run_of(project).received_at)
        other.communicate("\n")
    assert flow.registers(project, run_of(project).received_at)["files"] == 0
