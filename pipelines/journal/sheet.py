"""The sheet that clinicians fill in: which side a value is from can be seen from nothing in it.

Whatever is shown besides A and B says the same of both records: where they disagree on date, department or person,
both stand in alphabetical order. So the same pair with its sides exchanged and the coin turned gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from pipelines.reconciliation.shape import SIDES
from pipelines.reports.messages import Messages, read_messages
from pipelines.reports.numbers import NOTHING, day
from pipelines.reports.places import PlaceNames
from pipelines.reports.sheets import Column, Sheet
from pipelines.reports.values import value_text
from pipelines.reports.workbook import Line, book_of
from pipelines.spec.model import DatabaseSpec

ANSWERS = {"values": ("a", "b", "both", "neither", "undecided"), "records": ("course", "no_course", "undecided")}


def answer_texts(kind: str, messages: Messages) -> dict[str, str]:
    """What may be chosen on the sheet of `kind` (values, records): the answer → its words."""
    return {answer: messages.text(f"journal_answer.{answer}") for answer in ANSWERS[kind]}


def plain_sheet(spec: DatabaseSpec, drawn: pl.DataFrame, region: str, names: PlaceNames) -> bytes:
    """One region's rows (sample.ASKED) as a workbook before encryption. It holds CPR."""
    messages = read_messages()
    own = drawn.filter(region=region)
    sheets = (_values(spec, own, names, messages), _records(own, names, messages))
    title = messages.text("journal.title", region=names.region(region))
    return book_of(title, _readme(title, spec, sheets, messages), sheets, messages)


def _values(spec: DatabaseSpec, own: pl.DataFrame, names: PlaceNames, messages: Messages) -> Sheet:
    columns = (
        *_whom_columns(messages), Column(messages.text("journal.variable"), 30),
        Column(messages.text("journal.a"), 26), Column(messages.text("journal.b"), 26),
        *_answer_columns("values", messages),
    )  # fmt: skip
    rows = [
        (*_whom(row, names), messages.label(spec.variables[row["variable"]].label),
         *(value_text(spec.variables[row["variable"]], row[value]) for value in "ab"), "", "", row["row_id"])
        for row in own.filter(pl.col("variable").is_not_null()).to_dicts()
    ]  # fmt: skip
    return Sheet(messages.text("journal.values_sheet"), columns, tuple(sorted(rows)))


def _records(own: pl.DataFrame, names: PlaceNames, messages: Messages) -> Sheet:
    columns = (*_whom_columns(messages), *_answer_columns("records", messages))
    rows = [(*_whom(row, names), "", "", row["row_id"]) for row in own.filter(pl.col("variable").is_null()).to_dicts()]
    return Sheet(messages.text("journal.records_sheet"), columns, tuple(sorted(rows)))


def _whom(row: dict[str, Any], names: PlaceNames) -> tuple[str, ...]:
    """Department, person and date, of either record."""
    return (
        _either(row, "unit", lambda unit: f"{names.unit(unit)} ({unit})" if unit in names.units else unit),
        _either(row, "person", str),
        _either(row, "event_date", day),
    )


def _either(row: dict[str, Any], name: str, text: Callable[[Any], str]) -> str:
    said: Iterable[Any] = sorted({row[f"{name}_{side}"] for side in SIDES} - {None})
    return " / ".join(map(text, said)) or NOTHING


def _whom_columns(messages: Messages) -> tuple[Column, ...]:
    widths = {"department": 34, "person": 14, "event_date": 13}
    return tuple(Column(messages.text(f"journal.{name}"), width) for name, width in widths.items())


def _answer_columns(kind: str, messages: Messages) -> tuple[Column, ...]:
    choices = tuple(answer_texts(kind, messages).values())
    return (
        Column(messages.text("journal.answer"), 24, "answer", "answer", choices),
        Column(messages.text("journal.comment"), 36, "answer", "comment"),
        Column(messages.text("journal.id"), 16),
    )


def _readme(title: str, spec: DatabaseSpec, sheets: tuple[Sheet, ...], messages: Messages) -> list[Line]:
    def said(name: str, look: str = "text") -> Line:
        return "", messages.text(f"journal.{name}"), look

    blank = ("", "", "text")
    answers = {kind: [(word, messages.text(f"journal_answer_help.{answer}"), "text")
                      for answer, word in answer_texts(kind, messages).items()] for kind in ANSWERS}  # fmt: skip
    return [
        (title, "", "title"), (messages.label(spec.title), "", "text"), blank,
        said("what"), said("blinded"), said("confidential", "warning"), blank,
        (messages.text("workbook.how"), "", "subtitle"),
        *(said(f"step_{step}") for step in ("look", "choose", "empty", "send")), blank,
        (messages.text("journal.question_values"), "", "subtitle"), *answers["values"], blank,
        (messages.text("journal.question_records"), "", "subtitle"), *answers["records"], blank,
        (messages.text("journal.contents"), "", "subtitle"), *((len(s.rows), s.name, "text") for s in sheets),
    ]  # fmt: skip
