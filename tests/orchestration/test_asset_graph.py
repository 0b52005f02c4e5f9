"""What Dagster loads: the graph of assets as it was agreed, its jobs, and the boundary around every step."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from tests_of_orchestration import ROOT

from pipelines.definitions import defs
from pipelines.orchestration.assets import FLOW
from pipelines.orchestration.dev import environment
from pipelines.orchestration.installation import Installation
from pipelines.orchestration.jobs import every_monday
from pipelines.project import InputError

DATABASES = sorted(path.parent.name for path in (ROOT / "expectations").glob("*/specification.yaml"))
SNAPSHOT = Path(__file__).parent / "snapshots" / "asset_graph.json"


def graph() -> dict[str, dict[str, object]]:
    found = defs.resolve_asset_graph()
    return {
        key.to_user_string(): {
            "deps": sorted(parent.to_user_string() for parent in found.get(key).parent_keys),
            "partitions": _dimensions(found.get(key).partitions_def),
            "checks": sorted(check.name for check in found.get(key).check_keys),
        }
        for key in sorted(found.get_all_asset_keys())
    }


def _dimensions(partitions: dg.PartitionsDefinition | None) -> list[str]:
    if partitions is None:
        return []
    names = getattr(partitions, "partition_dimension_names", None)
    return list(names) if names else ["database"]


def test_the_graph_is_the_one_that_was_agreed():
    """A change that is meant: write the new graph with `python -m json.tool` into the snapshot."""
    assert graph() == json.loads(SNAPSHOT.read_text("utf-8"))


def test_every_step_stands_behind_the_boundary_and_waits_for_the_warehouse():
    for asset in FLOW:
        compute = asset.op.compute_fn.decorated_fn
        assert compute.__code__.co_name == "behind_the_boundary"
        assert asset.op.pool == "warehouse"


def test_every_asset_says_in_danish_what_it_is():
    assert all(spec.description.startswith("**") for asset in FLOW for spec in asset.specs)


@pytest.mark.parametrize("job", ["first_data", "continued_validation"])
def test_a_job_takes_a_database_from_typed_rows_to_the_decision(job):
    found = defs.resolve_job_def(job)
    assert found.partitions_def.get_partition_keys() == DATABASES
    keys = {key.to_user_string() for key in found.asset_layer.executable_asset_keys}
    assert {"conformed", "decided"} <= keys and not {"received", "registers"} & keys


def test_the_schedule_judges_every_database_as_of_its_own_day_and_is_off():
    when = dt.datetime(2026, 10, 5, 4, tzinfo=dt.UTC)  # six o'clock in Copenhagen
    with dg.build_schedule_context(scheduled_execution_time=when) as context:
        requests = list(every_monday(context))
    assert [request.partition_key for request in requests] == DATABASES
    assert requests[0].tags["sammenhold/reference_date"] == "2026-10-05"
    assert every_monday.job_name == "continued_validation"
    assert every_monday.default_status == dg.DefaultScheduleStatus.STOPPED


def test_a_reference_date_that_is_none_is_refused():
    with pytest.raises(InputError, match="YYYY-MM-DD"):
        Installation(home="h", expectations="e", reference_date="30-09-2026").run("dhd")


def test_the_day_of_a_run_goes_before_that_of_the_installation():
    usual = Installation(home="h", expectations="e", reference_date="2026-09-30")
    assert usual.run("dhd").reference_date == dt.date(2026, 9, 30)
    assert usual.run("dhd", "2026-10-05").reference_date == dt.date(2026, 10, 5)


def test_the_home_of_dagster_lies_with_the_data_and_tells_nobody(tmp_path):
    home = Path(environment(tmp_path)["DAGSTER_HOME"])
    said = yaml.safe_load((home / "dagster.yaml").read_text("utf-8"))
    assert home == tmp_path / "dagster"
    assert said["telemetry"] == {"enabled": False}
    assert said["compute_logs"]["class"] == "NoOpComputeLogManager"


def test_loading_the_definitions_leaves_the_slow_library_alone():
    code = "import sys, pipelines.definitions; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
