"""A filled sheet read back: the answer to every row that was drawn, or one sentence on what is wrong with it.

Columns are found by their headings and rows by their id, so that a sheet may be sorted, filtered and rearranged. No
sentence quotes a cell, which may hold a person.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import msoffcrypto
import openpyxl
import polars as pl
from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError

from pipelines.journal.sample import KEPT
from pipelines.journal.sheet import answer_texts
from pipelines.project import InputError
from pipelines.reports.messages import Messages, read_messages

Cells = tuple[object, ...]


def answers_of(drawn: pl.DataFrame, files: list[Path], passwords: Mapping[str, str]) -> pl.DataFrame:
    """The drawn rows (sample.KEPT) with what the record said of each (`said`), from one filled sheet per region.

    `said`: reported, new, both, neither or undecided of a value; course, no_course or undecided of a record.
    Raises InputError where a sheet is missing, is none of these, or holds a row without its answer.
    """
    opened: dict[str, Path] = {}
    said: dict[str, str] = {}
    for path in files:
        region, book = _opened(path, passwords)
        if region in opened:
            raise InputError(f"{path.name} and {opened[region].name} are both of {region}: give one sheet a region.")
        opened[region] = path
        said |= _answers(path.name, book, drawn.filter(region=region))
    if lacking := sorted(set(drawn["region"]) - set(opened)):
        raise InputError(f"The filled sheet of {lacking[0]} is not among the files: give those of all regions.")
    given = pl.DataFrame(list(said.items()), {"row_id": pl.String, "_answer": pl.String}, orient="row")
    asked = drawn.select(list(KEPT)).join(given, on="row_id", validate="1:1", maintain_order="left")
    return asked.with_columns(said=_unblinded())


def _unblinded() -> pl.Expr:
    """A and B as sides. Where these are equal enough by the specification, who finds one right finds both."""
    one = pl.col("_answer").is_in(["a", "b"])
    a_is_reported = pl.col("a_side") == "reported"
    reported = (pl.col("_answer") == "a") == a_is_reported
    return (
        pl.when(one & (pl.col("stratum") == "agree")).then(pl.lit("both"))
        .when(one).then(pl.when(reported).then(pl.lit("reported")).otherwise(pl.lit("new")))
        .otherwise("_answer")
    )  # fmt: skip


def _opened(path: Path, passwords: Mapping[str, str]) -> tuple[str, openpyxl.Workbook]:
    """The region whose password opens the file, and its workbook."""
    try:
        content = path.read_bytes()
        for region, password in passwords.items():
            if plain := _decrypted(content, password):
                return region, _workbook(plain)
    except OSError:
        raise InputError(f"{path} cannot be read: name a filled sheet of the journal audit.") from None
    except Exception:  # the libraries raise what they like for a file that is none
        raise InputError(
            f"{path.name} is no encrypted workbook: give the sheet as it was filled in and saved."
        ) from None
    raise InputError(f"No password of this journal audit opens {path.name}: give its own sheets, or name its --audit.")


def _decrypted(content: bytes, password: str) -> bytes | None:
    locked, plain = msoffcrypto.OfficeFile(io.BytesIO(content)), io.BytesIO()
    try:
        locked.load_key(password=password, verify_password=True)
        locked.decrypt(plain)
    except InvalidKeyError:
        return None
    except DecryptionError:  # the file is not encrypted
        raise FileFormatError from None
    return plain.getvalue()


def _workbook(plain: bytes) -> openpyxl.Workbook:
    with warnings.catch_warnings():  # of what spreadsheet programs add
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(io.BytesIO(plain))


def _answers(file: str, book: openpyxl.Workbook, drawn: pl.DataFrame) -> dict[str, str]:
    """row_id → answer, of both sheets of one region."""
    messages = read_messages()
    values = pl.col("variable").is_not_null()
    asked = {"values": drawn.filter(values), "records": drawn.filter(~values)}
    said = {}
    for kind, rows in asked.items():
        said |= _of_sheet(file, book, kind, set(rows["row_id"]), messages)
    return said


def _of_sheet(file: str, book: openpyxl.Workbook, kind: str, asked: set[str], messages: Messages) -> dict[str, str]:
    name = messages.text(f"journal.{kind}_sheet")
    if name not in book.sheetnames:
        raise InputError(f"{file} has no sheet {name}: give the sheet as it was sent, with its answers.")
    where = f"{file}, sheet {name}"
    heading, *rows = list(book[name].iter_rows(values_only=True)) or [()]
    said = _by_id(where, _columns(where, heading, messages), rows, answer_texts(kind, messages))
    if strange := [number for identity, (number, _) in said.items() if identity not in asked]:
        raise InputError(f"{where}, row {strange[0]} has an id that was not drawn: restore the column Id.")
    if lacking := len(asked - set(said)):
        raise InputError(f"{where} lacks {lacking} of its {len(asked)} rows: restore them, each with its answer.")
    return {identity: answer for identity, (_, answer) in said.items()}


def _columns(where: str, heading: Cells, messages: Messages) -> tuple[int, int]:
    """Where the ids and where the answers stand."""
    at = {text: position for position, text in enumerate(heading)}
    wanted = [messages.text(f"journal.{name}") for name in ("id", "answer")]
    if lacking := [text for text in wanted if text not in at]:
        raise InputError(f"{where} has no column {lacking[0]}: give the sheet as it was sent, with its answers.")
    return at[wanted[0]], at[wanted[1]]


def _by_id(
    where: str, columns: tuple[int, int], rows: list[Cells], words: Mapping[str, str]
) -> dict[str, tuple[int, str]]:
    """id → (row of the sheet, answer)."""
    answers, said = {word: answer for answer, word in words.items()}, {}
    for number, row in enumerate(rows, start=2):
        if all(cell is None for cell in row):
            continue
        identity, word = (str(row[position] or "").strip() for position in columns)
        if identity in said:
            raise InputError(f"{where}, row {number} repeats the id of row {said[identity][0]}: restore the column Id.")
        if not word:
            undecided = words["undecided"]
            raise InputError(f"{where}, row {number} has no answer: choose one, or '{undecided}'.")
        if word not in answers:
            raise InputError(f"{where}, row {number} has an answer that is not in the list: choose one of those there.")
        said[identity] = (number, answers[word])
    return said
