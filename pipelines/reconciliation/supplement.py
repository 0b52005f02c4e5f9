"""What no register holds: a derived record gets it from the record of the web service that is the same event.

Which record that is, the specification's own match rules say, one to one, as between the two sides.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from pipelines.reconciliation.derive import EVIDENCE
from pipelines.reconciliation.match import match
from pipelines.reconciliation.shape import shaped
from pipelines.spec.model import REGISTERS, DatabaseSpec
from pipelines.validation.check import FINDINGS

NO_EVENT = "source.no_event"
REASON = "Posten hører ikke til et forløb, som registrene viser; dens værdier er ikke brugt."


@dataclass(frozen=True)
class Supplemented:
    """`records`: the derived ones with what was sent for them; `evidence`: the line of each value that was sent;
    `findings`: the records sent for no derived record."""

    records: pl.DataFrame
    evidence: pl.DataFrame
    findings: pl.DataFrame


def sent_variables(spec: DatabaseSpec, carried: Collection[str]) -> list[str]:
    """Of the variables that a format carries, those that no register gives."""
    return [name for name, variable in spec.variables.items()
            if name in carried and name != spec.event_date and not set(variable.from_) & set(REGISTERS)]  # fmt: skip


def supplement(
    spec: DatabaseSpec, derived: pl.DataFrame, sent: pl.DataFrame, source: str, variables: Collection[str]
) -> Supplemented:
    """Fill `variables` and empty attributes of derived records from the `sent` ones of `source`.

    Both are canonical frames, `sent` with receipt_id and line.
    """
    derived, sent = derived.sort("record_id"), sent.sort("record_id")
    pairs = match(spec, shaped(spec, derived, "derived"), shaped(spec, sent, "sent"))
    attributes = [name for name in spec.attributes if name != "retracted"]
    columns = [column for name in variables for column in (name, f"{name}_missing")] + attributes
    given = sent.with_row_index("new").select("new", pl.col(columns).name.prefix("_"))
    records = (
        derived.with_row_index("reported")
        .join(pairs.select("reported", "new"), on="reported", how="left")
        .join(given, on="new", how="left")
        .with_columns(pl.coalesce(name, f"_{name}").alias(name) for name in columns)
        .select(derived.columns)
        .sort("record_id")
    )
    alone = sent.with_row_index("new").join(pairs, on="new", how="anti")
    return Supplemented(records, _evidence(derived, sent, pairs, source, variables), _without_event(alone))


def _evidence(
    derived: pl.DataFrame, sent: pl.DataFrame, pairs: pl.DataFrame, source: str, variables: Collection[str]
) -> pl.DataFrame:
    """One row per value or missing code that was sent: whose it is, and the line that says it."""
    owners = derived.with_row_index("reported").select("reported", "record_id")
    lines = sent.with_row_index("new").drop("record_id").join(pairs, on="new").join(owners, on="reported")
    said = [
        lines.filter(pl.col(name).is_not_null() | pl.col(f"{name}_missing").is_not_null()).select(
            "record_id", pl.lit(name).alias("variable"), pl.lit(source).alias("table"), "receipt_id", "line"
        )
        for name in variables
    ]
    return pl.concat([pl.DataFrame(schema=EVIDENCE), *said])


def _without_event(alone: pl.DataFrame) -> pl.DataFrame:
    said = {"variable": None, "rule": NO_EVENT, "severity": "warning", "reason": REASON}
    return alone.with_columns(pl.lit(text, pl.String).alias(name) for name, text in said.items()).select(
        pl.col(name).cast(kind) for name, kind in FINDINGS.items()
    )
