"""Reconciliation in plain Python, one value and one choice at a time: slow, and clear enough to believe.

Matching tries every one-to-one choice; decimals are exact. Nothing of the engine is used but the specification.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any

from pipelines.spec.model import Compare, DatabaseSpec, MatchRule, Variable

Row = dict[str, Any]
Pair = tuple[Row, Row]
REGISTERS = ("lpr", "lab", "lmdb", "cpr", "dar", "municipal")
LEVELS = ((), ("region",), ("region", "unit"), ("period",), ("region", "period"), ("region", "unit", "period"))
DISCREPANT = ("differ", "missing_differs", "reported_missing", "new_missing")


@dataclass(frozen=True)
class Naive:
    """What the contract files hold, in sets and counters that have no order."""

    pairs: set[tuple[str, str, str]]  # reported_id, new_id, rule; comparable ones only
    statuses: dict[tuple[str, str], str]  # side, record_id
    reasons: dict[tuple[str, str], str]  # of unmatched and surplus records
    outcomes: dict[tuple[str, str, str], str]
    agreement: dict[tuple, Counter]
    coverage: dict[tuple, Counter]
    discrepancies: set[tuple]


def reconcile_naively(spec: DatabaseSpec, reported: list[Row], new: list[Row], day: dt.date) -> Naive:
    every = matched(spec, reported, new)
    kept = [(a, b, rule) for a, b, rule in every if in_scope(spec, a, day) and in_scope(spec, b, day)]
    sides = {"reported": reported, "new": new}
    statuses = {
        (side, row["record_id"]): _status(spec, side, row, every, kept, day)
        for side, rows in sides.items()
        for row in rows
    }
    persons = {side: {row["person"] for row in rows} for side, rows in sides.items()}
    others = {"reported": persons["new"], "new": persons["reported"]}
    copies = {side: _copies(spec, side, rows, statuses) for side, rows in sides.items()}
    statuses |= {(side, name): "surplus" for side in sides for name in copies[side]}
    reasons = {
        (side, row["record_id"]): copies[side].get(row["record_id"])
        or _one_to_many(spec, side, row, kept)
        or _elsewhere(row, others[side])
        for side, rows in sides.items()
        for row in rows
        if statuses[side, row["record_id"]] in ("unmatched", "surplus")
    }
    outcomes = {
        (a["record_id"], b["record_id"], name): outcome(spec, name, a, b, day)
        for a, b, _ in kept
        for name in spec.compared
    }
    alone = [(side, row) for side, rows in sides.items() for row in rows if (side, row["record_id"]) in reasons]
    return Naive(
        {(a["record_id"], b["record_id"], rule) for a, b, rule in kept},
        statuses, reasons, outcomes,
        _agreement(spec, kept, outcomes),
        _coverage(spec, kept, [(side, row) for side, row in alone if statuses[side, row["record_id"]] == "unmatched"]),
        _of_pairs(spec, kept, outcomes) | {_of_record(spec, side, row, statuses) for side, row in alone},
    )  # fmt: skip


# ---------------------------------------------------------------- matching


def matched(spec: DatabaseSpec, reported: list[Row], new: list[Row]) -> list[tuple[Row, Row, str]]:
    """Stage after stage, each on what the earlier ones left over."""
    left, right, pairs = by_id(reported), by_id(new), []
    for rule in spec.match:
        candidates = [(a, b) for a in left for b in right if offset(rule, a, b) is not None]
        chosen = _unambiguous(candidates) if rule.unambiguous else _best(rule, candidates)
        pairs += [(a, b, rule.rule) for a, b in chosen]
        left = [row for row in left if not any(row is a for a, _ in chosen)]
        right = [row for row in right if not any(row is b for _, b in chosen)]
    return pairs


def by_id(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["record_id"])


def offset(rule: MatchRule, a: Row, b: Row) -> Decimal | None:
    """The total distance of two records, None where the rule does not let them be one."""
    if any(a[name] is None or key(rule, name, a) != key(rule, name, b) for name in rule.on):
        return None
    if rule.identity == "damaged" and not slipped(a["person"], b["person"]):
        return None
    total = Decimal(0)
    for name, window in rule.within.items():
        if a[name] is None or b[name] is None or (distance := _distance(a[name], b[name])) > window:
            return None
        total += distance
    return total


def key(rule: MatchRule, name: str, row: Row) -> Any:
    """What a rule asks to be equal: of a code only the leading characters that count."""
    return row[name][: rule.level[name]] if name in rule.level and row[name] is not None else row[name]


def slipped(a: str | None, b: str | None) -> bool:
    """Whether one slip of the hand makes the one number of the other: everything that one slip could make is tried."""
    if a is None or b is None or a == b:
        return False
    replaced = {a[:n] + character + a[n + 1 :] for n in range(len(a)) for character in b}
    exchanged = {a[:n] + a[n + 1] + a[n] + a[n + 2 :] for n in range(len(a) - 1)}
    return b in replaced | exchanged or a.lstrip("0") == b.lstrip("0")


def _distance(a: Any, b: Any) -> Decimal:
    if isinstance(a, dt.date):
        return Decimal(abs((_date(b) - _date(a)).days))
    return abs(Decimal(str(b)) - Decimal(str(a)))


def _date(value: dt.date) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def _unambiguous(candidates: list[Pair]) -> list[Pair]:
    def times(row: Row) -> int:
        return sum(row is a or row is b for a, b in candidates)

    return [(a, b) for a, b in candidates if times(a) == times(b) == 1]


def _best(rule: MatchRule, candidates: list[Pair]) -> list[Pair]:
    """Most pairs, then the smallest total offset, then the smallest list of ids; of each component alone."""

    def merit(choice: list[Pair]) -> tuple:
        ids = sorted((a["record_id"], b["record_id"]) for a, b in choice)
        return -len(choice), sum(offset(rule, a, b) for a, b in choice), ids

    return [pair for component in _components(candidates) for pair in min(_choices(component), key=merit)]


def _components(candidates: list[Pair]) -> list[list[Pair]]:
    groups: list[list[Pair]] = []
    for pair in candidates:
        touched = [group for group in groups if any(pair[0] is a or pair[1] is b for a, b in group)]
        groups = [group for group in groups if group not in touched] + [[pair, *chain(*touched)]]
    return groups


def _choices(candidates: list[Pair]) -> Iterator[list[Pair]]:
    """Every one-to-one choice, the empty one too."""
    if not candidates:
        yield []
        return
    (first, second), *rest = candidates
    yield from _choices(rest)
    for choice in _choices([(a, b) for a, b in rest if a is not first and b is not second]):
        yield [(first, second), *choice]


# ---------------------------------------------------------------- scope


def in_scope(spec: DatabaseSpec, row: Row, day: dt.date) -> bool:
    """After the new source started, before typing ends, and older than what both sources need to settle."""
    when = row["day"]
    if when is None:
        return True
    changeover = spec.changeover.get(row["unit"]) or spec.changeover.get(row["region"])
    if changeover and changeover.new_from and when < changeover.new_from:
        return False
    if changeover and changeover.kip_until and when > changeover.kip_until:
        return False
    return all((day - when).days >= spec.settling(source) for source in _sources(spec))


def _sources(spec: DatabaseSpec) -> set[str]:
    """What a record is made of: both sides, and where the new one is a register, what each variable is from."""
    found = {spec.sides.reported, spec.sides.new}
    if spec.sides.new in REGISTERS:
        for name, variable in spec.compared.items():
            if name != "day":
                found |= set(variable.from_) or {"wsapi"}
    return found


def waits(spec: DatabaseSpec, name: str, row: Row, day: dt.date) -> bool:
    """Whether events may still come that change a variable of a record that has itself settled."""
    if row["day"] is None or spec.sides.new not in REGISTERS:
        return False
    return any(
        last is not None and last > 0 and (day - row["day"]).days < last + spec.settling(source)
        for source in spec.variables[name].from_
        for last in [_last_day(spec, name, source)]
    )


def _last_day(spec: DatabaseSpec, name: str, source: str) -> int | None:
    """The last day after the event on which an event of a source may still count; None where none is said."""
    ends = []
    for way in spec.variables[name].from_.get(source, ()):
        if way.window is None:
            continue
        _, end = way.window.span
        days = 0 if end is None else end if way.window.days is not None else -(-end // 24)
        anchor = spec.variables.get(way.window.anchor) if way.window.anchor != "day" else None
        further = [_last_day(spec, way.window.anchor, of) or 0 for of in anchor.from_] if anchor else []
        ends.append(int(max(days, 0)) + max(further, default=0))
    return max(ends, default=None)


def _status(spec, side: str, row: Row, every: list, kept: list, day: dt.date) -> str:
    at = ("reported", "new").index(side)
    if any(row is pair[at] for pair in kept):
        return "pair"
    if any(row is pair[at] for pair in every) or not in_scope(spec, row, day):
        return "not_comparable"
    return "unmatched"


def _copies(spec: DatabaseSpec, side: str, rows: list[Row], statuses: dict) -> dict[str, str]:
    """Unmatched records that say what a kept one says, with the reason."""
    found = {}
    for row in by_id(rows):
        if statuses[side, row["record_id"]] != "unmatched" or row["person"] is None:
            continue
        alike = [r for r in rows if _content(spec, r) == _content(spec, row)]
        in_play = [r for r in alike if statuses[side, r["record_id"]] != "not_comparable"]
        before = [r for r in in_play if r["record_id"] < row["record_id"]]
        if before or any(statuses[side, r["record_id"]] == "pair" for r in in_play):
            twice = len({r["submission"] for r in alike} - {None}) > 1
            found[row["record_id"]] = "submission_twice" if twice else "duplicate_record"
        elif any(statuses[side, r["record_id"]] == "pair" and _same_keys(spec, r, row) for r in rows):
            found[row["record_id"]] = "near_duplicate"
    return found


def _same_keys(spec: DatabaseSpec, a: Row, b: Row) -> bool:
    names = (*spec.match[0].on, *spec.match[0].within, "day")
    return all(a[name] is not None and a[name] == b[name] for name in names)


def _one_to_many(spec: DatabaseSpec, side: str, row: Row, kept: list) -> str | None:
    """Beside a pair's other record, by person and unit and as near as the widest window of both allows."""
    windows = [rule.within.get("day", 0) for rule in spec.match if {"person", "unit"} <= set(rule.on)]
    others = [pair[("new", "reported").index(side)] for pair in kept]
    near = [
        other for other in others
        if None not in (row["person"], row["unit"], row["day"], other["day"])
        and (row["person"], row["unit"]) == (other["person"], other["unit"])
        and abs((row["day"] - other["day"]).days) <= max(windows, default=0)
    ]  # fmt: skip
    return {"reported": "contact_merged", "new": "contact_split"}[side] if near else None


