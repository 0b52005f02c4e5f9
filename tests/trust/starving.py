"""Runs of the flow for which the machine has too little: `starving.py FOLDER disk|memory|duckdb HOW_MANY`.

Each run is the command `sammenhold run` in a child. Prints a line for each: how much there was, how the command
ended and what it said, what was wrong with the home, and what the next run, which has enough, made otherwise.
Run as root, or in a namespace of its own (`unshare -rm`): a disk is a tmpfs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # nothing in the process that forks may have threads of its own at work

from killing import Plan, completed, ended, forked, looked_at, prepared
from little_home import DATABASE, DAY, run_of
from moments import without_drawing

from pipelines import cli
from pipelines.project import Project
from pipelines.warehouse import database

LITTLE_COMMAND = Path(__file__).with_name("little_command.py")
SUPERVISED = """
import resource, sys
from pipelines.supervisor import supervised
resource.setrlimit(resource.RLIMIT_DATA, [int(sys.argv[1])] * 2)
sys.exit(supervised(sys.argv[2:], 20.0))
"""
UNSUPERVISED = SUPERVISED.replace(
    "from pipelines.supervisor import supervised",
    "import subprocess\ndef supervised(words, patience): return subprocess.call(words, timeout=60) % 64",
)
MB = 2**20
MEMORY = 300 * MB  # what the warehouse may take
LEAST, ENOUGH = 200 * MB, 4000 * MB  # less than the libraries take, and more than a run does
ROOMY = 200 * MB
Begun = Callable[[Project], tuple[int, Path]]  # a process, and the file that gets what it says to standard error


def in_fork(project: Project, first: Callable[[], None] = lambda: None, name: str = "said") -> tuple[int, Path]:
    """`sammenhold run` in a child."""
    said = project.key_file.with_name(name)

    def work() -> None:
        _with_words(project, said)
        cli.STEPS.pop("evidence")  # as in the runs that it is held against, whose clock stood still
        cli.run_of = lambda project, database, day: run_of(project, day)
        first()
        try:
            cli.main()
        except SystemExit as end:
            os._exit(int(end.code or 0))

    return forked(work), said


def as_called(project: Project, room: int, program: str = SUPERVISED) -> tuple[int, Path]:
    """The same in processes of its own, supervised, as whoever calls it has it; each may take so many bytes."""
    said = project.key_file.with_name("said")

    def work() -> None:
        _with_words(project, said)
        words = [str(room), sys.executable, str(LITTLE_COMMAND), *sys.argv[1:]]
        os.execv(sys.executable, [sys.executable, "-c", program, *words])

    return forked(work), said


def _with_words(project: Project, said: Path) -> None:
    os.environ["SAMMENHOLD_KEY_FILE"] = str(project.key_file)
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    where = ["--home", project.home, "--expectations", project.expectations, "--database", DATABASE]
    sys.argv = ["sammenhold", "run", *map(str, where), "--reference-date", DAY.isoformat()]


def starved(plan: Plan, project: Project, begun: Begun) -> dict[str, object]:
    """The command, begun with too little; then the home is looked at."""
    path = project.home / "acknowledged"
    path.write_text("".join(f"{name}\n" for name in plan.published), "ascii")
    child, said = begun(project)
    return {"exit": ended(child), "said": said.read_text("utf-8", "replace"), "wrong": looked_at(project)}


def on_full_disks(plan: Plan, how_many: int) -> Iterator[dict[str, object]]:
    """Disks from what is there already to what a run needs, in equal steps."""
    least, most = size(plan.project.home), size(plan.folder / "undisturbed")
    for number in range(how_many):
        room = least + (most - least) * (number + 1) // (how_many + 1)
        with disk(plan.folder / "disk", room) as (folder, enlarge):
            shutil.copytree(plan.project.home, folder / "home")
            project = replace(plan.project, home=folder / "home")
            told = {"room": room // 1024} | starved(plan, project, in_fork)
            enlarge()
            yield told | {"next": completed(plan, project)}


@contextmanager
def disk(folder: Path, room: int) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A disk of so many bytes, and how it is made larger."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "none", folder], check=True)
    try:
        yield folder, lambda: subprocess.run(["mount", "-o", f"remount,size={ROOMY}", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def size(folder: Path) -> int:
    """The bytes that a folder takes on a tmpfs, whose files have whole pages."""
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*"))


def with_little_memory(plan: Plan, how_many: int) -> Iterator[dict[str, object]]:
    """Each process may take so much: from too little to load the libraries to more than enough."""
    yield from limited(plan, rooms(LEAST, ENOUGH, how_many), as_called)


def with_nobody_to_say_it(plan: Plan, how_many: int) -> Iterator[dict[str, object]]:
    """The broken variant: limits under which libraries end the command, and nobody watches it."""
    begun = partial(as_called, program=UNSUPERVISED)
    yield from limited(plan, rooms(350 * MB, 430 * MB, how_many), begun)


def with_little_memory_for_duckdb(plan: Plan, how_many: int) -> Iterator[dict[str, object]]:
    """The warehouse, which holds all that grows with the data, may take so much, and spills the rest."""
    yield from limited(plan, rooms(MB, MEMORY, how_many), with_small_warehouse)


def rooms(least: int, most: int, how_many: int) -> list[int]:
    """Bytes from more than the least to the most, each so many times the one before."""
    return [round(least * (most / least) ** ((number + 1) / how_many)) for number in range(how_many)]


def limited(plan: Plan, rooms: list[int], begun: Callable[[Project, int], tuple[int, Path]]) -> Iterator[dict]:
    for room in rooms:
        project = plan.copy(f"limited_{room}")
        told = {"room": room // MB} | starved(plan, project, lambda project, room=room: begun(project, room))
        yield told | {"next": completed(plan, project)}
        shutil.rmtree(project.home)


def with_small_warehouse(project: Project, room: int) -> tuple[int, Path]:
    return in_fork(project, lambda: setattr(database, "MEMORY", f"{room}B"))


PLANS = {
    "disk": on_full_disks,
    "memory": with_little_memory,
    "unsupervised": with_nobody_to_say_it,
    "duckdb": with_little_memory_for_duckdb,
}


def main(folder: Path, what: str, how_many: str) -> None:
    without_drawing()
    for found in PLANS[what](prepared(folder), int(how_many)):
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
