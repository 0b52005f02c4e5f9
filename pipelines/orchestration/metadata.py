"""What the Dagster page shows of a run: counts, tables and a picture, for reviewers, small cells hidden."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from pipelines.flow import Run
from pipelines.reports.messages import read_messages
from pipelines.reports.numbers import count
from pipelines.reports.parts import GateResult
from pipelines.reports.released import FACTS, agreement_table
from pipelines.reports.results import Results
from pipelines.reports.rounding import rounded
from pipelines.reports.sections.agreement import agreement_picture
from pipelines.reports.sections.causes import cause_sentence, explained_text, share_in_slice
from pipelines.reports.sections.evidence import receipts_by_region
from pipelines.reports.sections.gate import gate_result
from pipelines.reports.sections.shares import agreement_share, place_counts, place_share
from pipelines.reports.suppression import first_band
from pipelines.reports.view import View
from pipelines.validation.check import Validation

WORST = 10
VERDICTS = {"accepted": "modtaget", "partly": "delvist", "refused": "afvist", "duplicate": "dublet"}
COUNTS = {
    "reported": "manuelt indberettede", "new": "nye indberetninger", "pairs": "par",
    "only_reported": "kun manuelt", "only_new": "kun i ny indberetning",
    "discrepancies": "uoverensstemmelser", "causes": "årsager", "unexplained": "uden kendt årsag",
    "files": "filer", "accepted": "modtaget", "partly": "delvist tilbageholdt", "refused": "afvist",
    "duplicate": "modtaget før", "pages": "sider", "workbooks": "fejl- og mangellister", "receipts": "kvitteringer",
    "findings": "fund",
}  # fmt: skip


def counts(summary: dict[str, Any]) -> dict[str, Any]:
    """A verb's summary under the words people read; numbers become plots over time by themselves."""
    return {COUNTS.get(name, name.replace("_", " ")): value for name, value in summary.items()}


def few_hidden(view: View, summary: dict[str, Any]) -> dict[str, Any]:
    """The same of records: what the country's page tells of them."""
    told = {name: _told(view, name, number) for name, number in summary.items() if "comparable" not in name}
    return counts(told)


def _told(view: View, name: str, number: int) -> int | str:
    """A number, to be plotted over time, or in words what is told of it."""
    row = {"region": None, name: number}
    band = view.band("facts", name, row) if name in FACTS else first_band(number, view.threshold)
    return number if band.is_exact else view.band_text(band)


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> dg.TableMetadataValue:
    """Rows under headings, as text so that numbers stand as they were written."""
    columns = [dg.TableColumn(heading, "string") for heading in headings]
    records = [dg.TableRecord(dict(zip(headings, map(str, row), strict=True))) for row in rows]
    return dg.MetadataValue.table(records, dg.TableSchema(columns))


def view_of(run: Run, folder: Path | None = None) -> View:
    """A run's contract files (while it is built, or in `folder`) as a reviewer may see them: the country,
    small cells hidden."""
    results = Results(folder or run.building)
    return View(run.spec, results, read_messages("da"), run.names, threshold=run.spec.small_cells)


def rows_by_source(found: Mapping[str, Validation], threshold: int) -> dict[str, Any]:
    """How many rows came, were accepted and are held back, and how many findings they gave; all rounded, so that a
    few that are held back are not what came less what was accepted."""
    counted = {s: (v.rows_accepted, v.rows_quarantined, len(v.findings)) for s, v in found.items()}
    told = {s: [rounded([n], threshold)[0] for n in numbers] for s, numbers in counted.items()}
    rows = ((s.upper(), *map(count, (accepted + held, accepted, held, n))) for s, (accepted, held, n) in told.items())
    return {
        "dagster/row_count": sum(accepted + held for accepted, held, _ in told.values()),
        "tilbageholdte rækker, afrundet": sum(held for _, held, _ in told.values()),
        "rækker, afrundet": table(("kilde", "rækker", "accepteret", "tilbageholdt", "fund"), rows),
    }


