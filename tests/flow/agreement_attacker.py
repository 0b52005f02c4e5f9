"""The same attacker at the country's tables of agreement: which small counts follow from what stands there?

Of each variable the page tells the country's counts and share, and each region's share. The attacker knows that what
both sides know is the same or differs, that the same is exact or within tolerance, and that the country is its regions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from page_attacker import FAR, THRESHOLD, bounds_of, end_of, limits_of

from pipelines.reports.messages import read_messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.results import Results
from pipelines.reports.sections.agreement import agreement_section
from pipelines.reports.view import View
from pipelines.spec.model import DatabaseSpec

TOLD = ("both_known", "agree", "agree_within", "differ", "missing_differs", "reported_missing", "new_missing")
PARTS = ("same", "differ")  # of a region
Cell = tuple[str, str]  # region ("" is the country), column


@dataclass
class Page:
    """What stands on the page of one variable: bounds by cell, and (region, share's text)."""

    bounds: dict[Cell, tuple[int, int]]
    shares: list[tuple[str, str]] = field(default_factory=list)

    def exposed(self, true: dict[Cell, int]) -> list[Cell]:
        """The small counts of which one value fits everything."""
        number = {cell: place for place, cell in enumerate(self.bounds)}
        equal, below = self._sums(number), self._limits(number)
        small = [cell for cell in number if 0 < true[cell] < THRESHOLD]
        ends = {cell: [end_of(sign, number[cell], equal, below, [*self.bounds.values()]) for sign in (1, -1)]
                for cell in small}  # fmt: skip
        return [cell for cell, (low, high) in ends.items() if np.floor(high + 1e-6) - np.ceil(low - 1e-6) < 1]

    def _line(self, number: dict[Cell, int], said: dict[Cell, float]) -> np.ndarray:
        line = np.zeros(len(number))
        line[[number[cell] for cell in said]] = [*said.values()]
        return line

    def _sums(self, number: dict[Cell, int]) -> np.ndarray:
        regions = [region for region, column in number if region and column == "same"]
        lines = [self._line(number, {("", "both_known"): -1, ("", "same"): 1, ("", "differ"): 1}),
                 self._line(number, {("", "same"): -1, ("", "agree"): 1, ("", "agree_within"): 1})]  # fmt: skip
        if regions:
            lines += [self._line(number, {("", c): -1} | {(region, c): 1 for region in regions}) for c in PARTS]
        return np.array(lines)

    def _limits(self, number: dict[Cell, int]) -> np.ndarray:
        lines = [
            self._line(number, {(region, "same"): sign * (1 - limit), (region, "differ"): -sign * limit})
            for region, text in self.shares
            for sign, limit in limits_of(text)
        ]
        return np.array(lines).reshape(len(lines), len(number))


def pages_of(spec: DatabaseSpec, results: Path, names: PlaceNames) -> Iterator[tuple[Page, dict[Cell, int]]]:
    """Each variable's part of the page, and its true counts. Levels of codes, told of the country alone, are left."""
    view = View(spec, Results(results), read_messages("da"), names, threshold=THRESHOLD)
    variables, matrix = agreement_section(view).tables
    shares = {row[0].text: [cell.text for cell in row[1:]] for row in matrix.rows}
    counted = _counted(results)
    regions = sorted(counted["region"].drop_nulls().unique())
    for label, share, *counts in ([cell.text for cell in row] for row in variables.rows):
        if label in shares:
            true = _true(counted.filter(variable=_variable(view, label)))
            bounds = dict.fromkeys(true, (0, FAR))
            bounds |= {("", name): bounds_of(text) for name, text in zip(TOLD, counts, strict=True)}
            of_regions = [said for said in zip(regions, shares[label], strict=True) if said[1] != "–"]
            yield Page(bounds, [("", share), *of_regions]), true


def _counted(results: Path) -> pl.DataFrame:
    frame = pl.read_parquet(results / "agreement.parquet")
    frame = frame.filter(pl.col("period").is_null(), pl.col("unit").is_null(), pl.col("level").is_null())
    return frame.with_columns(same=pl.col("agree") + pl.col("agree_within"))


def _true(rows: pl.DataFrame) -> dict[Cell, int]:
    country = {("", name): rows.filter(pl.col("region").is_null()).item(0, name) for name in (*TOLD, "same")}
    regions = rows.filter(pl.col("region").is_not_null()).to_dicts()
    return country | {(row["region"], name): row[name] for row in regions for name in PARTS}


def _variable(view: View, label: str) -> str:
    return next(name for name in view.spec.compared if view.label(name) == label)


def hold_agreement_hidden(spec: DatabaseSpec, results: Path, names: PlaceNames) -> None:
    """Nothing follows from the page, but something does where small counts alone are hidden (the broken variant)."""
    pages = list(pages_of(spec, results, names))
    assert len(pages) > 3
    assert [found for page, true in pages for found in page.exposed(true)] == []
    barely = [Page({cell: _primary(cell, true[cell]) for cell in page.bounds}, []) for page, true in pages]
    exposed = [found for page, (_, true) in zip(barely, pages, strict=True) for found in page.exposed(true)]
    assert exposed, "the attacker sees nothing even where counts are barely hidden"


def _primary(cell: Cell, n: int) -> tuple[int, int]:
    if cell == ("", "same"):
        return 0, FAR
    return (0, THRESHOLD - 1) if 0 < n < THRESHOLD else (n, n)
