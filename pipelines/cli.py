"""The same verbs from a shell. Commands are a few lines: open, call the flow, tell what it says.

Exit 0: the command did its work; 1: `gate` did not pass, or `validate` found errors; 2: wrong input, with
one clear sentence (what, where, what to do) and never a traceback.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import typer.exceptions

from pipelines.cli_journal import journal_audit
from pipelines.cli_making import SAMPLE, SAMPLE_REFERENCE_DATE, Day, date_of, generate, new
from pipelines.cli_spec import EXPECTATIONS, WORKSPACE, Database, Expectations, Home, Json, run_of, spec_app
from pipelines.cli_trust import audit_app, key_app, quarantine
from pipelines.project import REGISTERS, InputError, Project, project_at
from pipelines.redaction import INTERRUPTED, scrubbed, told
from pipelines.terminal import (
    Outcome,
    Terminal,
    tell_all,
    tell_decision,
    tell_receipts,
    tell_run,
    tell_trail,
    tell_verdict,
)

if TYPE_CHECKING:
    from pipelines.run import Run

app = typer.Typer(help="Holds new data side by side with what was typed in KIP.", no_args_is_help=True,
                  pretty_exceptions_enable=False, add_completion=False)  # fmt: skip
app.add_typer(spec_app, name="spec")
app.add_typer(audit_app, name="audit")
app.add_typer(key_app, name="key")

app.command()(generate)
app.command()(new)
app.command()(quarantine)
app.command()(journal_audit)

STEPS = {
    "receive": "modtager filer", "conform": "læser værdier", "validate": "efterprøver regler",
    "evidence": "bevidner reglerne", "reconcile": "sammenholder", "explain": "finder årsager",
    "report": "skriver rapporter",
}  # fmt: skip

Spec = Annotated[Path, typer.Option(help="The specification (YAML).")]
Gate = Annotated[str, typer.Option(help="The gate of the specification to judge.")]

FIRST_DATA = "first_data"
CTRL_C = 130  # what typer makes of it


def main() -> None:
    """The command line, with the words given to it."""
    try:
        code = app(prog_name="sammenhold", standalone_mode=False) or 0
    except SystemExit:  # nobody reads our answer any more
        raise
    except typer.exceptions.TyperException as problem:  # typer's own sentence quotes what was given
        _stop(scrubbed(problem.format_message()) or "Say what to do: one of the commands above.")
    except (KeyboardInterrupt, typer.Abort):
        _stop(INTERRUPTED)
    except BaseException as problem:  # the boundary: what libraries say quotes rows, and a panic is no Exception
        _stop(told(problem, "sammenhold"))
    if code == CTRL_C:
        _stop(INTERRUPTED)
    sys.exit(code)


def _stop(sentence: str) -> None:
    sys.stderr.write(f"sammenhold: {sentence}\n")
    sys.exit(2)


@app.command()
def demo(
    home: Home = WORKSPACE,
    database: Annotated[str | None, typer.Option(help="One clinical database; else all that have a sample.")] = None,
    as_json: Json = False,
) -> None:
    """Run the main job on the sample inboxes, the registers first, and name the reports to open."""
    from pipelines.warehouse.key import make_key

    project = _project(home, EXPECTATIONS)
    databases = [database] if database else _samples(project)
    arrived = dt.datetime.combine(SAMPLE_REFERENCE_DATE, dt.time(12))
    runs = [run_of(project, name, SAMPLE_REFERENCE_DATE, arrived) for name in databases]
    _copy_sample(project, databases)
    if not project.key_file.exists():
        make_key(project)
    terminal = Terminal(as_json)
    if any(run.register for run in runs):
        _receive_registers(project, terminal, arrived)
    outcomes = []
    for run in runs:
        outcomes.append(_run_through(run, FIRST_DATA, terminal))
        tell_run(terminal, outcomes[-1])
    if database:
        terminal.answer(outcomes[0].contract())
    else:
        tell_all(terminal, outcomes)


@app.command()
def registers(home: Home = WORKSPACE, expectations: Expectations = EXPECTATIONS, as_json: Json = False) -> None:
    """Take in the national registers' files, once for all databases: LPR, laboratory, medicine, persons …"""
    terminal, project = Terminal(as_json), _project(home, expectations)
    terminal.answer(_receive_registers(project, terminal, dt.datetime.now(dt.UTC).replace(tzinfo=None)))
    tell_receipts(terminal, project.results(REGISTERS))


