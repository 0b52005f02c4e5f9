"""The jobs a datamanager starts, and the schedule that repeats the second of them."""

from collections.abc import Iterator

import dagster as dg

from pipelines.orchestration.assets import DAY_TAG, FIRST_DATA, GATE_TAG, GROUP, received, registers
from pipelines.orchestration.partitions import DATABASES

# Files are received by region, and the registers' once for all; from there on a run takes a whole database.
WHOLE_DATABASE = dg.AssetSelection.groups(GROUP) - dg.AssetSelection.assets(received, registers)

first_data = dg.define_asset_job(
    "first_data",
    selection=WHOLE_DATABASE,
    tags={GATE_TAG: FIRST_DATA},
    description="Første data: fra modtagne rækker til godkendelsestrinnet *første data*.",
)
continued_validation = dg.define_asset_job(
    "continued_validation",
    selection=WHOLE_DATABASE,
    tags={GATE_TAG: "continued_validation"},
    description="Fortsat validering: det samme med de strengere krav i *fortsat validering*.",
)


@dg.schedule(
    job=continued_validation,
    cron_schedule="0 6 * * 1",
    execution_timezone="Europe/Copenhagen",
    description="Hver mandag kl. 6: alle databaser, opgjort pr. samme dag.",
)
def every_monday(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    """The reference date is the day of the tick, so that a tick run again gives the same."""
    day = context.scheduled_execution_time.date().isoformat()
    for database in DATABASES.get_partition_keys():
        yield dg.RunRequest(run_key=f"{day}-{database}", partition_key=database, tags={DAY_TAG: day})
