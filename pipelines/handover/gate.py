"""The gate (godkendelsestrin): may data go on? Three outcomes, judged from intervals, not point estimates.

*passed* where the whole interval lies on the right side of what is asked, *not_passed* where it lies wholly
on the wrong side, else *cannot_be_judged*; so too with fewer observations than the gate's minimum. An error
or an empty table never counts as passed. Only the stored counts are read, so that changed thresholds are
judged anew without a new run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.project import InputError
from pipelines.reconciliation.intervals import wilson
from pipelines.spec.model import DatabaseSpec, Gate
from pipelines.spec.primitives import meets

# The outcome of the whole is its worst condition's.
WORST_FIRST = ("not_passed", "cannot_be_judged", "passed")


@dataclass(frozen=True)
class Condition:
    """One condition with the figure it was judged on; `of` names a variable where the condition is of each."""

    condition: str
    of: str | None
    asked: str
    found: float | None
    low: float | None
    high: float | None
    n: int
    outcome: str
    reason: str


@dataclass(frozen=True)
class Decision:
    gate: str
    outcome: str
    conditions: tuple[Condition, ...]
    evidence: dict[str, str]  # contract file → sha256 of the bytes that were judged

    def contract(self) -> dict[str, Any]:
        """gate.json."""
        return asdict(self) | {"conditions": [asdict(condition) for condition in self.conditions]}


def judge(spec: DatabaseSpec, gate: str, results: Path, evidence: dict[str, str]) -> Decision:
    """Judge one gate of the specification on the contract files in `results`.

    Raises InputError where the specification has no such gate, or a contract file is absent or damaged.
    """
    if gate not in spec.gates:
        known = ", ".join(spec.gates) or "none"
        raise InputError(f"{spec.database} has no gate '{gate}': choose one of {known}.")
    asked = spec.gates[gate]
    try:
        conditions = [c for name, bound in asked.conditions.items() for c in _judged(name, bound, asked, results)]
    except (OSError, pl.exceptions.PolarsError):
        raise InputError(f"{results} holds no whole results: name a folder that `run` or `reconcile` wrote.") from None
    return Decision(gate, _worst(condition.outcome for condition in conditions), tuple(conditions), evidence)


def _worst(outcomes: Iterable[str]) -> str:
    found = set(outcomes)
    return next((outcome for outcome in WORST_FIRST if outcome in found), "cannot_be_judged")


def _judged(name: str, bound: str, gate: Gate, results: Path) -> list[Condition]:
    counts = {"agreement_each_variable": _agreement, "unexplained": _unexplained}.get(name, _coverage)
    found = counts(name, results) or [(None, 0, 0)]  # an empty table is judged too, and cannot be
    return [_condition(name, of, k, n, bound, gate) for of, k, n in found]


def _coverage(name: str, results: Path) -> list[tuple[str | None, int, int]]:
    numerator = {"completeness_of_new": "new", "completeness_of_reported": "reported", "overlap": "both"}[name]
    country = _country(results / "coverage.parquet")
    return [(None, *row) for row in country.select(numerator, "union").rows()]


def _agreement(name: str, results: Path) -> list[tuple[str | None, int, int]]:
    country = _country(results / "agreement.parquet").filter(pl.col("level").is_null()).sort("variable")
    return country.select("variable", pl.col("agree") + pl.col("agree_within"), "both_known").rows()


def _unexplained(name: str, results: Path) -> list[tuple[str | None, int, int]]:
    found = pl.read_parquet(results / "discrepancies.parquet", columns=["cause_id"])
    return [(None, found["cause_id"].null_count(), len(found))]


def _country(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path).filter(pl.all_horizontal(pl.col("region", "unit", "period").is_null()))


def _condition(name: str, of: str | None, k: int, n: int, bound: str, gate: Gate) -> Condition:
    low, high = wilson(k, n, gate.confidence)
    outcome, reason = _outcome(bound, low, high, n, gate.minimum)
    return Condition(name, of, bound, k / n if n else None, low, high, n, outcome, reason)


def _outcome(bound: str, low: float | None, high: float | None, n: int, minimum: int) -> tuple[str, str]:
    if low is None or high is None:
        return "cannot_be_judged", "nothing to judge"
    if n < minimum:
        return "cannot_be_judged", f"fewer than {minimum}"
    sides = [meets(bound, end) for end in (low, high)]
    if all(sides):
        return "passed", "the whole interval meets what is asked"
    return ("cannot_be_judged", "the interval contains the limit") if any(sides) else (
        "not_passed", "the whole interval misses what is asked")  # fmt: skip
