"""Where this installation's data and specifications stand, and as of which day a run judges them."""

import datetime as dt
import os
from contextlib import suppress
from pathlib import Path

import dagster as dg
import yaml
from pydantic import Field

from pipelines.project import InputError, Project, project_at
from pipelines.run import Run

REPOSITORY = Path(__file__).parents[2]


class Installation(dg.ConfigurableResource):
    """The project as a Dagster resource; a run may be judged as of another day than the usual one."""

    home: str = Field(description="Mappen med inbox/, warehouse/ og results/.")
    expectations: str = Field(description="Mappen med databasespecifikationer.")
    key_file: str = Field(
        default="", description="Nøglefilen; tom: SAMMENHOLD_KEY_FILE eller ~/.config/sammenhold/key."
    )
    reference_date: str = Field(
        default="", description="Opgørelsesdatoen, ÅÅÅÅ-MM-DD; tom: dagen i dag, som kun læses her."
    )

    @property
    def project(self) -> Project:
        return project_at(Path(self.home), Path(self.expectations), Path(self.key_file) if self.key_file else None)

    def run(self, database: str, day: str | None = None) -> Run:
        """A run of the flow for one database, as of `day` (YYYY-MM-DD) or else the installation's own."""
        return Run(self.project, database, _date(day or self.reference_date), self.now())

    def now(self) -> dt.datetime:
        """When files are received (UTC); nothing else follows from the clock."""
        return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if text else dt.date.today()
    except ValueError:
        raise InputError("The reference date is no date: write it as YYYY-MM-DD.") from None


def installation() -> Installation:
    """The installation that the environment names: SAMMENHOLD_HOME, _EXPECTATIONS, _REFERENCE_DATE."""
    said = os.environ.get
    return Installation(
        home=said("SAMMENHOLD_HOME", "workspace"),
        expectations=said("SAMMENHOLD_EXPECTATIONS", str(REPOSITORY / "expectations")),
        reference_date=said("SAMMENHOLD_REFERENCE_DATE", ""),
    )


def sources(project: Project) -> list[str]:
    """Every source that gives rows to one of the databases; a specification that is no such names none."""
    found: set[str] = set()
    for database in project.databases():
        # Its own runs say what is wrong with it; the page must show the others.
        with suppress(InputError):
            found |= set(Run(project, database, dt.date.min, dt.datetime.min).sources)
    return sorted(found)


def regions(project: Project) -> list[str]:
    """The codes of the regions that may send, from codes/regions.yaml beside the specifications."""
    path = project.expectations / "codes" / "regions.yaml"
    try:
        return list(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, yaml.YAMLError, TypeError, UnicodeDecodeError):
        raise InputError(f"{path} is not a list of regions: give each code a name.") from None
