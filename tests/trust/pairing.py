"""Two runs of one database at once, so many times: `pairing.py FOLDER PAIRS [unlocked]`.

Prints for each pair how the two commands ended, what they said, and what is wrong or other than after one run.
`unlocked` is the broken variant in which nothing keeps them apart but the verbs themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # nothing in the process that forks may have threads of its own at work

from killing import Plan, completed_by, ended, looked_at, prepared
from moments import without_drawing
from starving import in_fork

from pipelines import run


def pair(plan: Plan, number: int, apart: float) -> dict[str, object]:
    """Two commands, the second one begun so many seconds after the first."""
    project = plan.copy(f"pair{number}")
    (project.home / "acknowledged").write_text("".join(f"{name}\n" for name in plan.published), "ascii")
    first, said = in_fork(project, name="first")
    time.sleep(apart)
    second, said_second = in_fork(project, name="second")
    ends = [ended(first), ended(second)]
    words = [path.read_text("utf-8") for path in (said, said_second)]
    told = {"ends": ends, "said": words, "wrong": looked_at(project)}
    told["other"] = completed_by(lambda: None, plan, project)
    shutil.rmtree(project.home)
    return told


def main(folder: Path, pairs: str, variant: str = "") -> None:
    without_drawing()
    plan, moments = prepared(folder), random.Random(20)
    if variant:
        run.alone = lambda one: contextlib.nullcontext()
    for number in range(int(pairs)):
        sys.stdout.write(json.dumps(pair(plan, number, moments.uniform(0, plan.seconds / 2))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