def _content(spec: DatabaseSpec, row: Row) -> list[Any]:
    rule = spec.match[0]
    names = [*rule.on, *rule.within, *spec.variables, *(f"{name}_missing" for name in spec.variables)]
    return [row[name] for name in names]


def _elsewhere(row: Row, persons: set) -> str:
    return "registered_elsewhere" if row["person"] in persons - {None} else "unknown"


# ---------------------------------------------------------------- comparing


def outcome(spec: DatabaseSpec, name: str, a: Row, b: Row, day: dt.date) -> str:
    """What became of one variable of one pair."""
    reported, new, variable = a[name], b[name], spec.variables[name]
    if waits(spec, name, a, day) or waits(spec, name, b, day):
        return "not_applicable"
    if reported is None and new is None:
        if variable.only_if and not any(spec.condition(variable.only_if).holds(row) for row in (a, b)):
            return "not_applicable"
        return "both_missing" if a[f"{name}_missing"] == b[f"{name}_missing"] else "missing_differs"
    if reported is None:
        return "reported_missing"
    if new is None:
        return "new_missing"
    if reported == new:
        return "agree"
    return "agree_within" if within(variable, reported, new) else "differ"


def within(variable: Variable, reported: Any, new: Any) -> bool:
    way = variable.compare
    if variable.numeric:
        return _within_numbers(way, Decimal(str(reported)), Decimal(str(new)))
    if way.days is not None:
        return abs((_date(new) - _date(reported)).days) <= way.days
    if way.minutes is not None:
        return abs(new - reported) <= dt.timedelta(minutes=way.minutes)
    if way.map is not None:
        return way.map.get(reported) == new
    if way.level is not None:
        return reported[: way.level] == new[: way.level]
    return bool(way.normalise) and _written(way.normalise, reported) == _written(way.normalise, new)


