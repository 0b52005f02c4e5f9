"""What was planted in the samples (sample_data/truth.csv), and whether a cause that is told is one of it."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

TRUTH = Path(__file__).parents[2] / "sample_data" / "truth.csv"
# The ends of a gap are known only to the next course that did, or did not, arrive.
DAYS_UNKNOWN = 7


def planted(reported_in: str, database: str = "dhd") -> list[dict]:
    with TRUTH.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["database"], row["reported_in"]) == (database, reported_in)]
    for row in rows:
        row["slice"], row["parameters"] = json.loads(row["slice"]), json.loads(row["parameters"])
    return rows


def near(told: dict[str, str], true: dict[str, str]) -> bool:
    """The same period, as far as the data can tell; an open end of a cause may stand for the data's own."""
    return all(
        end not in told or abs(dt.date.fromisoformat(told[end]) - dt.date.fromisoformat(true[end])).days <= DAYS_UNKNOWN
        for end in true
    )


def same_slice(cause: dict, truth: dict) -> bool:
    """A cause may say less than the truth where that is enough (a submission has but one region)."""
    told, true = cause["slice"], truth["slice"]
    if truth["kind"] in ("submission_twice", "test_persons"):
        return set(told.items()) <= {(k, v) for k, v in true.items() if k != "period"}
    if truth["kind"] == "unit_mapped_wrong":
        return told == {"unit": truth["parameters"]["to"]}
    named = {k: v for k, v in told.items() if k != "period"} == {k: v for k, v in true.items() if k != "period"}
    return named and near(told.get("period", {}), true.get("period", {})) and (
        "period" in told or "period" not in true
    )  # fmt: skip


def same_parameters(cause: dict, truth: dict) -> bool:
    told, true = cause["parameters"], dict(truth["parameters"])
    if truth["kind"] == "test_persons":
        return cause["explained"] == true["n"]
    if truth["kind"] in ("period_gap", "unit_not_reporting"):
        dates = {k: v for k, v in true.items() if k in ("from", "to")}
        return near(told, dates) and told.get("unit") == true.get("unit")
    return told == true


def sides_exchanged(truth: dict) -> bool:
    """Two codes exchanged are a recoding with a name of its own (side_swapped), which needs no parameters."""
    mapping = truth["parameters"].get("mapping", {})
    return truth["kind"] == "code_recoded" and {mapping.get(code): code for code in mapping} == mapping


def names(cause: dict, truth: dict) -> bool:
    variables = [truth["variable"]] if truth["variable"] else []
    swapped = cause["kind"] == "side_swapped" and sides_exchanged(truth)
    kind = swapped or (cause["kind"] == truth["kind"] and same_parameters(cause, truth))
    return kind and cause["variables"] == variables and same_slice(cause, truth)
