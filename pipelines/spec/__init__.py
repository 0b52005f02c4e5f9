"""One specification, many readers: the databasespecifikation as a value, and all that is compiled from it."""
