"""How numbers go wrong: another unit or scale, a fixed amount, lost decimals or signs, exchanged digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from pipelines.explain.cells import BLOCK, Cells, Suspicion
from pipelines.explain.slices import FEWEST_HITS

EXACT = 1e-6  # decimal fractions are not exact in binary
SMALLEST_FACTOR_STEP = 0.02  # a factor nearer to 1 than this is a tolerance, not another unit
SAME_RATIO = 0.02  # ratios of values rounded on both sides scatter; within this share they are the same factor
MOST_MODES = 3
DRAWS = 80  # pairs of points that a straight line is tried through
POINTS = 400
MOST_DECIMALS, MOST_ZEROS = 3, 3
FEW = 0.05  # of numbers that show a fault may be noise that looks the same


def number_suspicions(cells: Cells, focus: np.ndarray) -> Iterator[Suspicion]:
    """Every way in which the differing pairs of `focus` suggest that the numbers went wrong."""
    seen = cells.seen(focus)
    if len(seen) < FEWEST_HITS:
        return
    r, n = (numbers[seen] for numbers in cells.numbers)
    yield from _simple(cells, r, n)
    yield from _factors(cells, r, n)
    yield from _offsets(cells, r, n)
    yield from _lines(cells, r, n)
    yield from _constants(cells, n)


Prediction = Callable[[np.ndarray], np.ndarray]  # of the new numbers by the reported ones


def predicted_suspicion(
    cells: Cells, kind: str, parameters: dict, predicted: Prediction, slack: float = EXACT
) -> Suspicion:
    """New is what was predicted, where that would be a discrepancy; `slack` is what rounding may add."""
    eligible = cells.both & _moves(cells, predicted, slack)
    at = np.flatnonzero(eligible & cells.open)
    hits = at[is_as_predicted(cells, at, predicted, slack)]
    return replace(cells.suspicion(kind, parameters, eligible, hits), left_open=_left_open(cells, hits, predicted))


def _left_open(cells: Cells, at: np.ndarray, predicted: Prediction) -> float:
    """Nats that each of these new numbers still takes to say, in its last digit, when the prediction is known: none
    where it says them all, more where rounding lets it come near by chance."""
    reported, new = (numbers[at] for numbers in cells.numbers)
    beside = np.unique(np.round((new - predicted(reported)) / last_digit(new)), return_counts=True)[1]
    share = beside / max(beside.sum(), 1)
    return float(-(share * np.log(share)).sum())


def is_as_predicted(cells: Cells, at: np.ndarray, predicted: Prediction, slack: float = EXACT) -> np.ndarray:
    """Which of the pairs `at` these places have the new number that was predicted."""
    reported, new = (numbers[at] for numbers in cells.numbers)
    with np.errstate(invalid="ignore"):
        return np.abs(new - predicted(reported)) <= slack + EXACT


def _moves(cells: Cells, predicted: Prediction, slack: float) -> np.ndarray:
    """Where the prediction is further from the reported number than what counts as equal; judged once for each number
    where numbers repeat."""
    if cells.levels:
        return cells.levels.where(_are_moved(cells, cells.levels.values, predicted, slack))
    reported = cells.numbers[0]
    blocks = (reported[at : at + BLOCK] for at in range(0, len(reported), BLOCK))
    return np.concatenate([np.zeros(0, bool), *(_are_moved(cells, block, predicted, slack) for block in blocks)])


def _are_moved(cells: Cells, reported: np.ndarray, predicted: Prediction, slack: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.abs(predicted(reported) - reported) > np.maximum(_tolerance(cells, reported), slack) + EXACT


def _tolerance(cells: Cells, reported: np.ndarray) -> np.ndarray | float:
    """What the specification accepts (docs/specification.md, `compare`)."""
    way = cells.variable.compare
    if cells.variable.numeric:
        return way.relative * np.abs(reported) + (way.absolute or 0) if way.relative else way.absolute or 0
    return float((way.days or 0) or (way.minutes or 0))


def _simple(cells: Cells, r: np.ndarray, n: np.ndarray) -> Iterator[Suspicion]:
    """The ways without a number to estimate, each asked about where the focus suggests it."""
    if _often(n == -r):
        which = _sign(r[n == -r])
        yield predicted_suspicion(cells, "sign_flipped", {"which": which}, SIGNS[which])
    for digits in range(1, MOST_DECIMALS + 1):
        if _often(np.abs(n - r * 10**digits) < EXACT):
            yield predicted_suspicion(cells, "decimal_lost", {"digits": digits}, partial(_decimal_lost, digits=digits))
    for decimals in range(-MOST_ZEROS, MOST_DECIMALS):
        for mode, rounding in ROUNDINGS.items():
            fits = np.abs(n - rounding(r, decimals)) < EXACT
            if _often(fits) and not _is_one_value(n[fits]):
                parameters = {"decimals": decimals, "mode": mode}
                yield predicted_suspicion(cells, "rounded", parameters, partial(rounding, decimals=decimals))
    if _often(_are_exchanged(r, n), 0.1):
        yield _exchanged_digits(cells)


def _is_one_value(new: np.ndarray) -> bool:
    """Nearly all the same, whatever was reported: that tells no rounding, which leaves several."""
    return np.unique(new, return_counts=True)[1].max() > (1 - FEW) * len(new)


def _often(hits: np.ndarray, share: float = 0.2) -> bool:
    return hits.sum() >= max(FEWEST_HITS, share * len(hits))


def _sign(r: np.ndarray) -> str:
    """What became of the minus of these reported numbers; a few may be typed wrongly."""
    had = np.mean(r < 0)
    return "minus added" if had < FEW else "minus lost" if had > 1 - FEW else "flipped"


# A number that the fault leaves as it is tells nothing of it.
SIGNS = {"minus lost": np.abs, "minus added": lambda values: -np.abs(values), "flipped": np.negative}


def _half_away(values: np.ndarray, decimals: int) -> np.ndarray:
    return np.trunc(np.round(values * 10.0**decimals, 6) + np.copysign(0.5, values)) / 10.0**decimals


def _truncated(values: np.ndarray, decimals: int) -> np.ndarray:
    return np.trunc(np.round(values * 10.0**decimals, 6)) / 10.0**decimals


ROUNDINGS = {"rounded": _half_away, "truncated": _truncated}


def _decimal_lost(values: np.ndarray, digits: int) -> np.ndarray:
    """The comma falls out: a whole number keeps its value, which is what tells it from another unit."""
    fraction = np.abs(values - np.round(values)) > EXACT
    return np.where(fraction, values * 10.0**digits, values)


def _factors(cells: Cells, r: np.ndarray, n: np.ndarray) -> Iterator[Suspicion]:
    """new ÷ reported is one constant: another unit of measurement."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = n / r
    ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
    ratio = ratio[np.abs(ratio - 1) > SMALLEST_FACTOR_STEP]
    digits = last_digit(n), last_digit(r)
    for centre in modes(np.log(ratio), SAME_RATIO):
        factor = _or_power_of_ten(r, n, tidy(_fitted_factor(r, n, float(np.exp(centre)), digits)), digits)
        fitting = n[_fits(r, n, factor, digits)]
        if abs(factor - 1) > SMALLEST_FACTOR_STEP and _is_told(factor, fitting):
            slack = _rounding(last_digit(fitting), factor, digits[1])
            yield predicted_suspicion(cells, "unit_factor", {"factor": factor}, partial(np.multiply, factor), slack)