@app.command()
def run(
    home: Home = WORKSPACE,
    expectations: Expectations = EXPECTATIONS,
    database: Database = "dhd",
    reference_date: Day = None,
    gate: Gate = FIRST_DATA,
    as_json: Json = False,
) -> None:
    """Run the whole flow for one database: receive, conform, validate, reconcile, explain, report, decide."""
    terminal = Terminal(as_json)
    outcome = _run_through(run_of(_project(home, expectations), database, date_of(reference_date)), gate, terminal)
    terminal.answer(outcome.contract())
    tell_run(terminal, outcome)


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="A plain CSV or Parquet file.")],
    spec: Spec,
    source: Annotated[str, typer.Option(help="Whose rules: kip, wsapi, lpr …")],
    reference_date: Day = None,
    as_json: Json = False,
) -> None:
    """Hold one plain file against a specification. Exit 1 where it has errors."""
    from pipelines.plain_files import validate_file

    terminal = Terminal(as_json)
    verdict = validate_file(file, spec, source, date_of(reference_date))
    terminal.answer(verdict)
    if verdict["verdict"] == "refused" and not verdict["rules"]:
        raise InputError(verdict["reason"])
    tell_verdict(terminal, verdict)
    raise typer.Exit(int(verdict["rows_quarantined"] > 0))


@app.command()
def reconcile(
    spec: Spec,
    reported: Annotated[Path, typer.Option(help="What was typed: CSV or Parquet.")],
    new: Annotated[Path, typer.Option(help="What is received now: CSV or Parquet.")],
    out: Annotated[Path, typer.Option(help="The folder for the results.")],
    reference_date: Day = None,
    previous: Annotated[Path | None, typer.Option(help="The folder of an earlier run.")] = None,
    as_json: Json = False,
) -> None:
    """Hold two plain files side by side and write the contract files."""
    from pipelines.plain_files import reconcile_files

    terminal = Terminal(as_json)
    with terminal.steps() as step, step("sammenholder"):
        summary = reconcile_files(spec, reported, new, out, date_of(reference_date), previous)
    terminal.answer(summary)
    terminal.facts("Sammenholdt", summary["counts"])
    terminal.say(f"Rapport: {out / 'report.html'}")


@app.command()
def report(home: Home = WORKSPACE, expectations: Expectations = EXPECTATIONS, database: Database = "dhd") -> None:
    """Write the pages of the latest run anew, from its contract files."""
    from pipelines.reports import manifest, packages
    from pipelines.run import alone

    latest, chosen = _latest(_project(home, expectations), database)
    with alone(chosen):
        pages = packages.write_pages(packages.Package(latest, chosen.spec, chosen.names))
        manifest.seal(latest)
    for page in pages:
        Terminal().say(str(page))


@app.command()
def gate(
    home: Home = WORKSPACE,
    expectations: Expectations = EXPECTATIONS,
    database: Database = "dhd",
    gate: Gate = FIRST_DATA,
    results: Annotated[Path | None, typer.Option(help="A folder of results; else the latest run's.")] = None,
    spec: Annotated[Path | None, typer.Option(help="Another specification (YAML), with other limits.")] = None,
    as_json: Json = False,
) -> None:
    """Judge a gate anew on stored counts. Exit 1 where it has not passed."""
    from pipelines import audit
    from pipelines.handover.gate import judge
    from pipelines.reports.runs import evidence
    from pipelines.spec.reading import read_spec

    latest, chosen = _latest(_project(home, expectations), database, results)
    if (of := json.loads((latest / "summary.json").read_text("utf-8"))["database"]) != database:
        raise InputError(f"{latest} holds results of {of}, not of {database}: name its database with --database.")
    asked = read_spec(spec) if spec else chosen.spec
    if asked.database != database:
        raise InputError(f"{spec} is the specification of {asked.database}, not of {database}: name that one's.")
    decision = judge(asked, gate, latest, evidence(latest))
    if results is None:
        audit.record(chosen.project, database, f"gate {gate}: {decision.outcome}", f"judged anew: {latest.name}")
    terminal = Terminal(as_json)
    terminal.answer(decision.contract())
    tell_decision(terminal, decision)
    raise typer.Exit(int(decision.outcome != "passed"))


@app.command()
def trace(
    identity: Annotated[str, typer.Argument(metavar="ID", help="A discrepancy, pair, cause, record or figure.")],
    home: Home = WORKSPACE,
    expectations: Expectations = EXPECTATIONS,
    database: Database = "dhd",
    why: Annotated[str, typer.Option(help="What it is needed for, as the audit log tells it.")] = "proof trail",
    as_json: Json = False,
) -> None:
    """Show where a discrepancy, finding or figure comes from: files and lines."""
    from pipelines import tracing

    trail = tracing.trace(run_of(_project(home, expectations), database), identity, why)
    terminal = Terminal(as_json)
    terminal.answer(trail.contract())
    tell_trail(terminal, trail)


