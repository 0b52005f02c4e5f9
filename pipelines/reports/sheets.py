"""What stands on each sheet of the fejl- og mangelliste, as texts: columns with a width, and rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.reports.answers import answer_texts
from pipelines.reports.messages import Messages
from pipelines.reports.numbers import NOTHING, day
from pipelines.reports.rows import WHOLE_RECORD, RegionRows
from pipelines.reports.values import value_text
from pipelines.spec.model import DatabaseSpec


@dataclass(frozen=True)
class Column:
    """A column; `tone` (reported, new, answer) says how it looks, `entry` what may be filled in, `choices` the
    answers that may be chosen."""

    heading: str
    width: float
    tone: str = ""
    entry: str = ""  # answer | date | comment
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A sheet of texts; `groups` numbers the departments, so that the look can part them."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    groups: tuple[int, ...] = ()


def discrepancy_sheet(spec: DatabaseSpec, own: pl.DataFrame, messages: Messages) -> Sheet:
    """Pairs in which something differs, both values side by side."""
    frame = own.filter(~pl.col("kind").is_in(WHOLE_RECORD))
    t = workbook_texts(messages)
    columns = (
        *_whom_columns(t), Column(t["variable"], 28), Column(t["reported_value"], 24, "reported"),
        Column(t["new_value"], 24, "new"), Column(t["kind"], 22), *_answer_columns(messages), *_last_columns(t),
    )  # fmt: skip
    rows = [_discrepancy_row(spec, row, messages) for row in frame.iter_rows(named=True)]
    return Sheet(t["discrepancies_sheet"], columns, tuple(rows), _groups(frame))


def missing_sheet(own: pl.DataFrame, messages: Messages) -> Sheet:
    """Records that are on one side only."""
    frame, t = own.filter(pl.col("kind").is_in(WHOLE_RECORD)), workbook_texts(messages)
    columns = (*_whom_columns(t), Column(t["found_in"], 34), *_answer_columns(messages), *_last_columns(t))
    rows = [
        (
            *_whom(row, messages), messages.word("outcome_kind", row["kind"]), "", "", "",
            *_sources(row, messages), messages.word("state", row["state"]), row["discrepancy_id"],
        )
        for row in frame.iter_rows(named=True)
    ]  # fmt: skip
    return Sheet(t["missing_sheet"], columns, tuple(rows), _groups(frame))


def finding_sheet(spec: DatabaseSpec, rows: RegionRows, messages: Messages) -> Sheet:
    """Rows of the region's own files that break a rule; an error is quarantined (tilbageholdt)."""
    t = workbook_texts(messages)
    columns = (
        Column(t["file"], 34), Column(t["line"], 8), Column(t["record"], 18), Column(t["person"], 12),
        Column(t["variable"], 30), Column(t["reason"], 46), Column(t["rule"], 26), Column(t["severity"], 11),
    )  # fmt: skip
    found = rows.findings.sort("file", "line", "rule", nulls_last=True).iter_rows(named=True)
    texts = [
        (
            row["file"], str(row["line"]), _text(row["record_id"]), _text(row["person"]),
            _label(spec, row["variable"], messages), _text(row["reason"]), row["rule"],
            messages.word("severity", row["severity"]),
        )
        for row in found
    ]  # fmt: skip
    return Sheet(t["findings_sheet"], columns, tuple(texts))


def counts_per_cause(own: pl.DataFrame, messages: Messages) -> list[tuple[int, str]]:
    """How many rows of the list each cause explains, the largest first; the rest last."""
    counted = Counter(own["cause_sentence"].to_list())
    rest = counted.pop(None, 0)
    causes = sorted(((n, sentence) for sentence, n in counted.items()), key=lambda pair: (-pair[0], pair[1]))
    return causes + ([(rest, messages.text("workbook.no_cause"))] if rest else [])


def _discrepancy_row(spec: DatabaseSpec, row: dict[str, Any], messages: Messages) -> tuple[str, ...]:
    return (
        *_whom(row, messages), _label(spec, row["variable"], messages),
        *(_value(spec, row, side, messages) for side in ("reported", "new")),
        messages.word("outcome_kind", row["kind"]), "", "", "",
        *_sources(row, messages), messages.word("state", row["state"]), row["discrepancy_id"],
    )  # fmt: skip


def _whom(row: dict[str, Any], messages: Messages) -> tuple[str, ...]:
    department = row["unit_name"] or messages.text("words.own_department_unknown")
    cause = row["cause_sentence"] or messages.text("workbook.no_cause")
    return department, cause, _text(row["person"]), day(row["event_date"])


def _value(spec: DatabaseSpec, row: dict[str, Any], side: str, messages: Messages) -> str:
    if row[f"hidden_{side}"]:
        return messages.text("workbook.other_region")
    variable = spec.variables.get(row["variable"] or "")
    return value_text(variable, row[f"{side}_value"]) if variable else row[f"{side}_value"] or NOTHING


def _sources(row: dict[str, Any], messages: Messages) -> tuple[str, ...]:
    hidden = messages.text("workbook.other_region")
    return tuple(hidden if row[f"hidden_{side}"] else _text(row[f"source_line_{side}"]) for side in ("reported", "new"))


def _label(spec: DatabaseSpec, name: str | None, messages: Messages) -> str:
    if name is None:
        return messages.text("words.whole_record")
    return messages.label(spec.variables[name].label) if name in spec.variables else messages.word("identity", name)


def _whom_columns(t: dict[str, str]) -> tuple[Column, ...]:
    widths = {"department": 30, "cause": 46, "person": 12, "event_date": 11}
    return tuple(Column(t[name], width) for name, width in widths.items())


def _last_columns(t: dict[str, str]) -> tuple[Column, ...]:
    widths = {"source_reported": 26, "source_new": 26, "state": 11, "id": 20}
    return tuple(Column(t[name], width) for name, width in widths.items())


def _answer_columns(messages: Messages) -> tuple[Column, ...]:
    t = workbook_texts(messages)
    return (
        Column(t["answer"], 22, "answer", "answer", tuple(answer_texts(messages))),
        Column(t["corrected_on"], 13, "answer", "date"),
        Column(t["comment"], 36, "answer", "comment"),
    )


def _groups(frame: pl.DataFrame) -> tuple[int, ...]:
    return tuple(frame["unit_name"].rle_id().to_list()) if frame.height else ()


def workbook_texts(messages: Messages) -> dict[str, str]:
    """The catalogue's texts for the workbook by their own names."""
    return {name.partition(".")[2]: text for name, text in messages.texts.items() if name.startswith("workbook.")}


def _text(value: object) -> str:
    return "" if value is None else str(value)
