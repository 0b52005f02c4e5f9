"""The report to one region about its own patients: its own figures complete, the country's beside them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipelines.reports.answers import ANSWERS
from pipelines.reports.country import SECTIONS, causes_lead, footer, sample_notice
from pipelines.reports.look import render
from pipelines.reports.messages import read_messages
from pipelines.reports.numbers import count, day
from pipelines.reports.parts import Report
from pipelines.reports.places import PlaceNames
from pipelines.reports.results import Results
from pipelines.reports.sections.causes import cause_cards, cause_sentence, unexplained
from pipelines.reports.sections.gate import gate_result
from pipelines.reports.view import View, require_region
from pipelines.spec.model import DatabaseSpec


def region_report(
    spec: DatabaseSpec, results: Path, region: str, names: PlaceNames | None = None, language: str = "da"
) -> str:
    """One region on one HTML page: its own counts as they are, no other region's, and no row or person.

    Raises InputError for a region the results know nothing of.
    """
    view = View(spec, Results(results), read_messages(language), names or PlaceNames(), region, threshold=1)
    require_region(view.results, region)
    return render("region.html.j2", region_data(view), view.messages)


def cause_sentences(spec: DatabaseSpec, results: Path, region: str, names: PlaceNames) -> dict[str, str]:
    """Cause → its sentence as one region may read it: what is not its own is rounded."""
    view = View(spec, Results(results), read_messages("da"), names, region, threshold=1)
    return {cause["cause_id"]: cause_sentence(view, cause) for cause in view.results.causes["causes"]}


def region_data(view: View) -> Report:
    """What the report to a region says."""
    database = view.messages.label(view.spec.title)
    return Report(
        title=view.text("report.region_title", database=database, region=view.names.region(view.region)),
        subtitle=view.text("report.region_subtitle"),
        sample_notice=sample_notice(view),
        facts=_facts(view),
        gate=gate_result(view),
        causes=cause_cards(view),
        causes_lead=causes_lead(view),
        unexplained=unexplained(view),
        sections=tuple(section(view) for section in SECTIONS),
        footer=footer(view),
        answers=tuple((view.text(f"answer.{a}"), view.text(f"answer.{a}_help")) for a in ANSWERS),
    )


def _facts(view: View) -> tuple[tuple[str, str], ...]:
    """The region's own counts: records by coverage, discrepancies by their region."""
    own = view.own("coverage").head(1).to_dicts()
    row = own[0] if own else {}
    found = view.results.frame("discrepancies").filter(pl.col("region") == view.region).height
    names = {"reported": "reported", "new": "new", "pairs": "both"} | {n: n for n in ("only_reported", "only_new")}
    shown = [(name, count(row.get(column))) for name, column in names.items()]
    shown += [("discrepancies", count(found)), ("causes", count(len(cause_cards(view))))]
    shown += [("reference_date", day(view.results.summary["reference_date"]))]
    return tuple((view.text(f"facts.{name}"), text) for name, text in shown)
