"""Intervals, capture–recapture and coverage as published, and laws that hold always."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_examples import printed, truth
from statsmodels.stats.proportion import proportion_confint

from pipelines.reconciliation.capture import chapman, lincoln_petersen
from pipelines.reconciliation.coverage import counted_by_place, coverage
from pipelines.reconciliation.intervals import (
    Z,
    clopper_pearson,
    newcombe,
    wilson,
    wilson_bounds,
    wilson_columns,
)


@pytest.mark.parametrize("case", truth("05_proportion_intervals_newcombe1998.json")["wilson"], ids=str)
def test_wilson(case):
    assert wilson(case["x"], case["n"]) == printed(tuple(case["ci95"]), 4)


@pytest.mark.parametrize("case", truth("05_proportion_intervals_newcombe1998.json")["clopper_pearson"], ids=str)
def test_clopper_pearson(case):
    assert clopper_pearson(case["x"], case["n"]) == printed(tuple(case["ci95"]), 4)


@pytest.mark.parametrize("case", truth("05_proportion_intervals_newcombe1998.json")["difference_method10"], ids=str)
def test_newcombes_difference(case):
    found = newcombe(case["x1"], case["n1"], case["x2"], case["n2"])
    assert found == printed(tuple(case["ci95"]), 4)


@pytest.mark.parametrize(
    ("x", "n", "interval"),
    [(804, 834, (0.949, 0.975)), (450, 518, (0.837, 0.895)), (720, 834, (0.838, 0.885))],
)
def test_danish_lung_cancer_registry_against_records(x, n, interval):
    """ERS abstract on DLCR: date of diagnosis, pack-years and stage."""
    assert wilson(x, n) == printed(interval, 3)


def test_columns_are_the_scalar_interval_row_by_row():
    frame = pl.DataFrame({"agree": [81, 0, 20, 0, None], "known": [263, 20, 20, 0, None]})
    shown = wilson_columns(frame, "agree", "known", "share")
    assert shown.columns == ["agree", "known", "share", "share_low", "share_high"]
    rows = shown.select("share", "share_low", "share_high").rows()
    assert rows[:3] == [(x / n, *wilson(x, n)) for x, n in ((81, 263), (0, 20), (20, 20))]
    assert rows[3:] == [(None, None, None)] * 2


def test_nothing_of_nothing_has_no_interval():
    assert wilson(0, 0) == clopper_pearson(0, 0) == newcombe(0, 0, 3, 10) == (None, None)
    assert (
        wilson_columns(pl.DataFrame({"x": [], "n": []}, schema={"x": pl.Int64, "n": pl.Int64}), "x", "n", "p").height
        == 0
    )


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize(("x", "n"), [(5, 4), (-1, 4), (1, 0)])
def test_impossible_counts_are_refused(interval, x, n):
    with pytest.raises(ValueError, match="counts from 0 to n"):
        interval(x, n)


def encloses(low: float, share: float, high: float) -> bool:
    return 0 <= low <= share <= high <= 1 and low < high


@settings(deadline=None)
@given(n=st.integers(1, 10**7), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_encloses_its_share_and_stays_a_proportion(n, share, confidence):
    x = round(n * share)
    low, high = wilson(x, n, confidence)
    assert encloses(low, x / n, high)
    wider = wilson(x, n, 0.999)
    assert wider[0] <= low and high <= wider[1]


@settings(deadline=None)
@given(n=st.integers(1, 10**7), share=st.floats(0, 1), confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_that_of_statsmodels(n, share, confidence):
    x = round(n * share)
    expected = proportion_confint(x, n, alpha=1 - confidence, method="wilson")
    assert wilson(x, n, confidence) == (min(expected[0], x / n), max(expected[1], x / n))


def test_the_textbook_interval_would_be_caught():
    assert not encloses(0.0, 0.0, 0.0)  # Wald's at 0 of 20
    p, half = 1 / 29, 1.96 * (1 / 29 * 28 / 29 / 29) ** 0.5
    assert not encloses(p - half, p, p + half)


def test_lincoln_petersen_as_printed():
    case = truth("06_capture_recapture_and_coverage.json")["lincoln_petersen"]
    found = lincoln_petersen(case["first"], case["second"], case["both"])
    assert found.value == case["published"]["N"]
    assert [round(found.low), int(np.ceil(found.high))] == case["published"]["ci95"]
    seen = case["first"] + case["second"] - case["both"]
    assert (found.n, found.value - seen) == (seen, case["published"]["untested"])


def test_chapman_as_computed():
    case = truth("06_capture_recapture_and_coverage.json")
    counts = [case["lincoln_petersen"][name] for name in ("first", "second", "both")]
    found = chapman(*counts)
    assert found.value == printed(case["chapman_same_data"]["N"], 4)
    assert ((found.high - found.value) / Z) ** 2 == printed(case["chapman_same_data"]["variance"], 3)


def test_chapman_for_the_colorectal_database_and_the_cancer_registry():
    """Christensen et al., Acta Oncol: DCCG 10,312, DCR 9,678, 10,688 in either; estimate by arithmetic."""
    assert chapman(10_312, 9_678, 10_312 + 9_678 - 10_688).value == printed(10_729, 0)


def test_estimates_without_a_common_record():
    assert lincoln_petersen(5, 7, 0).reason == "no record in both"
    assert chapman(5, 7, 0).value == 47
    assert chapman(0, 0, 0).reason == "no records"
    assert chapman(9, 9, 9).value == chapman(9, 9, 9).low == 9
    assert chapman(9, 9, 8).low == 10  # as many as were seen; the formula alone says 9.4
    assert lincoln_petersen(9, 9, 9).low == 9
    with pytest.raises(ValueError, match="outnumber"):
        chapman(5, 7, 6)


def places(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"region": ["r"] * rows, "unit": ["u"] * rows, "period": ["2025-01"] * rows})


def test_nordic_coverage_formula():
    case = truth("06_capture_recapture_and_coverage.json")["nordic_coverage_formula"]["worked_check"]
    counted = {"both": case["both"], "only_reported": case["only_registry"], "only_new": case["only_lpr"]}
    table = coverage(pl.concat(counted_by_place(kind, places(n)) for kind, n in counted.items()))
    country = table.filter(pl.all_horizontal(pl.col("region", "unit", "period").is_null())).row(0, named=True)
    assert country["completeness_of_reported"] == pytest.approx(case["registry_coverage"])
    assert country["completeness_of_new"] == pytest.approx(case["lpr_coverage"])
    assert country["overlap"] == pytest.approx(case["both"] / 1000)
    assert (country["overlap_low"], country["overlap_high"]) == pytest.approx(wilson(930, 1000))


def test_shares_of_the_audit_helper_example():
    case = truth("06_capture_recapture_and_coverage.json")["dbt_audit_helper_example"]
    counts = np.array([case["both"], case["only_a"], case["only_b"]])
    low, high = wilson_bounds(counts, np.full(3, counts.sum()))
    percent = 100 * counts / counts.sum()
    assert percent.tolist() == printed(case["computed_pct"], 2)
    assert np.all((100 * low < percent) & (percent < 100 * high))
