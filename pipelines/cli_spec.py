"""The commands on specifications, `sammenhold spec …`, and the options that they share with the others."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.project import InputError, Project
from pipelines.terminal import Terminal

if TYPE_CHECKING:
    from pipelines.run import Run

spec_app = typer.Typer(help="Work on a specification.", no_args_is_help=True)

EXPECTATIONS = Path(__file__).resolve().parent.parent / "expectations"
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
WORKSPACE = Path("workspace")
Home = Annotated[Path, typer.Option(help="The folder with inbox/, warehouse/ and results/.", envvar="SAMMENHOLD_HOME")]
Database = Annotated[str, typer.Option(help="The clinical database, such as dhd.")]
Expectations = Annotated[Path, typer.Option(help="The folder of specifications.", envvar="SAMMENHOLD_EXPECTATIONS")]


def run_of(project: Project, database: str, day: dt.date | None = None, received: dt.datetime | None = None) -> Run:
    """A run of a database that has a specification; as of today where nothing is said."""
    from pipelines.run import Run

    if database not in project.databases():
        known = ", ".join(project.databases()) or "none"
        raise InputError(f"There is no specification of '{database}' in {project.expectations}: there are {known}.")
    return Run(project, database, day or dt.date.today(), received or dt.datetime.now(dt.UTC).replace(tzinfo=None))


@spec_app.command("lint")
def spec_lint(
    spec: Annotated[Path | None, typer.Argument(help="The specification (YAML).")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every database, also held against each other.")] = False,
    expectations: Expectations = EXPECTATIONS,
    as_json: Json = False,
) -> None:
    """Read a specification, or all, and say what is wrong or doubtful. Exit 1 where there is an error."""
    from dataclasses import asdict

    from pipelines.spec.across import lint_all

    if (spec is None) is not every:
        raise InputError("Name one specification, or say --all.")
    found = lint_all(sorted(expectations.glob("*/specification.yaml")) if spec is None else [spec])
    terminal = Terminal(as_json)
    terminal.answer([{"file": str(path), **asdict(one)} for path, problems in found.items() for one in problems])
    for path, problems in found.items():
        told = [(one.severity, one.where, one.sentence, one.line or "") for one in problems]
        terminal.table(path.parent.name, ["alvor", "hvor", "hvad", "linje"], told)
    raise typer.Exit(int(any(one.severity == "error" for problems in found.values() for one in problems)))


@spec_app.command("import")
def spec_import(
    file: Annotated[Path, typer.Argument(help="A printed variable list (Variabeloversigt, .xlsx).")],
    out: Annotated[Path, typer.Option(help="The folder for the drafts.")],
    as_json: Json = False,
) -> None:
    """Make draft specifications of a printed variable list, one per data set, and tell the list's defects."""
    from dataclasses import asdict

    from pipelines.spec.importing import write_drafts
    from pipelines.spec.list_defects import defects
    from pipelines.spec.variable_list import read_variable_list

    listed = read_variable_list(file)
    written, found = write_drafts(listed, file, out), defects(listed)
    terminal = Terminal(as_json)
    terminal.answer({"written": [str(path) for path in written], "defects": [asdict(one) for one in found]})
    terminal.table(
        listed.title, ["række", "variabel", "hvad"], [(one.row, one.variable, one.sentence) for one in found]
    )
    for path in written:
        terminal.say(f"Skrevet: {path}")


@spec_app.command("schema")
def spec_schema(
    spec: Annotated[Path | None, typer.Option(help="With --wsapi: the specification (YAML).")] = None,
    wsapi: Annotated[str | None, typer.Option(help="A WSAPI schema version, such as 1.1.")] = None,
) -> None:
    """Print the JSON Schema of specifications, or of one WSAPI version of a database."""
    from pipelines.spec.lifecycle import spec_schema as of_specifications

    schema = _wsapi_schema(spec, wsapi) if spec and wsapi else of_specifications()
    sys.stdout.write(json.dumps(schema, ensure_ascii=False, indent=1) + "\n")


def _wsapi_schema(spec: Path, version: str) -> dict[str, Any]:
    from pipelines.spec.reading import read_source_schemas, read_spec
    from pipelines.spec.to_wsapi import json_schema

    read = read_spec(spec)
    schemas = {v: schema for (source, v), schema in read_source_schemas(spec.parent, read).items() if source == "wsapi"}
    if version not in schemas:
        raise InputError(f"{read.database} has no WSAPI version '{version}': there are {', '.join(schemas) or 'none'}.")
    return json_schema(read, schemas[version])


@spec_app.command("compile")
def spec_compile(spec: Annotated[Path, typer.Argument(help="The specification (YAML).")]) -> None:
    """Write anew what is compiled from a specification and committed: the Great Expectations suites."""
    from pipelines.spec.constraints import constraints_of
    from pipelines.spec.reading import read_source_schemas, read_spec
    from pipelines.spec.to_gx import gx_suite, suite_json

    read, any_day = read_spec(spec), dt.date(2026, 1, 1)  # the text of a suite does not depend on it
    for source in sorted({source for source, _ in read_source_schemas(spec.parent, read)}):
        path = spec.parent.parent / "suites" / f"{read.database}_{source}.json"
        path.write_text(suite_json(gx_suite(read, source, constraints_of(read, source, any_day))), "utf-8")
        Terminal().say(f"Skrevet: {path}")


@spec_app.command("document")
def spec_document(
    spec: Annotated[Path, typer.Argument(help="The specification (YAML).")],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
) -> None:
    """Write the documentation page of a specification."""
    from pipelines.spec.reading import read_source_schemas, read_spec
    from pipelines.spec.to_document import document

    read = read_spec(spec)
    out.write_text(document(read, read_source_schemas(spec.parent, read)), "utf-8")
    Terminal().say(f"Skrevet: {out}")
