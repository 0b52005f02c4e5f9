"""Statistical figures per variable: agreement beyond chance, and how far numbers lie from one another."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.reports.numbers import NOTHING, figure
from pipelines.reports.parts import Cell, Section, Table, cells, headings
from pipelines.reports.sections.shares import is_told
from pipelines.reports.view import View

CATEGORIES = (
    "kappa", "weighted_kappa", "pabak", "positive_agreement", "negative_agreement", "sensitivity", "ppv",
    "mcnemar_p",
)  # fmt: skip
NUMBERS = ("mean_difference", "loa_low", "loa_high", "p2_5", "p97_5", "ccc")

Found = dict[tuple[str, str | None], dict[str, dict[str, Any]]]


def figures_section(view: View) -> Section:
    """Kappa and its kin for codes, Bland–Altman (Lancet 1986;1:307) for numbers, each with its interval."""
    found = _by_variable(view)
    return Section(
        anchor="maal",
        title=view.text("section.figures"),
        lead=view.text("section.figures_lead"),
        tables=(_table(view, "categories", CATEGORIES, found), _table(view, "numbers", NUMBERS, found)),
    )


def _by_variable(view: View) -> Found:
    found: Found = {}
    told = [(r["variable"], r["level"]) for r in view.own("agreement").iter_rows(named=True) if is_told(view, r)]
    frame = view.own("figures").filter(pl.col("figure").is_in([*CATEGORIES, *NUMBERS]))
    for row in frame.sort("variable", "level", "figure").iter_rows(named=True):
        if row["figure"] in CATEGORIES and (row["variable"], row["level"]) not in told:
            continue  # from kappa, sensitivity and n the few could be reckoned
        found.setdefault((row["variable"], row["level"]), {})[row["figure"]] = row
    return found


def _table(view: View, title: str, names: tuple[str, ...], found: Found) -> Table:
    shown = {key: figures for key, figures in found.items() if figures.keys() & set(names)}
    used = [name for name in names if any(name in figures for figures in shown.values())]
    return Table(
        title=view.text(f"table.{title}"),
        headings=headings(view.text("column.variable"), *view.texts("figure", *used)),
        rows=tuple(
            cells(view.at_level(*key), *(_cell(figures.get(name)) for name in used))
            for key, figures in sorted(shown.items(), key=lambda item: _order(view, item[0]))
        ),
        empty=view.text("table.none"),
    )


def _order(view: View, key: tuple[str, str | None]) -> tuple[int, str, str]:
    return view.position(key[0]), key[0], key[1] or ""


def _cell(row: dict[str, Any] | None) -> Cell:
    """The figure with its interval; where it cannot be computed, a dash (never 0 or 1)."""
    if row is None or row["value"] is None:
        return Cell(NOTHING, "quiet")
    interval = "" if row["low"] is None or row["high"] is None else f" ({figure(row['low'])}; {figure(row['high'])})"
    return Cell(figure(row["value"]) + interval)
