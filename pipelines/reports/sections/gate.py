"""The gate (godkendelsestrin): its outcome in words, what decided it first."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from pipelines.reports.numbers import NOTHING, count, limit, share, share_with_interval
from pipelines.reports.parts import Cell, GateCondition, GateResult
from pipelines.reports.sections.shares import PARTS, agreement_share, place_share
from pipelines.reports.suppression import ShownShare
from pipelines.reports.view import View

SMALL_UNITS = "small units"  # what the gate calls units that it judges together

TONES = {"passed": "good", "not_passed": "bad", "cannot_be_judged": "unsure"}
_SIGNS = {">=": "≥", "<=": "≤"}


def gate_result(view: View) -> GateResult:
    """The gate as judged; a run that judged none cannot be judged, which never counts as passed."""
    gate = view.results.gate
    if gate is None:
        return GateResult("", outcome_cell(view, "cannot_be_judged"), view.text("gate.missing"))
    said = sorted((c for c in gate["conditions"] if _concerns(view, c)), key=_worst_first)
    outcome = _known(gate["outcome"])
    groups = {group: [c for c in said if _group(c) == group] for group in ("decisive", "empty", "met")}
    return GateResult(
        view.text("gate.name", gate=view.messages.word("gate", gate["gate"])),
        outcome_cell(view, outcome),
        _sentence(view, outcome, [_known(c["outcome"]) for c in said]),
        **{group: tuple(_condition(view, c) for c in found) for group, found in groups.items()},
    )


def _group(said: dict[str, Any]) -> str:
    """What decided stands first; conditions without a single observation would only hide it."""
    if _known(said["outcome"]) == "passed":
        return "met"
    return "decisive" if said.get("n") else "empty"


def outcome_cell(view: View, outcome: str) -> Cell:
    """An outcome in words."""
    return Cell(view.text(f"outcome.{outcome}"), TONES[outcome])


def bound(text: str | None) -> str:
    """`>= 0.90` as "≥ 90 %"."""
    found = re.fullmatch(r"(>=|<=|>|<|=)\s*(-?[0-9.]+)", text or "")
    if not found:
        return text or NOTHING
    return f"{_SIGNS.get(found[1], found[1])} {share(float(found[2])).replace(',00', '')}"


def asked_agreement(view: View) -> float | None:
    """The share of agreement that the judged gate asks of each variable, if it asks."""
    gate = view.spec.gates.get((view.results.gate or {}).get("gate", ""))
    return limit(gate and gate.agreement_each_variable)


def _known(outcome: str) -> str:
    """Anything but a known outcome (an error, say) cannot be judged, and so never counts as passed."""
    return outcome if outcome in TONES else "cannot_be_judged"


def _concerns(view: View, said: dict[str, Any]) -> bool:
    """A region's report tells of its own conditions and the country's, never of another region's."""
    return view.region is None or said.get("region") in (None, view.region)


def _condition(view: View, said: dict[str, Any]) -> GateCondition:
    name = view.messages.word("condition", said["condition"])
    subject = [_subject(view, said["of"])] if said.get("of") else []
    place = [view.names.region(said["region"])] if said.get("region") else []
    return GateCondition(
        name=": ".join([name, ", ".join(subject + place)]) if subject or place else name,
        asked=bound(said.get("asked")) if said["condition"] != "signals" else said["asked"],
        found=_found(view, said),
        n=_n(view, said),
        outcome=outcome_cell(view, _known(said["outcome"])),
        reason=_reason(view, said["outcome"], said.get("reason")),
    )


def _subject(view: View, of: str) -> str:
    """A variable, a unit, or the small units of a place together."""
    if of == SMALL_UNITS:
        return view.text("words.small_units")
    return view.label(of) if of in view.spec.variables else view.names.unit(of)


def _found(view: View, said: dict[str, Any]) -> str:
    """What was found, as far as this view is told: of a place in the country's page only how it was judged."""
    if said["condition"] == "signals":
        return NOTHING if said.get("found") is None else count(int(said["found"]))
    if _of_others(view, said):
        return NOTHING
    shown = _share(view, said)
    if shown and shown.value is None:
        return shown.text
    return share_with_interval(said.get("found"), said.get("low"), said.get("high"), limit(said.get("asked")))


def _n(view: View, said: dict[str, Any]) -> str:
    if _of_others(view, said):
        return NOTHING
    shown = _share(view, said)
    return NOTHING if shown and shown.value is None else count(said.get("n"))


def _of_others(view: View, said: dict[str, Any]) -> bool:
    """A condition of one region or unit, in a page that others read."""
    return view.region is None and said.get("region") is not None


def _share(view: View, said: dict[str, Any]) -> ShownShare | None:
    """The share that a condition of the country is about, as the tables tell it; None for any other condition."""
    if said.get("region") is not None:
        return None
    if said["condition"] in PARTS:
        return next((place_share(view, row, said["condition"]) for row in view.country("coverage").to_dicts()), None)
    if said["condition"] != "agreement_each_variable" or said["of"] is None:  # a condition that found no variable
        return None
    rows = view.country("agreement").filter(pl.col("level").is_null(), variable=said["of"])
    return next((agreement_share(view, row) for row in rows.to_dicts()), None)


def _reason(view: View, outcome: str, said: str | None) -> str:
    """Why it was judged so; the gate says it in English, with its minimum as a number."""
    if said in (None, "") or outcome == "passed":
        return ""
    fewer = re.fullmatch(r"fewer than (\d+)", said)
    if fewer:
        return view.text("gate_reason.fewer", minimum=fewer[1])
    return view.messages.word("gate_reason", said)


def _sentence(view: View, outcome: str, outcomes: list[str]) -> str:
    n = outcomes.count(outcome)
    if outcome == "passed":
        return view.text("gate.passed")
    return view.text(f"gate.one_{outcome}") if n == 1 else view.text(f"gate.{outcome}", n=n)


def _worst_first(said: dict[str, Any]) -> bool:
    return _known(said["outcome"]) != "not_passed"
