"""Control charts: few false signals over many charts, planted shifts found in time, and what is charted."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy import stats
from small_sides import side, small_spec

from pipelines.reconciliation.cells import read_cells
from pipelines.reconciliation.reconcile import reconcile
from pipelines.reconciliation.shape import shaped
from pipelines.reconciliation.signals import counts, limits
from pipelines.reconciliation.signals.charts import MONTH, charted_counts, charted_shares
from pipelines.reconciliation.signals.counts import counts_to_chart, of_register, settled_records
from pipelines.reconciliation.signals.limits import beyond_chance, count_tails, share_limits, share_tails
from pipelines.reconciliation.signals.signals import control_charts, signals

ROWS, MONTHS, RUN_LENGTH = 240, 36, 500
CALENDAR = np.arange(MONTHS) % 12 + 1
GROUP = np.repeat(np.arange(ROWS // 30), 30)
DAYS = np.full(MONTHS, 30.4)


def shares(seed: int, p: float, n: float, rho: float, fall: float = 0.0, season: float = 0.0):
    """Units that differ, months that vary beyond chance (rho), a season, and a fall in the last year."""
    random = np.random.default_rng(seed)
    size = random.poisson(n, (ROWS, MONTHS)).astype(float)
    of_unit = random.beta(p * 100, (1 - p) * 100, (ROWS, 1)) + season * np.sin(CALENDAR / 12 * 2 * np.pi)
    of_unit = np.clip(of_unit, 0.001, 0.999)
    of_month = random.beta(of_unit / rho, (1 - of_unit) / rho) if rho else of_unit * np.ones(size.shape)
    of_month[:, 24:] = np.maximum(of_month[:, 24:] - fall, 0)
    return random.binomial(size.astype(int), of_month).astype(float), size


def charted(k, n):
    return charted_shares(k, n, GROUP, CALENDAR, RUN_LENGTH)


IN_CONTROL = [
    (0.97, 10, 0, 0), (0.97, 30, 0.02, 0), (0.9, 30, 0.01, 0), (0.5, 20, 0.02, 0), (0.05, 30, 0, 0), (0.99, 15, 0, 0),
    (0.8, 60, 0.005, 0.08), (0.97, 100, 0.005, 0),
]  # fmt: skip


@pytest.mark.parametrize(("p", "n", "rho", "season"), IN_CONTROL)
def test_charts_in_control_run_as_long_as_stated(p, n, rho, season):
    found = charted(*shares(11, p, n, rho, season=season))
    known = slice(13 if season else 0, None)  # a season is known from the second year on
    judged = (~np.isnan(found.expected[:, known])).sum()
    false = (found.signal[:, known] > 0).sum()
    assert judged > ROWS * 20 and false <= judged / RUN_LENGTH * 1.3  # chance alone may bring so many more


@pytest.mark.parametrize("p", [0.97, 0.8])
@pytest.mark.parametrize("rho", [0, 0.02])
@pytest.mark.parametrize("n", [10, 50, 100, 400, 2000])
def test_charts_run_as_long_as_stated_whatever_the_size_of_a_unit(p, rho, n):
    found = [charted(*shares(seed, p, n, rho)) for seed in (11, 12)]
    judged, false = (~np.isnan([one.expected for one in found])).sum(), sum((one.signal > 0).sum() for one in found)
    assert judged > ROWS * 50 and false <= judged / RUN_LENGTH * 1.3


def test_overdispersion_that_is_cut_and_not_reweighted_would_be_caught(monkeypatch):
    """The broken variant: what lies beyond nine usual squared ranges counts as nine, and little is known for sure."""
    monkeypatch.setattr(limits, "_excess", cut_excess)
    found = [charted(*shares(seed, 0.97, 2000, 0.02)) for seed in (11, 12)]
    judged, false = (~np.isnan([one.expected for one in found])).sum(), sum((one.signal > 0).sum() for one in found)
    assert false > judged / RUN_LENGTH * 1.5


def cut_excess(squared: np.ndarray, weights: np.ndarray, _: float) -> float:
    most = 9 * max(np.median(squared) / 0.4549, 1)
    return max((np.minimum(squared, most) - 1).sum() / weights.sum(), 0)


def test_a_chart_alone_runs_as_long_as_stated():
    """A country has one chart of a kind: how much its months vary is told by few months, and limits are wider."""
    k, n = shares(11, 0.9, 400, 0.02)
    found = charted_shares(k, n, np.arange(ROWS), CALENDAR, RUN_LENGTH)
    assert (found.signal > 0).sum() <= (~np.isnan(found.expected)).sum() / RUN_LENGTH * 1.3


def test_without_its_overdispersion_the_same_chart_signals_far_too_often():
    """The broken variant: limits of chance alone, on months that vary beyond it."""
    k, n = shares(11, 0.9, 60, 0.05)
    p = (k.sum(axis=1) / n.sum(axis=1))[:, None]
    z = (k / n - p) / np.sqrt(p * (1 - p) / n)
    false = (np.abs(z) > stats.norm.ppf(1 - 1 / RUN_LENGTH / 2)).sum()
    assert false > 10 * z.size / RUN_LENGTH
    assert (charted(k, n).signal > 0).sum() <= z.size / RUN_LENGTH


def test_a_fall_of_fifteen_points_at_thirty_records_a_month_is_found_in_three_months_at_four_of_five_units():
    found = charted(*shares(5, 0.97, 30, 0, fall=0.15)).signal[:, 24:27] > 0
    assert found.any(axis=1).mean() >= 0.8


def test_a_small_unit_needs_a_year_or_a_larger_fall():
    small = charted(*shares(5, 0.97, 10, 0, fall=0.4)).signal[:, 24:27] > 0
    assert small.any(axis=1).mean() >= 0.8


def test_one_wild_month_signals_once_and_moves_no_later_limit():
    k, n = np.full((30, MONTHS), 19.0), np.full((30, MONTHS), 20.0)
    calm = charted_shares(k, n, np.zeros(30, int), CALENDAR, RUN_LENGTH)
    k[3, 20] = 0
    wild = charted_shares(k, n, np.zeros(30, int), CALENDAR, RUN_LENGTH)
    assert np.argwhere(wild.signal > 0).tolist() == [[3, 20]] and wild.signal[3, 20] == MONTH
    assert np.allclose(wild.expected[3, 21:], calm.expected[3, 21:], atol=1e-3)


def test_a_share_that_may_only_fall_does_not_signal_when_it_rises():
    k, n = np.full((2, MONTHS), 50.0), np.full((2, MONTHS), 100.0)
    k[:, 30:] = 99
    found = charted_shares(k, n, np.zeros(2, int), CALENDAR, RUN_LENGTH, np.array([True, False]))
    assert not found.signal[0].any() and found.signal[1, 30] == MONTH


def volumes(seed: int, rate: float, phi: float, kept: float = 1.0):
    random = np.random.default_rng(seed)
    mean = rate * random.gamma(4, 0.25, (ROWS, 1)) * (1 + 0.2 * np.sin(CALENDAR / 12 * 2 * np.pi))
    mean = mean * (random.gamma(1 / phi, phi, (ROWS, MONTHS)) if phi else 1)
    k = random.poisson(mean)
    k[:, 24:] = random.binomial(k[:, 24:], kept)
    return k.astype(float)


@pytest.mark.parametrize(("rate", "phi"), [(5, 0), (20, 0.02), (60, 0.01), (300, 0.002)])
def test_volumes_with_a_season_run_as_long_as_stated(rate, phi):
    found = charted_counts(volumes(3, rate, phi), DAYS, GROUP, CALENDAR, RUN_LENGTH)
    judged = (~np.isnan(found.expected)).sum()
    assert judged > ROWS * 20 and (found.signal > 0).sum() <= judged / RUN_LENGTH * 1.3


def test_a_volume_that_halves_is_found_in_three_months_where_there_are_sixty_records_a_month():
    found = charted_counts(volumes(3, 60, 0.01, kept=0.5), DAYS, GROUP, CALENDAR, RUN_LENGTH).signal[:, 24:27] > 0
    assert found.any(axis=1).mean() >= 0.8


def test_tails_are_those_of_the_distributions_themselves():
    k, n = np.array([0.0, 7, 30, 9]), np.array([5.0, 10, 30, 9])
    p, rho = np.array([0.5, 0.97, 0.9, 0.2]), np.array([0.01, 0.02, 0.1, 0.3])
    lower, upper = share_tails(k, n, p, rho)
    size = 1 / rho - 1
    exact = stats.betabinom(n, p * size, (1 - p) * size)
    assert lower == pytest.approx(exact.cdf(k)) and upper == pytest.approx(exact.sf(k - 1), abs=1e-9)
    counts = count_tails(np.array([0.0, 12]), np.array([4.0, 30]), np.array([0.1, 0.01]))
    poisson_gamma = stats.nbinom([10, 100], [10 / 14, 100 / 130])
    assert counts[0] == pytest.approx(poisson_gamma.cdf([0, 12])) and counts[1] == pytest.approx(
        poisson_gamma.sf([-1, 11])
    )


def test_what_lies_inside_the_limits_does_not_signal_and_the_next_below_does():
    n, p, rho = np.array([40.0]), np.array([0.9]), np.array([0.02])
    (low,), (high,) = share_limits(n, p, rho, 0.001)
    at, below = (share_tails(np.round(n * low) - less, n, p, rho)[0][0] for less in (0, 1))
    assert below < 0.001 <= at and high == 1


def test_overdispersion_is_found_and_is_nothing_where_there_is_none():
    for rho in (0, 0.02, 0.1):
        k, n = shares(2, 0.8, 40, rho)
        p = k.sum(axis=1, keepdims=True) / n.sum(axis=1, keepdims=True)
        found = beyond_chance((k / n - p) / np.sqrt(p * (1 - p) / n), n - 1, np.zeros(ROWS, int), 0.001).item()
        assert found == pytest.approx(rho, abs=0.003 + rho * 0.15)


# ---------------------------------------------------------------- from records to signals


def records(letter: str, months: int, since: int | None, until: int | None = None) -> list[dict]:
    """Twelve records a month at each of two units; of unit u1's new records `a` is empty from month `since` on."""
    rows = []
    for month in range(until or months):
        for i in range(24):
            day, unit = dt.date(2023 + month // 12, month % 12 + 1, i // 2 + 1), f"u{i % 2 + 1}"
            empty = since is not None and month >= since and unit == "u1"
            rows.append({"record_id": f"{letter}{month:02d}-{i:02d}", "person": f"p{i}", "unit": unit, "region": "r",
                         "day": day, "a": None if empty else "no" if i // 2 % 6 == 0 else "yes"})  # fmt: skip
    return rows


def test_after_kip_is_closed_missing_values_and_volume_are_still_watched():
    spec = small_spec(
        {"a": {"type": "yes_no"}},
        changeover={"r": {"kip_until": dt.date(2023, 6, 30)}}, signals={"run_length": 1000},
    )  # fmt: skip
    found = reconcile(
        spec, side(spec, records("R", 20, None, until=6)), side(spec, records("N", 20, 14)), dt.date(2024, 12, 31)
    )
    seen = found.signals.filter(pl.col("unit").is_not_null())
    assert set(seen.select("chart", "variable", "unit").rows()) == {("missing", "a", "u1")}
    assert seen["period"].min() == "2024-03" and set(seen["rule"]) == {"month"}
    assert {"volume", "missing", "distribution"} <= set(found.control_charts["chart"])


def test_a_known_change_begins_the_expectation_anew():
    counts = pl.DataFrame(
        [("missing", "a", "r", "u1", f"2024-{m:02d}", 0 if m < 4 else 15, 20) for m in range(1, 13)],
        ["chart", "variable", "region", "unit", "period", "k", "n"], orient="row",
    )  # fmt: skip
    spec = small_spec(signals={"from": dt.date(2024, 4, 1)})
    assert control_charts(spec, counts)["period"].to_list() == ["2024-10", "2024-11", "2024-12"]
    assert len(signals(control_charts(spec, counts))) == 0


def test_what_a_register_expects_is_held_against_what_came():
    """From the fifteenth month on half of unit u2's courses no longer come; the register still has them."""
    spec = small_spec({"a": {"type": "yes_no"}})
    said = records("N", 20, None)
    came = [
        row
        for row in said
        if not (row["record_id"] > "N14" and row["unit"] == "u2" and int(row["person"][1:]) % 4 == 1)
    ]
    agreement, coverage = (
        reconcile(spec, side(spec, said), side(spec, came)).frames()[n] for n in ("agreement", "coverage")
    )
    new, day = shaped(spec, side(spec, came), "new"), dt.date(2024, 12, 31)
    expected = of_register(spec, side(spec, said), new, day)
    to_chart = counts_to_chart(settled_records(spec, new, day), agreement, coverage, [expected])
    charted_of = to_chart.filter(chart="coverage_of_register", unit="u2")
    assert charted_of.filter(period="2023-03").select("k", "n").row(0) == (12, 12)
    assert charted_of.filter(period="2024-04").select("k", "n").row(0) == (6, 12)
    found = signals(control_charts(spec, to_chart)).filter(chart="coverage_of_register", unit="u2")
    assert found["period"].min() == "2024-03"


@pytest.mark.parametrize("most_days", [counts.MOST_DAYS, 0])
@pytest.mark.parametrize("kind", ["date", "timestamp"])
def test_a_date_is_charted_by_its_days_from_the_event(kind, most_days, monkeypatch):
    """Above the country's median of these days or not; as well where they lie too far apart to number them."""
    monkeypatch.setattr(counts, "MOST_DAYS", most_days)
    spec, random = small_spec({"seen": {"type": kind}}), np.random.default_rng(8)
    events = [dt.date(2024, 1, 1) + dt.timedelta(days=int(n)) for n in random.integers(0, 60, 400)]
    after = [None if n > 40 else int(n) for n in random.integers(-9, 45, 400)]
    seen = [None if n is None else day + dt.timedelta(days=n) for day, n in zip(events, after, strict=True)]
    if kind == "timestamp":
        seen = [day and dt.datetime.combine(day, dt.time(23, 59)) for day in seen]
    new = side(spec, [
        {"record_id": f"N{i}", "person": f"p{i}", "unit": f"u{i % 2}", "region": "r", "day": day, "seen": of}
        for i, (day, of) in enumerate(zip(events, seen, strict=True))
    ])  # fmt: skip
    median = np.median([n for n in after if n is not None])
    told = charted_in(spec, shaped(spec, new, "new"), dt.date(2024, 12, 31))
    for unit in (0, 1):
        for month in (1, 2):
            said = [n for i, n in enumerate(after) if i % 2 == unit and events[i].month == month]
            known = [n for n in said if n is not None]
            assert told["missing", f"u{unit}", f"2024-{month:02d}"] == (len(said) - len(known), len(said))
            above = sum(n > median for n in known)
            assert told["distribution", f"u{unit}", f"2024-{month:02d}"] == (above, len(known))


def charted_in(spec, new, day):
    """(chart, unit, period) → k and n of the variable `seen`."""
    cells = read_cells(spec, {"reported": new, "new": new}, "seen", day)
    parts = counts.of_variable(spec.variables["seen"], cells, settled_records(spec, new, day))
    rows = pl.concat(parts).filter(pl.col("unit").is_not_null()).select("chart", "unit", "period", "k", "n").rows()
    return {row[:3]: row[3:] for row in rows}
