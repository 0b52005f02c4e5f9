"""The weighted figures of a journal audit: by hand, over the whole population, and their intervals in simulation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.proportion import proportion_confint

from pipelines.journal import figures
from pipelines.journal.figures import COUNTS, audit_figures, counted

VALUES = ("both", "reported", "new", "neither", "undecided")
RECORDS = ("course", "no_course", "undecided")
# A population whose journal is known: variable, stratum → how many of each answer.
POPULATION = {
    ("nyha", "agree"): (1520, 0, 0, 80, 0), ("nyha", "differ"): (0, 60, 144, 36, 0),
    (None, "pair"): (1690, 10, 0), (None, "only_reported"): (180, 70, 0), (None, "only_new"): (30, 30, 0),
}  # fmt: skip
TRUE = {
    ("nyha", "reported", "right"): 1580 / 1840, ("nyha", "new", "right"): 1664 / 1840,
    ("nyha", None, "right_difference"): 84 / 1840, (None, "reported", "ppv"): 1870 / 1950,
    (None, "new", "ppv"): 1720 / 1760, (None, "reported", "sensitivity"): 1870 / 1900,
    (None, "new", "sensitivity"): 1720 / 1900,
}  # fmt: skip


def counts(given: Mapping[tuple[str | None, str], tuple[int, ...]], population: Mapping | None = None) -> pl.DataFrame:
    rows = []
    for (variable, stratum), answers in given.items():
        names = VALUES if len(answers) == len(VALUES) else RECORDS
        whole = sum((population or given)[variable, stratum])
        said = dict(zip(names, answers, strict=True))
        rows.append(dict.fromkeys(COUNTS, 0) | {"variable": variable, "stratum": stratum, "population": whole,
                                                "drawn": sum(answers), **said})  # fmt: skip
    return pl.DataFrame(rows, schema=COUNTS)


def told(frame: pl.DataFrame) -> dict[tuple[str | None, str | None, str], dict]:
    return {(row["variable"], row["side"], row["figure"]): row for row in audit_figures(frame).to_dicts()}


def sampled(lots: np.random.Generator, sizes: Mapping[str, int], undecided: float = 0.0) -> dict:
    """Simple random samples of the strata; some of what was drawn cannot be decided."""
    drawn = {}
    for (variable, stratum), whole in POPULATION.items():
        got = lots.multivariate_hypergeometric(whole, min(sizes[stratum], sum(whole)))
        lost = lots.binomial(got, undecided)
        lost[-1] = 0
        drawn[variable, stratum] = (*(got - lost)[:-1].tolist(), int(lost.sum()))
    return drawn


SMALL = {"agree": 15, "differ": 15, "pair": 30, "only_reported": 30, "only_new": 30}
LARGE = {"agree": 200, "differ": 80, "pair": 150, "only_reported": 100, "only_new": 50}


def coverage(sizes: Mapping[str, int], undecided: float = 0.0, runs: int = 400) -> dict[tuple, float]:
    lots, hits = np.random.default_rng(4), dict.fromkeys(TRUE, 0)
    for _ in range(runs):
        found = told(counts(sampled(lots, sizes, undecided), POPULATION))
        for key, true in TRUE.items():
            hits[key] += found[key]["low"] - 1e-12 <= true <= found[key]["high"] + 1e-12
    return {key: n / runs for key, n in hits.items()}


@pytest.mark.parametrize(("sizes", "undecided"), [(SMALL, 0.0), (SMALL, 0.1), (LARGE, 0.0)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(sizes, undecided) -> None:
    found = coverage(sizes, undecided)
    assert min(found.values()) >= 0.92
    assert np.mean(list(found.values())) == pytest.approx(0.95, abs=0.02)


def test_broken_variant_of_normal_intervals_is_caught(monkeypatch) -> None:
    """An interval from the sample's own variance is too short where a stratum says all the same."""

    def normal(population: int, yes: int, n: int) -> figures.Part:
        low, high = proportion_confint(yes, n, method="normal")
        return figures.Part(population, yes / n, float(low), float(high))

    monkeypatch.setattr(figures, "_part", normal)
    assert min(coverage(SMALL).values()) < 0.8


