"""Two regions of the sample inbox taken through every asset, in a Dagster home like the real one."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from tests_of_orchestration import REGIONS, Done, dagster_home, installed, steps

from pipelines.orchestration.assets import FLOW, received


@pytest.fixture(scope="session")
def done(tmp_path_factory) -> Done:
    installation = installed(tmp_path_factory.mktemp("flow"))
    home = dagster_home(Path(installation.home))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for region in REGIONS:
            steps(installation, instance, [received], f"dhd|{region}")
        result = steps(installation, instance, FLOW, "dhd", selection=FLOW[1:])
    return Done(installation, home, result)
