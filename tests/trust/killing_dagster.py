"""Kills runs under Dagster, with the instance of `sammenhold dev`: `killing_dagster.py FOLDER KILLS`.

Prints a line for each kill: how Dagster saw the run before and after stale runs were ended, what was wrong with the
home, and with what the next run made of it. How it saw them before is how it would for ever, if nobody ended them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # nothing in the process that forks may have threads of its own at work

from killing import Plan, answer, completed_by, ended, forked, kill, looked_at
from little_home import DATABASE, DAY, EARLIER, REGIONS, deliver, little_home, run_of, through
from moments import acknowledging, without_drawing
from wholeness import end_state

from pipelines.orchestration.dev import environment
from pipelines.project import Project


def prepared(folder: Path) -> Plan:
    project = little_home(folder)
    os.environ |= {"SAMMENHOLD_EXPECTATIONS": str(project.expectations), "SAMMENHOLD_KEY_FILE": str(project.key_file)}
    import pipelines.definitions  # noqa: F401  reads which databases there are; and no child imports it again

    deliver(project, 3)
    answer(lambda: through(run_of(project, EARLIER)))
    deliver(project, 4)
    plan = Plan(project, folder, {}, [], 0.0)
    whole = plan.copy("undisturbed")
    seconds = answer(lambda: timed(whole))
    return replace(plan, end=answer(lambda: end_state(whole)), seconds=seconds)


def timed(project: Project) -> float:
    began = time.process_time()
    walk(project)
    return time.process_time() - began


def walk(project: Project) -> None:
    """Every region's files are received, and then the job `first_data`: as the page's runs, in this process."""
    import dagster as dg

    os.environ |= environment(project.home)
    defs = definitions(project)
    with dg.DagsterInstance.get() as instance:
        whole = defs.resolve_implicit_global_asset_job_def()
        for region in REGIONS:
            key = dg.MultiPartitionKey({"database": DATABASE, "region": region})
            received = [dg.AssetKey("received")]
            whole.execute_in_process(partition_key=key, instance=instance, asset_selection=received)
        assert defs.resolve_job_def("first_data").execute_in_process(partition_key=DATABASE, instance=instance).success


def definitions(project: Project):
    """The flow of this home, whose clock stands still."""
    import dagster as dg

    from pipelines.orchestration.assets import FLOW
    from pipelines.orchestration.installation import Installation
    from pipelines.orchestration.jobs import first_data

    Installation.now = lambda self: run_of(project).received_at
    where = {"home": str(project.home), "expectations": str(project.expectations), "reference_date": DAY.isoformat()}
    return dg.Definitions(FLOW, jobs=[first_data], resources={"installation": Installation(**where)},
                          executor=dg.in_process_executor)  # fmt: skip


def statuses(project: Project) -> dict[str, list[str]]:
    """What is under way in Dagster's eyes, and what the pool holds; before and after stale runs were ended."""
    import dagster as dg

    from pipelines.orchestration import stale_runs

    os.environ |= environment(project.home)
    with dg.DagsterInstance.get() as instance:
        before = _under_way(instance)
        stale_runs.clear(instance)
        return {"before": before, "after": _under_way(instance)}


def _under_way(instance) -> list[str]:
    from pipelines.orchestration.stale_runs import UNDER_WAY

    runs = [run.status.value for run in instance.get_runs() if run.status in UNDER_WAY]
    return runs + [f"pool held by {run}" for run in instance.event_log_storage.get_concurrency_run_ids()]


def killed(plan: Plan, project: Project, moments: random.Random) -> int:
    """How a run that is killed ends; -9 where it was not done before."""
    acknowledged = project.home / "acknowledged"
    acknowledged.write_text("".join(f"{name}\n" for name in plan.published), "ascii")

    def work() -> None:
        acknowledging(os.open(acknowledged, os.O_WRONLY | os.O_APPEND))
        walk(project)

    child = forked(work)
    kill(child, moments.uniform(0, plan.seconds))
    return ended(child)


def main(folder: Path, kills: str) -> None:
    without_drawing()
    plan, moments = prepared(folder), random.Random(6)
    for number in range(int(kills)):
        project = plan.copy(f"killed{number}")
        told = {"ended": killed(plan, project, moments), "wrong": looked_at(project)}
        told |= answer(lambda project=project: statuses(project))
        told["next"] = completed_by(lambda project=project: walk(project), plan, project)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        shutil.rmtree(project.home)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
