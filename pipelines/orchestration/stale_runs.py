"""Runs whose process is gone: else they would stay "started" for ever, and keep their place in the warehouse's pool.

While `sammenhold dev` runs, Dagster's code server sees the process of a run end. What it does not see are the runs
that went down together with it (Dagster's run monitoring asks the default launcher nothing): those are ended when it
is started again. Whether a process is gone is told by the operating system: each holds a lock for as long as it lives.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import dagster as dg
from filelock import FileLock, Timeout

Given, Answer = ParamSpec("Given"), TypeVar("Answer")
UNDER_WAY = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
SAID = "The process of this run ended before the run did. Nothing half-written was kept: start it again."


def alive(step: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """A step during which, and until its process ends, the run is seen to be at work."""

    @wraps(step)
    def held(context: dg.AssetExecutionContext, *given: Given.args, **named: Given.kwargs) -> Answer:
        with suppress(Timeout):  # another process of the same run holds it
            _hold(_lock(context.instance, context.run.run_id))
        return step(context, *given, **named)

    return held


def clear(instance: dg.DagsterInstance) -> list[str]:
    """End the runs whose process is gone, and free what they held of the pool; their ids."""
    gone = [run for run in instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)) if _is_gone(instance, run.run_id)]
    for run in gone:
        instance.report_run_failed(run, SAID)
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in gone]


@cache  # the lock is held for as long as somebody knows of it
def _hold(path: Path) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(path)
    lock.acquire(timeout=0)
    return lock


def _is_gone(instance: dg.DagsterInstance, run_id: str) -> bool:
    path = _lock(instance, run_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(path).acquire(timeout=0):
            pass
    except Timeout:
        return False
    path.unlink(missing_ok=True)
    return True


def _lock(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "at_work" / f"{run_id}.lock"