def _is_told(factor: float, fitting: np.ndarray) -> bool:
    """One new value whatever was reported tells no factor; a power of ten needs no telling."""
    return factor == 10.0 ** round(np.log10(factor)) or len(np.unique(fitting)) > 1


def _fitted_factor(r: np.ndarray, n: np.ndarray, factor: float, digits: tuple[float, float]) -> float:
    """Least squares through the origin among what fits, by what rounding allows, and again."""
    for _ in range(4):
        near = _fits(r, n, factor, digits)
        if near.sum() < 2:
            return factor
        factor = float((n[near] * r[near]).sum() / (r[near] ** 2).sum())
    return factor


def _fits(r: np.ndarray, n: np.ndarray, factor: float, digits: tuple[float, float]) -> np.ndarray:
    """Which are in one ratio but for rounding: where that leaves 0 or 1, no two ratios are alike."""
    by_rounding = _rounding(digits[0], factor, digits[1])
    return np.abs(n - factor * r) <= np.maximum(SAME_RATIO * np.abs(factor * r), by_rounding)


def _or_power_of_ten(r: np.ndarray, n: np.ndarray, factor: float, digits: tuple[float, float]) -> float:
    """The nearest power of ten where it fits more: of 165 in whole metres only 2 is left, which many factors give."""
    power = 10.0 ** round(np.log10(factor))
    fit, powers = (np.count_nonzero(np.abs(n - f * r) <= _rounding(digits[0], f, digits[1])) for f in (factor, power))
    return power if power != 1 and powers > fit else factor


def _rounding(new: float, factor: float, reported: float) -> float:
    """Half a last digit on either side: what rounding alone can make two values in one ratio differ."""
    return new * 0.5 + abs(factor) * reported * 0.5 + EXACT


def last_digit(values: np.ndarray) -> float:
    """The size of the last decimal that stands in (nearly all of) `values`."""
    for decimals in range(5):
        if len(values) and np.mean(np.abs(values - np.round(values, decimals)) <= EXACT) > 0.95:
            return 10.0**-decimals
    return 10.0**-6


def tidy(number: float) -> float:
    """The number to four digits, or the power of ten that it nearly is."""
    power = 10.0 ** round(np.log10(number))
    return power if abs(number / power - 1) < SAME_RATIO / 2 else float(f"{number:.4g}")


def _offsets(cells: Cells, r: np.ndarray, n: np.ndarray) -> Iterator[Suspicion]:
    """new − reported is one constant."""
    for offset in modes(n - r, EXACT):
        offset = round(offset, 6)
        yield predicted_suspicion(cells, "constant_offset", {"offset": offset}, partial(np.add, offset))


