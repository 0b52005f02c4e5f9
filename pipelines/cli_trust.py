"""The commands on what is held back and on who has read what: `sammenhold quarantine`, `sammenhold audit …`;
and on the key: `sammenhold key …`."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated

import typer

from pipelines.cli_spec import EXPECTATIONS, WORKSPACE, Database, Expectations, Home, Json, run_of
from pipelines.project import InputError, project_at
from pipelines.terminal import Terminal

key_app = typer.Typer(help="The key that opens the warehouses.", no_args_is_help=True)
audit_app = typer.Typer(help="Who has read rows of persons, and who decided what.", no_args_is_help=True)


def quarantine(
    home: Home = WORKSPACE,
    expectations: Expectations = EXPECTATIONS,
    database: Database = "dhd",
    release: Annotated[str | None, typer.Option(metavar="RECEIPT:LINE", help="Let this row go.")] = None,
    by: Annotated[str | None, typer.Option(help="Who judges.")] = None,
    why: Annotated[str | None, typer.Option(help="Why the row may be used.")] = None,
    as_json: Json = False,
) -> None:
    """List the rows that are held back, or release one of them: the next run uses it."""
    from pipelines import quarantine as held

    if bool(release) != bool(by) or bool(release) != bool(why):
        raise InputError("A release needs all three: --release RECEIPT:LINE --by NAME --why TEXT.")
    run, terminal = run_of(project_at(home, expectations), database), Terminal(as_json)
    if release:
        rules = held.release(run, release, by, why, dt.datetime.now(dt.UTC).replace(tzinfo=None))
        terminal.answer({"released": release, "rules": rules})
        terminal.say(f"{release} er frigivet trods {', '.join(rules)}; den bruges fra næste kørsel.")
        return
    rows = held.quarantined(run)
    terminal.answer(rows)
    columns = ("receipt_id", "line", "record_id", "rule", "reason", "released_by", "why")
    shown = ["kvittering", "linje", "record_id", "regel", "grund", "frigivet af", "hvorfor"]
    terminal.table("Tilbageholdt", shown, [[row[name] for name in columns] for row in rows])


@audit_app.command("verify")
def audit_verify(
    home: Home = WORKSPACE,
    head: Annotated[str | None, typer.Option(help="A head that was kept: the log must still go through it.")] = None,
    as_json: Json = False,
) -> None:
    """Hold the audit log against its seals, and tell its head, to be kept elsewhere."""
    from pipelines import audit

    terminal, found = Terminal(as_json), audit.verify(project_at(home), head)
    terminal.answer(found)
    terminal.say(f"Loggen er hel: {found['entries']} indførsler. Hoved: {found['head']}")


@audit_app.command("person")
def audit_person(home: Home = WORKSPACE, as_json: Json = False) -> None:
    """Who has read rows about a person, whose number is read from standard input (never an argument)."""
    from pipelines import audit

    terminal, found = Terminal(as_json), audit.entries_about(project_at(home), sys.stdin.readline())
    told = [{name: entry[name] for name in ("number", "at", "who", "database", "did", "why")} for entry in found]
    terminal.answer(told)
    terminal.table("Opslag", ["nr.", "hvornår", "hvem", "database", "hvad", "hvorfor"], [row.values() for row in told])


@key_app.command("make")
def key_make(home: Home = WORKSPACE, as_json: Json = False) -> None:
    """Make the key, where there is none: in SAMMENHOLD_KEY_FILE, else ~/.config/sammenhold/key."""
    from pipelines.warehouse.key import make_key

    terminal, project = Terminal(as_json), project_at(home)
    make_key(project)
    terminal.answer({"key_file": str(project.key_file)})
    terminal.say(f"Nøglen ligger i {project.key_file}: læg en kopi i et pengeskab, ikke ved sikkerhedskopien af data.")


@key_app.command("rotate")
def key_rotate(
    home: Home = WORKSPACE,
    why: Annotated[str, typer.Option(help="Why it is changed, as the audit log tells it.")] = "routine",
    as_json: Json = False,
) -> None:
    """Change the key: the warehouses are encrypted anew, persons keep their pseudonyms, the old key opens nothing."""
    from pipelines.rotation import rotate

    terminal, project = Terminal(as_json), project_at(home)
    names = rotate(project, why)
    terminal.answer({"key_file": str(project.key_file), "warehouses": names})
    terminal.say(f"Ny nøgle i {project.key_file}: læg en ny kopi i boks.")
    terminal.say(f"Krypteret på ny: {', '.join(names) or 'intet'}.")
