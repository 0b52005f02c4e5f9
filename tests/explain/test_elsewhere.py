"""Very many pairs are looked at by two processes: whoever looks, the same is told, and a helper may fail."""

from __future__ import annotations

import sys

import polars as pl
import psutil
import pytest
from planted_sides import REFERENCE, SPEC, SYD, changed, noisy_sides

from pipelines.explain import cells, elsewhere
from pipelines.explain.causes import explain
from pipelines.explain.elsewhere import by_class, helped, told_of
from pipelines.explain.evidence import Pairs
from pipelines.reconciliation.reconcile import Reconciliation, reconcile

ENDS = "pass"
ANSWERS_NONSENSE = "import sys; sys.stdout.write('nonsense'); sys.stdout.flush(); sys.stdin.read()"
HALF_ANSWERS = "import pickle, sys; sys.stdout.buffer.write(pickle.dumps(({}, 7))[:-3]); sys.stdout.flush()"


@pytest.fixture(scope="module")
def found() -> Reconciliation:
    """Faults in numbers, codes, yes and no, and in dates."""
    reported, new = noisy_sides(4, 2500)
    new = changed(new, pl.col("unit") == "s2", weight=pl.col("weight") * 1000, smoker=None)
    new = changed(new, pl.col("unit") == "n1", nyha=pl.lit("2"), echo_day=pl.col("echo_day").dt.offset_by("7d"))
    new = changed(new, SYD & (pl.col("unit") != "s2"), day=pl.col("day").dt.offset_by("1d"))
    return reconcile(SPEC, reported, new, REFERENCE)


@pytest.fixture
def many(monkeypatch):
    """However few pairs there are, they are taken for many."""
    monkeypatch.setattr(elsewhere, "MANY", 0)


def helper_that(does: str, monkeypatch) -> None:
    monkeypatch.setattr(elsewhere, "HELPER", (sys.executable, "-c", does))


def test_classes_are_of_values_that_may_stand_for_one_another():
    assert by_class(SPEC) == [("day", "echo_day"), ("weight", "pulse"), ("nyha", "smoker")]


def test_few_pairs_are_looked_at_here(found, monkeypatch):
    monkeypatch.setattr(elsewhere, "_begun", lambda: pytest.fail("a helper was called"))
    assert len(explain(SPEC, found).causes) >= 5


def test_the_same_is_told_with_a_helper(found, monkeypatch):
    alone = explain(SPEC, found)
    monkeypatch.setattr(elsewhere, "MANY", 0)
    assert explain(SPEC, found) == alone
    assert len(alone.causes) >= 5


def test_a_helper_alone_tells_what_is_told_here(found, many, monkeypatch):
    here = told_of(Pairs(SPEC, found), tuple(SPEC.compared))
    pairs = Pairs(SPEC, found)
    with helped(pairs) as values:
        values.wait()
        monkeypatch.setattr(elsewhere, "told_of", lambda *_: pytest.fail("something was left"))
        assert values.causes() == [cause for causes in here.values() for cause in causes]
    assert {cause.variables for cause in values.causes()} >= {("weight",), ("nyha",), ("smoker",), ("echo_day",)}
    assert pairs.asked > 20


def test_some_of_very_many_differing_pairs_tell_what_may_be_wrong(found, monkeypatch):
    """And all of them, where it is wrong: as many records belong to each cause."""
    every = explain(SPEC, found)
    monkeypatch.setattr(cells, "LOOKED_AT", 100)
    some = explain(SPEC, found)
    assert [(c.kind, c.where, c.explained) for c in some.causes] == [
        (c.kind, c.where, c.explained) for c in every.causes
    ]


@pytest.mark.parametrize("does", [ENDS, ANSWERS_NONSENSE, HALF_ANSWERS])
def test_what_a_helper_does_not_answer_is_looked_at_here(found, many, monkeypatch, does):
    with monkeypatch.context() as few:
        few.setattr(elsewhere, "MANY", 10**9)
        alone = explain(SPEC, found)
    helper_that(does, monkeypatch)
    assert explain(SPEC, found) == alone


def test_where_no_process_is_to_be_had_all_is_looked_at_here(found, many, monkeypatch):
    monkeypatch.setattr(elsewhere, "HELPER", ("there is no such program",))
    assert len(explain(SPEC, found).causes) >= 5


def test_where_no_question_can_be_made_ready_all_is_looked_at_here(found, many, monkeypatch):
    def none_left(*_):
        raise MemoryError

    monkeypatch.setattr(Pairs, "part", none_left)
    assert len(explain(SPEC, found).causes) >= 5


def test_no_helper_is_left_behind(found, many):
    with pytest.raises(ZeroDivisionError), helped(Pairs(SPEC, found)):
        assert helpers()
        _ = 1 / 0
    assert not helpers()


def test_a_helper_that_nobody_asks_any_more_ends(found):
    helper = elsewhere._begun()
    helper.stdin.close()  # as when the process that asks is killed
    assert helper.wait(30) == 0
    helper.stdout.close()


def helpers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "pipelines.explain.elsewhere" in child.cmdline()]