def _lines(cells: Cells, r: np.ndarray, n: np.ndarray) -> Iterator[Suspicion]:
    """new = a · reported + b, through the two points with which most others agree (RANSAC, Fischler & Bolles 1981)."""
    step = max(1, len(r) // POINTS)
    r, n = r[::step], n[::step]
    rng = np.random.default_rng(len(r))
    one, two = rng.integers(0, len(r), (2, DRAWS))
    steep = np.abs(r[one] - r[two]) > EXACT
    one, two = one[steep], two[steep]
    a = (n[one] - n[two]) / (r[one] - r[two])
    b = n[one] - a * r[one]
    near = np.abs(n - a[:, None] * r - b[:, None]) <= np.maximum(0.01 * np.abs(n), last_digit(n))
    if len(near) and near.sum(1).max() >= max(FEWEST_HITS, 0.25 * len(r)):
        yield from _line(cells, r, n, near[near.sum(1).argmax()])


def _line(cells: Cells, r: np.ndarray, n: np.ndarray, near: np.ndarray) -> Iterator[Suspicion]:
    for _ in range(3):
        if near.sum() < FEWEST_HITS or np.ptp(r[near]) < EXACT:
            return
        a, b = np.polyfit(r[near], n[near], 1)
        near = np.abs(n - a * r - b) <= max(3 * float(np.std((n - a * r - b)[near])), EXACT)
    a, b = _in_few_digits(r[near], n[near], a, b)
    slack = (
        _rounding(last_digit(n[near]), a, last_digit(r[near]))
        + abs(b) * 5e-4
        + abs(a) * 5e-4 * float(np.abs(r[near]).max())
    )
    is_factor, is_offset, is_constant = abs(b) <= 2 * slack, abs(a - 1) < 0.01, abs(a) < 0.01
    if not (is_factor or is_offset or is_constant):
        yield predicted_suspicion(cells, "unit_linear", {"a": a, "b": b}, lambda values: a * values + b, slack)


def _in_few_digits(r: np.ndarray, n: np.ndarray, a: float, b: float) -> tuple[float, float]:
    """The line with no more digits than the data know: 2 and 7 rather than 1.996 and 7.632, where both fit."""
    unsure = 2 * float(np.std(n - a * r - b, ddof=2)) / np.sqrt(len(n))  # two standard errors of the mean
    a = _shortest(a, unsure / float(np.std(r)))
    return a, _shortest(float(np.mean(n - a * r)), unsure)


def _shortest(number: float, within: float) -> float:
    """The number in the fewest digits, of four at most, that are near enough."""
    short = (float(f"{number:.{digits}g}") for digits in range(1, 4))
    return next((said for said in short if abs(said - number) <= within), float(f"{number:.4g}"))


def _constants(cells: Cells, n: np.ndarray) -> Iterator[Suspicion]:
    """One new value whatever was reported, be it empty."""
    value, count = np.unique(n, return_counts=True)
    often = value[count >= max(FEWEST_HITS, 0.2 * len(n))]
    for constant in often[:MOST_MODES]:
        yield constant_value(cells, int(constant) if cells.variable.type == "integer" else float(constant))


def constant_value(cells: Cells, value: object) -> Suspicion:
    """Eligible is whatever is not that value on the reported side, empty cells too."""
    other = ~cells.is_value("reported", value)
    return cells.suspicion("constant_value", {"value": value}, other, other & cells.is_value("new", value))


def _exchanged_digits(cells: Cells) -> Suspicion:
    reported, new = cells.numbers
    with np.errstate(invalid="ignore"):
        could = cells.both & (np.abs(reported) >= 10 * last_digit(reported[cells.filled_reported]))
    at = np.flatnonzero(could & cells.open)
    return cells.suspicion("digits_transposed", {}, could, at[_are_exchanged(reported[at], new[at])])


def _are_exchanged(r: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Two adjacent digits stand in each other's place; nothing else differs."""
    scale = 1 / min(last_digit(r), last_digit(n))
    one, two = (_digits(values * scale) for values in (r, n))
    differs = one != two
    first = differs.argmax(1)
    after = np.minimum(first + 1, one.shape[1] - 1)
    at = np.arange(len(r))
    crossed = (one[at, first] == two[at, after]) & (one[at, after] == two[at, first])
    return (differs.sum(1) == 2) & crossed


def _digits(values: np.ndarray) -> np.ndarray:
    """The last twelve decimal digits of whole numbers, one column each."""
    whole = np.abs(np.round(values)).astype(np.int64)
    return (whole[:, None] // 10 ** np.arange(11, -1, -1)) % 10


def modes(values: np.ndarray, width: float) -> list[float]:
    """The most frequent values, where values within `width` are one; only those seen often enough."""
    values = values[np.isfinite(values)]
    if len(values) < FEWEST_HITS:
        return []
    bins, counts = np.unique(np.round(values / width), return_counts=True)
    often = np.argsort(-counts, kind="stable")[:MOST_MODES]
    return [
        float(np.median(values[np.abs(values / width - bins[i]) <= 1])) for i in often if counts[i] >= FEWEST_HITS / 2
    ]
