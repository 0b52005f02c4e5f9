"""The commands that make something to begin with: synthetic data, and a new database's folder."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli_spec import EXPECTATIONS, Expectations, Json
from pipelines.project import REGISTERS, InputError, Project, project_at
from pipelines.terminal import Terminal

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data"
SAMPLE_FROM, SAMPLE_REFERENCE_DATE = dt.date(2024, 10, 1), dt.date(2026, 9, 30)  # sample_data/faults.yaml
COUNTRY = "country"
SAMPLE_PERSONS = 5000  # the population of sample_data/inbox

Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day that data are judged as of.")]


def date_of(value: dt.datetime | None) -> dt.date | None:
    return value.date() if value else None


def generate(
    out: Annotated[Path, typer.Option(help="An empty folder for the inbox and its truth.")],
    expectations: Expectations = EXPECTATIONS,
    database: Annotated[str, typer.Option(help="A database, `all`, `country`, or `registers`.")] = "dhd",
    faults: Annotated[Path | None, typer.Option(help="A plan of volumes, dates and faults (YAML).")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    scale: Annotated[float, typer.Option(min=0.001, help="1 is the published volume.")] = 1.0,
    from_date: Day = None,
    reference_date: Day = None,
    persons: Annotated[int | None, typer.Option(help="A population of so many, for databases with registers.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many make a `country` at once; it stays the same.")] = 2,
    as_json: Json = False,
) -> None:
    """Make synthetic data for a database, or `all` with the registers they share, faults planted on request; a whole
    `country`, every source of every database at any size (6,000,000 persons are Denmark); or a year of its national
    `registers` alone, in bulk."""
    from pipelines.spec.reading import read_spec
    from pipelines.synthetic import generate as making
    from pipelines.synthetic.country import derives
    from pipelines.synthetic.faults import Plan, read_plan

    terminal, project = Terminal(as_json), project_at(Path(), expectations)
    began, ended = date_of(from_date) or SAMPLE_FROM, date_of(reference_date) or SAMPLE_REFERENCE_DATE
    if database == REGISTERS:
        _generate_national(terminal, out, persons or SAMPLE_PERSONS, ended.year, seed)
        return
    if database == COUNTRY:
        if faults:
            raise InputError("A country is made without faults: plant them with --database all.")
        began = date_of(from_date) or ended - dt.timedelta(days=364)
        _generate_country(terminal, project, out, persons or SAMPLE_PERSONS, seed, scale, began, ended, processes)
        return
    if database == "all" or derives(read_spec(project.specification(database))):
        names = project.databases() if database == "all" else [database]
        _generate_with_registers(terminal, project, names, out, faults, persons or SAMPLE_PERSONS, seed, began, ended)
        return
    specification = project.specification(database)
    plan = read_plan(faults) if faults else Plan(seed=seed, scale=scale, from_date=began, reference_date=ended)
    with terminal.steps() as step, step("laver data"):
        made = making.generate(read_spec(specification), specification.parent, out, **dict(plan))
    terminal.answer({"reported": made.reported, "new": made.new, "files": len(made.files), "faults": len(made.truth)})
    terminal.say(f"{made.reported} skemaer og {made.new} indberettede forløb i {len(made.files)} filer under {out}.")


def _generate_with_registers(
    terminal: Terminal,
    project: Project,
    names: list[str],
    out: Path,
    faults: Path | None,
    persons: int,
    seed: int,
    began: dt.date,
    ended: dt.date,
) -> None:
    """The databases from one population, with the registers that some of them are derived from."""
    from pipelines.sources.codelists import read_municipalities
    from pipelines.synthetic import inbox

    if faults and not faults.is_dir():
        raise InputError(f"{faults} is no folder: --faults names the folder with a plan for each database here.")
    homes = read_municipalities(project.expectations / "codes" / "municipalities.csv")["municipality"]
    plans = inbox.plans_of(project.expectations, names, faults, persons, seed, began, ended)
    with terminal.steps() as step, step("laver data"):
        made = inbox.make_inbox(project.expectations, plans, out, persons, homes.unique().sort().to_list())
    terminal.answer(
        {
            name: {"reported": one.reported, "new": one.new, "files": len(one.files), "faults": len(one.truth)}
            for name, one in made.items()
        }
    )
    for name, one in made.items():
        terminal.say(f"{name}: {one.reported} skemaer og {one.new} forløb i de nye kilder, under {out}.")


def _generate_country(
    terminal: Terminal,
    project: Project,
    out: Path,
    persons: int,
    seed: int,
    scale: float,
    began: dt.date,
    ended: dt.date,
    processes: int,
) -> None:
    """Every source of every database, the last year unless a day to begin is said."""
    from pipelines.sources.codelists import read_municipalities
    from pipelines.synthetic.national.inbox import whole_country
    from pipelines.synthetic.national.setting import Setting

    homes = read_municipalities(project.expectations / "codes" / "municipalities.csv")["municipality"]
    setting = Setting(
        project.expectations, tuple(project.databases()), persons, seed, began, ended,
        tuple(homes.unique().sort()), scale,
    )  # fmt: skip
    with terminal.steps() as step, step("laver landet"):
        made = whole_country(setting, out, processes=processes)
    terminal.answer(made)
    terminal.table("Landet", ("hvad", "antal"), made.items())
    terminal.say(f"{persons} personer fra {began} til {ended}, alle kilder, under {out}.")


def _generate_national(terminal: Terminal, out: Path, persons: int, year: int, seed: int) -> None:
    from pipelines.synthetic.national import national

    with terminal.steps() as step, step("laver registre"):
        national(out, persons, year, seed)
    tables = sorted(path.name for path in out.glob("*.parquet"))
    terminal.answer({"files": tables})
    terminal.say(f"{len(tables)} registertabeller for {year}, {persons} personer, under {out}.")


def new(
    database: Annotated[str, typer.Argument(help="The new database's name, such as dhd.")],
    template: Annotated[str | None, typer.Option("--from", help="A database to begin from.")] = None,
    expectations: Expectations = EXPECTATIONS,
) -> None:
    """Begin a database: a folder with a commented specification and the formats of its sources."""
    from pipelines.spec.from_template import new_database

    Terminal().say(f"Skrevet: {new_database(database, expectations, template)}")
