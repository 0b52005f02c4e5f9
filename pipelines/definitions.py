"""What Dagster loads: the flow's assets with their checks, the jobs, the inbox sensor and the schedule."""

import dagster as dg

from pipelines.orchestration.assets import FLOW
from pipelines.orchestration.inbox import inbox
from pipelines.orchestration.installation import installation
from pipelines.orchestration.jobs import continued_validation, every_monday, first_data

defs = dg.Definitions(
    assets=FLOW,
    jobs=[first_data, continued_validation],
    sensors=[inbox],
    schedules=[every_monday],
    resources={"installation": installation()},
    executor=dg.in_process_executor,
)
