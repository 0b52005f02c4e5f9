"""Kills runs of the flow, as a process of its own that forks (a test process has threads): `killing.py FOLDER PLAN …`.

Each run is a child; after every kill the home is held whole before anything else touches it. PLAN is
`named PART PARTS`, `random KILLS SEED` or `broken`. Prints one line for each kill: the moment, and what was wrong,
as JSON.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # nothing in the process that forks may have threads of its own at work

import broken_variants
from little_home import DATABASE, DAY, EARLIER, deliver, little_home, run_of, through
from moments import Moments, acknowledging, without_drawing
from wholeness import end_state, problems

from pipelines.project import Project

WAITS = 0.001  # seconds between two looks at a child's clock
IN_A_ROW = 4
Found = tuple[str, list[str]]  # a moment, and what was wrong after it


@dataclass(frozen=True)
class Plan:
    """A home with one published run and new files in its inbox, and how a run of those ends undisturbed."""

    project: Project
    folder: Path
    end: dict[str, str]
    moments: list[str]
    seconds: float

    def copy(self, name: str) -> Project:
        home = self.folder / name
        shutil.copytree(self.project.home, home)
        return replace(self.project, home=home)

    @property
    def published(self) -> list[str]:
        return [path.name for path in self.project.results(DATABASE).glob("2*")]


def prepared(folder: Path) -> Plan:
    project = little_home(folder)
    deliver(project, 3)
    answer(lambda: through(run_of(project, EARLIER)))
    deliver(project, 4)
    plan = Plan(project, folder, {}, [], 0.0)
    whole = plan.copy("undisturbed")
    passed, seconds = answer(lambda: passed_by(whole))
    return replace(plan, end=answer(lambda: end_state(whole)), moments=passed, seconds=seconds)


def passed_by(project: Project) -> tuple[list[str], float]:
    """The moments of an undisturbed run, and its seconds of the processor."""
    moments = Moments()
    moments.watch()
    began = time.process_time()
    walk(project, moments)
    return list(dict.fromkeys(moments.passed)), time.process_time() - began


def walk(project: Project, moments: Moments) -> None:
    run = run_of(project, DAY)
    for verb in moments.verbs():
        verb(run)


def at_named(plan: Plan, part: int, parts: int) -> Iterator[Found]:
    """A kill at each named moment (of one part of them, in turn), and a run that completes."""
    for moment in plan.moments[part::parts]:
        project = plan.copy("named")
        yield moment, after_kill(plan, project, moment) + completed(plan, project)
        shutil.rmtree(project.home)


def of_broken(plan: Plan) -> Iterator[Found]:
    """A kill of each broken variant at the moment where it shows; no run after it."""
    for variant, moment in broken_variants.SHOWN_AT.items():
        yield variant, after_kill(plan, plan.copy(variant), moment, variant)


def after_kill(plan: Plan, project: Project, moment: str, variant: str | None = None) -> list[str]:
    """What is wrong after a kill at a named moment."""
    if ended(started(plan, project, moment, variant)) != -signal.SIGKILL:
        raise RuntimeError(f"{moment} was not reached")
    return looked_at(project)


def at_random(plan: Plan, kills: int, seed: int) -> Iterator[Found]:
    """Kills after so many seconds of the processor. The run after a killed one is killed as well, four times in a row;
    the next completes."""
    moments, number = random.Random(seed), 0
    while number < kills:
        project = plan.copy(f"random{number}")
        for _ in range(IN_A_ROW):
            after, wrong = killed(plan, project, moments)
            number += 1
            yield f"after {after:.3f} s", wrong
        yield "the run that completes", completed(plan, project)
        shutil.rmtree(project.home)


def killed(plan: Plan, project: Project, moments: random.Random) -> tuple[float, list[str]]:
    """One run, killed, and what is wrong after it.

    A run that was done before its moment came is followed by another one, which has nothing new to receive.
    """
    result = 0
    while result != -signal.SIGKILL:
        after = moments.uniform(0, plan.seconds)
        child = started(plan, project)
        kill(child, after)
        result = ended(child)
    return after, looked_at(project)


def looked_at(project: Project) -> list[str]:
    """What is wrong with a home; where something is, it is kept beside, for whoever looks for the cause."""
    found = answer(lambda: problems(project, _acknowledged(project).read_text("ascii").split()))
    if found:
        shutil.copytree(project.home, project.home.with_name(f"found-{project.home.name}"), dirs_exist_ok=True)
    return found


def _acknowledged(project: Project) -> Path:
    return project.home / "acknowledged"


def kill(child: int, after: float) -> None:
    """End a child by kill -9 once it has used so many seconds of the processor."""
    clock = (~child << 3) | 2  # its clock, as clock_getcpuclockid(3) makes it
    with_it = os.pidfd_open(child)
    while time.clock_gettime(clock) < after and not _is_over(child):
        time.sleep(WAITS)
    signal.pidfd_send_signal(with_it, signal.SIGKILL)
    os.close(with_it)


def _is_over(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def started(plan: Plan, project: Project, last: str | None = None, variant: str | None = None) -> int:
    """A run in a child, perhaps a broken one, which ends at the moment `last`."""
    path = _acknowledged(project)
    if not path.exists():
        path.write_text("".join(f"{name}\n" for name in plan.published), "ascii")

    def work() -> None:
        moments = Moments(last)
        broken_variants.put(variant, moments)
        if last:
            moments.watch()
        acknowledging(os.open(path, os.O_WRONLY | os.O_APPEND))
        walk(project, moments)

    return forked(work)


def completed(plan: Plan, project: Project) -> list[str]:
    """What the next run, which nobody helps, makes otherwise than an undisturbed one."""
    return completed_by(lambda: through(run_of(project, DAY)), plan, project)


def completed_by(work: Callable[[], None], plan: Plan, project: Project) -> list[str]:
    said = answer(lambda: _end_of(work, project))
    return sorted(f"other: {name}" for name in plan.end.keys() | said if plan.end.get(name) != said.get(name))


def _end_of(work: Callable[[], None], project: Project) -> dict[str, str]:
    try:
        work()
        return end_state(project)
    except Exception as problem:
        return {f"the next run stopped: {problem}": ""}


def answer(work: Callable[[], Any]) -> Any:
    """What `work` gives back, done in a child: no library may start threads in this process."""
    reading, writing = os.pipe()

    def tell() -> None:
        with os.fdopen(writing, "w") as out:
            json.dump(work(), out)

    child = forked(tell)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    if ended(child):
        raise RuntimeError("a child failed")
    return json.loads(said)


def forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, kills: str, *how: str) -> None:
    without_drawing()
    plan, killed_so = prepared(folder), {"named": at_named, "random": at_random, "broken": of_broken}[kills]
    for found in killed_so(plan, *map(int, how)):
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
