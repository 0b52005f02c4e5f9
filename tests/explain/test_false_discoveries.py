"""How sure causes are, and that what is published of them is what was counted."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from planted_sides import REFERENCE, SPEC, agreeing, changed, noisy_sides
from rows_of_frame import rows_of

from pipelines.explain.cause import Cause, q_values
from pipelines.explain.causes import explain
from pipelines.explain.rows import slice_attributes
from pipelines.reconciliation.reconcile import reconcile

CAUSE = Cause("missing_in_new", ("weight",), {}, {}, (), 1, 0.0, 1.0)


def causes(*chances: float) -> list[Cause]:
    return [dataclasses.replace(CAUSE, log_chance=float(np.log(chance))) for chance in chances]


def test_q_values_are_benjamini_and_yekutieli_s_over_all_that_was_asked():
    harmonic = sum(1 / i for i in range(1, 101))
    first, second = q_values(causes(1e-6, 1e-4), 100)
    assert first == pytest.approx(1e-6 * 100 * harmonic)
    assert second == pytest.approx(1e-4 * 100 * harmonic / 2)


def test_the_more_was_asked_the_less_sure():
    assert q_values(causes(1e-6), 10) < q_values(causes(1e-6), 1000)
    assert q_values([], 10) == []


@pytest.mark.parametrize("seed", range(3))
def test_shares_and_lifts_are_recomputed_from_what_is_published(seed):
    reported, new = noisy_sides(seed, 1500)
    new = changed(new, pl.col("unit") == "s2", weight=pl.col("weight") * 1000)
    new = changed(new, pl.col("schema_version") == "1.1", nyha=None)
    found = reconcile(SPEC, reported, new, REFERENCE)
    explanation = explain(SPEC, found)
    published = found.discrepancies.join(explanation.cause_ids(), on="discrepancy_id", how="left")
    said = found.compared.with_columns(nyha=pl.col("nyha_new"))
    rows = rows_of(said, "day_new", [*slice_attributes(SPEC)])
    assert len(explanation.causes) >= 2
    assert published["cause_id"].null_count() == explanation.unexplained
    for cause in explanation.causes:
        assert published.filter(cause_id=cause.id).height == cause.explained
        assert rows.inside(cause.where).sum() * len(cause.variables) == cause.in_slice
        assert cause.share == cause.explained / cause.in_slice


def test_every_discrepancy_has_at_most_one_cause():
    reported, new = agreeing(1)
    new = changed(new, pl.col("unit").is_in(["n1", "s1"]), weight=None, nyha=None)
    told = explain(SPEC, reconcile(SPEC, reported, new, REFERENCE)).cause_ids()
    assert told["discrepancy_id"].is_unique().all()
