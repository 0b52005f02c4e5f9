"""Broken variants of code levels, damaged identity and waiting variables: the reference sees each of them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from generated_sides import DAMAGED, DERIVED, LEVELS, sides, specs
from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from naive_reconciliation import in_scope, matched, outcome
from small_sides import NEAR_DAY, SAME_DAY, side

from pipelines.reconciliation import cells, compare, damaged, match, pending
from pipelines.reconciliation.shape import hashes, shaped
from pipelines.spec.model import DatabaseSpec

pytestmark = pytest.mark.variants

DAYS = st.sampled_from([dt.date(2026, 3, day) for day in (2, 5, 7, 9)] + [dt.date(2026, 4, 1)])
SEARCH = settings(deadline=None, max_examples=400, phases=(Phase.generate,), database=None, derandomize=False)
one_slip, settles_after, reach, end, at = (
    damaged._one_slip, pending.settles_after, pending._reach, pending._end, cells.Cells.at
)  # fmt: skip


def pairs_differ(spec: DatabaseSpec, rows: tuple, day: dt.date) -> bool:
    """Whether the engine makes other pairs than the reference."""
    expected = {(a["record_id"], b["record_id"], rule) for a, b, rule in matched(spec, *rows)}
    return _pairs(spec, rows) != expected


def _pairs(spec: DatabaseSpec, rows: tuple) -> set[tuple]:
    both = [shaped(spec, side(spec, one), name) for one, name in zip(rows, ("reported", "new"), strict=True)]
    found = match.match(spec, *both)
    ids = [one.column("record_id").gather(found[one.name]) for one in both]
    return set(zip(*ids, (spec.match[stage].rule for stage in found["stage"]), strict=True))


def outcomes_differ(spec: DatabaseSpec, rows: tuple, day: dt.date) -> bool:
    """Whether a variable that may come from events has another outcome, in some settled pair, than by the reference."""
    kept = [(a, b) for a, b, _ in matched(spec, *rows) if in_scope(spec, a, day) and in_scope(spec, b, day)]
    if not kept:
        return False
    both = {name: shaped(spec, side(spec, one), name) for one, name in zip(rows, ("reported", "new"), strict=True)}
    order = {name: {row["record_id"]: n for n, row in enumerate(one)} for name, one in zip(both, rows, strict=True)}
    at = {name: np.array([order[name][pair[n]["record_id"]] for pair in kept], int) for n, name in enumerate(both)}
    for name, variable in ((f"a_{kind}", spec.variables[f"a_{kind}"]) for kind in DERIVED):
        frame = cells.cells_of(spec, both, name, day).at(at)
        found = frame.select(compare.outcome(name, variable, frame.schema)).to_series().cast(pl.String)
        if found.to_list() != [outcome(spec, name, a, b, day) for a, b in kept]:
            return True
    return False


@st.composite
def days_apart(draw: st.DrawFn) -> tuple[list[dict], list[dict]]:
    """Pairs whose two dates lie one to three days apart, so that some limit lies between them."""
    reported, _ = draw(sides().filter(lambda found: any(row["day"] for row in found[0])))
    kept = [row for row in reported if row["day"]]
    apart = dt.timedelta(days=draw(st.integers(1, 3)))
    return kept, [row | {"record_id": f"N{n}", "day": row["day"] - apart} for n, row in enumerate(kept)]


CASES = {
    "level": (st.tuples(specs(tuple(LEVELS), registers=False), sides(), DAYS), pairs_differ),
    "damaged": (st.tuples(specs(tuple(DAMAGED), registers=False), sides(), DAYS), pairs_differ),
    "pending": (st.tuples(specs((SAME_DAY, NEAR_DAY), registers=True), sides(), DAYS), outcomes_differ),
    "days apart": (st.tuples(specs((NEAR_DAY,), registers=True), days_apart(), DAYS), outcomes_differ),
    "no register": (st.tuples(specs((SAME_DAY,), registers=False), sides(), DAYS), outcomes_differ),
}


def seen(kind: str) -> bool:
    """Whether some generated case tells the engine from the reference."""
    case, differs = CASES[kind]
    try:
        find(case, lambda found: differs(*found), settings=SEARCH, random=random.Random(1))
    except NoSuchExample:
        return False
    return True


def _level(rule, given, name, at, cut: Callable[[int], int]) -> np.ndarray:
    if name in rule.level:
        return hashes(given.column(name).str.head(cut(rule.level[name])))[at]
    return given.numbers(name, at)


def _swapped_anywhere(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    alike = (np.sort(one, axis=1) == np.sort(other, axis=1)).all(axis=1)
    return one_slip(one, other) | (alike & ((one != other).sum(axis=1) == 2))


def _only_new(self: cells.Cells, rows) -> pl.DataFrame:
    frame = at(self, rows)
    own = self.columns["new"]
    if "pending" not in own.columns:
        return frame
    return frame.with_columns(own["pending"].gather(rows["new"]).alias(f"{self.name}_pending"))


def _first_window(spec, name, source) -> int:
    windows = [way.window for way in spec.variables[name].from_.get(source, ()) if way.window]
    return min((end(w) + pending._anchored(spec, w) for w in windows), default=0)


def _floor(window) -> int:
    last = window.span[1] or 0
    return max(0, int(last if window.days is not None else last // 24))


BROKEN = {
    "level: the whole code counts": ("level", match, "_numbers", lambda r, s, n, at: _level(r, s, n, at, lambda _: 99)),
    "level: a character more": ("level", match, "_numbers", lambda r, s, n, at: _level(r, s, n, at, lambda k: k + 1)),
    "level: a character less": ("level", match, "_numbers", lambda r, s, n, at: _level(r, s, n, at, lambda k: k - 1)),
    "damaged: any other person": ("damaged", match, "damaged", lambda a, b: (a != b).fill_null(False)),
    "damaged: the same person too": ("damaged", match, "damaged", lambda a, b: damaged.damaged(a, b) | (a == b)),
    "damaged: nobody": ("damaged", match, "damaged", lambda a, b: pl.repeat(False, len(a), eager=True)),
    "damaged: no exchange": ("damaged", damaged, "_one_slip", lambda a, b: (a != b).sum(axis=1) == 1),
    "damaged: exchange anywhere": ("damaged", damaged, "_one_slip", _swapped_anywhere),
    "damaged: two characters": ("damaged", damaged, "_one_slip", lambda a, b: (a != b).sum(axis=1) <= 2),
    "damaged: no character": ("damaged", damaged, "_one_slip", lambda a, b: np.zeros(len(a), bool)),
    "pending: never": ("pending", cells, "settles_after", lambda spec, name: 0),
    "pending: a day more": ("pending", cells, "settles_after", lambda s, n: (d := settles_after(s, n)) and d + 1),
    "pending: a day less": ("pending", cells, "settles_after", lambda s, n: max(settles_after(s, n) - 1, 0)),
    "pending: its anchor forgotten": ("pending", pending, "_anchored", lambda spec, window: 0),
    "pending: the first window": ("days apart", pending, "_reach", _first_window),
    "pending: hours rounded down": ("pending", pending, "_end", _floor),
    "pending: an open end waits": ("pending", pending, "_end", lambda w: end(w) if w.span[1] is not None else 9),
    "pending: the new side's date alone": ("days apart", cells.Cells, "at", _only_new),
    "pending: without a register": ("no register", cells, "settles_after", lambda spec, name: 4),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_without_a_broken_variant_nothing_is_seen(kind: str) -> None:
    few = settings(SEARCH, max_examples=40)
    case, differs = CASES[kind]
    with pytest.raises(NoSuchExample):
        find(case, lambda found: differs(*found), settings=few, random=random.Random(2))


@pytest.mark.parametrize("variant", BROKEN)
def test_broken_variant_is_seen(variant: str, monkeypatch) -> None:
    kind, module, name, broken = BROKEN[variant]
    monkeypatch.setattr(module, name, broken)
    assert seen(kind)


def test_broken_variant_without_lost_zeros_is_seen(monkeypatch) -> None:
    monkeypatch.setattr(match, "damaged", lambda a, b: damaged.damaged(a.str.pad_end(9, "x"), b.str.pad_end(9, "x")))
    assert seen("damaged")
