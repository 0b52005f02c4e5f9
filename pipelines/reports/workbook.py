"""The fejl- og mangelliste: one region's rows in an Excel workbook, encrypted.

What a cell says is data: nothing becomes a formula or a link, and everything but the answers is text, so that
a CPR number keeps its zero and a value its form.
"""

from __future__ import annotations

import datetime as dt
import io
import math
from pathlib import Path

import polars as pl
import xlsxwriter
from msoffcrypto.exceptions import InvalidKeyError
from msoffcrypto.format.ooxml import OOXMLFile
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.project import InputError
from pipelines.reports.answers import ANSWERS
from pipelines.reports.messages import Messages, read_messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.rows import RegionRows, own_rows
from pipelines.reports.sheets import (
    Sheet,
    counts_per_cause,
    discrepancy_sheet,
    finding_sheet,
    missing_sheet,
    workbook_texts,
)
from pipelines.spec.model import DatabaseSpec

_MADE = dt.datetime(2000, 1, 1)  # a fixed day, so that the same rows give the same bytes
_INERT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_SHORTEST_PASSWORD = 12
_LONGEST_CELL = 32767  # Excel's own limit
_LINE, _MOST_LINES = 13, 6  # points
_README_WIDTH = 92
_FIRST_ANSWER_DAY = dt.date(2000, 1, 1)

# A line of the first sheet: first column, second column, look.
Line = tuple[str | int, str, str]

_BASE = {"font_name": "Arial", "font_size": 10, "valign": "top"}
_RULED = {"text_wrap": True, "bottom": 1, "bottom_color": "#DFE5EA"}
_LOOKS = {
    "plain": {},
    "text": {"text_wrap": True},
    "cell": _RULED,
    "heading": {
        "bold": True,
        "font_color": "#FFFFFF",
        "bg_color": "#22313F",
        "text_wrap": True,
        "valign": "vcenter",
    },
    "reported": {**_RULED, "bg_color": "#FBF0E7"},
    "new": {**_RULED, "bg_color": "#E6F1F5"},
    "answer": {"text_wrap": True, "bg_color": "#FFFBE6", "border": 1, "border_color": "#D8CFA0"},
    "date": {"bg_color": "#FFFBE6", "border": 1, "border_color": "#D8CFA0", "num_format": "dd-mm-yyyy"},
    "title": {"bold": True, "font_size": 16},
    "subtitle": {"bold": True, "font_size": 12, "font_color": "#1F6F8B"},
    "warning": {"bold": True, "font_color": "#9B2C2C", "text_wrap": True},
    "strong": {"bold": True, "text_wrap": True},
    "number": {"bold": True, "align": "right", "num_format": "#,##0", "indent": 1},
}


def region_workbook(
    spec: DatabaseSpec, rows: RegionRows, region: str, password: str, names: PlaceNames | None = None
) -> bytes:
    """The region's workbook, encrypted with `password` (AES-256; random salt, so bytes differ).

    Raises InputError for a password shorter than 12 characters.
    """
    return locked(plain_workbook(spec, rows, region, names), password)


def locked(workbook: bytes, password: str) -> bytes:
    """A workbook encrypted with `password` (AES-256). Raises InputError where it is shorter than 12 characters."""
    if len(password) < _SHORTEST_PASSWORD:
        raise InputError(f"The workbook's password is too short: give {_SHORTEST_PASSWORD} characters or more.")
    encrypted = io.BytesIO()
    OOXMLFile(io.BytesIO(workbook)).encrypt(password, encrypted)
    return encrypted.getvalue()


def opens(path: Path, password: str) -> bool:
    """Whether the password opens an encrypted workbook. Raises InputError where there is none."""
    try:
        with path.open("rb") as file:
            OOXMLFile(file).load_key(password=password, verify_password=True)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: run `sammenhold run` again.") from None
    except InvalidKeyError:
        return False
    return True


def plain_workbook(
    spec: DatabaseSpec, rows: RegionRows, region: str, names: PlaceNames | None = None, language: str = "da"
) -> bytes:
    """The workbook before encryption: the same rows in any order give the same bytes. It holds CPR."""
    messages, own = read_messages(language), own_rows(rows, region)
    sheets = (
        discrepancy_sheet(spec, own, messages),
        missing_sheet(own, messages),
        finding_sheet(spec, rows, messages),
    )
    title = (messages.label(spec.title), (names or PlaceNames()).region(region))
    lines = _readme_lines(title, own, sheets, messages)
    return book_of(messages.text("workbook.discrepancies_sheet"), lines, sheets, messages)


