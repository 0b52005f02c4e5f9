"""Report data: what a report says, as frozen values. How it looks is said by the templates alone."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Cell:
    """A text in a table; `tone` (good, bad, unsure, quiet) is a hint to the look."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Heading:
    text: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; a table without rows says `empty` instead."""

    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    empty: str = ""


@dataclass(frozen=True)
class Picture:
    """A chart drawn as SVG by ourselves (so it may stand in the page as it is), and what it shows."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Section:
    """A chapter of the report; `anchor` is its name in the table of contents."""

    anchor: str
    title: str
    lead: str
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class GateCondition:
    """What a gate asks on one point, what was found, and how it is judged."""

    name: str
    asked: str
    found: str
    n: str
    outcome: Cell
    reason: str


@dataclass(frozen=True)
class GateResult:
    """The godkendelsestrin: its outcome, and which conditions decided it, had no data, or were met."""

    name: str
    outcome: Cell
    sentence: str
    decisive: tuple[GateCondition, ...] = ()
    empty: tuple[GateCondition, ...] = ()
    met: tuple[GateCondition, ...] = ()


@dataclass(frozen=True)
class CauseCard:
    """One cause: what is wrong, how much it explains, where, and who mends it."""

    rank: int
    kind: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    owner: str
    picture: Picture | None = None


@dataclass(frozen=True)
class Report:
    """Everything a report says, in the order it is read."""

    title: str
    subtitle: str
    sample_notice: str
    facts: tuple[tuple[str, str], ...]
    gate: GateResult
    causes: tuple[CauseCard, ...]
    causes_lead: str
    unexplained: str
    sections: tuple[Section, ...]
    footer: str
    answers: tuple[tuple[str, str], ...] = ()


def headings(*names: str, text_columns: int = 1) -> tuple[Heading, ...]:
    """Headings of a table whose first columns are text and whose others are numbers."""
    return tuple(Heading(name, position >= text_columns) for position, name in enumerate(names))


def cells(*texts: str | Cell) -> tuple[Cell, ...]:
    """A row; plain texts become cells without a tone."""
    return tuple(text if isinstance(text, Cell) else Cell(text) for text in texts)