def of_reconciliation(run: Run, summary: dict[str, Any]) -> dict[str, Any]:
    """What a reviewer sees first of a comparison."""
    view = view_of(run)
    return {
        "dagster/row_count": rounded([summary["pairs"]], view.threshold)[0],
        "opgjort pr.": run.reference_date.isoformat(),
        "komplethedsgrad": coverage_table(view),
        "lavest overensstemmelse": worst_agreement_table(view),
        "overensstemmelse pr. variabel": agreement_chart(view),
        "kvitteringer": receipts_table(view),
        "afviste og genkendte filer": refused_table(view),
    } | few_hidden(view, summary)


def of_decision(view: View) -> dict[str, Any]:
    """The gate's outcome, condition by condition, and where the published report stands."""
    gate = gate_result(view)
    return {
        "udfald": f"{gate.name}: {gate.outcome.text}",
        "betingelser": conditions_table(gate),
        "rapport": dg.MetadataValue.path(view.results.folder / "report.html"),
    }


def coverage_table(view: View) -> dg.TableMetadataValue:
    """Completeness of both sides, for the country and each region."""
    names = ("completeness_of_new", "completeness_of_reported")
    rows = [
        (view.place(row), *(place_share(view, row, name).text for name in names), *place_counts(view, row))
        for frame in (view.country("coverage"), view.places("coverage"))
        for row in frame.iter_rows(named=True)
    ]
    return table(("sted", "ny", "manuel", "i begge", "kun manuel", "kun ny"), rows)


def worst_agreement_table(view: View) -> dg.TableMetadataValue:
    """The variables on which the two sides agree least."""
    known = view.country("agreement").filter(pl.col("level").is_null(), pl.col("share").is_not_null())
    rows = known.sort("share", "variable").head(WORST).iter_rows(named=True)
    return table(
        view.texts("column", "variable", "share", "both_known", "differ"),
        (
            (view.label(row["variable"]), agreement_share(view, row).text,
             *(view.band_text(view.band(agreement_table(row["variable"], None), name, row))
               for name in ("both_known", "differ")))
            for row in rows
        ),
    )  # fmt: skip


def agreement_chart(view: View) -> dg.MarkdownMetadataValue:
    """The report's own picture of agreement per variable; as SVG it is sharp and a quarter of a PNG."""
    picture = agreement_picture(view)
    if picture is None:
        return dg.MetadataValue.md(view.text("table.none"))
    drawn = base64.b64encode(picture.svg.encode()).decode("ascii")
    return dg.MetadataValue.md(f"![{picture.caption}](data:image/svg+xml;base64,{drawn})")


def causes_table(view: View) -> dg.TableMetadataValue:
    """The causes in their rank: what is wrong, how much each explains, and who mends it."""
    rows = (
        (c["rank"], cause_sentence(view, c), explained_text(view, c),
         view.messages.word("owner", c["owner"]), share_in_slice(view, c))
        for c in sorted(view.results.causes["causes"], key=lambda cause: cause["rank"])
    )  # fmt: skip
    return table(("nr.", "årsag", "forklarer", "rettes af", "andel i udsnittet"), rows)


def receipts_table(view: View) -> dg.TableMetadataValue:
    """Per source and region: the files by verdict, and the account of their rows."""
    return table(
        ("kilde", "region", *VERDICTS.values(), "rækker", "accepteret", "tilbageholdt"), receipts_by_region(view)
    )


def refused_table(view: View) -> dg.TableMetadataValue:
    """The files that were refused or known already, each with its one reason."""
    held = view.results.frame("receipts").filter(pl.col("verdict").is_in(["refused", "duplicate"]))
    rows = held.select("file", "region", "reason").sort("region", "file").iter_rows()
    return table(("fil", "region", "grund"), ((f, view.names.region(r), why) for f, r, why in rows))


def conditions_table(gate: GateResult) -> dg.TableMetadataValue:
    """The gate's conditions: what is asked, what was found, and how it was judged."""
    rows = ((c.outcome.text, c.name, c.asked, c.found, c.n, c.reason) for c in (*gate.decisive, *gate.met))
    return table(("udfald", "betingelse", "krav", "fundet", "antal", "hvorfor"), rows)
