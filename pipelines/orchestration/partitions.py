"""How the work is divided: files arrive by database and region, the later steps go by database.

Dagster sees the common dimension: a database's partition follows from those of all its regions.
Read once, where Dagster loads the code: a new specification is there when the code location is reloaded.
"""

import dagster as dg

from pipelines.orchestration.installation import installation, regions

_PROJECT = installation().project

DATABASES = dg.StaticPartitionsDefinition(_PROJECT.databases())
CHANNELS = dg.MultiPartitionsDefinition(
    {"database": DATABASES, "region": dg.StaticPartitionsDefinition(regions(_PROJECT))}
)
