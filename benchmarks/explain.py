"""How well are planted faults explained? Found, named, rank and false alarms, per kind and overall.

    python -m benchmarks.explain --minutes 40 --out results.jsonl    # cases until the time is up; goes on from there
    python -m benchmarks.explain --summary results.jsonl             # the tables of whatever is there
    python -m benchmarks.explain --parts single --kinds rounded --cases 12 --show

Cases are taken in rounds: each holds every kind and size once, and groups, confounded and clean cases in the same
proportion, in a random but seeded order; so what has been done at any time is a fair sample of the whole. Databases
are invented (pipelines/synthetic/invented.py): no case is in the sample data.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.explain_cases import KINDS, Case, drawn, planted
from benchmarks.explain_files import through_files
from benchmarks.explain_judging import Judge
from benchmarks.explain_tables import tables
from benchmarks.explain_worlds import World, world_of
from pipelines.explain.cause import Cause, Explanation
from pipelines.explain.causes import explain
from pipelines.reconciliation.reconcile import Reconciliation, reconcile

SIZES = (20, 200, 2000)
FEWEST = 20  # records that a fault must have changed to be a case
MORE_THAN = 4  # times the size: so many courses a database has at least
TOGETHER = (3, 6)
WORST = 0.30  # disagreement of a variable, of every other clean case; the others have 0.10 as everywhere
ONE_THREAD = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
# In each round: beside every kind in every size.
OF_A_ROUND = {"group": 18, "confounded": 9, "clean": 6, "files": 1}
CONFOUNDERS = ("schema_version", "source_system", "unit")
CONFOUNDED = ("unit_factor", "date_shift", "missing_in_new", "code_recoded", "inverted", "constant_offset")
# These take records away: planted first, so that what the others make is still there.
FIRST = ("unit_not_reporting", "period_gap", "submission_lost", "population_too_narrow", "boundary_off", "late_arrival",
         "unit_mapped_wrong")  # fmt: skip


@dataclass(frozen=True, order=True)
class Task:
    part: str
    kind: str
    size: int
    seed: int


@dataclass(frozen=True)
class Verdict:
    """`named`: rank of the rightly named cause (0: none); `found`: of the right kind and variables at all."""

    part: str
    kind: str
    seed: int
    size: int
    faults: int
    causes: int
    named: int = 0
    found: int = 0
    made: int = 0
    carried: int = 0
    claimed: int = 0
    wrongly: int = 0
    true: str = ""
    told: tuple[str, ...] = ()
    wanted: int = 0  # the size that was asked for, of a task of its own


# ---------------------------------------------------------------- which cases


def tasks(parts: list[str], kinds: list[str], sizes: list[int], order: int) -> Iterator[Task]:
    """Round after round, each in an order of its own; every task has a seed, and so a database, of its own."""
    seed = 1_000_000 * order
    round_ = [("single", kind, size) for kind in kinds for size in sizes] if "single" in parts else []
    round_ += [(part, "", 0) for part, n in OF_A_ROUND.items() if part in parts for _ in range(n)]
    while True:
        for at in np.random.default_rng([order, seed]).permutation(len(round_)):
            seed += 1
            yield Task(*round_[at], seed)


def done_already(path: Path | None) -> set[tuple]:
    lines = path.read_text("utf-8").splitlines() if path and path.exists() else []
    return {
        (v["part"], v["kind"] if v["part"] == "single" else "", v["wanted"], v["seed"]) for v in map(json.loads, lines)
    }


# ---------------------------------------------------------------- one case


def judged(task: Task, n: int | None = None) -> list[Verdict]:
    """The verdicts of a task, one a fault; of a clean case one without a kind; none where it cannot be drawn."""
    clean = world_of(task.seed, n, MORE_THAN * task.size, WORST if task.part == "clean" and task.seed % 2 else 0.10)
    after, cases = DRAWING[task.part](clean, task)
    if not cases and task.part != "clean":
        return [Verdict(task.part, task.kind, task.seed, 0, 0, 0, wanted=task.size)]
    found, explanation = explained(after)
    told = tuple(_line(cause) for cause in explanation.causes[: 2 * len(cases) + 4])
    if task.part == "clean":
        return [Verdict("clean", "", task.seed, 0, 0, len(explanation.causes), told=told)]
    if task.part == "files" and not through_files(after, explanation):
        explanation = Explanation((), explanation.discrepancies, 0)  # another answer than the one in process is none
    ids = found.discrepancies.join(explanation.cause_ids(), on="discrepancy_id", how="left")
    return [_verdict(task, case, clean, after, explanation, ids, len(cases), told) for case in cases]


def explained(world: World) -> tuple[Reconciliation, Explanation]:
    found = reconcile(world.spec, *world.sides.finished(world.spec), world.sides.reference_date)
    return found, explain(world.spec, found)


def _verdict(task: Task, case: Case, clean: World, after: World, explanation: Explanation, ids, faults: int, told):
    judge, truth = Judge(case, clean, after), case.truth
    ranked = list(enumerate(explanation.causes, 1))
    named = next((rank for rank, cause in ranked if judge.names(cause)), 0)
    found = next((rank for rank, cause in ranked if judge.of_kind(cause)), 0)
    counted = judge.counted(ids, [explanation.causes[named - 1].id] if named else [])
    true = f"{truth.kind} {truth.variables} {dict(truth.slice)} {dict(truth.parameters)} {truth.size}"
    ranks = len(explanation.causes), named, found
    return Verdict(task.part, truth.kind, task.seed, truth.size, faults, *ranks, *counted, true, told, task.size)


def _line(cause: Cause) -> str:
    return f"{cause.kind} {cause.variables} {cause.where} {cause.parameters} {cause.explained} of {cause.in_slice}"


def single(world: World, task: Task) -> tuple[World, list[Case]]:
    made = drawn(world, task.kind, task.size)
    if made is None:
        return world, []
    after, case = planted(world, *made, task.seed)
    return after, [case] if case.truth.size >= FEWEST else []


def group(world: World, task: Task) -> tuple[World, list[Case]]:
    """Three to six faults of different kinds, in variables of their own or in records of their own."""
    wanted = int(world.rng.integers(TOGETHER[0], TOGETHER[1] + 1))
    cases: list[Case] = []
    kinds = sorted(world.rng.permutation(KINDS)[: 2 * wanted].tolist(), key=lambda kind: kind not in FIRST)
    for kind in kinds:
        made = drawn(world, kind, int(world.rng.choice([60, 200, 600])))
        if made is None or len(cases) == wanted or not _apart(made, cases):
            continue
        after, case = planted(world, *made, task.seed)
        if case.truth.size >= FEWEST:
            world, cases = after, [*cases, case]
    return world, cases if len(cases) >= TOGETHER[0] else []


def _apart(made: tuple, cases: list[Case]) -> bool:
    """No two faults in one variable; of whole records two at most, so that each has records to itself."""
    fault, variables, _ = made
    used = {name for case in cases for name in case.truth.variables}
    of_records = sum(not case.truth.variables for case in cases)
    return not {*variables, fault.parameters.get("other")} & used and (bool(variables) or of_records < 2)


def confounded(world: World, task: Task) -> tuple[World, list[Case]]:
    """A fault of a version, a system or a unit, which shares most of its records with regions and months."""
    made = drawn(world, world.one(CONFOUNDED), 2000, (world.one(CONFOUNDERS),))
    if made is None or "period" in made[0].slice:
        return world, []
    after, case = planted(world, *made, task.seed)
    return after, [case] if case.truth.size >= FEWEST else []


def clean(world: World, task: Task) -> tuple[World, list[Case]]:
    return world, []


DRAWING = {"single": single, "group": group, "files": group, "confounded": confounded, "clean": clean}


# ---------------------------------------------------------------- many cases


def run(wanted: Iterable[Task], out: Path | None, said: argparse.Namespace) -> list[dict[str, Any]]:
    """Cases until the time is up or enough have been done; each is written as soon as it is judged."""
    ends, results = time.monotonic() + 60 * said.minutes, []
    os.environ |= dict.fromkeys(ONE_THREAD, "1")  # the workers are what runs side by side
    with ProcessPoolExecutor(said.workers, get_context("spawn")) as pool:
        waiting: dict[Future, Task] = {}
        for task in wanted:
            if time.monotonic() > ends:
                break
            waiting[pool.submit(judged, task, said.n)] = task
            if len(waiting) > said.workers:
                results += _gathered(waiting, out, said.show)
        while waiting:
            results += _gathered(waiting, out, said.show)
    return results


def _gathered(waiting: dict[Future, Task], out: Path | None, show: bool) -> list[dict[str, Any]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    verdicts = []
    for future in done:
        task = waiting.pop(future)
        try:
            verdicts += [asdict(verdict) for verdict in future.result()]
        except Exception as error:
            raise RuntimeError(f"{task} broke the explainer") from error
    if out:
        with out.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(v, ensure_ascii=False, default=str) + "\n" for v in verdicts)
    if show:
        _show(verdicts)
    return verdicts


def _show(verdicts: list[dict[str, Any]]) -> None:
    """Every case that was not named as it should be, or of which too much is told."""
    missed = any(v["faults"] and not 0 < v["named"] <= v["faults"] for v in verdicts)
    if missed or any(v["causes"] > v["faults"] for v in verdicts):
        for v in verdicts:
            print("true", v["named"], v["part"], v["seed"], v["true"])
        print(*(f"     {line}" for line in verdicts[0]["told"]), sep="\n", flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=10.0)
    asked.add_argument("--workers", type=int, default=1)
    asked.add_argument("--out", type=Path, help="JSON lines; a run goes on where the last one stopped")
    asked.add_argument("--summary", type=Path, nargs="*", help="only print the tables of these files")
    asked.add_argument("--show", action="store_true", help="tell every case that was not named first")
    asked.add_argument("--parts", nargs="*", default=["single", *OF_A_ROUND])
    asked.add_argument("--kinds", nargs="*", default=list(KINDS))
    asked.add_argument("--sizes", nargs="*", type=int, default=list(SIZES))
    asked.add_argument("--order", type=int, default=1, help="of the cases, and so their databases")
    asked.add_argument("--cases", type=int, default=10**9, help="so many at most")
    asked.add_argument("--n", type=int, help="courses of each database; else 5,000 to 20,000")
    said = asked.parse_args()
    if said.summary:
        results = [json.loads(line) for path in said.summary for line in path.read_text("utf-8").splitlines()]
    else:
        known = done_already(said.out)
        wanted = (
            t for t, _ in zip(tasks(said.parts, said.kinds, said.sizes, said.order), range(said.cases), strict=False)
        )
        results = run((t for t in wanted if (t.part, t.kind, t.size, t.seed) not in known), said.out, said)
    print(tables(results))


if __name__ == "__main__":
    main()