def _within_numbers(way: Compare, reported: Decimal, new: Decimal) -> bool:
    bounds = [Decimal(str(way.absolute or 0)), Decimal(str(way.relative or 0)) * abs(reported)]
    return abs(new - reported) <= max(bounds)


def _written(which: Any, text: str) -> str:
    parts = ("case", "blanks") if which is True else which
    text = text.upper() if "case" in parts else text
    text = re.sub(r"\s", "", text) if "blanks" in parts else text
    return text.lstrip("0") if "leading_zeros" in parts else text


# ---------------------------------------------------------------- counting


def _places(row: Row) -> Iterator[tuple]:
    """The place of a record at every level at which it counts."""
    place = row | {"period": row["day"] and f"{row['day']:%Y-%m}"}
    for level in LEVELS:
        if all(place[name] is not None for name in level):
            yield tuple(place[name] if name in level else None for name in ("region", "unit", "period"))


def _agreement(spec: DatabaseSpec, kept: list, outcomes: dict) -> dict[tuple, Counter]:
    counts: dict[tuple, Counter] = {}
    for a, b, _ in kept:
        for name in spec.compared:
            for place in _places(b):
                said = outcomes[a["record_id"], b["record_id"], name]
                counts.setdefault((name, *place), Counter())[said] += 1
    return counts


