"""The national report: aggregates only, with small cells hidden, for reviewers and the steering group."""

from __future__ import annotations

from pathlib import Path

from pipelines.reports.look import render
from pipelines.reports.messages import read_messages
from pipelines.reports.numbers import day
from pipelines.reports.parts import Report
from pipelines.reports.places import PlaceNames
from pipelines.reports.released import FACTS
from pipelines.reports.results import Results
from pipelines.reports.sections.agreement import agreement_section
from pipelines.reports.sections.causes import cause_cards, unexplained
from pipelines.reports.sections.changeover import changeover_section
from pipelines.reports.sections.coverage import coverage_section
from pipelines.reports.sections.evidence import (
    discrepancies_section,
    findings_section,
    receipts_section,
    unmatched_section,
)
from pipelines.reports.sections.figures import figures_section
from pipelines.reports.sections.gate import gate_result
from pipelines.reports.sections.indicators import indicators_section
from pipelines.reports.sections.movements import movements_section
from pipelines.reports.sections.signals import signals_section
from pipelines.reports.suppression import shown_count
from pipelines.reports.view import View
from pipelines.spec.model import DatabaseSpec

SECTIONS = (
    coverage_section,
    changeover_section,
    agreement_section,
    indicators_section,
    figures_section,
    movements_section,
    discrepancies_section,
    unmatched_section,
    signals_section,
    findings_section,
    receipts_section,
)


def country_report(
    spec: DatabaseSpec,
    results: Path,
    names: PlaceNames | None = None,
    threshold: int | None = None,
    language: str = "da",
) -> str:
    """The whole country on one HTML page, from the contract files in `results`.

    Counts from 1 to `threshold` − 1 (else the specification's small_cells) below the country are hidden, and
    what would give one away. No row, person or record value is in it.
    Raises InputError where `results` is not a run's directory.
    """
    hiding = spec.small_cells if threshold is None else threshold
    view = View(spec, Results(results), read_messages(language), names or PlaceNames(), threshold=hiding)
    return render("country.html.j2", country_data(view), view.messages)


def country_data(view: View) -> Report:
    """What the national report says."""
    return Report(
        title=view.text("report.country_title", database=view.messages.label(view.spec.title)),
        subtitle=view.text("report.country_subtitle"),
        sample_notice=sample_notice(view),
        facts=_facts(view),
        gate=gate_result(view),
        causes=cause_cards(view),
        causes_lead=causes_lead(view),
        unexplained=unexplained(view),
        sections=tuple(section(view) for section in SECTIONS),
        footer=footer(view),
    )


def sample_notice(view: View) -> str:
    """A specification that is not SundK's own says so at the top."""
    return "" if view.spec.official else view.text("report.sample_notice")


def causes_lead(view: View) -> str:
    """How the list of causes is to be read, or that there is none."""
    return view.text("report.causes_lead" if view.results.causes["causes"] else "report.no_causes")


def footer(view: View) -> str:
    """What the report was made from, so that it can be made again."""
    summary = view.results.summary
    return view.text(
        "report.footer",
        database=view.spec.database,
        version=summary["spec_version"],
        reference_date=day(summary["reference_date"]),
        fingerprint=summary["spec_fingerprint"][:16],
    )


def _facts(view: View) -> tuple[tuple[str, str], ...]:
    counts = view.results.summary["counts"]
    unfit = counts["not_comparable_reported"] + counts["not_comparable_new"]
    told = {name: counts[name] for name in FACTS} | {"not_comparable": unfit}
    rows = {name: {"region": None, name: n} for name, n in told.items()}
    shown = [(name, view.band_text(view.band("facts", name, row))) for name, row in rows.items()]
    shown += [("discrepancies", shown_count(counts["discrepancies"], view.threshold))]
    shown += [("reference_date", day(view.results.summary["reference_date"]))]
    return tuple((view.text(f"facts.{name}"), text) for name, text in shown)
