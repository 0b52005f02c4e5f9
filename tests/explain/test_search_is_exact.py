"""Of the slices that name one value of each attribute none better is missed; what a cause's chance means on noise."""

from __future__ import annotations

import datetime as dt
import math
from itertools import combinations, product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows_of_frame import rows_of

from pipelines.explain.itemsets import longer, singles
from pipelines.explain.rows import Rows
from pipelines.explain.slices import best_slice, log_chance
from pipelines.explain.trials import trials_of

SHARE, GAIN = 0.5, 0.5


def table(columns: dict[str, list]) -> Rows:
    days = [dt.date(2026, 1, 1)] * len(next(iter(columns.values())))
    return rows_of(pl.DataFrame(columns | {"day": days}), "day", list(columns))


@st.composite
def tables(draw) -> tuple[dict[str, list], list[bool], list[bool]]:
    """Attributes with few values and unknowns, of which one is decided by another; hits in a slice and scattered."""
    n = draw(st.integers(8, 80))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    unit = rng.integers(0, draw(st.integers(1, 5)), n)
    columns = {"unit": [f"u{u}" for u in unit], "region": [f"r{u // 2}" for u in unit]}
    for name in ("sex", "wave", "form")[: draw(st.integers(1, 3))]:
        values = rng.integers(0, draw(st.integers(1, 4)), n)
        columns[name] = [None if rng.random() < 0.05 else f"{name}{v}" for v in values]
    named = [(name, columns[name][0]) for name in draw(st.permutations(list(columns)))[: draw(st.integers(1, 3))]]
    planted = np.all([[value == said for value in columns[name]] for name, said in named], axis=0)
    hits = (planted & (rng.random(n) < draw(st.sampled_from([0.6, 0.9, 1.0])))) | (rng.random(n) < 0.08)
    return columns, (rng.random(n) < 0.9).tolist(), hits.tolist()


def naive_best(columns: dict[str, list], eligible: list[bool], hits: list[bool]) -> float | None:
    """The greatest gain of all conjunctions, counted one by one from the definition."""
    trials = [i for i, could in enumerate(eligible) if could]
    total, found = sum(hits[i] for i in trials), [i for i in trials if hits[i]]
    values = {name: sorted({v for v in column if v is not None}) for name, column in columns.items()}
    values = {name: of for name, of in values.items() if len(of) > 1}
    cost = math.log(1 + sum(map(len, values.values()))) + 2
    gains = []
    for length in range(4):
        for names in combinations(values, length):
            for said in product(*(values[name] for name in names)):
                inside = [i for i in trials if all(columns[n][i] == v for n, v in zip(names, said, strict=True))]
                k, n = sum(i in inside for i in found), len(inside)
                gain = naive_gain(k, n, total, len(trials)) - length * cost
                if k >= 6 and gain > GAIN and wilson(k, n) >= SHARE:
                    gains.append(gain)
    return max(gains, default=None)


def naive_gain(k: int, n: int, total: int, trials: int) -> float:
    out_k, out_n = total - k + 1, trials - n + 20
    if k / max(n, 1) <= out_k / out_n:
        return 0.0
    return nats(k, n) + nats(out_k, out_n) - nats(total + 1, trials + 20)


def nats(k: int, n: int) -> float:
    return sum(count * math.log(count / n) for count in (k, n - k) if count)


def wilson(k: int, n: int, z: float = 1.96) -> float:
    share = k / n
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (share + z * z / (2 * n) - spread) / (1 + z * z / n)


@settings(max_examples=150, deadline=None)
@given(tables())
def test_no_better_slice_is_missed(drawn):
    columns, eligible, hits = drawn
    rows = table(columns)
    found = best_slice(rows, np.array(eligible), np.array(hits), SHARE, GAIN, lists=False)
    expected = naive_best(columns, eligible, hits)
    assert (found.gain if found else None) == pytest.approx(expected)
    if found:
        inside = rows.inside(found.where) & eligible
        assert (found.trials, found.hits) == (inside.sum(), (inside & hits).sum())


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_the_chance_of_a_slice_bounds_how_often_noise_has_one(share):
    # Twenty levels at once: of 200 tables of noise hardly more than 200 · α may have a slice of chance α or less.
    rng, chances = np.random.default_rng(round(100 * share)), []
    for _ in range(200):
        n = 300
        unit = rng.integers(0, 30, n)
        rows = table({
            "unit": unit.astype(str).tolist(), "region": (unit // 6).astype(str).tolist(),
            "sex": rng.choice(["f", "m"], n).tolist(), "wave": rng.choice(["1", "2", "3"], n).tolist(),
        })  # fmt: skip
        trials = trials_of(rows, np.ones(n, dtype=bool), rng.random(n) < share)
        one = singles(trials, 1)
        of = [c for t in (one, longer(trials, one, 1)) for c in t.candidates(trials, np.arange(len(t.k)))]
        fuller = [c for c in of if c.hits * trials.n > trials.hits * c.trials]
        chances.append(min((log_chance(trials, c) for c in fuller), default=0.0))
    for level in (0.01, 0.05, 0.2):
        assert np.mean(np.array(chances) <= math.log(level)) <= level
