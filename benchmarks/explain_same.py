"""Are the causes the same after a change? `python -m benchmarks.explain_same --out told.jsonl` before it, and after it

    python -m benchmarks.explain_same --against told.jsonl    # every case that differs; CPU seconds of both

A fixed set of cases: 60 single faults of all kinds, 10 groups, 10 clean. Compared is all that causes.json tells.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, pairwise
from multiprocessing import get_context
from pathlib import Path

from benchmarks.explain import DRAWING, MORE_THAN, ONE_THREAD, WORST, Task, tasks
from benchmarks.explain_cases import KINDS
from benchmarks.explain_worlds import world_of
from pipelines.explain.causes import explain
from pipelines.explain.sentences import Words
from pipelines.reconciliation.reconcile import reconcile

OF_EACH = {"single": 60, "group": 10, "clean": 10}
ORDER = 77


def fixed(order: int) -> Iterator[Task]:
    for part, n in OF_EACH.items():
        yield from islice(tasks([part], list(KINDS), [20, 200, 2000], order), n)


def told(task: Task) -> dict:
    """What is told of a case, and the CPU seconds of drawing, reconciling and explaining it."""
    clock = [time.process_time()]
    worst = WORST if task.part == "clean" and task.seed % 2 else 0.10
    world, _ = DRAWING[task.part](world_of(task.seed, None, MORE_THAN * task.size, worst), task)
    clock.append(time.process_time())
    found = reconcile(world.spec, *world.sides.finished(world.spec), world.sides.reference_date)
    clock.append(time.process_time())
    explanation = explain(world.spec, found)
    clock.append(time.process_time())
    said = explanation.contract(Words(world.spec)) | {"asked": explanation.asked}
    said["explained"] = sorted(explanation.cause_ids().rows())
    seconds = [end - start for start, end in pairwise(clock)]
    return {"case": f"{task.part} {task.kind} {task.size} {task.seed}", "told": said, "seconds": seconds}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--out", type=Path)
    asked.add_argument("--against", type=Path)
    asked.add_argument("--workers", type=int, default=1)
    asked.add_argument("--order", type=int, default=ORDER)
    said = asked.parse_args()
    os.environ |= dict.fromkeys(ONE_THREAD, "1")
    with ProcessPoolExecutor(said.workers, get_context("spawn")) as pool:
        lines = [json.dumps(line, default=str) for line in pool.map(told, fixed(said.order))]
    if said.out:
        said.out.write_text("\n".join(lines) + "\n", "utf-8")
    print("drawn, reconciled, explained: CPU s", _seconds(lines))
    if said.against:
        before = said.against.read_text("utf-8").splitlines()
        print("before:", _seconds(before))
        differing = [_case(b) for a, b in zip(before, lines, strict=True) if _told(a) != _told(b)]
        print(f"{len(differing)} of {len(lines)} cases are told otherwise", *differing, sep="\n  ")


def _case(line: str) -> str:
    return json.loads(line)["case"]


def _told(line: str) -> tuple:
    read = json.loads(line)
    return read["case"], read["told"]


def _seconds(lines: list[str]) -> list[float]:
    return [round(sum(of), 1) for of in zip(*(json.loads(line)["seconds"] for line in lines), strict=True)]


if __name__ == "__main__":
    main()
