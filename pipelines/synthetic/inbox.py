"""The inbox of several databases at once: their forms, their submissions, and the registers that they share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.person_number import birth_date
from pipelines.spec.reading import read_spec, read_units
from pipelines.synthetic.country import Database, country, derives
from pipelines.synthetic.courses import simulate
from pipelines.synthetic.faults import Plan, read_plan
from pipelines.synthetic.generate import Generated, generate
from pipelines.synthetic.truth import truth_csv

SICK = 0.1  # share of the persons with a course in each database: far more than in Denmark, so that few persons do
FEWEST = 500


def plans_of(
    expectations: Path,
    names: Sequence[str],
    folder: Path | None,
    persons: int,
    seed: int,
    from_date: dt.date,
    reference_date: dt.date,
) -> dict[str, Plan]:
    """The plan of each database: `<database>.faults.yaml` in the folder (`faults.yaml` where it has none of its
    own); without a folder a plan without faults, whose volume follows from the number of persons."""
    return {
        name: _read_plan(folder, name)
        if folder
        else _plan(read_spec(expectations / name / "specification.yaml"), persons, seed, from_date, reference_date)
        for name in names
    }  # fmt: skip


def _read_plan(folder: Path, name: str) -> Plan:
    own = folder / f"{name}.faults.yaml"
    return read_plan(own if own.is_file() else folder / "faults.yaml")


def _plan(spec: DatabaseSpec, persons: int, seed: int, from_date: dt.date, reference_date: dt.date) -> Plan:
    if spec.published is None:
        raise InputError(f"{spec.database}: say courses per region under `published` to make synthetic data.")
    years = ((reference_date - from_date).days + 1) / 365.25
    scale = persons * SICK / (sum(spec.published.per_region.values()) * years)
    return Plan(seed=seed, scale=scale, from_date=from_date, reference_date=reference_date)


def make_inbox(
    expectations: Path, plans: Mapping[str, Plan], out: Path, persons: int, municipalities: Sequence[str]
) -> dict[str, Generated]:
    """Write `out/<database>/<source>/<region>/…`, `out/registers/<register>/national/…` and `out/truth.csv`.

    Databases without registers are made as they are alone (see generate); their persons are of the population
    too. The same arguments give the same bytes. Raises InputError where the folder holds files already.
    """
    if persons < FEWEST:
        raise InputError(f"Ask for at least {FEWEST} persons, so that every database finds its patients among them.")
    if any(out.glob("*")):
        raise InputError(f"{out} holds files already: name an empty folder, so that nothing is mixed.")
    all_ = [
        Database(read_spec(expectations / name / "specification.yaml"), expectations / name, plans[name])
        for name in plans
    ]
    made = {one.spec.database: _alone(one, out) for one in all_ if not derives(one.spec)}
    derived = [one for one in all_ if derives(one.spec)]
    if derived:
        known = [_persons(one) for one in all_ if not derives(one.spec)]
        land = country(derived, persons, municipalities, pl.concat(known) if known else None)
        _write(land.files, out)
        made |= land.made
    (out / "truth.csv").write_text(truth_csv({name: one.truth for name, one in made.items()}), "utf-8")
    return made


def _alone(one: Database, out: Path) -> Generated:
    """A database whose sources are its own; its truth stands with the others'."""
    made = generate(one.spec, one.folder, out, **dict(one.plan))
    (out / one.spec.database / "truth.csv").unlink()
    return made


def _persons(one: Database) -> pl.DataFrame:
    """The persons of a database without registers, and the day of the last course of each."""
    plan = one.plan
    units = read_units(one.spec, one.folder)
    courses = simulate(one.spec, units, plan.seed, plan.scale, plan.from_date, plan.reference_date)
    days = courses.group_by("person").agg(pl.col(one.spec.event_date).cast(pl.Date).max().alias("day")).sort("person")
    born = pl.Series("birth_date", [birth_date(person) for person in days["person"]], dtype=pl.Date)
    return days.with_columns(born)


def _write(files: Mapping[str, bytes], out: Path) -> None:
    for path, content in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
