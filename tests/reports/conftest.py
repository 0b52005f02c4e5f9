"""The specification of the sample dhd, and one run's results of it."""

from __future__ import annotations

import pytest
from reports_sample import SPECIFICATION, write_results

from pipelines.reports.places import place_names
from pipelines.spec.reading import read_spec, read_units


@pytest.fixture(scope="session")
def spec():
    return read_spec(SPECIFICATION)


@pytest.fixture(scope="session")
def names(spec):
    return place_names(spec, SPECIFICATION)


@pytest.fixture(scope="session")
def units(spec):
    return {row["unit"]: row["region"] for row in read_units(spec, SPECIFICATION.parent)}


@pytest.fixture(scope="session")
def results(tmp_path_factory, units):
    """The directory of one run in which a gate was not passed."""
    return write_results(tmp_path_factory.mktemp("results"), units)
