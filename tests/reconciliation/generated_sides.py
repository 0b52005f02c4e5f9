"""Random small specifications and two random sides, made by Hypothesis: few values, so that they collide."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st
from small_sides import NEAR_DAY, OTHER_REGION, OTHER_UNIT, SAME_DAY, small_spec

from pipelines.spec.model import DatabaseSpec

MISSING = {"unknown": "Uoplyst", "not_done": "Ikke udført"}
DAYS = [dt.date(2026, 2, 26) + dt.timedelta(days=n) for n in range(9)]
TIMES = [dt.datetime(2026, 3, 1, 12), dt.datetime(2026, 3, 1, 12, 15), dt.datetime(2026, 3, 1, 12, 15, 0, 1)]
WAYS: dict[str, list[dict[str, Any]]] = {
    "decimal": [{}, {"absolute": 0.1}, {"absolute": 1}, {"relative": 0.1}],
    "integer": [{}, {"absolute": 2}, {"relative": 0.5}, {"not_comparable": "Another scale."}],
    "yes_no": [{}, {"map": {"yes": "no"}}],
    "code": [{}, {"map": {"1": "02", "2": "1"}}, {"normalise": ["leading_zeros"]}, {"level": 1}],
    "sks": [{}, {"level": 4}, {"normalise": True}],
    "text": [{}, {"normalise": True}, {"normalise": ["case"]}, {"normalise": ["blanks", "leading_zeros"]}],
    "date": [{}, {"days": 1}],
    "timestamp": [{}, {"minutes": 15}, {"days": 0}],
}
VALUES: dict[str, list[Any]] = {
    "decimal": [0.1, 0.2, 0.3, 1.2, 2.2, 0.0, -1.1],
    "integer": [1, 2, 3, 4, -2],
    "yes_no": ["yes", "no"],
    "code": ["1", "01", "2", "02"],
    "sks": ["DI50", "DI501", "DI501B", "di50"],
    "text": ["a b", "AB", "0ab", "Å", "å"],
    "date": DAYS[:4],
    "timestamp": TIMES,
}
RULES = [
    SAME_DAY,
    {**SAME_DAY, "rule": "only same day", "unambiguous": True},
    NEAR_DAY,
    {**NEAR_DAY, "rule": "only near day", "unambiguous": True},
    OTHER_UNIT,
    OTHER_REGION,
    {"rule": "same code", "on": ["person", "a_code"]},
    {"rule": "near in two ways", "on": ["person"], "within": {"day": 2, "a_decimal": 1}},
    {"rule": "near time", "on": ["region"], "within": {"a_timestamp": 0, "a_integer": 1}},
]
LEVELS = [
    {"rule": "same category", "on": ["person", "a_sks"], "level": {"a_sks": 4}},
    {"rule": "near category", "on": ["a_sks", "person"], "level": {"a_sks": 3}, "within": {"day": 2}},
    {"rule": "same first digit", "on": ["unit", "a_code"], "level": {"a_code": 1}, "unambiguous": True},
]
DAMAGED = [
    {"rule": "damaged, same day", "on": ["unit", "day"], "identity": "damaged"},
    {"rule": "damaged, near day", "on": ["region"], "within": {"day": 2}, "identity": "damaged"},
    {"rule": "damaged, only one", "on": ["unit"], "within": {"day": 1}, "identity": "damaged", "unambiguous": True},
]
EVERY_RULE = [*RULES, *LEVELS, *DAMAGED]
# One slip of the hand apart in every way that counts, and in some that do not.
PERSONS = ["012", "012", "210", "021", "12", "0012", "p1", "1p", "p2", None]
MAY_CHANGE = ["person", "unit", "region", "day", "a_code", "a_sks", "a_decimal", "submission"]
# Where the new side is made of registers, and how long a variable waits for its window.
DERIVED = {
    "yes_no": [
        {"lpr": {"contact": "*", "window": {"after": "day", "days": 3}}},
        {"lpr": {"contact": "*", "window": {"around": "day", "hours": [-30, 49]}}},
        {"lpr": {"contact": "*", "window": {"after": "day", "hours": 25}}},
        {"lpr": {"contact": "*", "window": {"around": "day", "days": [-90, None]}}},
        {"lpr": {"contact": "*", "window": {"before": "day", "days": 9}}},
        {"lpr": {"contact": "*", "window": {"after": "a_date", "days": 2}}},
        {"lpr": [{"contact": "*", "window": {"after": "day", "days": 1}},
                 {"diagnosis": "DI*", "window": {"after": "day", "days": 4}}]},
        {"lpr": [{"contact": "*", "window": {"after": "day", "days": 6}},
                 {"contact": "*", "window": {"after": "day", "hours": 23}}]},
    ],
    "date": [
        {"lpr": {"contact": "*", "window": {"after": "day", "days": 2}}},
        {"lpr": {"contact": "*", "window": {"after": "day", "days": 4}}},
        {"lpr": {"contact": "*"}},
    ],
    "integer": [
        {"lab": {"lab": "NPU*", "pick": "count", "window": {"after": "day", "days": 2}}},
        {"lab": {"lab": "NPU*", "pick": "count", "window": {"after": "a_date", "days": 1}}},
    ],
}  # fmt: skip
CONDITIONS = ["a_yes_no = 'yes'", "a_integer > 2", "a_code is missing", "a_date_missing = 'unknown'"]


def _variable(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    fixed = {"type": st.just(kind), "missing": st.just(MISSING), "compare": st.sampled_from(WAYS[kind])}
    if kind == "code":
        fixed["values"] = st.just({"1": "I", "01": "i", "2": "II", "02": "ii"})
    return st.fixed_dictionaries(fixed, optional={"only_if": st.sampled_from(CONDITIONS)})


limits = st.fixed_dictionaries({}, optional={name: st.sampled_from(DAYS) for name in ("new_from", "kip_until")})


@st.composite
def specs(draw: st.DrawFn, rules: tuple = tuple(EVERY_RULE), registers: bool | None = None) -> DatabaseSpec:
    """A specification with one variable of each type, matched by some of `rules`; its new side may be registers'."""
    days = draw(st.sampled_from([{}, {}, {"compare": {"not_comparable": "It is the key."}}, {"compare": {"days": 1}}]))
    variables = {"day": {"type": "date"} | days} | {f"a_{kind}": draw(_variable(kind)) for kind in WAYS}
    said = _from_registers(draw, variables) if (draw(st.booleans()) if registers is None else registers) else {
        "settling_days": draw(st.sampled_from([0, 2, {"kip": 3, "wsapi": 1}, {"kip": 0, "wsapi": 2}]))
    }  # fmt: skip
    return small_spec(
        variables,
        match=draw(st.lists(st.sampled_from(rules), min_size=1, max_size=3, unique_by=lambda rule: rule["rule"])),
        changeover=draw(st.dictionaries(st.sampled_from(["u1", "u2", "r", "s"]), limits, max_size=2)),
        **said,
    )


