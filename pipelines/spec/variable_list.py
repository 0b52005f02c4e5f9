"""RKKP's variable lists (Variabeloversigt, .xlsx) as rows: one variable of one data set, with its line in the sheet."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

from pipelines.project import InputError

# The header of a printed list; the order of the columns does not matter.
HEADER = {
    "Datasæt": "dataset", "Variabelnavn": "name", "Variabeltekst": "label", "Definition": "definition",
    "Udfaldsrum": "outcomes", "Svarformat": "answers", "Gyldighed start": "valid_from",
    "Gyldighed slut": "valid_until",
}  # fmt: skip
TITLE = "Variabeloversigt for"
IN_FORCE = re.compile(r"Gældende fra (\d\d-\d\d-\d{4})")


@dataclass(frozen=True)
class ListedVariable:
    """One line of a list. `codes` are its outcome codes as listed, repeated ones included; `texts` what they mean."""

    row: int
    dataset: str
    name: str
    label: str
    definition: str
    codes: tuple[str, ...]
    texts: Mapping[str, str]
    valid_from: dt.date | None
    valid_until: dt.date | None

    @property
    def is_date(self) -> bool:
        """Dates are known by their names only: lists do not say the type of a variable."""
        return bool(re.search(r"(_dato\d*|Date)$", self.name)) or self.name.lower().endswith("dato")

    @property
    def is_precision(self) -> bool:
        """Says how exactly a date is known: by year, by month or by day."""
        return "præcision" in self.label.casefold()


@dataclass(frozen=True)
class VariableList:
    """A printed list: the database's title, the day it is in force from, and its variables in order."""

    title: str
    in_force: dt.date | None
    variables: tuple[ListedVariable, ...]

    @property
    def datasets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(variable.dataset for variable in self.variables))


def read_variable_list(path: Path) -> VariableList:
    """The list in the first sheet of a workbook. Raises InputError where it is none."""
    rows = list(_rows(path))
    header = next((number for number, row in enumerate(rows) if set(HEADER) <= set(row)), None)
    if header is None:
        raise InputError(f"{path}: no row holds the headings {', '.join(HEADER)}: name a Variabeloversigt.")
    columns = {HEADER[title]: position for position, title in enumerate(rows[header]) if title in HEADER}
    lines = [(number, _line(row, columns)) for number, row in enumerate(rows, 1)]
    variables = tuple(_variable(path, number, line) for number, line in lines[header + 1 :] if line["name"])
    if not variables:
        raise InputError(f"{path}: the list has no variables: print it anew.")
    said = " ".join(cell for row in rows for cell in row)
    title = next((row[0] for row in rows if row and row[0].startswith(TITLE)), path.stem)
    in_force = IN_FORCE.search(said)
    return VariableList(title.removeprefix(TITLE).strip(), _date(path, 0, in_force[1]) if in_force else None, variables)


def _rows(path: Path) -> Iterator[list[str]]:
    """Every line of the sheet as stripped texts; empty cells are empty texts."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # the printed lists say a range that begins in line 2
        yield from [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        book.close()
    except Exception:  # openpyxl raises what zip, XML and its own checks raise
        raise InputError(f"{path} cannot be read: name an existing workbook (.xlsx).") from None


def _line(row: list[str], columns: Mapping[str, int]) -> dict[str, str]:
    """A line by the headings; a line that ends early is empty there."""
    return {key: row[at] if at < len(row) else "" for key, at in columns.items()}


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _variable(path: Path, row: int, line: Mapping[str, str]) -> ListedVariable:
    return ListedVariable(
        row,
        line["dataset"],
        line["name"],
        line["label"],
        line["definition"],
        tuple(re.split(r",\s+", line["outcomes"])) if line["outcomes"] else (),  # "0,7" is one code
        dict(_answer(part) for part in line["answers"].split(" | ")) if line["answers"] else {},
        _date(path, row, line["valid_from"]),
        _date(path, row, line["valid_until"]),
    )


def _answer(part: str) -> tuple[str, str]:
    """`kode=tekst`; a code without a text means itself."""
    code, _, text = part.strip().partition("=")
    return code.strip(), text.strip() or code.strip()


def _date(path: Path, row: int, text: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, "%d-%m-%Y").date() if text else None
    except ValueError:
        raise InputError(f"{path}, row {row}: a validity is not a date such as 31-12-2020.") from None
