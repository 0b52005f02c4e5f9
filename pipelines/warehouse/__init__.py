"""The encrypted DuckDB file of a clinical database: what arrived, what it means, and the ledger of both."""