def book_of(name: str, lines: list[Line], sheets: tuple[Sheet, ...], messages: Messages) -> bytes:
    """A workbook of a first sheet to read and sheets to answer: the same texts give the same bytes."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, **_INERT}) as book:
        book.set_properties({"created": _MADE, "title": name})
        looks = _formats(book)
        _write_readme(book.add_worksheet(messages.text("workbook.readme_sheet")), lines, looks)
        for sheet in sheets:
            _write_sheet(book.add_worksheet(sheet.name), sheet, messages, looks)
    return stream.getvalue()


def _formats(book: xlsxwriter.Workbook) -> dict[str, Format]:
    """Every look, and the same with a line above for the first row of a department."""
    line = {"top": 2, "top_color": "#22313F"}
    plain = {name: book.add_format(_BASE | look) for name, look in _LOOKS.items()}
    return plain | {f"{name} first": book.add_format(_BASE | look | line) for name, look in _LOOKS.items()}


def _write_readme(page: Worksheet, lines: list[Line], looks: dict[str, Format]) -> None:
    """What the list is, how to answer it, and what it holds, read from top to bottom."""
    page.hide_gridlines(2)
    page.set_column(0, 0, 24)
    page.set_column(1, 1, _README_WIDTH)
    for position, (first, second, look) in enumerate(lines):
        _write_line(page, position, first, second, looks, look)
    page.set_row(0, 2 * _LINE)
    page.set_portrait()
    page.set_paper(9)
    page.fit_to_pages(1, 0)


def _readme_lines(
    title: tuple[str, str], own: pl.DataFrame, sheets: tuple[Sheet, ...], messages: Messages
) -> list[Line]:
    """The lines of the first sheet."""
    t = workbook_texts(messages)
    steps = [("", t[f"step_{step}"], "text") for step in ("choose", "comment", "send")]
    blank = ("", "", "text")
    return [
        (t["title"].format(region=title[1]), "", "title"), (title[0], "", "text"), blank,
        ("", t["what"], "text"), ("", t["confidential"], "warning"), blank,
        (t["how"], "", "subtitle"), *steps,
        ("", messages.text("answering.mend"), "strong"), blank,
        (t["answers"], "", "subtitle"),
        *((messages.text(f"answer.{a}"), messages.text(f"answer.{a}_help"), "text") for a in ANSWERS), blank,
        (t["contents"], "", "subtitle"), *((len(sheet.rows), sheet.name, "text") for sheet in sheets), blank,
        (t["causes"], "", "subtitle"), *((n, said, "text") for n, said in counts_per_cause(own, messages)),
    ]  # fmt: skip


def _write_line(
    page: Worksheet, position: int, first: str | int, second: str, looks: dict[str, Format], look: str
) -> None:
    if isinstance(first, int):
        page.write_number(position, 0, first, looks["number"])
    elif look in ("title", "subtitle") or not second:
        page.write_string(position, 0, first, looks[look if look in ("title", "subtitle") else "plain"])
    else:
        page.write_string(position, 0, first, looks["strong"])
    if second:
        page.write_string(position, 1, second, looks[look])
        page.set_row(position, _height((second,), [_README_WIDTH]))


def _write_sheet(page: Worksheet, sheet: Sheet, messages: Messages, looks: dict[str, Format]) -> None:
    for position, column in enumerate(sheet.columns):
        page.set_column(position, position, column.width)
        page.write_string(0, position, column.heading, looks["heading"])
    page.set_row(0, 32)
    for number, row in enumerate(sheet.rows, start=1):
        for position, text in enumerate(row):
            _write_cell(page, number, position, text, looks[_look(sheet, number - 1, position)])
        page.set_row(number, _height(row, [column.width for column in sheet.columns]))
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(len(sheet.rows), 1), len(sheet.columns) - 1)
    _ask(page, sheet, messages)
    _print_setup(page)


def _height(texts: tuple[str, ...], widths: list[float]) -> float:
    """The height that shows every text of a row, in points: not every program fits rows to wrapped text."""
    lines = max((math.ceil(len(text) / (width * 1.1)) for text, width in zip(texts, widths, strict=True)), default=1)
    return _LINE * max(1, min(lines, _MOST_LINES)) + 3


def _write_cell(page: Worksheet, number: int, position: int, text: str, look: Format) -> None:
    if text:
        page.write_string(number, position, text[:_LONGEST_CELL], look)
    else:
        page.write_blank(number, position, None, look)


def _look(sheet: Sheet, row: int, position: int) -> str:
    column = sheet.columns[position]
    look = "date" if column.entry == "date" else column.tone or "cell"
    begins = row > 0 and bool(sheet.groups) and sheet.groups[row] != sheet.groups[row - 1]
    return f"{look} first" if begins else look


def _ask(page: Worksheet, sheet: Sheet, messages: Messages) -> None:
    """The answer is chosen from a list; the day of correction is a date."""
    last = max(len(sheet.rows), 1)
    for position, column in enumerate(sheet.columns):
        if column.entry == "answer":
            error = messages.text("workbook.choose_error")
            rule = {"validate": "list", "source": list(column.choices), "error_message": error}
            page.data_validation(1, position, last, position, rule)
        elif column.entry == "date":
            error = messages.text("workbook.date_error")
            rule = {"validate": "date", "criteria": ">=", "value": _FIRST_ANSWER_DAY, "error_message": error}
            page.data_validation(1, position, last, position, rule)


def _print_setup(page: Worksheet) -> None:
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
