"""Discrepancies over sequences of runs: only data resolve, and what leaves the comparison is not resolved."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_sides import drawn, small_spec

from pipelines.project import InputError
from pipelines.reconciliation.history import ANSWERS, SCHEMA, STATES, history, kept, read_history
from pipelines.reconciliation.reconcile import reconcile

FIRST = dt.date(2026, 4, 1)
SPEC = small_spec({"a": {"type": "text"}}, changeover={"r": {"kip_until": dt.date(2026, 3, 31)}})
# Of each of three courses in each run: what the two sides say (- is no record), or out of the parallel period.
SITUATIONS = ("x x", "x y", "y x", "x -", "- x", "outside", "- -")
runs = st.lists(st.lists(st.sampled_from(SITUATIONS), min_size=3, max_size=3), min_size=1, max_size=5)


def frames(situations: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The two sides: course i is person i; outside is a day after typing ended, which differs all the same."""
    sides: dict[str, list[str]] = {"R": [], "N": []}
    for i, situation in enumerate(situations):
        said = ("x", "y") if situation == "outside" else situation.split()
        day = "05-20" if situation == "outside" else "03-09"
        for letter, value in zip("RN", said, strict=True):
            if value != "-":
                sides[letter].append(f"{letter}{i} p{i} u r {day} {value}")
    table = "record_id person unit region day a\n"
    return tuple(drawn(SPEC, table + "\n".join(rows)) for rows in sides.values())


def told(situations: list[list[str]], answers: dict[int, pl.DataFrame] | None = None) -> list[pl.DataFrame]:
    """The history after each run."""
    histories = [pl.DataFrame(schema=SCHEMA)]
    for number, run in enumerate(situations):
        day = FIRST + dt.timedelta(days=7 * number)
        found = reconcile(SPEC, *frames(run), day)
        given_now = (answers or {}).get(number)
        histories.append(history(SPEC, found.discrepancies, found.pairs, found.records, histories[-1], day, given_now))
    return histories[1:]


def naive(situations: list[list[str]]) -> dict[tuple, tuple[str, int]]:
    """(reported, new, variable) → state and runs, told course by course."""
    state: dict[tuple, str] = {}
    count: dict[tuple, int] = {}
    for run in situations:
        found = {key for i, said in enumerate(run) for key in naive_found(i, said)}
        for key in found | set(state):
            was = state.get(key)
            outside = run[int((key[0] or key[1])[1:])] == "outside"
            if key in found:
                count[key] = count.get(key, 0) + 1
                state[key] = {None: "new", "resolved": "reopened", "reopened": "reopened"}.get(was, "persisting")
            elif not outside:
                state[key] = "resolved"
    return {key: (state[key], count[key]) for key in state}


def naive_found(i: int, said: str) -> list[tuple]:
    one, other = f"R{i}", f"N{i}"
    return {
        "x y": [(one, other, "a")], "y x": [(one, other, "a")],
        "x -": [(one, None, None)], "- x": [(None, other, None)],
    }.get(said, [])  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(runs.filter(lambda said: all(any(s != "- -" for s in run) for run in said)))
def test_states_are_those_of_a_naive_account(situations):
    last = told(situations)[-1]
    found = {row[:3]: row[3:] for row in last.select("reported_id", "new_id", "variable", "state", "runs").rows()}
    assert found == naive(situations)
    assert last["discrepancy_id"].n_unique() == len(last)
    assert set(last["state"]) <= set(STATES)


def states(situations: list[list[str]], **more) -> list[str]:
    return [frame["state"].item() for frame in told(situations, **more)]


def test_a_difference_is_new_persists_is_resolved_and_reopened():
    seen = told([["x y"], ["x y"], ["x x"], ["x x"], ["x y"], ["x y"]])
    assert [frame["state"].item() for frame in seen] == [
        "new", "persisting", "resolved", "resolved", "reopened", "reopened",
    ]  # fmt: skip
    assert [frame["runs"].item() for frame in seen] == [1, 2, 2, 2, 3, 4]
    assert [frame["since"].item()[5:] for frame in seen] == ["04-01", "04-08", "04-15", "04-15", "04-29", "04-29"]
    assert seen[-1].select("first_seen", "last_seen", "age_days").row(0) == ("2026-04-01", "2026-05-06", 35)


