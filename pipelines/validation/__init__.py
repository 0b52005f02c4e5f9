"""Is each record what the specification says? The counts of DuckDB decide."""
