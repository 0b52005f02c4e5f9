"""Two regions of the sample inbox taken through every asset, in a Dagster home like the real one."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from tests_of_orchestration import DAY, JOB, REGIONS, Done, dagster_home, installed

from pipelines.definitions import defs
from pipelines.orchestration.assets import DAY_TAG, received


@pytest.fixture(scope="session")
def done(tmp_path_factory) -> Done:
    installation = installed(tmp_path_factory.mktemp("flow"))
    home = dagster_home(Path(installation.home))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for region in REGIONS:
            dg.materialize(
                [received],
                instance=instance,
                resources={"installation": installation},
                partition_key=f"dhd|{region}",
            )
        job = defs.resolve_job_def(JOB)
        result = job.execute_in_process(
            instance=instance,
            partition_key="dhd",
            resources={"installation": installation},
            tags={DAY_TAG: DAY},
        )
    return Done(installation, home, result)
