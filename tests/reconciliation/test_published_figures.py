"""The figures against published examples, to the precision they were printed with, and laws that hold always.

The numbers and their citations stand in tests/data/external_truth/.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipelines.reconciliation.agreement_of_categories import (
    bias_index,
    kappa,
    mcnemar_p,
    negative_agreement,
    npv,
    pabak,
    positive_agreement,
    ppv,
    prevalence_index,
    sensitivity,
    specificity,
    two_by_two,
    weighted_kappa,
)
from pipelines.reconciliation.agreement_of_numbers import ccc, limits_of_agreement, mean_difference, numbers
from pipelines.reconciliation.capture import chapman, lincoln_petersen
from pipelines.reconciliation.coverage import coverage
from pipelines.reconciliation.intervals import (
    Z,
    clopper_pearson,
    newcombe,
    wilson,
    wilson_bounds,
    wilson_columns,
)

TRUTH = Path(__file__).parent.parent / "data" / "external_truth"


def truth(name: str) -> dict:
    return json.loads((TRUTH / name).read_text("utf-8"))


def printed(value: float, decimals: int):
    """Equal as far as `decimals` were printed."""
    return pytest.approx(value, abs=0.5 * 10**-decimals + 1e-12)


# ---------------------------------------------------------------- Bland & Altman 1986, Lin 1989


@pytest.fixture(scope="module")
def peak_flow() -> tuple[np.ndarray, np.ndarray]:
    """First readings of the mini meter (in the place of reported) and of the Wright meter (new)."""
    frame = pl.read_csv(TRUTH / "bland_altman_1986_pefr.csv")
    return frame["mini_1"].to_numpy().astype(float), frame["wright_1"].to_numpy().astype(float)


def test_bland_altman_as_printed(peak_flow):
    """The paper reckons limits and intervals from its rounded mean and SD; so do these differences."""
    published = truth("01_bland_altman_1986_pefr.json")["published"]
    reported, new = peak_flow
    difference = new - reported
    assert difference.mean() == printed(published["mean_difference"], 1)
    assert difference.std(ddof=1) == printed(published["sd_difference"], 1)
    standard = (difference - difference.mean()) / difference.std(ddof=1)
    rounded = published["mean_difference"] + published["sd_difference"] * standard
    low, high = limits_of_agreement(rounded, multiplier=2)
    mean = mean_difference(rounded)
    assert [low.value, high.value] == printed(published["limits_2sd"], 1)
    assert [mean.low, mean.high] == printed(published["ci95_mean_difference"], 1)
    assert [low.low, low.high] == printed(published["ci95_lower_limit"], 1)
    assert [high.low, high.high] == printed(published["ci95_upper_limit"], 1)
    assert (low.n, high.n, mean.n) == (17, 17, 17)


def test_bland_altman_in_full_precision_and_with_the_usual_multiplier(peak_flow):
    computed = truth("01_bland_altman_1986_pefr.json")["computed_full_precision"]
    reported, new = peak_flow
    for multiplier, name in ((2, "limits_2sd"), (1.96, "limits_1_96sd")):
        limits = limits_of_agreement(new - reported, multiplier)
        assert [limit.value for limit in limits] == pytest.approx(computed[name], abs=1e-6)
    usual = {figure.figure: figure.value for figure in numbers(reported, new)}
    assert [usual["loa_low"], usual["loa_high"]] == pytest.approx(computed["limits_1_96sd"], abs=1e-6)
    assert usual["mean_difference"] == pytest.approx(computed["mean_difference"], abs=1e-9)
    assert usual["sd_difference"] == pytest.approx(computed["sd_difference"], abs=1e-9)


def test_lins_concordance(peak_flow):
    expected = truth("01_bland_altman_1986_pefr.json")["lin_ccc"]
    found = ccc(*peak_flow)
    assert found.value == pytest.approx(expected["value"], abs=1e-9)
    assert [found.low, found.high] == printed(expected["ci95_z_transform"], 4)


def test_lins_interval_is_as_wide_as_samples_spread():
    """Samples of a known shifted normal distribution: in z, the half width is 1.96 times their spread."""
    chance = np.random.default_rng(20)
    samples = [chance.multivariate_normal([0, 1.5], [[1, 0.8], [0.8, 1]], 60, method="cholesky").T for _ in range(800)]
    found = [ccc(reported, new) for reported, new in samples]
    z = np.arctanh([(figure.low, figure.value, figure.high) for figure in found])
    assert np.mean((z[:, 2] - z[:, 0]) / 2 / Z) == pytest.approx(z[:, 1].std(), rel=0.08)
    assert np.tanh(z[:, 1].mean()) == pytest.approx(2 * 0.8 / (1 + 1 + 1.5**2), abs=0.01)


def test_percentiles_and_chi_square_interval(peak_flow):
    found = {figure.figure: figure for figure in numbers(*peak_flow)}
    # 17 differences: the 2.5th percentile lies 0.4 of the way from the lowest to the next lowest.
    lowest = np.sort(peak_flow[1] - peak_flow[0])
    assert found["p2_5"].value == pytest.approx(lowest[0] + 0.4 * (lowest[1] - lowest[0]))
    assert found["p97_5"].value == pytest.approx(lowest[-1] - 0.4 * (lowest[-1] - lowest[-2]))
    # χ² with 16 degrees of freedom: 28.845 and 6.908 (any table).
    assert found["sd_difference"].low == printed(38.76513 * (16 / 28.845) ** 0.5, 2)
    assert found["sd_difference"].high == printed(38.76513 * (16 / 6.908) ** 0.5, 2)


# ---------------------------------------------------------------- kappa


def kappa_case(name: str) -> dict:
    return next(case for case in truth("02_kappa_tables.json")["cases"] if case["id"] == name)


@pytest.fixture(scope="module")
def cohen() -> tuple[dict, np.ndarray]:
    case = kappa_case("cohen_3x3")
    return case, np.rint(np.array(case["table_proportions"]) * case["n"]).astype(int)


def test_cohens_own_table(cohen):
    case, table = cohen
    assert kappa(table).value == printed(case["published"]["kappa"], 3)
    assert kappa(table).n == 200


@pytest.mark.parametrize("asymmetric", ["", "_asymmetric"])
def test_cohens_weighted_kappa_with_his_disagreement_weights(cohen, asymmetric):
    case, table = cohen
    weights = case[f"disagreement_weights{asymmetric}"]
    published = case["published"]["weighted_kappa" + (asymmetric and "_asymmetric_weights")]
    found = weighted_kappa(table, weights)
    assert (found.figure, found.value) == ("weighted_kappa", printed(published, 3))
    assert weighted_kappa(table, np.array(weights) * 10).low == pytest.approx(found.low)


def test_weighted_kappa_of_cohens_table_depends_on_the_weights(cohen):
    _, table = cohen
    linear, plain = weighted_kappa(table).value, weighted_kappa(table, 1 - np.eye(3)).value
    assert plain == pytest.approx(kappa(table).value)
    assert abs(linear - plain) > 0.001


@pytest.mark.parametrize(
    ("name", "decimals"),
    [
        ("salmon_ifat", 2),
        ("pregnancy_elisa_us", 2),
        ("feinstein_cicchetti_balanced", 2),
        ("feinstein_cicchetti_paradox", 2),
        ("fmsb_example", 2),
    ],
)
def test_published_two_by_two_tables(name, decimals):
    case = kappa_case(name)
    table = np.array(case["table"])
    assert kappa(table).value == printed(case["published"]["kappa"], decimals)
    found = {figure.figure: figure for figure in two_by_two(table)}
    for figure in ("kappa", "pabak", "prevalence_index", "bias_index"):
        if figure in case["computed"]:
            assert found[figure].value == pytest.approx(case["computed"][figure], abs=1e-12)
    if "pabak_ci95" in case["published"]:
        assert found["pabak"].value == printed(case["published"]["pabak"], decimals)
        assert [found["pabak"].low, found["pabak"].high] == printed(case["published"]["pabak_ci95"], decimals)


def test_interval_of_kappa_for_the_pregnancy_tests():
    case = kappa_case("pregnancy_elisa_us")
    found = kappa(np.array(case["table"]))
    assert [found.low, found.high] == printed(case["published"]["kappa_ci95"], 2)


def test_salmon_interval_and_z_are_those_of_the_null_variance():
    case = kappa_case("salmon_ifat")
    found = kappa(np.array(case["table"]), null_variance=True)
    assert [found.low, found.high] == printed(case["published"]["kappa_ci95"], 2)
    error = (found.high - found.low) / 2 / Z
    assert found.value / error == printed(case["published"]["z"], 2)
    # The variance that holds at the estimate itself is wider here; it is the one figures use.
    assert kappa(np.array(case["table"])).low < found.low


def test_the_paradox_equal_agreement_but_another_kappa_shows_in_the_prevalence_index():
    balanced, skewed = (
        np.array(kappa_case(f"feinstein_cicchetti_{kind}")["table"]) for kind in ("balanced", "paradox")
    )
    assert np.trace(balanced) == np.trace(skewed)
    assert kappa(balanced).value - kappa(skewed).value > 0.3
    assert pabak(balanced).value == pytest.approx(pabak(skewed).value) == pytest.approx(0.7)
    assert abs(prevalence_index(balanced).value) < 0.1 < prevalence_index(skewed).value
    assert bias_index(skewed).value == pytest.approx(0.05)
    assert negative_agreement(skewed).value == pytest.approx(10 / 25)
    assert positive_agreement(skewed).value == pytest.approx(160 / 175)


def test_everything_in_one_category_has_no_kappa():
    found = kappa(np.array([[20, 0], [0, 0]]))
    assert (found.value, found.low, found.high, found.reason) == (None, None, None, "one category only")
    assert weighted_kappa(np.array([[20, 0], [0, 0]])).reason == "one category only"
    assert kappa(np.zeros((2, 2), int)).reason == "no pairs"
    assert kappa(np.array([[19, 1], [0, 0]])).value == pytest.approx(0)


def test_complete_agreement_claims_no_certainty():
    found = kappa(np.array([[12, 0], [0, 8]]))
    assert (found.value, found.low, found.high) == (1, None, None)
    exact = pabak(np.array([[12, 0], [0, 8]]))
    assert (exact.value, exact.high) == (1, 1)
    assert exact.low == pytest.approx(2 * 0.025 ** (1 / 20) - 1)


@pytest.mark.parametrize("table", [np.diag([1_153_040, 19, 24, 33, 37]), np.array([[294, 1], [0, 0]])])
def test_rounding_errors_are_no_interval(table):
    """The variance is 0 by its formula, and some 10⁻¹⁴ in binary fractions."""
    found = kappa(table)
    assert (found.value, found.low, found.high) == (pytest.approx(1 if table[1, 1] else 0), None, None)


def test_mcnemar_is_the_binomial_test_of_the_differing_pairs():
    # 1 against 7 of 8: 2 · (1 + 8) ÷ 2⁸.
    found = mcnemar_p(np.array([[30, 1], [7, 12]]))
    assert (found.value, found.n) == (pytest.approx(18 / 256), 8)
    assert mcnemar_p(np.array([[30, 0], [0, 12]])).reason == "no pair differs"


# ---------------------------------------------------------------- sensitivity and predictive value


def scott() -> tuple[dict, np.ndarray]:
    case = truth("03_sens_spec_ppv_scott2008.json")
    cells = case["table"]
    disease, healthy = ([cells[f"test_pos_dis_{kind}"], cells[f"test_neg_dis_{kind}"]] for kind in ("pos", "neg"))
    return case, np.array([disease, healthy])


def test_scott_2008():
    case, table = scott()
    for figure in (sensitivity, specificity):
        found = figure(table)
        published = case["published"]
        assert found.value == printed(published[found.figure], 2)
        assert [found.low, found.high] == printed(published[f"{found.figure}_ci95"], 2)
    for figure in (sensitivity, specificity, ppv, npv):
        assert figure(table).value == pytest.approx(case["computed"][figure(table).figure], abs=1e-9)
    assert [ppv(table).low, ppv(table).high] == printed(case["computed"]["ppv_wilson"], 4)
    assert clopper_pearson(670, 872) == printed(tuple(case["computed"]["ppv_exact"]), 4)


def test_a_table_with_its_sides_exchanged_would_be_noticed():
    case, table = scott()
    assert sensitivity(table.T).value != printed(case["published"]["sensitivity"], 2)
    assert sensitivity(table.T).value == pytest.approx(ppv(table).value)


def test_specificity_only_where_somebody_listed_the_non_cases():
    _, table = scott()
    asked = {figure.figure for figure in two_by_two(table, frame_of_non_cases=True)}
    assert asked - {figure.figure for figure in two_by_two(table)} == {"specificity", "npv"}


def test_shares_of_nothing_are_not_applicable():
    table = np.array([[0, 0], [0, 9]])
    for figure in (sensitivity, ppv, positive_agreement):
        assert figure(table).value is None
        assert figure(table).reason


# ---------------------------------------------------------------- intervals of proportions


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


def test_the_textbook_interval_would_be_caught():
    assert not encloses(0.0, 0.0, 0.0)  # Wald's at 0 of 20
    p, half = 1 / 29, 1.96 * (1 / 29 * 28 / 29 / 29) ** 0.5
    assert not encloses(p - half, p, p + half)


# ---------------------------------------------------------------- capture–recapture and coverage


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
    table = coverage(places(case["both"]), places(case["only_registry"]), places(case["only_lpr"]))
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


# ---------------------------------------------------------------- laws

counts = st.integers(2, 5).flatmap(lambda size: arrays.arrays(np.int64, (size, size), elements=st.integers(0, 300)))
values = st.lists(st.tuples(st.integers(-999, 999), st.integers(-999, 999)), min_size=2, max_size=40)


@settings(deadline=None)
@given(table=counts)
def test_kappa_stays_within_its_scale_and_is_the_same_from_both_sides(table):
    for figure in (kappa, weighted_kappa):
        one, other = figure(table), figure(table.T)
        assert (one.value is None) == (other.value is None) == (one.reason is not None)
        if one.value is None:
            continue
        assert one.value == pytest.approx(other.value, abs=1e-9)
        assert -1 - 1e-9 <= one.value <= 1
        if one.low is not None:
            assert -1 <= one.low <= one.value + 1e-9 and one.value - 1e-9 <= one.high <= 1


@settings(deadline=None)
@given(table=counts)
def test_kappa_by_its_textbook_formula(table):
    n = table.sum()
    assume(n > 0)
    chance = sum(table[i].sum() * table[:, i].sum() for i in range(len(table))) / n**2
    assume(chance < 1)
    assert kappa(table).value == pytest.approx((np.trace(table) / n - chance) / (1 - chance), abs=1e-9)


@settings(deadline=None)
@given(table=arrays.arrays(np.int64, (2, 2), elements=st.integers(0, 300)))
def test_exchanging_the_sides_of_a_two_by_two_table(table):
    one = {figure.figure: figure.value for figure in two_by_two(table)}
    other = {figure.figure: figure.value for figure in two_by_two(table.T)}
    assert (one["sensitivity"], one["mcnemar_p"]) == (other["ppv"], other["mcnemar_p"])
    assert one["positive_agreement"] == other["positive_agreement"]
    assert one["bias_index"] == (other["bias_index"] and -other["bias_index"])


@settings(deadline=None)
@given(pairs=values)
def test_exchanging_the_sides_turns_the_sign_of_the_difference(pairs):
    reported, new = np.array(pairs, float).T
    one = {figure.figure: figure for figure in numbers(reported, new)}
    other = {figure.figure: figure for figure in numbers(new, reported)}
    assert one["mean_difference"].value == pytest.approx(-other["mean_difference"].value)
    assert one["loa_low"].value == pytest.approx(-other["loa_high"].value)
    assert one["p2_5"].value == pytest.approx(-other["p97_5"].value)
    assert one["sd_difference"].value == pytest.approx(other["sd_difference"].value)
    if one["ccc"].value is not None:
        assert one["ccc"].value == pytest.approx(other["ccc"].value, abs=1e-9)
        assert -1 - 1e-9 <= one["ccc"].value <= 1 + 1e-9


@settings(deadline=None)
@given(pairs=values, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_pairs_changes_no_bit(pairs, seed):
    reported, new = np.array(pairs, float).T / 7
    order = np.random.default_rng(seed).permutation(len(pairs))
    assert numbers(reported, new) == numbers(reported[order], new[order])


def test_numbers_of_too_few_pairs_have_reasons():
    assert {figure.reason for figure in numbers([], [])} == {"no pairs"}
    alone = {figure.figure: figure for figure in numbers([1.0, np.nan], [3.0, 4.0])}
    assert (alone["mean_difference"].value, alone["mean_difference"].low) == (2, None)
    assert alone["sd_difference"].reason == alone["loa_low"].reason == alone["ccc"].reason == "one pair only"
    assert ccc(np.array([5.0, 5.0, 5.0]), np.array([1.0, 2.0, 3.0])).reason == "one value only"


def test_a_constant_difference_claims_no_certainty():
    found = mean_difference(np.full(20, 3.0))
    assert (found.value, found.low, found.high) == (3, None, None)
    exact = ccc(np.arange(5.0), np.arange(5.0))
    assert (exact.value, exact.low) == (pytest.approx(1), None)
