"""Measurements of speed and memory; each module is run with `python -m benchmarks.<name>`."""

import pipelines as pipelines  # as in every command: before numpy, whose threads it holds back
