"""What a source's file holds: rows of text with the line each begins on, or a refusal with one reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

BROKEN_COLUMNS = {"line": pl.Int64, "rule": pl.String, "reason": pl.String}

# Longer than any clinical text; a longer one is a mistake or an attack.
LONGEST_CELL = 100_000

# Bytes of one submission through the web service, which is some thousand records.
LARGEST_SUBMISSION = 50_000_000

# Names stand in logs, run keys and reports: plain signs only, and nothing that looks like a CPR number.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
# A CPR number, or a replacement number: two letters near the end, and a date first, as hardly an id has by chance.
PERSON_LIKE = re.compile(
    r"[0-9]{6}[-_.]?[0-9]{4}|(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}[-_.]?[0-9][A-Za-z]{2}[0-9]"
)


class Refused(Exception):
    """The whole file is refused: `code` for machines, a Danish sentence for the receipt, an English one.

    None of them holds a cell's text, a column name from the file or the file's own name.
    """

    def __init__(self, code: str, danish: str, english: str) -> None:
        super().__init__(f"{code}: {english}")
        self.code, self.danish, self.english = code, danish, english

    @property
    def reason(self) -> str:
        """What the receipt says: the code, then the Danish sentence."""
        return f"{self.code}: {self.danish}"


@dataclass(frozen=True)
class Broken:
    """A row that could not be split into fields: the line it begins on, the rule and a Danish reason."""

    line: int
    rule: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """One file as text. `rows`: line, action (create, correct, delete) and one text column per source field.

    `broken`: line, rule, reason of rows that could not be split; they count as rows in and are held back.
    `database`, `region`, `submission`, `sequence` and `sent_at` are null where the format does not say.
    """

    source: str
    schema_version: str
    rows: pl.DataFrame
    broken: pl.DataFrame = field(default_factory=lambda: broken_frame([]))
    database: str | None = None
    region: str | None = None
    submission: str | None = None
    sequence: int | None = None
    sent_at: str | None = None

    @property
    def rows_in(self) -> int:
        return self.rows.height + self.broken.height


def broken_frame(broken: Iterable[Broken]) -> pl.DataFrame:
    """The broken rows as a frame with columns line, rule, reason, in order of line."""
    rows = [(row.line, row.rule, row.reason) for row in broken]
    return pl.DataFrame(rows, schema=BROKEN_COLUMNS, orient="row").sort("line")


def is_plain_name(name: str) -> bool:
    """Whether a name from outside (file, submission) may be stored and shown."""
    return PLAIN_NAME.fullmatch(name) is not None and PERSON_LIKE.search(name) is None


def hold_size(content: bytes) -> None:
    """Refused: a submission so large that reading it would take the machine's memory."""
    if len(content) > LARGEST_SUBMISSION:
        raise Refused("too_large", "Filen er større end 50 MB.", "The file is larger than 50 MB.")


def decoded(content: bytes) -> str:
    """The file as text; UTF-8 with or without byte order mark. Refused: empty, another format, not UTF-8."""
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise Refused("empty", "Filen er tom.", "The file is empty.")
    if content.startswith((b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"%PDF", b"\xd0\xcf\x11\xe0")):
        raise Refused(
            "not_the_format",
            "Filen er ikke en tekstfil (men Excel, zip, Parquet eller PDF).",
            "The file is not a text file (but Excel, zip, Parquet or PDF).",
        )
    return utf8(content).removeprefix("\ufeff")


def utf8(content: bytes) -> str:
    """The bytes as text, or the refusal of a file that is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("not_utf8", "Filen er ikke gemt som UTF-8.", "The file is not UTF-8.") from None