def _coverage(spec: DatabaseSpec, kept: list, alone: list) -> dict[tuple, Counter]:
    counts = {(None, None, None): Counter()}
    for kind, row in [*(("both", b) for _, b, _ in kept), *((f"only_{side}", row) for side, row in alone)]:
        for place in _places(row):
            counts.setdefault(place, Counter())[kind] += 1
    return counts


def _of_pairs(spec: DatabaseSpec, kept: list, outcomes: dict) -> set[tuple]:
    found = set()
    for a, b, _ in kept:
        ids, place = (a["record_id"], b["record_id"]), _place(b)
        found |= {
            (*ids, name, outcomes[*ids, name], *place) for name in spec.compared if outcomes[*ids, name] in DISCREPANT
        }
        if any(None not in (a[key], b[key]) and a[key] != b[key] for key in ("person", "unit")):
            found.add((*ids, None, "key_differs", *place))
    return found


def _of_record(spec: DatabaseSpec, side: str, row: Row, statuses: dict) -> tuple:
    kind = "surplus" if statuses[side, row["record_id"]] == "surplus" else f"only_{side}"
    ids = (row["record_id"], None) if side == "reported" else (None, row["record_id"])
    return (*ids, None, kind, *_place(row))


def _place(row: Row) -> tuple:
    return row["region"], row["unit"], row["day"] and f"{row['day']:%Y-%m}"
