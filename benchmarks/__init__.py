"""Measurements of speed and memory; each module is run with `python -m benchmarks.<name>`."""
