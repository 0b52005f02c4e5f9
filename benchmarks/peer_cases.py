"""Five small cases that every tool is given, with the answer that is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Rows = tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True)
class Case:
    """Both sides as rows of `columns`; `keys` are what a user might name as the key, one after the other."""

    name: str
    columns: tuple[str, ...]
    reported: Rows
    new: Rows
    keys: tuple[tuple[str, ...], ...]
    right: str
    variables: Mapping[str, Mapping]  # as the specification says them
    days: int = 0  # how far two dates may lie apart, for the tools that can be told


def read(text: str) -> Rows:
    """A row a line; `-` is an empty cell."""
    return tuple(tuple(_cell(word) for word in line.split()) for line in text.strip().splitlines())


def _cell(word: str) -> str | float | None:
    return None if word == "-" else float(word) if word.replace(".", "", 1).isdigit() else word


CODE, DATE = {"type": "sks"}, {"type": "date"}
NUMBER = {"type": "decimal", "missing": {"not_done": "Ikke udført", "unknown": "Uoplyst"}}

CASES = (
    Case(
        "one person, several contacts", ("person", "day", "code"),
        read("""
            p1 2025-03-10 KNFB20
            p1 2025-06-01 KNFC20
            p2 2025-05-05 KNFB30"""),
        read("""
            p1 2025-01-02 AAF22
            p1 2025-03-11 KNFB20
            p1 2025-06-01 KNFC20
            p2 2025-05-05 KNFB30"""),
        (("person",), ("person", "day")), "3 pairs, 1 only new; code 3/3",
        {"day": DATE | {"compare": {"days": 3}}, "code": CODE}, 3,
    ),
    Case(
        "shifted dates", ("person", "day", "code"),
        read("""
            p1 2025-03-10 KNFB20
            p1 2025-06-01 KNFC20
            p2 2025-05-05 KNFB30
            p3 2025-05-07 KNFB30"""),
        read("""
            p1 2025-03-11 KNFB20
            p1 2025-05-30 KNFC20
            p2 2025-05-06 KNFB30
            p3 2025-05-07 KNFB40"""),
        (("person",), ("person", "day")), "4 pairs; day within 3 days 4/4, code 3/4",
        {"day": DATE | {"compare": {"days": 3}}, "code": CODE}, 3,
    ),
    Case(
        "codes of different depth", ("person", "day", "code"),
        read("""
            p1 2025-03-10 DI50
            p2 2025-06-01 DI50
            p3 2025-05-05 DI48
            p4 2025-05-07 DI420"""),
        read("""
            p1 2025-03-10 DI500
            p2 2025-06-01 DI509
            p3 2025-05-05 DI489
            p4 2025-05-07 DI110"""),
        (("person", "day"),), "4 pairs; code 3/4 at four characters",
        {"day": DATE, "code": CODE | {"compare": {"level": 4}}},
    ),
    Case(
        "honest missingness", ("person", "day", "lvef", "lvef_missing"),
        read("""
            p1 2025-03-10 35 -
            p2 2025-06-01 - unknown
            p3 2025-05-05 - not_done
            p4 2025-05-07 - -
            p5 2025-05-08 40 -"""),
        read("""
            p1 2025-03-10 35 -
            p2 2025-06-01 - unknown
            p3 2025-05-05 - unknown
            p4 2025-05-07 - -
            p5 2025-05-08 - -"""),
        (("person", "day"),), "5 pairs; lvef 1 known on both and equal, 2 missing alike, 1 missing otherwise, 1 lost",
        {"day": DATE, "lvef": NUMBER},
    ),
    Case(
        "a repeated key, rows in another order", ("person", "day", "code", "side"),
        read("""
            p1 2025-03-10 KNFB20 right
            p1 2025-03-10 KNFB20 left
            p2 2025-05-05 KNFB30 left"""),
        read("""
            p2 2025-05-05 KNFB30 left
            p1 2025-03-10 KNFB20 left
            p1 2025-03-10 KNFB20 right"""),
        (("person", "day"),), "3 pairs, of which the keys alone leave 2 open: to be said, and the same in every order",
        {"day": DATE, "code": CODE, "side": {"type": "code", "values": {"left": "Venstre", "right": "Højre"}}},
    ),
)  # fmt: skip
