"""Two registrations of courses whose journal is known, and a clinician who fills in a sheet by that journal."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import openpyxl
import polars as pl

from pipelines.reconciliation.reconcile import Reconciliation, reconcile
from pipelines.reconciliation.shape import SIDES
from pipelines.reports.values import value_text
from pipelines.spec.model import DatabaseSpec

LABEL = {"da": "Prøve"}
CODES = {"1": "I", "2": "II", "3": "III", "4": "IV"}
REGIONS = ("nord", "syd")
SHARE_WRONG = {"reported": 0.10, "new": 0.04}


def spec() -> DatabaseSpec:
    """Three variables; a number that may differ by 1, a code, and yes or no."""
    missing = {"unknown": "Uoplyst"}
    variables = {
        "day": {"type": "date", "label": {"da": "Dag"}},
        "weight": {"type": "decimal", "label": {"da": "Vægt"}, "missing": missing, "compare": {"absolute": 1}},
        "nyha": {"type": "code", "values": CODES, "label": {"da": "NYHA-klasse"}, "missing": missing},
        "smoker": {"type": "yes_no", "label": {"da": "Ryger"}, "missing": missing},
    }
    match = [{"rule": "same day", "on": ["person", "unit", "day"]},
             {"rule": "near day", "on": ["person", "unit"], "within": {"day": 3}},
             {"rule": "other unit", "on": ["person", "region"], "within": {"day": 3}}]  # fmt: skip
    return DatabaseSpec.model_validate({
        "database": "small", "title": LABEL, "official": False, "version": "1", "record": "one course",
        "event_date": "day", "person_number": "other", "match": match, "variables": variables,
    })  # fmt: skip


def journal(courses: int, seed: int = 1) -> pl.DataFrame:
    """What the patient records say: one course a person."""
    lots, first = np.random.default_rng(seed), dt.date(2026, 1, 1)
    number = np.arange(courses)
    region = np.where(number % 3 == 0, *REGIONS)
    return pl.DataFrame({
        "person": [f"{1 + n % 28:02}0160{1000 + n}" for n in number.tolist()], "region": region,
        "unit": [f"{r[0].upper()}{n % 3}" for r, n in zip(region, number.tolist(), strict=True)],
        "day": [first + dt.timedelta(days=int(n) % 200) for n in number],
        "weight": (600 + lots.integers(0, 400, courses)) / 10, "nyha": lots.choice(list(CODES), courses),
        "smoker": lots.choice(["yes", "no"], courses),
    })  # fmt: skip


def sides(truth: pl.DataFrame, seed: int = 2) -> dict[str, pl.DataFrame]:
    """Both registrations of the journal: some values wrong, some days moved, some courses forgotten or made up."""
    lots = np.random.default_rng(seed)
    return {name: _registered(truth, name, lots) for name in SIDES}


def _registered(truth: pl.DataFrame, name: str, lots: np.random.Generator) -> pl.DataFrame:
    wrong = {v: pl.Series(lots.random(truth.height) < SHARE_WRONG[name]) for v in ("weight", "nyha", "smoker", "day")}
    made_up = truth.head(truth.height // 25).with_columns(person=pl.format("{}X" if name == "new" else "{}Y", "person"))
    moved = pl.col("day") + pl.duration(days=pl.Series(lots.integers(1, 3, truth.height)))
    seen = truth.with_columns(
        weight=pl.when(wrong["weight"]).then(pl.col("weight") + 10).otherwise("weight"),
        nyha=pl.when(wrong["nyha"]).then(pl.lit("4")).otherwise("nyha"),
        smoker=pl.when(wrong["smoker"]).then(None).otherwise("smoker"),
        day=pl.when(wrong["day"]).then(moved).otherwise("day"),
    ).filter(pl.Series(lots.random(truth.height) > 0.08))
    rows = pl.concat([seen, made_up])
    code = pl.when(pl.col("smoker").is_null()).then(pl.lit("unknown"))
    return rows.with_columns(
        record_id=pl.format("K-{}" if name == "reported" else "W-NJ-{}", "person"), smoker_missing=code
    )


def found(truth: pl.DataFrame, reverse: bool = False) -> Reconciliation:
    """Both sides held side by side; `reverse` has their rows the other way round."""
    said = {name: _canonical(frame) for name, frame in sides(truth).items()}
    return reconcile(spec(), *(frame.reverse() if reverse else frame for frame in said.values()))


def _canonical(frame: pl.DataFrame) -> pl.DataFrame:
    lacking = [f"{name}_missing" for name in spec().variables if f"{name}_missing" not in frame.columns]
    absent = [name for name in (*spec().attributes, *lacking) if name not in frame.columns]
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)


def filled(sheet: bytes, truth: pl.DataFrame, change: Callable[[openpyxl.Workbook], None] = lambda book: None) -> bytes:
    """The sheet as a clinician fills it in who finds each patient by number in the journal."""
    book, known = openpyxl.load_workbook(io.BytesIO(sheet)), {row["person"]: row for row in truth.to_dicts()}
    variables = {variable.label.da: (name, variable) for name, variable in spec().variables.items()}
    for row in book["Værdier"].iter_rows(2):
        cells = dict(zip((cell.value for cell in book["Værdier"][1]), row, strict=True))
        name, variable = variables[cells["Variabel"].value]
        cells["Svar"].value = judged(known.get(cells["CPR-nummer"].value), name, variable, cells)
    for row in book["Forløb"].iter_rows(2):
        row[3].value = "ja, det hører med" if row[1].value in known else "nej, det hører ikke med"
    change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def judged(course: Mapping[str, Any] | None, name: str, variable: Any, cells: Mapping[str, Any]) -> str:
    if course is None:
        return "ingen af dem er rigtig"
    said = value_text(variable, str(course[name]))
    right = cells["A"].value == said, cells["B"].value == said
    return {(True, True): "begge er rigtige", (True, False): "A er rigtig", (False, True): "B er rigtig",
            (False, False): "ingen af dem er rigtig"}[right]  # fmt: skip


def truly_right(compared: Reconciliation, truth: pl.DataFrame, name: str) -> dict[str, float]:
    """The share of a variable's values that the journal says too, on each side, of all pairs that could be drawn."""
    rows = {side: compared.index.rows(side) for side in SIDES}
    values = compared.pair_values(name, rows)
    persons = compared.sides["new"].read(["person"], rows["new"])
    both = pl.concat([values, persons], how="horizontal").join(truth.select("person", name), on="person", how="left")
    asked = both.filter(~pl.col(f"{name}_outcome").is_in(["both_missing", "not_applicable"]))
    return {side: asked.select((pl.col(f"{name}_{side}") == pl.col(name)).fill_null(False).mean()).item()
            for side in SIDES}  # fmt: skip