def _from_registers(draw: st.DrawFn, variables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The new side is LPR: some variables come from events in a window, whose end is waited for."""
    for kind, ways in DERIVED.items():
        variables[f"a_{kind}"]["from"] = draw(st.sampled_from(ways))
    settling = draw(st.sampled_from([0, 1, {"kip": 3, "lpr": 2, "lab": 4}, {"lpr": 1, "lab": 0, "wsapi": 2}]))
    return {"sides": {"reported": "kip", "new": "lpr"}, "settling_days": settling}


@st.composite
def _row(draw: st.DrawFn) -> dict[str, Any]:
    row: dict[str, Any] = {
        "person": draw(st.sampled_from(PERSONS)),
        "unit": draw(st.sampled_from(["u1", "u1", "u2", None])),
        "region": draw(st.sampled_from(["r", "r", "s", None])),
        "day": draw(st.sampled_from([*DAYS, None])), "day_missing": None,
        "submission": draw(st.sampled_from(["S1", "S2", None])),
    }  # fmt: skip
    for kind, values in VALUES.items():
        said = draw(st.sampled_from([*values, None, None]))
        row[f"a_{kind}"] = said
        row[f"a_{kind}_missing"] = None if said is not None else draw(st.sampled_from([None, *MISSING]))
    return row


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Reported and new rows: many of the new ones are reported ones, changed a little or sent again."""
    reported = draw(st.lists(_row(), max_size=5))
    new = draw(st.lists(_row(), max_size=3))
    for row in draw(st.lists(st.sampled_from(reported), max_size=3)) if reported else []:
        changed = draw(_row())
        kept = draw(st.sets(st.sampled_from(MAY_CHANGE), max_size=3))
        new.append(row | {name: changed[name] for name in kept} | {f"{n}_missing": None for n in kept & {*row}})
        new[-1] = {name: value for name, value in new[-1].items() if name in row}
    new += draw(st.lists(st.sampled_from(new), max_size=2)) if new else []
    return _numbered(draw, reported, "R"), _numbered(draw, new, "N")


def _numbered(draw: st.DrawFn, rows: list[dict[str, Any]], letter: str) -> list[dict[str, Any]]:
    """Rows under ids that do not follow the order of the rows."""
    order = draw(st.permutations(range(len(rows))))
    return [row | {"record_id": f"{letter}{number}"} for row, number in zip(rows, order, strict=True)]
