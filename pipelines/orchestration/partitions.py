"""How the work is divided: files arrive by database and region, the later steps go by database.

Read once, where Dagster loads the code: a new specification is there when the code location is reloaded.
"""

import dagster as dg

from pipelines.orchestration.installation import installation, regions

_PROJECT = installation().project

DATABASES = dg.StaticPartitionsDefinition(_PROJECT.databases())
CHANNELS = dg.MultiPartitionsDefinition(
    {"database": DATABASES, "region": dg.StaticPartitionsDefinition(regions(_PROJECT))}
)
# A database is conformed from the files of all its regions.
ALL_REGIONS = dg.MultiToSingleDimensionPartitionMapping("database")
