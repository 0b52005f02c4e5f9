"""What the command line shows: a spinner on long work, a readable table, or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from pipelines.reports.messages import read_messages
from pipelines.reports.numbers import limit, share_with_interval
from pipelines.reports.runs import latest_run

if TYPE_CHECKING:
    from pipelines.handover.gate import Decision
    from pipelines.run import Run
    from pipelines.tracing import Trail


OUTCOME = {"passed": "bestået", "not_passed": "ikke bestået", "cannot_be_judged": "kan ikke vurderes"}
DA = {
    "reported": "manuelt indberettede", "new": "nye indberetninger", "pairs": "par",
    "only_reported": "kun manuelt", "only_new": "kun i ny indberetning",
    "surplus_reported": "dubletter, manuelt", "surplus_new": "dubletter, ny indberetning",
    "not_comparable_reported": "uden for sammenligning, manuelt",
    "not_comparable_new": "uden for sammenligning, ny indberetning", "discrepancies": "uoverensstemmelser",
    "completeness_of_new": "komplethedsgrad, ny indberetning",
    "completeness_of_reported": "komplethedsgrad, manuel indberetning", "overlap": "overlap",
    "agreement_each_variable": "overensstemmelse", "unexplained": "uforklaret",
}  # fmt: skip


class Terminal:
    """Standard output for answers, standard error for progress, so that JSON can be piped."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        # Piped into a file or a log there is no window to fit: wide enough that no word breaks.
        self.out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 120)
        self.err = Console(stderr=True, soft_wrap=True, highlight=False)

    @contextmanager
    def steps(self, n: int = 1) -> Iterator[Callable[[str], AbstractContextManager[None]]]:
        """A bar over `n` steps of long work; each step that is done leaves a line with its time."""
        shown = Progress(SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"),
                         console=self.err, transient=True, disable=self.as_json)  # fmt: skip
        with shown:
            task = shown.add_task("", total=n)
            yield lambda what: self._step(shown, task, what)

    @contextmanager
    def _step(self, shown: Progress, task: TaskID, what: str) -> Iterator[None]:
        started = time.perf_counter()
        shown.update(task, description=what)
        yield
        shown.advance(task)
        shown.print(Text(f"✓ {what} ({time.perf_counter() - started:.1f} s)", style="dim"))

    def say(self, text: str) -> None:
        """A sentence for people; left out where JSON was asked for."""
        if not self.as_json:
            self.out.print(Text(text))

    def answer(self, value: Any) -> None:
        """The answer as JSON, where it was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        if self.as_json:
            return
        table = Table(title=title, title_justify="left", header_style="bold")
        for position, name in enumerate(columns):
            table.add_column(name, overflow="fold", justify="left" if position == 0 else None)
        for row in rows:
            table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
        self.out.print(table)

    def facts(self, title: str, facts: Mapping[str, Any]) -> None:
        self.table(title, ["", ""], facts.items())


@dataclass(frozen=True)
class Outcome:
    """What a run came to: its published folder, its summary and causes, and the gate's decision."""

    run: Run
    folder: Path
    summary: Mapping[str, Any]
    causes: Mapping[str, Any]
    decision: Decision

    @classmethod
    def of(cls, run: Run, decision: Decision) -> Outcome:
        """The outcome of the run that was published last, which is this one."""
        folder = latest_run(run.project.results(run.database))
        summary, causes = (json.loads((folder / name).read_text("utf-8")) for name in ("summary.json", "causes.json"))
        return cls(run, folder, summary, causes, decision)

    def contract(self) -> dict[str, Any]:
        """The outcome as JSON values."""
        said = {"results": str(self.folder), "gate": self.decision.gate, "outcome": self.decision.outcome}
        return {**self.summary, **said}


def tell_run(terminal: Terminal, outcome: Outcome) -> None:
    """What a run found: counts, causes, the gate's outcome and the report to open."""
    run, causes, words = outcome.run, outcome.causes, read_messages()
    counts = {DA[name]: n for name, n in outcome.summary["counts"].items() if name in DA}
    terminal.facts(f"{run.spec.title.da}, opgjort {run.reference_date:%d-%m-%Y}", counts)
    told = [(c["rank"], c["sentence"]["da"], c["explained"], words.word("owner", c["owner"])) for c in causes["causes"]]
    terminal.table(
        "Årsager", ["#", "hvad", "forklarer", "hvem"], [*told, ("", "uforklaret", causes["unexplained"], "")]
    )
    tell_decision(terminal, outcome.decision)
    terminal.say(f"Rapport: {outcome.folder / 'report.html'}")


