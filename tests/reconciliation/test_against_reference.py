"""The engine against the naive reconciliation, on random specifications and sides, row for row."""

from __future__ import annotations

import datetime as dt

import pytest
from generated_sides import sides, specs
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive_reconciliation import Naive, reconcile_naively
from small_sides import side

from pipelines.reconciliation import cells, match
from pipelines.reconciliation.compare import OUTCOMES
from pipelines.reconciliation.reconcile import Reconciliation, reconcile

PLACES = ("region", "unit", "period")
days = st.sampled_from([dt.date(2026, 3, day) for day in (2, 5, 7, 9)] + [dt.date(2026, 4, 1)])


# Not shrunk: a failing case is small as it is, and hundreds of smaller ones would take minutes.
@settings(deadline=None, max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(spec=specs(), rows=sides(), day=days, repeats=st.booleans(), part=st.sampled_from([match.PART, 3]))
def test_the_engine_is_the_naive_reconciliation(spec, rows, day, repeats, part):
    expected = reconcile_naively(spec, *rows, day)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cells, "repeats", lambda column: repeats)  # compared by number, or one by one
        patched.setattr(match, "PART", part)  # keys meet all together, or part by part
        found = reconcile(spec, *(side(spec, one) for one in rows), day)
    assert set(found.pairs.select("reported_id", "new_id", "rule").rows()) == expected.pairs
    assert statuses(found) == expected.statuses
    assert reasons(found) == expected.reasons
    assert outcomes(spec, found) == expected.outcomes
    assert agreement(found) == agreement_of(expected)
    assert coverage(found) == coverage_of(expected)
    assert discrepancies(found) == expected.discrepancies


def statuses(found: Reconciliation) -> dict:
    return {(side, name): status for side, name, status in found.records.select("_side", "record_id", "_status").rows()}


def reasons(found: Reconciliation) -> dict:
    return {(side, name): reason for side, name, reason in found.unmatched.select("side", "record_id", "reason").rows()}


def outcomes(spec, found: Reconciliation) -> dict:
    rows = found.compared.iter_rows(named=True)
    return {(r["reported_id"], r["new_id"], name): r[f"{name}_outcome"] for r in rows for name in spec.compared}


def agreement(found: Reconciliation) -> dict:
    whole_codes = found.agreement.filter(found.agreement["level"].is_null())
    return {row[:4]: row[4:] for row in whole_codes.select("variable", *PLACES, *OUTCOMES).rows()}


def agreement_of(expected: Naive) -> dict:
    return {key: tuple(counts[name] for name in OUTCOMES) for key, counts in expected.agreement.items()}


KINDS = ("both", "only_reported", "only_new")


def coverage(found: Reconciliation) -> dict:
    rows = found.coverage.select(*PLACES, *KINDS, "union", "reported", "new").rows()
    for *_, both, only_reported, only_new, union, reported, new in rows:
        assert (union, reported, new) == (both + only_reported + only_new, both + only_reported, both + only_new)
    return {row[:3]: row[3:6] for row in rows}


def coverage_of(expected: Naive) -> dict:
    return {place: tuple(counts[name] for name in KINDS) for place, counts in expected.coverage.items()}


def discrepancies(found: Reconciliation) -> set:
    frame = found.discrepancies
    assert frame["discrepancy_id"].n_unique() == len(frame)
    return set(frame.select("reported_id", "new_id", "variable", "kind", *PLACES).rows())
