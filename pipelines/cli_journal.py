"""The command on who is right: `sammenhold journal-audit`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli_spec import EXPECTATIONS, WORKSPACE, Database, Expectations, Home, Json, run_of
from pipelines.project import InputError, project_at
from pipelines.terminal import Terminal

if TYPE_CHECKING:
    import polars as pl

    from pipelines.run import Run

FIGURES = {
    "right": "rigtige værdier", "right_difference": "ny minus manuel, rigtige værdier", "undecided": "kan ikke afgøres",
    "ppv": "forløb, der hører med (PPV)", "sensitivity": "forløb, der er med (sensitivitet)",
}  # fmt: skip
SIDES = {"reported": "manuel", "new": "ny", None: ""}
Audit = Annotated[str | None, typer.Option(help="The audit's name; else the one that was drawn last.")]


def journal_audit(
    home: Home = WORKSPACE,
    expectations: Expectations = EXPECTATIONS,
    database: Database = "dhd",
    seed: Annotated[int, typer.Option(help="Another seed draws other rows.")] = 1,
    values: Annotated[int, typer.Option(help="Rows of each variable that agree, and as many that differ.")] = 10,
    records: Annotated[int, typer.Option(help="Records in a pair, only manual and only new: so many of each.")] = 30,
    variable: Annotated[list[str] | None, typer.Option(help="Only this variable; may be given again.")] = None,
    filled: Annotated[list[Path] | None, typer.Option(help="A filled sheet; give one per region.")] = None,
    password: Annotated[str | None, typer.Option(metavar="REGION", help="Print a sheet's password instead.")] = None,
    audit: Audit = None,
    as_json: Json = False,
) -> None:
    """Draw a blinded sample of the latest run for clinicians to hold against the record, or read it back (--filled)."""
    from pipelines import journal

    if filled and password:
        raise InputError("Say either --filled or --password.")
    run, terminal = run_of(project_at(home, expectations), database), Terminal(as_json)
    if password:
        sys.stdout.write(journal.password(run, password, audit) + "\n")
    elif filled:
        _tell_figures(run, terminal, journal.read_sheets(run, filled, audit))
    else:
        if audit:
            raise InputError("--audit names an audit that was drawn: say it with --filled or --password.")
        size = journal.Size(values, records, tuple(variable or ()))
        _tell_drawn(terminal, *journal.draw_sheets(run, seed, size))


def _tell_drawn(terminal: Terminal, name: str, sheets: list[Path]) -> None:
    terminal.answer({"audit": name, "sheets": [str(sheet) for sheet in sheets]})
    for sheet in sheets:
        terminal.say(f"Skrevet: {sheet}")
    terminal.say(f"Journalaudit {name}; adgangskoder: sammenhold journal-audit --password REGION")


def _tell_figures(run: Run, terminal: Terminal, figures: pl.DataFrame) -> None:
    from pipelines.reports.numbers import points, share_with_interval

    terminal.answer(figures.to_dicts())
    rows = []
    for row in figures.to_dicts():
        ends = row["value"], row["low"], row["high"]
        signed = row["figure"] == "right_difference" and row["value"] is not None
        said = f"{points(ends[0])} ({points(ends[1])} til {points(ends[2])})" if signed else share_with_interval(*ends)
        variable = run.spec.variables.get(row["variable"])
        of = variable.label.da if variable else "alle" if row["figure"] not in ("ppv", "sensitivity") else "forløb"
        rows.append((of, FIGURES[row["figure"]], SIDES[row["side"]], row["reason"] or said, row["n"]))
    terminal.table("Mod journalen", ["hvad", "tal", "side", "vægtet (95 %)", "n"], rows)
