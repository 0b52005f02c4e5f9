"""Checks on the comparison and the decision: does everything add up, and may the data go on?"""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from pipelines.handover.gate import Decision
from pipelines.orchestration.partitions import check_spec
from pipelines.reports.suppression import shown_count

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
COVERED = ("both", "only_reported", "only_new", "union")

RECONCILED = [
    check_spec(
        "reconciled",
        "every_record_once",
        "Står hver post netop ét sted: i et par, alene på sin side, eller uden for sammenligningen?",
    ),
    check_spec("reconciled", "regions_add_up", "Giver regionernes antal tilsammen hele landets?"),
]
DECIDED = [
    check_spec(
        "decided",
        "gate_passed",
        "Er godkendelsestrinnet bestået? *Kan ikke vurderes* tæller ikke som bestået.",
    )
]


def every_record_once(folder: Path, counts: dict[str, Any]) -> dg.AssetCheckResult:
    """`counts` says how many records each side has; the contract files in `folder` say where each stands."""
    lost, repeated = 0, 0
    for side in ("reported", "new"):
        stands = _stands(folder, side)
        lost += counts[side] - stands.n_unique()
        repeated += len(stands) - stands.n_unique()
    return dg.AssetCheckResult(
        check_name="every_record_once",
        passed=lost == repeated == 0,
        severity=ERROR,
        description=f"{counts['reported'] + counts['new']} poster; {lost} står ingen steder, {repeated} flere steder.",
        metadata={"ingen steder": lost, "flere steder": repeated},
    )


def _stands(folder: Path, side: str) -> pl.Series:
    """The ids of one side wherever they stand."""
    alone = [
        pl.read_parquet(folder / f"{name}.parquet").filter(side=side)["record_id"]
        for name in ("unmatched", "not_comparable")
    ]
    return pl.concat([pl.read_parquet(folder / "pairs.parquet")[f"{side}_id"].alias("record_id"), *alone])


def regions_add_up(folder: Path, threshold: int) -> dg.AssetCheckResult:
    """Regions may miss what has no region, which is worth a look; they may never give more than the country."""
    whole = pl.read_parquet(folder / "coverage.parquet").filter(pl.all_horizontal(pl.col("unit", "period").is_null()))
    country = whole.filter(pl.col("region").is_null()).select(pl.col(COVERED).sum())
    regions = whole.filter(pl.col("region").is_not_null()).select(pl.col(COVERED).sum())
    missing = dict(zip(COVERED, (country - regions).row(0), strict=True))
    return dg.AssetCheckResult(
        check_name="regions_add_up",
        passed=not any(missing.values()),
        severity=ERROR if any(n < 0 for n in missing.values()) else WARN,
        description=f"{shown_count(missing['union'], threshold)} forløb i landet hører ikke til en region.",
        metadata={"uden region": shown_count(missing["union"], threshold)},
    )


def gate_passed(decision: Decision, sentence: str) -> dg.AssetCheckResult:
    """An error where the gate is not passed, a warning where it cannot be judged; neither is a pass."""
    return dg.AssetCheckResult(
        check_name="gate_passed",
        passed=decision.outcome == "passed",
        severity=ERROR if decision.outcome == "not_passed" else WARN,
        description=sentence,
        metadata={"betingelser": len(decision.conditions)} | _outcomes(decision),
    )


def _outcomes(decision: Decision) -> dict[str, int]:
    words = {"passed": "opfyldt", "not_passed": "ikke opfyldt", "cannot_be_judged": "kan ikke vurderes"}
    found = [condition.outcome for condition in decision.conditions]
    return {word: found.count(outcome) for outcome, word in words.items()}
