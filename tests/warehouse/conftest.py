"""A project with its key in a folder of its own, and the sample specification."""

from pathlib import Path

import pytest

from pipelines.project import Project
from pipelines.spec.reading import read_source_schemas, read_spec, read_units
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.key import make_key
from pipelines.warehouse.receiving import prepare

FOLDER = Path(__file__).parents[2] / "expectations" / "dhd"


@pytest.fixture(scope="session")
def spec():
    return read_spec(FOLDER / "specification.yaml")


@pytest.fixture(scope="session")
def schemas(spec):
    return read_source_schemas(FOLDER, spec)


@pytest.fixture(scope="session")
def units(spec):
    return read_units(spec, FOLDER)


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "home", FOLDER.parent, tmp_path / "keys" / "key")
    make_key(made)
    return made


@pytest.fixture
def warehouse(project, spec, units):
    with open_warehouse(project, "dhd") as opened:
        prepare(opened, spec, ("kip", "wsapi"), units)
        yield opened


@pytest.fixture(scope="session")
def small(spec, schemas):
    """Specification and schema of two variables: the same laws, a tenth of the time."""
    names = ("start_date", "lvef")
    variables = {name: spec.variables[name] for name in names}
    schema = schemas["wsapi", "1.1"]
    fields = {name: field for name, field in schema.fields.items() if field.variable in names}
    return (
        spec.model_copy(update={"variables": variables, "rules": {}, "indicators": {}}),
        {("wsapi", "1.1"): schema.model_copy(update={"fields": fields})},
    )
