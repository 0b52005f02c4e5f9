"""A home with a few hundred synthetic courses of dhd."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pipelines import flow
from pipelines.project import Project
from pipelines.spec.reading import read_spec
from pipelines.synthetic.generate import generate
from pipelines.warehouse.key import make_key

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
DAY = dt.date(2026, 9, 30)
VERBS = (flow.receive, flow.conform, flow.validate, flow.reconcile, flow.explain, flow.report, flow.decide)


def small_home(folder: Path) -> Project:
    project = Project(folder / "home", EXPECTATIONS, folder / "keys" / "key")
    make_key(project)
    specification = project.specification("dhd")
    inbox = project.inbox("dhd").parent
    generate(read_spec(specification), specification.parent, inbox, scale=0.02, seed=1, from_date=dt.date(2024, 10, 1),
             reference_date=DAY)  # fmt: skip
    return project


def run_of(project: Project, day: dt.date = DAY) -> flow.Run:
    return flow.Run(project, "dhd", day, dt.datetime.combine(DAY, dt.time(12)))


def through(run: flow.Run) -> Path:
    """Every verb in order; the folder of the results."""
    for verb in VERBS:
        verb(run)
    return published(run.project)


def published(project: Project) -> Path:
    results = project.results("dhd")
    return results / (results / "latest").read_text("utf-8").strip()
