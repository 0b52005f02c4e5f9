"""Code lists in the form in which the authorities publish them → dated frames.

SKScomplete.txt and SHAKCOMPLETE.TXT (Sundhedsdatastyrelsen): fixed width, ISO-8859-1, one line per code and
period. The organisations of LPR (organisationer) and the municipalities: CSV in UTF-8.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipelines.project import InputError
from pipelines.spec.sor import is_sor

# Places in a line, by Sundhedsdatastyrelsen's SKS table structure (sks-tabelstruktur.pdf): record kind, code,
# valid from, changed, valid until, text, five groups of three, then sex and the lowest and highest age.
FIELDS = {
    "kind": slice(0, 3), "code": slice(3, 23), "valid_from": slice(23, 31), "valid_until": slice(39, 47),
    "text": slice(47, 167), "sex": slice(182, 183), "min_age": slice(183, 185), "max_age": slice(185, 187),
}  # fmt: skip
SHORTEST_LINE = 167
SEXES = {"M": "male", "K": "female"}
SHAK_LEVELS = {4: "hospital", 6: "department", 7: "section"}
FIRST_DAY, LAST_DAY = dt.date(1, 1, 1), dt.date(9999, 12, 31)

CODES = {
    "kind": pl.String, "code": pl.String, "text": pl.String, "parent": pl.String, "valid_from": pl.Date,
    "valid_until": pl.Date, "sex": pl.String, "min_age": pl.Int64, "max_age": pl.Int64,
}  # fmt: skip
ORGANISATIONS = {
    "sor": pl.String, "shak": pl.String, "text": pl.String, "region": pl.String,
    "valid_from": pl.Date, "valid_until": pl.Date,
}  # fmt: skip


def read_sks(path: Path) -> pl.DataFrame:
    """SKScomplete: kind (dia, opr, …), code, text, parent, validity (both days included), sex and age limits.

    The parent is the longest shorter code of the list that the code begins with; sex is male, female or null;
    ages are whole years, null where there is no limit.
    """
    rows = [*_fixed_width(path)]
    codes = {row["code"] for row in rows}
    made = [
        row | {"parent": _parent(row["code"], codes), "sex": SEXES.get(row["sex"])} | _ages(row, path) for row in rows
    ]
    return pl.DataFrame(made, schema=CODES).sort("code", "valid_from")


def read_shak(path: Path) -> pl.DataFrame:
    """SHAKCOMPLETE: shak, level (hospital, department, section: 4, 6, 7 characters), parent, text, validity."""
    rows = []
    for number, row in enumerate(_fixed_width(path), 1):
        level = SHAK_LEVELS.get(len(row["code"]))
        if level is None:
            raise InputError(f"{path}, line {number}: a SHAK code has 4, 6 or 7 characters; mend the line.")
        parent = {"hospital": None, "department": row["code"][:4], "section": row["code"][:6]}[level]
        rows.append([row["code"], level, parent, row["text"], row["valid_from"], row["valid_until"]])
    schema = {"shak": pl.String, "level": pl.String, "parent": pl.String, "text": pl.String,
              "valid_from": pl.Date, "valid_until": pl.Date}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("shak", "valid_from")


def read_organisations(path: Path) -> pl.DataFrame:
    """LPR's organisations: sor, shak (null where there is none), text, region (our word), validity.

    Raises InputError where a SOR id fails its check digit or has two periods that overlap.
    """
    rows = []
    for number, row in _csv_rows(
        path, ("sorenhed", "sorenhed_tekst", "shak_afs", "region", "gyldig_fra", "gyldig_til")
    ):
        if not is_sor(row["sorenhed"]):
            raise InputError(f"{path}, line {number}: the SOR id fails its check digit; mend it.")
        period = _days(row["gyldig_fra"], row["gyldig_til"], path, number)
        rows.append([row["sorenhed"], row["shak_afs"] or None, row["sorenhed_tekst"], row["region"] or None, *period])
    return _once_at_a_time(pl.DataFrame(rows, schema=ORGANISATIONS, orient="row"), "sor", path)


def read_municipalities(path: Path) -> pl.DataFrame:
    """Municipalities: municipality (four digits), name, region (null before the regions of 2007), validity."""
    rows = [
        [
            row["municipality"],
            row["name"],
            row["region"] or None,
            *_days(row["valid_from"], row["valid_until"], path, n),
        ]
        for n, row in _csv_rows(path, ("municipality", "name", "region", "valid_from", "valid_until"))
    ]
    schema = {"municipality": pl.String, "name": pl.String, "region": pl.String,
              "valid_from": pl.Date, "valid_until": pl.Date}  # fmt: skip
    return _once_at_a_time(pl.DataFrame(rows, schema=schema, orient="row"), "municipality", path)


def _fixed_width(path: Path) -> Iterator[dict]:
    for number, line in enumerate(_text(path, "iso-8859-1").splitlines(), 1):
        if not line.strip():
            continue
        row = {name: line[place].strip() for name, place in FIELDS.items()}
        if len(line) < SHORTEST_LINE or not row["code"]:
            raise InputError(f"{path}, line {number}: the line is shorter than the list's form; fetch the file again.")
        yield row | {name: _compact_day(row[name], path, number) for name in ("valid_from", "valid_until")}


def _parent(code: str, codes: set[str]) -> str | None:
    return next((code[:length] for length in range(len(code) - 1, 0, -1) if code[:length] in codes), None)


def _ages(row: dict, path: Path) -> dict[str, int | None]:
    """The limits as numbers; 00 to 99, and blanks, say that there is none."""
    low, high = row["min_age"] or "00", row["max_age"] or "99"
    if not (low.isdigit() and high.isdigit()):
        raise InputError(f"{path}: an age limit of a code is no number; fetch the file again.")
    return {"min_age": int(low) or None, "max_age": None if high in ("99", "00") else int(high)}


def _compact_day(text: str, path: Path, line: int) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        raise InputError(f"{path}, line {line}: a date of validity is not YYYYMMDD; fetch the file again.") from None


def _days(start: str, end: str, path: Path, line: int) -> tuple[dt.date, dt.date]:
    """A period of validity; an end that is not said is open."""
    try:
        return (
            dt.date.fromisoformat(start) if start else FIRST_DAY,
            dt.date.fromisoformat(end) if end else LAST_DAY,
        )
    except ValueError:
        raise InputError(f"{path}, line {line}: a date of validity is not YYYY-MM-DD; mend it.") from None


def _csv_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and row of a CSV whose first lines may be comments (#)."""
    lines = _text(path, "utf-8-sig").splitlines()
    comments = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    reader = csv.DictReader(lines[comments:])
    if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
        raise InputError(f"{path}: the column {missing[0]} is missing; add it.")
    for row in reader:
        if None in row or None in row.values():
            raise InputError(f"{path}, line {comments + reader.line_num}: the row does not fit the header; mend it.")
        yield comments + reader.line_num, row


def _once_at_a_time(frame: pl.DataFrame, key: str, path: Path) -> pl.DataFrame:
    """The frame in order; one code means one thing on one day."""
    frame = frame.sort(key, "valid_from")
    overlapping = pl.col("valid_from") <= pl.col("valid_until").shift(1).over(key)
    if frame.filter(overlapping).height:
        raise InputError(f"{path}: a code has two periods of validity that overlap; mend one of them.")
    return frame


def _text(path: Path, encoding: str) -> str:
    try:
        return path.read_text(encoding)
    except OSError:
        raise InputError(f"{path} cannot be read: put the code list there.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8: save it as UTF-8.") from None