def test_a_record_that_leaves_the_comparable_scope_is_not_resolved():
    assert states([["x y"], ["outside"], ["outside"], ["x x"]]) == ["new", "new", "new", "resolved"]
    assert states([["x -"], ["outside"], ["x -"]]) == ["new", "new", "persisting"]


def test_an_answer_explains_and_does_not_resolve():
    name = told([["x y"]])[0]["discrepancy_id"].item()
    answered = {1: pl.DataFrame({"discrepancy_id": [name], "accepted": [False]}, ANSWERS)}
    assert states([["x y"], ["x y"], ["x y"], ["x x"], ["x y"]], answers=answered) == [
        "new", "answered", "answered", "resolved", "reopened",
    ]  # fmt: skip
    accepted = {1: pl.DataFrame({"discrepancy_id": [name], "accepted": [True]}, ANSWERS)}
    assert states([["x y"], ["x y"], ["x y"], ["x x"]], answers=accepted) == ["new", "accepted", "accepted", "resolved"]
    # What is no longer found cannot be answered back to life.
    assert states([["x y"], ["x x"]], answers=accepted) == ["new", "resolved"]


def test_a_wider_tolerance_accepts_and_does_not_resolve():
    strict, wide = ({"a": {"type": "integer"} | more} for more in ({}, {"compare": {"absolute": 5}}))
    sides = [
        drawn(small_spec(strict), f"record_id person unit region day a\n{name} p u r 03-09 {value}")
        for name, value in (("R1", 10), ("N1", 12))
    ]
    seen = pl.DataFrame(schema=SCHEMA)
    states = []
    for variables in (
        strict,
        wide,
        wide,
        strict,
        {"a": strict["a"] | {"compare": {"not_comparable": "Another scale."}}},
    ):
        spec = small_spec(variables)
        found = reconcile(spec, *sides, FIRST)
        seen = history(spec, found.discrepancies, found.pairs, found.records, seen, FIRST)
        states.append(seen["state"].item())
    assert states == ["new", "accepted", "accepted", "reopened", "reopened"]


def test_ids_and_history_do_not_depend_on_the_order_of_rows_or_columns():
    runs = [["x y", "x -", "- x"], ["y x", "x -", "x x"]]
    expected = told(runs)[-1]
    reported, new = frames(runs[0])
    found = reconcile(SPEC, reported.reverse(), new.select(reversed(new.columns)).reverse(), FIRST)
    before = history(SPEC, found.discrepancies, found.pairs, found.records, pl.DataFrame(schema=SCHEMA), FIRST)
    later = FIRST + dt.timedelta(days=7)
    found = reconcile(SPEC, *(side.reverse() for side in frames(runs[1])), later)
    again = history(SPEC, found.discrepancies.reverse(), found.pairs, found.records, before.reverse(), later)
    assert again.equals(expected)


def test_an_earlier_run_is_read_and_one_without_a_history_is_known_by_its_discrepancies(tmp_path):
    found = reconcile(SPEC, *frames(["x y", "x x"]), FIRST)
    told = history(SPEC, found.discrepancies, found.pairs, found.records, read_history(None), FIRST)
    first_seen = found.discrepancies.with_columns(first_seen=pl.lit("2026-04-01"), state=pl.lit("new"))
    first_seen.write_parquet(tmp_path / "discrepancies.parquet")
    kept(told).write_parquet(tmp_path / "history.parquet")
    assert read_history(tmp_path).equals(told)
    (tmp_path / "history.parquet").unlink()
    assert read_history(tmp_path).equals(told)
    with pytest.raises(InputError, match="holds no earlier run"):
        read_history(tmp_path / "nothing")


@settings(max_examples=30, deadline=None)
@given(runs)
def test_what_is_kept_tells_the_next_run_all_that_the_history_said(tmp_path_factory, situations):
    """The discrepancies beside it say who and what of those found; of those gone it says so itself."""
    folder, told = tmp_path_factory.mktemp("run"), pl.DataFrame(schema=SCHEMA)
    for number, run in enumerate(situations):
        day = FIRST + dt.timedelta(days=7 * number)
        found = reconcile(SPEC, *frames(run), day)
        told = history(SPEC, found.discrepancies, found.pairs, found.records, told, day)
        found.discrepancies.write_parquet(folder / "discrepancies.parquet")
        kept(told).write_parquet(folder / "history.parquet")
        assert read_history(folder).equals(told)
        assert pl.read_parquet(folder / "history.parquet").filter("found")["said"].null_count() == told["found"].sum()
