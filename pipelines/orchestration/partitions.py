"""How the work is divided: files arrive by database and region, the later steps go by database.

Dagster sees the common dimension: a database's partition follows from those of all its regions.
Read once, where Dagster loads the code: a new specification is there when the code location is reloaded.
"""

import warnings

import dagster as dg

from pipelines.orchestration.installation import installation, regions, sources

_PROJECT = installation().project

SOURCES = sources(_PROJECT)
DATABASES = dg.StaticPartitionsDefinition(_PROJECT.databases())
CHANNELS = dg.MultiPartitionsDefinition(
    {"database": DATABASES, "region": dg.StaticPartitionsDefinition(regions(_PROJECT))}
)


def check_spec(asset: str, name: str, description: str) -> dg.AssetCheckSpec:
    """A check with a result of its own for each database, so that one does not hide another's."""
    with warnings.catch_warnings():
        # Dagster calls checks by partition a preview; without them the page shows the latest database only.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, description=description, partitions_def=DATABASES)
