"""An attacker who has the country's page and a linear programme: which small counts follow from what stands there?

It reads the texts of the tables, knows how they are rounded, and takes each share with its decimals as a bound on
the counts that it is made of. It shares no code with what it attacks but the names of the tables' rows.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import linprog

from pipelines.reports.messages import read_messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.results import Results
from pipelines.reports.sections.coverage import coverage_section
from pipelines.reports.view import View
from pipelines.spec.model import DatabaseSpec

THRESHOLD = 5
COUNTS = ("both", "only_reported", "only_new")
NUMERATORS = (("both", "only_new"), ("both", "only_reported"), ("both",))  # of the three shares, in their order
FAR = 100_000


def tables_of(spec: DatabaseSpec, results: Path, names: PlaceNames) -> dict[tuple, list[str]]:
    """(region, unit) → the texts of its row in the country's page: three shares and three counts."""
    view = View(spec, Results(results), read_messages("da"), names, threshold=THRESHOLD)
    places, units, *_ = coverage_section(view).tables
    frame = pl.read_parquet(results / "coverage.parquet").filter(pl.col("period").is_null())
    keys = frame.select("region", "unit").sort("region", "unit", nulls_last=False).rows()
    order = [key for key in keys if key[1] is None] + [key for key in keys if key[1] is not None]
    texts = [[cell.text for cell in row[1:]] for row in (*places.rows, *units.rows)]
    return dict(zip(order, texts, strict=True))


def exposed_on_page(told: dict[tuple, list[str]], true: dict[tuple, dict[str, int]]) -> list[tuple]:
    """The small counts of which one value fits everything on the page."""
    cells = {(place, column): number for number, (place, column) in enumerate((p, c) for p in told for c in COUNTS)}
    bounds = [bounds_of(told[place][3 + COUNTS.index(column)]) for place, column in cells]
    equal, below = _sums(told, cells), _shares(told, cells)
    found = []
    for (place, column), number in cells.items():
        if 0 < true[place][column] < THRESHOLD:
            ends = [end_of(sign, number, equal, below, bounds) for sign in (1, -1)]
            if np.floor(ends[1] + 1e-6) - np.ceil(ends[0] - 1e-6) < 1:
                found.append((place, column))
    return found


def bounds_of(text: str) -> tuple[int, int]:
    """ "7", "<5", "5–9", or a word that tells nothing."""
    numbers = [int(number.replace(".", "")) for number in re.findall(r"[0-9][0-9.]*", text)]
    if text.startswith("<"):
        return 0, numbers[0] - 1
    return (numbers[0], numbers[-1]) if numbers else (0, FAR)


def _sums(told: dict[tuple, list[str]], cells: dict[tuple, int]) -> np.ndarray:
    """The country is its regions, and a region its units (where every record has its place, as here)."""
    wholes = {(None, None): [p for p in told if p[0] and p[1] is None]}
    wholes |= {(region, None): [p for p in told if p[0] == region and p[1]] for region, _ in wholes[None, None]}
    lines = []
    for column in COUNTS:
        for whole, parts in wholes.items():
            line = np.zeros(len(cells))
            line[cells[whole, column]] = -1
            line[[cells[part, column] for part in parts]] = 1
            lines.append(line)
    return np.array(lines)


def _shares(told: dict[tuple, list[str]], cells: dict[tuple, int]) -> np.ndarray:
    """Each share, as low · union ≤ numerator ≤ high · union."""
    lines = []
    for place, texts in told.items():
        for text, numerator in zip(texts[:3], NUMERATORS, strict=True):
            for sign, limit in limits_of(text):
                line = np.zeros(len(cells))
                for column in COUNTS:
                    line[cells[place, column]] = sign * ((column in numerator) - limit)
                lines.append(line)
    return np.array(lines).reshape(len(lines), len(cells))


def limits_of(text: str) -> list[tuple[int, float]]:
    """(−1, low) and (1, high) of a share's text, half a unit of its last decimal out."""
    said = text.split(" (")[0]
    numbers = [float(n.replace(",", ".")) / 100 for n in re.findall(r"[0-9]+(?:,[0-9]+)?", said)]
    if not numbers:
        return []
    slack = 1e-9 if "–" in said or said[0] in "≥≤" else 0.5 * 10.0 ** -(len(said.partition(",")[2].split(" ")[0]) + 2)
    low, high = (-1, numbers[0] - slack), (1, numbers[-1] + slack)
    return [low] if said.startswith("≥") else [high] if said.startswith("≤") else [low, high]


def end_of(sign: int, place: int, equal: np.ndarray, below: np.ndarray, bounds: list[tuple[int, int]]) -> float:
    aim = np.zeros(len(bounds))
    aim[place] = sign
    zeros = np.zeros(len(below))
    answer = linprog(aim, A_ub=below, b_ub=zeros, A_eq=equal, b_eq=np.zeros(len(equal)), bounds=bounds)
    assert answer.status == 0
    return sign * answer.fun


def hold_hidden(spec: DatabaseSpec, results: Path, names: PlaceNames) -> None:
    """Nothing follows from the page, but something does where small counts alone are hidden (the broken variant)."""
    told = tables_of(spec, results, names)
    frame = pl.read_parquet(results / "coverage.parquet").filter(pl.col("period").is_null())
    true = {(row["region"], row["unit"]): row for row in frame.iter_rows(named=True)}
    assert exposed_on_page(told, true) == []
    primary = {place: ["–"] * 3 + [_primary(true[place][column]) for column in COUNTS] for place in told}
    assert exposed_on_page(primary, true), "the attacker sees nothing even where counts are barely hidden"


def _primary(number: int) -> str:
    return f"<{THRESHOLD}" if 0 < number < THRESHOLD else str(number)
