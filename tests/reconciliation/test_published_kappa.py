"""Agreement of categories and two-by-two tables as published (Cohen, Scott 2008), and laws that hold always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from published_examples import printed, truth
from single_figures import (
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

from pipelines.reconciliation.intervals import (
    Z,
    clopper_pearson,
)


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


counts = st.integers(2, 5).flatmap(lambda size: arrays.arrays(np.int64, (size, size), elements=st.integers(0, 300)))


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
