"""The gate (godkendelsestrin): its outcome in words, what decided it first."""

from __future__ import annotations

import re
from typing import Any

from pipelines.reports.numbers import NOTHING, count, share, share_with_interval
from pipelines.reports.parts import Cell, GateCondition, GateResult
from pipelines.reports.view import View

TONES = {"passed": "good", "not_passed": "bad", "cannot_be_judged": "unsure"}
_SIGNS = {">=": "≥", "<=": "≤"}


def gate_result(view: View) -> GateResult:
    """The gate as judged; a run that judged none cannot be judged, which never counts as passed."""
    gate = view.results.gate
    if gate is None:
        return GateResult("", outcome_cell(view, "cannot_be_judged"), view.text("gate.missing"), (), ())
    conditions = [(c["outcome"], _condition(view, c)) for c in gate["conditions"] if _concerns(view, c)]
    return GateResult(
        name=view.text("gate.name", gate=view.messages.word("gate", gate["gate"])),
        outcome=outcome_cell(view, gate["outcome"]),
        sentence=_sentence(view, gate["outcome"], [outcome for outcome, _ in conditions]),
        decisive=tuple(c for outcome, c in sorted(conditions, key=_worst_first) if outcome != "passed"),
        met=tuple(c for outcome, c in conditions if outcome == "passed"),
    )


def outcome_cell(view: View, outcome: str) -> Cell:
    """An outcome in words; one that is not known is shown as unsure, never as passed."""
    return Cell(view.messages.word("outcome", outcome), TONES.get(outcome, "unsure"))


def bound(text: str | None) -> str:
    """`>= 0.90` as "≥ 90 %"."""
    found = re.fullmatch(r"(>=|<=|>|<|=)\s*(-?[0-9.]+)", text or "")
    if not found:
        return text or NOTHING
    return f"{_SIGNS.get(found[1], found[1])} {share(float(found[2])).replace(',00', '')}"


def asked_agreement(view: View) -> float | None:
    """The share of agreement that the judged gate asks of each variable, if it asks."""
    gate = view.spec.gates.get((view.results.gate or {}).get("gate", ""))
    found = re.search(r"[0-9.]+", (gate and gate.agreement_each_variable) or "")
    return float(found[0]) if found else None


def _concerns(view: View, said: dict[str, Any]) -> bool:
    """A region's report tells of its own conditions and the country's, never of another region's."""
    return view.region is None or said.get("region") in (None, view.region)


def _condition(view: View, said: dict[str, Any]) -> GateCondition:
    name = view.messages.word("condition", said["condition"])
    subject = [view.label(said["variable"])] if said.get("variable") else []
    place = [view.names.region(said["region"])] if said.get("region") else []
    return GateCondition(
        name=": ".join([name, ", ".join(subject + place)]) if subject or place else name,
        asked=bound(said.get("asked")),
        found=share_with_interval(said.get("found"), said.get("low"), said.get("high")),
        n=count(said.get("n")),
        outcome=outcome_cell(view, said["outcome"]),
        reason=said.get("reason") or "",
    )


def _sentence(view: View, outcome: str, outcomes: list[str]) -> str:
    n = outcomes.count(outcome)
    if outcome == "passed":
        return view.text("gate.passed")
    return view.text(f"gate.one_{outcome}") if n == 1 else view.text(f"gate.{outcome}", n=n)


def _worst_first(pair: tuple[str, GateCondition]) -> tuple[bool, str]:
    return pair[0] != "not_passed", pair[1].name
