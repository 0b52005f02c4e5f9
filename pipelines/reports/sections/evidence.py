"""Counts that lie behind: what arrived, what broke a rule, what is on one side only."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports.numbers import NOTHING, count, day
from pipelines.reports.parts import Cell, Section, Table, cells, headings
from pipelines.reports.rounding import rounded, rounded_columns
from pipelines.reports.suppression import shown_count
from pipelines.reports.view import View
from pipelines.spec.model import DatabaseSpec

_VERDICTS = {"accepted": "good", "partly": "unsure", "refused": "bad", "duplicate": ""}
RECEIVED = ("source", "region", *_VERDICTS, "rows_in", "rows_accepted", "rows_quarantined")


def unmatched_section(view: View) -> Section:
    """Records without a counterpart, by side and by the one reason each has."""
    groups = _counted(_here(view, "unmatched"), "side", "reason")
    rows = [
        cells(view.messages.word("side", side), view.messages.word("kind", reason), n)
        for (side, reason, _), n in zip(groups, _rounded(view, groups), strict=True)
    ]
    return _section(view, "kun-paa-den-ene-side", "unmatched", ("side", "reason", "n"), rows)


def discrepancies_section(view: View) -> Section:
    """Discrepancies by kind, and how they stand since the last run."""
    frame = _here(view, "discrepancies")
    known = frame.filter(pl.col("state").is_not_null())
    kinds, states = (
        [cells(view.messages.word(word, name), n) for (name, _), n in zip(groups, _rounded(view, groups), strict=True)]
        for word, groups in (("outcome_kind", _counted(frame, "kind")), ("state", _counted(known, "state")))
    )
    section = _section(view, "uoverensstemmelser", "discrepancies", ("kind", "n"), kinds)
    extra = (_table(view, "states", ("state", "n"), states),) if states else ()
    return Section(section.anchor, section.title, section.lead, tables=(*section.tables, *extra))


def findings_section(view: View) -> Section:
    """Broken rules by variable; each row counts findings, which are never shown one by one here."""
    receipts = _receipts(view).select("receipt_id")
    groups = _counted(view.results.frame("findings").join(receipts, on="receipt_id"), "rule", "variable", "severity")
    rows = [
        cells(
            _rule(view.spec, rule),
            view.label(variable) if variable else NOTHING,
            Cell(view.messages.word("severity", severity), "bad" if severity == "error" else "unsure"),
            _count(view, n),
        )
        for rule, variable, severity, n in groups
    ]
    return _section(view, "regler", "findings", ("rule", "variable", "severity", "n"), rows)


def receipts_section(view: View) -> Section:
    """Every file received, in the region's own report; in the country's how many of each source and region."""
    if view.region is None:
        groups = receipts_by_region(view)
        return _section(view, "kvitteringer", "receipts", RECEIVED, [cells(*row) for row in groups], text_columns=2)
    names = ("file", "received_at", "source", "region", "submission", "schema_version", "verdict")
    numbers = ("rows_in", "rows_accepted", "rows_quarantined")
    rows = [
        cells(*(_receipt_cell(view, name, row[name]) for name in names), *(count(row[n]) for n in numbers))
        for row in _receipts(view).sort("received_at", "receipt_id").iter_rows(named=True)
    ]
    section = _section(view, "kvitteringer", "receipts", (*names, *numbers), rows, text_columns=len(names))
    return section


def receipts_by_region(view: View) -> list[tuple[str, ...]]:
    """Per source and region: the files by verdict, and the account of their rows, rounded to multiples."""
    verdicts = [(pl.col("verdict") == verdict).sum().alias(verdict) for verdict in _VERDICTS]
    rows = pl.col("rows_accepted", "rows_quarantined").sum()
    by = ("source", "region")
    found = view.results.frame("receipts").group_by(by).agg(*verdicts, rows).sort(by)
    told = rounded_columns(found, view.base, "rows_accepted", "rows_quarantined")
    rows_in = pl.col("rows_accepted") + pl.col("rows_quarantined")
    return [
        (source.upper(), view.names.region(region), *(count(row[name]) for name in RECEIVED[2:]))
        for row in told.with_columns(rows_in=rows_in).to_dicts()
        for source, region in [(row["source"], row["region"])]
    ]


def _section(
    view: View,
    anchor: str,
    name: str,
    columns: tuple[str, ...],
    rows: list[tuple[Cell, ...]],
    text_columns: int = 0,
) -> Section:
    table = _table(view, name, columns, rows, text_columns)
    return Section(anchor, view.text(f"section.{name}"), view.text(f"section.{name}_lead"), tables=(table,))


def _table(
    view: View, name: str, columns: tuple[str, ...], rows: list[tuple[Cell, ...]], text_columns: int = 0
) -> Table:
    """A table whose columns are text but for the last one, or but for those after `text_columns`."""
    texts = headings(*view.texts("column", *columns), text_columns=text_columns or len(columns) - 1)
    return Table(view.text(f"table.{name}"), texts, tuple(rows), empty=view.text("table.none"))


def _here(view: View, name: str) -> pl.DataFrame:
    frame = view.results.frame(name)
    return frame if view.region is None else frame.filter(pl.col("region") == view.region)


def _receipts(view: View) -> pl.DataFrame:
    return _here(view, "receipts")


def _counted(frame: pl.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    """Groups with their counts, the largest first, ties in order of name."""
    counted = frame.group_by(names).agg(pl.len().cast(pl.Int64).alias("n"))
    return counted.sort("n", *names, descending=[True, *(False for _ in names)], nulls_last=True).rows()


def _rounded(view: View, groups: list[tuple[Any, ...]]) -> list[str]:
    """The groups' counts as multiples, which add up as they do; what becomes none is few."""
    multiples = rounded([n for *_, n in groups], view.base)
    return [count(n) if n else f"<{view.base}" for n in multiples]


def _count(view: View, n: int) -> str:
    return shown_count(n, view.threshold)


def _rule(spec: DatabaseSpec, rule: str) -> str:
    """A rule across variables is told in its own words; the others by their name."""
    return spec.rules[rule].label.da if rule in spec.rules else rule


def _receipt_cell(view: View, name: str, value: str | None) -> Cell:
    if name == "verdict":
        return Cell(view.messages.word("verdict", value), _VERDICTS.get(value or "", ""))
    if name == "received_at":
        return Cell(day(value))
    return Cell(view.names.region(value) if name == "region" else value or NOTHING)
