"""The gate (godkendelsestrin): may data go on? Three outcomes, judged from intervals, not point estimates.

*passed* where the whole interval lies on the right side of what is asked, *not_passed* where it lies wholly
on the wrong side, else *cannot_be_judged*; so too with fewer observations than the gate's minimum. An error
or an empty table never counts as passed. Only the stored counts are read, so that changed thresholds are
judged anew without a new run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.handover.counts import Counted, counts_for
from pipelines.project import InputError
from pipelines.reconciliation.intervals import wilson
from pipelines.spec.model import DatabaseSpec, Gate
from pipelines.spec.primitives import meets

NOTHING = Counted(0, 0, "", ())  # an empty table is judged too, and cannot be
# The outcome of the whole is its worst condition's.
WORST_FIRST = ("not_passed", "cannot_be_judged", "passed")


@dataclass(frozen=True)
class Condition:
    """One condition with the figure it was judged on; `of` names a variable or unit where it is of each."""

    condition: str
    of: str | None
    asked: str
    found: float | None
    low: float | None
    high: float | None
    n: int
    outcome: str
    reason: str
    region: str | None = None  # where the condition is of each unit
    figure: dict[str, Any] = field(
        default_factory=dict
    )  # the contract file, and the keys of the rows in it that were counted


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
    return [_condition(name, counted, bound, gate) for counted in counts_for(name, results, gate.minimum) or [NOTHING]]


def _condition(name: str, counted: Counted, bound: str, gate: Gate) -> Condition:
    """A share is judged by its interval. Signals are counted: chance is in the limits of their charts already."""
    found, low, high = _found(counted, gate)
    if name == "signals":
        found = low = high = float(counted.k) if counted.n else None
    outcome, reason = _outcome(bound, low, high, counted.n, gate.minimum)
    figure = {"file": counted.file, "rows": list(counted.rows)}
    return Condition(name, counted.of, bound, found, low, high, counted.n, outcome, reason, counted.region, figure)


def _found(counted: Counted, gate: Gate) -> tuple[float | None, ...]:
    share = counted.k / counted.n if counted.n else None
    return share, *wilson(counted.k, counted.n, gate.confidence)


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
