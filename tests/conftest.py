"""One run of the whole flow on the sample inbox, which many tests look at."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from pipelines import flow
from pipelines.project import Project
from pipelines.warehouse.key import make_key

REPOSITORY = Path(__file__).parent.parent
REFERENCE_DATE = dt.date(2026, 9, 30)
KEY = "5a" * 32


def sample_project(folder: Path) -> Project:
    """A project with a copy of dhd's sample inbox, and the same key every time: by it samples are drawn."""
    project = Project(folder / "home", REPOSITORY / "expectations", folder / "key" / "key")
    shutil.copytree(REPOSITORY / "sample_data" / "inbox" / "dhd", project.inbox("dhd"))
    make_key(project)
    project.key_file.write_text(f"{KEY}\n", "ascii")
    return project


def run_of(project: Project) -> flow.Run:
    return flow.Run(project, "dhd", REFERENCE_DATE, dt.datetime.combine(REFERENCE_DATE, dt.time(12)))


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> flow.Run:
    """The sample inbox taken through every verb; tests read its results and change nothing."""
    run = run_of(sample_project(tmp_path_factory.mktemp("sample")))
    for verb in (flow.receive, flow.conform, flow.validate, flow.reconcile, flow.explain, flow.report, flow.decide):
        verb(run)
    return run


@pytest.fixture(scope="session")
def sample_results(sample_run: flow.Run) -> Path:
    results = sample_run.project.results("dhd")
    return results / (results / "latest").read_text().strip()
