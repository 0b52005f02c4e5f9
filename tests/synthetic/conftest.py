"""The sample specification, its plan, and one unplanted and one planted generation shared by the tests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.spec.reading import read_source_schemas, read_spec, read_units
from pipelines.synthetic.courses import simulate
from pipelines.synthetic.faults import read_plan
from pipelines.synthetic.generate import plantings_of
from pipelines.synthetic.planting import plant
from pipelines.synthetic.regions import read_regions
from pipelines.synthetic.sides import comparable_courses, forms, messages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "expectations" / "dhd"
FROM, REFERENCE = dt.date(2024, 10, 1), dt.date(2026, 9, 30)


@pytest.fixture(scope="session")
def world():
    """Specification, schemas, units and regions of the sample, and its unplanted sides for one seed."""
    spec, seed = read_spec(FOLDER / "specification.yaml"), 11
    schemas, regions, units = (
        read_source_schemas(FOLDER, spec),
        read_regions(spec, FOLDER),
        read_units(spec, FOLDER),
    )
    courses = simulate(spec, units, seed, 0.6, FROM, REFERENCE)
    sides = {
        "reported": forms(spec, courses, seed, REFERENCE),
        "new": messages(spec, courses, schemas, regions, seed, REFERENCE, {"1.1": ["nordjylland", "midtjylland"]}),
    }
    comparable = comparable_courses(spec, sides["reported"], sides["new"], REFERENCE)
    return SimpleNamespace(
        spec=spec, seed=seed, schemas=schemas, regions=regions, units=units, courses=courses, sides=sides,
        comparable=comparable, root=ROOT, folder=FOLDER, from_date=FROM, reference=REFERENCE,
    )  # fmt: skip


@pytest.fixture(scope="session")
def planted_by(world):
    """Plant faults in the unplanted sides: returns the new sides and their truth."""

    def planted(*faults):
        plantings = plantings_of(world.spec, faults, world.seed, world.reference, world.regions)
        return plant(world.sides, plantings, world.comparable)

    return planted


@pytest.fixture(scope="session")
def sample_plan():
    return read_plan(ROOT / "sample_data" / "faults.yaml")
