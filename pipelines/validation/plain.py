"""What `sammenhold validate --json` prints about one file: verdict, rows and rules, never a value."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines.validation.check import FIRST_LINES, RuleResult, Validation


def validation_summary(
    validation: Validation, file: str, sha256: str, broken: pl.DataFrame | None = None
) -> dict[str, Any]:
    """The verdict on a file that could be read, with every rule's counts.

    `broken` (line, rule, reason) are rows that could not be split into cells: they came in and are
    quarantined. accepted: every row stands; partly: some rows are quarantined; refused: no row stands,
    or a rule could not be evaluated, which never counts as passed.
    """
    unread = 0 if broken is None else len(broken)
    rows_in = validation.rows_in + unread
    verdict, reason = _verdict(validation, rows_in)
    accepted = 0 if verdict == "refused" else validation.rows_accepted
    return {
        "file": file,
        "sha256": sha256,
        "verdict": verdict,
        "reason": reason,
        "rows_in": rows_in,
        "rows_accepted": accepted,
        "rows_quarantined": rows_in - accepted,
        "rules": [_rule(result) for result in validation.rules] + (_unread(broken) if unread else []),
    }


def refusal_summary(file: str, sha256: str, reason: str) -> dict[str, Any]:
    """The verdict on a file that was refused whole: nothing of it was read, and why."""
    rows = dict.fromkeys(("rows_in", "rows_accepted", "rows_quarantined"), 0)
    return {"file": file, "sha256": sha256, "verdict": "refused", "reason": reason, **rows, "rules": []}


def _verdict(validation: Validation, rows_in: int) -> tuple[str, str | None]:
    if validation.unjudged:
        return "refused", f"Reglen {validation.unjudged[0].rule} kunne ikke efterprøves."
    if rows_in and not validation.rows_accepted:
        return "refused", "Ingen rækker overholder specifikationen."
    return ("partly" if validation.rows_accepted < rows_in else "accepted"), None


def _rule(result: RuleResult) -> dict[str, Any]:
    return {
        "rule": result.rule,
        "variable": result.variable,
        "severity": result.severity,
        "reason": result.reason,
        "status": result.status,
        "violated": result.violated,
        "eligible": result.eligible,
        "first_lines": list(result.first_lines),
    }


def _unread(broken: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows that could not be split, as rules that they broke."""
    results = [
        RuleResult(
            rule,
            None,
            "row",
            "error",
            lines["reason"][0],
            len(lines),
            len(lines),
            tuple(lines["line"].sort().head(FIRST_LINES)),
        )
        for (rule,), lines in broken.sort("rule", "line").group_by("rule", maintain_order=True)
    ]
    return [_rule(result) for result in results]
