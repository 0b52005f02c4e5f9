"""The kvittering: what became of one submission, as the region is told it. It never holds a value.

accepted (all rows are taken in), partly (each row that is held back with its rule and a Danish sentence), refused
(the whole file, with one reason), duplicate (the same content came before).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.reports.look import render, without_person_numbers
from pipelines.reports.messages import Messages, read_messages
from pipelines.reports.results import Results
from pipelines.spec.model import DatabaseSpec

HELD_BACK = "error"  # the severity that holds a row back; a warning is told, and the row is taken in


@dataclass(frozen=True)
class Remark:
    """A row of the file that broke a rule; `record_id` is null where the row could not be read."""

    record_id: str | None
    line: int | None
    rule: str
    severity: str
    sentence: str


@dataclass(frozen=True)
class Kvittering:
    """One submission's fate. `name` is its own among all the region's, and names its files."""

    name: str
    database: str
    title: str
    said: dict[str, str | None]  # which file it was: file, sha256, submission, schema_version, received_at
    outcome: str
    sentence: str
    rows: dict[str, int]
    remarks: tuple[Remark, ...]

    @property
    def held_back(self) -> list[Remark]:
        return [remark for remark in self.remarks if remark.severity == HELD_BACK]

    @property
    def warnings(self) -> list[Remark]:
        return [remark for remark in self.remarks if remark.severity != HELD_BACK]

    def contract(self) -> dict[str, Any]:
        """What a region's system reads, as JSON values; whatever has the shape of a CPR number is blacked out."""
        said = {"receipt": self.name, "database": self.database, **self.said, "outcome": self.outcome}
        said |= {"sentence": self.sentence, "rows": self.rows}
        return _clean(said | {"records": [asdict(remark) for remark in self.remarks]})

    def page(self) -> str:
        """The same for people, as one HTML page in Danish."""
        return render("kvittering.html.j2", self, read_messages("da"))


def kvitteringer(spec: DatabaseSpec, folder: Path, region: str) -> list[Kvittering]:
    """Every submission that came on the region's channels, in the order received.

    Reads receipts.parquet and findings.parquet of a results directory; an unknown region has none.
    """
    results, messages = Results(folder), read_messages("da")
    receipts = results.frame("receipts").filter(region=region)
    findings = results.frame("findings").join(receipts, on="receipt_id", how="semi")
    remarks = _remarks(findings)
    names: Counter[str] = Counter()
    made = []
    for receipt in receipts.iter_rows(named=True):
        names[receipt["receipt_id"]] += 1
        made.append(_kvittering(spec, receipt, remarks, names[receipt["receipt_id"]], messages))
    return made


def _remarks(findings: pl.DataFrame) -> dict[str, list[Remark]]:
    """Receipt → its findings in the order of the file."""
    columns = ("receipt_id", "record_id", "line", "rule", "severity", "reason")
    found: dict[str, list[Remark]] = {}
    for receipt_id, *said in findings.sort("receipt_id", "line", "rule").select(columns).iter_rows():
        found.setdefault(receipt_id, []).append(Remark(*said))
    return found


def _kvittering(
    spec: DatabaseSpec, receipt: dict[str, Any], remarks: dict[str, list[Remark]], number: int, messages: Messages
) -> Kvittering:
    """A copy has the receipt's id with a number after it, and no remarks of its own."""
    outcome, copy = receipt["verdict"], receipt["verdict"] == "duplicate"
    rows = {name: receipt[f"rows_{name}"] for name in ("in", "accepted", "quarantined")}
    sentence = receipt["reason"] or messages.text(f"kvittering.{outcome}", **rows)
    return Kvittering(
        name=f"{receipt['receipt_id']}-kopi-{number}" if copy else receipt["receipt_id"],
        database=spec.database,
        title=messages.text("kvittering.title", database=spec.title.da),
        said={name: receipt[name] for name in ("file", "sha256", "submission", "schema_version", "received_at")},
        outcome=outcome,
        sentence=sentence.partition(": ")[2] or sentence,
        rows=rows,
        remarks=() if copy else tuple(remarks.get(receipt["receipt_id"], [])),
    )


def _clean(said: Any) -> Any:
    match said:
        case dict():
            return {key: _clean(value) for key, value in said.items()}
        case list() | tuple():
            return [_clean(value) for value in said]
    return without_person_numbers(said)