@app.command()
def status(
    home: Home = WORKSPACE,
    expectations: Expectations = EXPECTATIONS,
    database: Database = "dhd",
    as_json: Json = False,
) -> None:
    """What arrived and what became of it, and how the latest run stands."""
    latest, chosen = _latest(_project(home, expectations), database)
    summary = json.loads((latest / "summary.json").read_text("utf-8"))
    decision = json.loads((latest / "gate.json").read_text("utf-8"))
    terminal = Terminal(as_json)
    terminal.answer(summary | {"run": latest.name, "gate": decision["gate"], "outcome": decision["outcome"]})
    terminal.facts(
        f"{chosen.spec.title.da}: {latest.name}", summary["counts"] | {decision["gate"]: decision["outcome"]}
    )
    tell_receipts(terminal, latest)


@app.command()
def password(
    region: Annotated[str, typer.Argument(help="The region whose workbook is to be opened.")],
    home: Home = WORKSPACE,
    expectations: Expectations = EXPECTATIONS,
    database: Database = "dhd",
) -> None:
    """The password of a region's workbook of the latest run; give it by another channel than the file."""
    from pipelines import flow

    latest, chosen = _latest(_project(home, expectations), database)
    if region not in (known := sorted(path.name for path in latest.glob("regions/*"))):
        raise InputError(f"There is no list for '{region}': the regions are {', '.join(known)}.")
    asked = run_of(chosen.project, database, dt.date.fromisoformat(latest.name[:10]))
    sys.stdout.write(flow.password_of(asked, region, latest) + "\n")


@app.command()
def dev(home: Home = WORKSPACE, port: Annotated[int, typer.Option(help="The page's port.")] = 3000) -> None:
    """Open the Dagster page on this machine."""
    # A process of its own: the command line and the orchestration stand side by side and do not import each other.
    words = [sys.executable, "-m", "pipelines.orchestration.dev", str(home.resolve()), str(port)]
    raise typer.Exit(subprocess.run(words, stderr=sys.stderr).returncode)


def _project(home: Path, expectations: Path) -> Project:
    return project_at(home, expectations)


def _latest(project: Project, database: str, results: Path | None = None) -> tuple[Path, Run]:
    """The folder of the latest run (or the one named), and the run itself."""
    from pipelines.reports.manifest import hold_if_sealed
    from pipelines.reports.runs import latest_run

    run = run_of(project, database)
    if results:
        hold_if_sealed(results)
    folder = results or latest_run(project.results(database))
    if not (folder / "summary.json").is_file():
        raise InputError(f"{folder} holds no results: name a folder that `run` or `reconcile` wrote.")
    return folder, run


def _samples(project: Project) -> list[str]:
    """The databases that have a sample inbox."""
    return [name for name in project.databases() if (SAMPLE / "inbox" / name).is_dir()]


def _copy_sample(project: Project, databases: list[str]) -> None:
    """The sample inboxes, laid where the regions and registers would lay their files."""
    if not (SAMPLE / "inbox").is_dir():
        raise InputError("The sample inbox is not here: run `sammenhold demo` in a checkout of the repository.")
    for name in (REGISTERS, *databases):
        if (SAMPLE / "inbox" / name).is_dir():
            shutil.copytree(SAMPLE / "inbox" / name, project.inbox(name), dirs_exist_ok=True)


def _receive_registers(project: Project, terminal: Terminal, arrived: dt.datetime) -> dict[str, int]:
    from pipelines import flow

    with terminal.steps() as step, step("modtager registre"):
        return flow.registers(project, arrived)


def _run_through(run: Run, gate: str, terminal: Terminal) -> Outcome:
    """The verbs in order, with no other run of the database between them."""
    from pipelines import flow
    from pipelines.run import alone

    if gate not in run.spec.gates:
        known = ", ".join(run.spec.gates) or "none"
        raise InputError(f"{run.database} has no gate '{gate}': choose one of {known}.")
    with alone(run), terminal.steps(len(STEPS) + 1) as step:
        for verb, said in STEPS.items():
            with step(f"{run.database}: {said}"):
                getattr(flow, verb)(run)
        with step(f"{run.database}: afgør godkendelsestrin"):
            decision = flow.decide(run, gate)
    return Outcome.of(run, decision)
