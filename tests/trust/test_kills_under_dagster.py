"""A run that is killed under Dagster harms nothing, does not stay "started", and gives back its place in the pool."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration import dev, stale_runs

pytestmark = pytest.mark.trust

PROGRAM = Path(__file__).with_name("killing_dagster.py")
KILLS = 10


def test_ten_kills_under_dagster_harm_nothing_and_leave_no_run_started(tmp_path) -> None:
    done = subprocess.run([sys.executable, PROGRAM, tmp_path, str(KILLS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == KILLS
    assert sum(one["ended"] == -9 for one in found) >= KILLS - 1, "one may have been done before its moment came"
    assert [one["wrong"] + one["next"] + one["after"] for one in found] == [[]] * KILLS
    before = [" ".join(one["before"]) for one in found]
    assert any("STARTED" in said and "pool" in said for said in before), "left alone they stay started, and in the pool"


@pytest.fixture
def instance(tmp_path):
    """The instance of `sammenhold dev`, with a run that is under way in its eyes."""
    with dg.DagsterInstance.from_config(dev.environment(tmp_path)["DAGSTER_HOME"]) as made:
        yield made


@dg.job
def little() -> None:
    pass


def test_a_run_that_is_at_work_is_left_alone(instance) -> None:
    run = instance.create_run_for_job(little, status=dg.DagsterRunStatus.STARTED)
    stale_runs._hold(stale_runs._lock(instance, run.run_id))
    program = (
        "import sys, dagster as dg; from pipelines.orchestration import stale_runs\n"
        "with dg.DagsterInstance.from_config(sys.argv[1]) as instance: print(stale_runs.clear(instance))"
    )
    words = [sys.executable, "-c", program, instance.root_directory]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == "[]"
    stale_runs._hold(stale_runs._lock(instance, run.run_id)).release()
    assert stale_runs.clear(instance) == [run.run_id]
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE


def test_sammenhold_dev_ends_stale_runs_first(tmp_path, instance, monkeypatch) -> None:
    run = instance.create_run_for_job(little, status=dg.DagsterRunStatus.STARTED)
    monkeypatch.setattr(dev, "scrubbed_run", lambda command, said: 0)
    assert dev.start_dagster(tmp_path, 3000) == 0
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE


def test_the_daemon_frees_the_pool_and_ends_what_nobody_saw_end(instance) -> None:
    settings = instance.run_monitoring_settings
    assert settings["enabled"] and settings["free_slots_after_run_end_seconds"] > 0
    assert 0 < settings["max_runtime_seconds"] <= 24 * 3600
