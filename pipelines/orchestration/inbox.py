"""The inbox sensor: files that have come to rest in a region's folder ask for that region to be received, and the
registers' files for the registers."""

import hashlib
import json
from collections.abc import Iterator

import dagster as dg

from pipelines.orchestration.assets import received, registers
from pipelines.orchestration.installation import Installation
from pipelines.orchestration.partitions import CHANNELS, DATABASES
from pipelines.orchestration.redaction import redacted
from pipelines.project import REGISTERS
from pipelines.sources.arrivals import Arrival, arrivals
from pipelines.sources.batch import is_plain_name

Seen = dict[str, str]


@dg.sensor(
    target=[received, registers],
    minimum_interval_seconds=30,
    description="Ser efter nye filer i indbakken. En regions filer, eller registrenes, modtages, når de har ligget "
    "uændrede siden forrige gang, så at en fil under overførsel ikke læses halv.",
)
@redacted
def inbox(context: dg.SensorEvaluationContext, installation: Installation) -> dg.SensorResult:
    before = json.loads(context.cursor) if context.cursor else {"seen": {}, "asked": {}}
    seen = seen_now(installation)
    at_rest = {channel: state for channel, state in seen.items() if before["seen"].get(channel) == state}
    new = {channel: state for channel, state in at_rest.items() if before["asked"].get(channel) != state}
    return dg.SensorResult(
        run_requests=[_request(channel, new[channel]) for channel in sorted(new)],
        cursor=json.dumps({"seen": seen, "asked": before["asked"] | new}, sort_keys=True),
    )


def _request(channel: str, state: str) -> dg.RunRequest:
    """The registers are no partition: their files are received once for all databases."""
    if channel == REGISTERS:
        return dg.RunRequest(run_key=state, asset_selection=[registers.key])
    return dg.RunRequest(run_key=state, partition_key=channel, asset_selection=[received.key])


def seen_now(installation: Installation) -> Seen:
    """Channel (partition key, or the registers) → a hash of what lies there; an empty channel and an unknown
    folder have none."""
    return dict(_states(installation))


def _states(installation: Installation) -> Iterator[tuple[str, str]]:
    if national := arrivals(installation.project.inbox(REGISTERS)):
        yield REGISTERS, state_of(REGISTERS, national)
    for database in DATABASES.get_partition_keys():
        files = arrivals(installation.project.inbox(database))
        for region in CHANNELS.get_partitions_def_for_dimension("region").get_partition_keys():
            if own := [file for file in files if file.region == region]:
                key = dg.MultiPartitionKey({"database": database, "region": region})
                yield key, state_of(str(key), own)


def state_of(channel: str, files: list[Arrival]) -> str:
    """A hash of names and sizes. A name that may hold a CPR number stays out of it: a hash can be guessed."""
    said = [
        (file.source, file.path.name if is_plain_name(file.path.name) else "", file.path.stat().st_size)
        for file in files
    ]
    return hashlib.sha256(json.dumps([channel, *sorted(said)]).encode()).hexdigest()