def tell_all(terminal: Terminal, outcomes: Sequence[Outcome]) -> None:
    """Several databases beside each other, the last thing that is said."""
    terminal.answer({"databases": [outcome.contract() for outcome in outcomes]})
    columns = ["database", "manuelt", "nye", "par", "uoverensstemmelser", "årsager", "godkendelsestrin", "rapport"]
    counted = ("reported", "new", "pairs", "discrepancies", "causes")
    rows = [
        (o.run.database, *(o.summary["counts"][name] for name in counted), OUTCOME[o.decision.outcome],
         o.folder / "report.html")
        for o in outcomes
    ]  # fmt: skip
    terminal.table("Alle databaser", columns, rows)


def tell_decision(terminal: Terminal, decision: Decision) -> None:
    """A gate's outcome, and the conditions that were not met or could not be judged."""
    lacking = [c for c in decision.conditions if c.outcome != "passed"]
    rows = [
        (
            DA.get(c.condition, c.condition),
            c.of,
            c.asked,
            share_with_interval(c.found, c.low, c.high, limit(c.asked)),
            c.n,
            OUTCOME[c.outcome],
        )
        for c in lacking
    ]
    if rows:
        terminal.table("Ikke opfyldt", ["betingelse", "variabel", "krav", "fundet", "n", "udfald"], rows)
    terminal.say(f"Godkendelsestrin {decision.gate}: {OUTCOME[decision.outcome]}")


def tell_verdict(terminal: Terminal, verdict: Mapping[str, Any]) -> None:
    """What became of a file, and the rules that it breaks."""
    broken = [rule for rule in verdict["rules"] if rule["violated"]]
    rows = [(r["rule"], r["severity"], r["violated"], r["eligible"], str(r["first_lines"])) for r in broken]
    if rows:
        terminal.table("Brudte regler", ["regel", "alvor", "rækker", "af", "første linjer"], rows)
    terminal.say(
        f"{verdict['file']}: {verdict['verdict']}; {verdict['rows_in']} rækker ind, "
        f"{verdict['rows_accepted']} accepteret, {verdict['rows_quarantined']} tilbageholdt."
        + (f" {verdict['reason']}" if verdict["reason"] else "")
    )


def tell_trail(terminal: Terminal, trail: Trail) -> None:
    """What an id is, and the lines of files behind it."""
    terminal.table("Hvad", ["", ""], [(key, _flat(value)) for key, value in trail.what.items()])
    said = [
        (x["source"], x["region"], x["record_id"], x["file"], x["line"], x["sha256"][:12], _state(x))
        for x in trail.lines
    ]
    terminal.table("Linjer", ["kilde", "region", "record_id", "fil", "linje", "sha256", ""], said)
    if trail.events:
        behind = [(x["record_id"], x["variable"], x["table"], x["file"], x["line"]) for x in trail.events]
        terminal.table("Hændelser bag", ["record_id", "variabel", "tabel", "fil", "linje"], behind)
    if trail.findings:
        found = [(f["line"], f["rule"], f["severity"], f["reason"]) for f in trail.findings]
        terminal.table("Fund", ["linje", "regel", "alvor", "grund"], found)


def _state(line: Mapping[str, Any]) -> str:
    return "tilbageholdt" if line["quarantined"] else "" if line["used"] else "afløst"


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_flat(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items() if inner is not None)
    return "" if value is None else str(value)


def tell_receipts(terminal: Terminal, results: Path) -> None:
    """What arrived, by source, region and verdict; refused files one by one."""
    receipts = pl.read_parquet(results / "receipts.parquet")
    counts = receipts.group_by("source", "region", "verdict").agg(
        pl.len(), pl.col("rows_in", "rows_accepted", "rows_quarantined").sum()
    )
    columns = ["kilde", "region", "udfald", "filer", "rækker", "accepteret", "tilbageholdt"]
    terminal.table("Modtaget", columns, counts.sort("source", "region", "verdict").rows())
    held = receipts.filter(pl.col("verdict").is_in(["refused", "duplicate"]))
    terminal.table("Afviste og genkendte filer", ["fil", "region", "udfald", "grund"],
                   held.select("file", "region", "verdict", "reason").rows())  # fmt: skip