def test_the_weighted_figures_are_right_on_average_and_the_unweighted_are_not() -> None:
    lots, weighted, plain = np.random.default_rng(5), [], []
    for _ in range(300):
        drawn = sampled(lots, SMALL)
        weighted.append(told(counts(drawn, POPULATION))["nyha", "reported", "right"]["value"])
        both, reported = (sum(drawn["nyha", stratum][at] for stratum in ("agree", "differ")) for at in (0, 1))
        plain.append((both + reported) / 30)
    true = TRUE["nyha", "reported", "right"]
    assert np.mean(weighted) == pytest.approx(true, abs=0.01)
    assert np.mean(plain) < true - 0.2


def test_where_all_was_seen_nothing_is_uncertain() -> None:
    for key, row in told(counts(POPULATION)).items():
        if key in TRUE:
            assert row["value"] == pytest.approx(TRUE[key], abs=1e-12)
            assert row["low"] == pytest.approx(TRUE[key], abs=1e-9)
            assert row["high"] == pytest.approx(TRUE[key], abs=1e-9)


def test_one_stratum_of_an_endless_population_has_wilsons_interval() -> None:
    drawn = {("nyha", "differ"): (0, 8, 2, 0, 0)}
    row = told(counts(drawn, {("nyha", "differ"): (0, 10**9, 0, 0, 0)}))["nyha", "reported", "right"]
    assert (row["low"], row["high"]) == pytest.approx(proportion_confint(8, 10, method="wilson"), abs=1e-7)


def test_the_weights_by_hand() -> None:
    drawn = {("nyha", "agree"): (18, 0, 0, 1, 1), ("nyha", "differ"): (0, 4, 5, 1, 0)}
    whole = {("nyha", "agree"): (900, 0, 0, 0, 0), ("nyha", "differ"): (0, 100, 0, 0, 0)}
    found = told(counts(drawn, whole))
    assert found["nyha", "reported", "right"]["value"] == pytest.approx(0.9 * 18 / 19 + 0.1 * 4 / 10)
    assert found["nyha", "new", "right"]["value"] == pytest.approx(0.9 * 18 / 19 + 0.1 * 5 / 10)
    assert found["nyha", None, "right_difference"]["value"] == pytest.approx(0.1 * 1 / 10)
    assert found["nyha", None, "undecided"]["value"] == pytest.approx(0.9 * 1 / 20)


def test_what_cannot_be_said_has_a_reason() -> None:
    drawn = {("nyha", "agree"): (10, 0, 0, 0, 0), ("nyha", "differ"): (0, 0, 0, 0, 10), (None, "pair"): (0, 5, 0)}
    found = told(counts(drawn, {key: tuple(10 * n for n in of) for key, of in drawn.items()}))
    assert found["nyha", "reported", "right"]["reason"] == "nothing decided in a stratum"
    assert found["nyha", None, "right_difference"]["value"] is None
    assert found[None, "new", "sensitivity"]["reason"] == "no courses"
    assert (found[None, "new", "ppv"]["value"], found[None, "new", "ppv"]["n"]) == (0, 5)


def test_answers_are_counted_by_stratum() -> None:
    answers = pl.DataFrame({"variable": ["nyha"] * 3 + [None], "stratum": ["agree", "agree", "differ", "pair"],
                            "population": [90, 90, 7, 97], "said": ["both", "undecided", "new", "course"]})  # fmt: skip
    rows = {(row["variable"], row["stratum"]): row for row in counted(answers).to_dicts()}
    assert (rows["nyha", "agree"]["drawn"], rows["nyha", "agree"]["both"], rows["nyha", "agree"]["undecided"]) == (
        2,
        1,
        1,
    )
    assert (rows["nyha", "differ"]["new"], rows[None, "pair"]["course"], rows[None, "pair"]["population"]) == (1, 1, 97)
