"""The only room that knows Dagster: assets and their checks, partitions, the inbox sensor, jobs, the project."""
