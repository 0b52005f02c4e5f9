"""The tables of the explainer's benchmark: shares with Wilson intervals, beside the bars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from statsmodels.stats.proportion import proportion_confint

BIG = 200  # records of a fault
Results = list[dict[str, Any]]


def tables(results: Results) -> str:
    """Every part that there are results of."""
    drawn = [v for v in results if v["faults"] or v["part"] == "clean"]
    by_part = defaultdict(list)
    for v in drawn:
        by_part[v["part"]].append(v)
    not_drawn = len(results) - len(drawn)
    parts = [_singles(by_part["single"]), *(_part(part, by_part[part]) for part in ("group", "confounded", "files"))]
    said = [part for part in (*parts, _claims(drawn), _clean(by_part["clean"])) if part]
    return "\n\n".join([*said, f"{not_drawn} cases could not be drawn (the database has no such variable or slice)."])


def _singles(results: Results) -> str:
    """By kind: of 200 and more records at rank 1, of fewer among the first three."""
    if not results:
        return ""
    lines = [
        "## One fault",
        "| kind | 200 or more: cases | rank 1 (bar 95 %, all 98 %) | 20 to 199: cases | first three (bar 90 %) "
        "| kind found, all sizes |",
        "|---|---|---|---|---|---|",
    ]
    for kind in [*sorted({v["kind"] for v in results}), None]:
        some = [v for v in results if kind in (None, v["kind"])]
        big = [v["named"] == 1 for v in some if v["size"] >= BIG]
        small = [0 < v["named"] <= 3 for v in some if v["size"] < BIG]
        shares = f"{len(big)} | {share(big)} | {len(small)} | {share(small)} | {share(v['found'] > 0 for v in some)}"
        lines.append(f"| {kind or '**all**'} | {shares} |")
    return "\n".join(lines)


def _part(part: str, results: Results) -> str:
    if not results:
        return ""
    title = {"group": "Three to six faults at once", "confounded": "Confounded", "files": "Through plain files"}[part]
    within = [0 < v["named"] <= v["faults"] + 2 for v in results]
    first = [0 < v["named"] <= v["faults"] for v in results]
    counted = f"{len({v['seed'] for v in results})} runs, {len(results)} faults"
    return f"## {title}\n{counted}: named within n + 2 {share(within)} (bar 90 %), within n {share(first)}, " + (
        f"kind found {share(v['found'] > 0 for v in results)}."
    )


def _claims(results: Results) -> str:
    """Discrepancies made that carry the cause, and claimed wrongly, pooled."""
    lines = [
        "## Discrepancies",
        "| faults | made | carry their cause (bar 95 %) | of named faults only | claimed | wrongly (bar 2 %) |",
        "|---|---|---|---|---|---|",
    ]
    sized = [
        ("20 to 199", lambda v: v["size"] < BIG),
        ("200 or more", lambda v: v["size"] >= BIG),
        ("all", lambda v: True),
    ]
    for said, fits in sized:
        some = [v for v in results if v["faults"] and fits(v)]
        named = [v for v in some if v["named"]]
        made, claimed = (sum(v[key] for v in some) for key in ("made", "claimed"))
        if made and claimed:
            carried = sum(v["carried"] for v in some)
            of_named = carried / max(sum(v["made"] for v in named), 1)
            wrongly = sum(v["wrongly"] for v in some) / claimed
            lines.append(f"| {said} | {made} | {carried / made:.1%} | {of_named:.1%} | {claimed} | {wrongly:.2%} |")
    return "\n".join(lines) if len(lines) > 3 else ""


def _clean(results: Results) -> str:
    quiet = [v["causes"] == 0 for v in results]
    return f"## Clean\n{share(quiet)} of {len(quiet)} runs without a cause (bar 95 %)." if quiet else ""


def share(hits: Iterable[bool]) -> str:
    """A share with its 95 % interval (Wilson 1927)."""
    hits = list(hits)
    if not hits:
        return "–"
    low, high = proportion_confint(sum(hits), len(hits), method="wilson")
    return f"{sum(hits) / len(hits):.0%} ({low:.0%}–{high:.0%})"
