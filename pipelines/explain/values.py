"""Causes of values that differ: one after the other, each on what the earlier ones leave unexplained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipelines.explain.cause import Cause
from pipelines.explain.cells import Cells, Suspicion
from pipelines.explain.codes import code_suspicions, mapping_in, recoding
from pipelines.explain.dates import date_suspicions
from pipelines.explain.evidence import Pairs
from pipelines.explain.exchanges import picks, stale, swaps
from pipelines.explain.missing import missing_suspicions
from pipelines.explain.numbers import number_suspicions
from pipelines.explain.slices import FEWEST_HITS, LEAST_GAIN, MOST, Slice, best_slice
from pipelines.explain.trials import PRIOR_HITS, PRIOR_TRIALS, likelihood_ratio, times_log
from pipelines.explain.typing_noise import is_more_than_typing
from pipelines.reconciliation.identifiers import written

FAMILIES = {
    "decimal": number_suspicions,
    "integer": number_suspicions,
    "date": date_suspicions,
    "timestamp": date_suspicions,
    "yes_no": code_suspicions,
    "code": code_suspicions,
    "sks": code_suspicions,
    "text": code_suspicions,
}
# Where the data cannot tell two kinds apart, the one that says more is told; the rest are equals.
SAYS_LESS = {"constant_value": 1, "unit_factor": 2, "unit_linear": 3, "code_recoded": 4, "digits_transposed": 5}
# Hands exchange digits everywhere; below this share of a slice it is typing (published disagreement is 4–30 %, of which
# exchanged digits are one kind of several).
TRANSPOSED_SHARE = 0.15
LOOK_INTO = 0.2  # share of a slice that differs, before it is asked what is wrong there


@dataclass(frozen=True)
class Finding:
    suspicion: Suspicion
    place: Slice

    @property
    def strength(self) -> float:
        """Nats that the slice's own pairs gain by the suspicion over what is usual (outside it, and in registries at
        all: one in twenty), less what saying the slice costs. Unlike the gain of the slice, which asks where, it
        grows with what is explained also where the fault is everywhere and there is nothing to hold it against.
        """
        suspicion, place = self.suspicion, self.place
        n, k = (int(np.count_nonzero(marks)) for marks in (suspicion.eligible, suspicion.hits & suspicion.eligible))
        outside = (k - place.hits + PRIOR_HITS) / (n - place.trials + PRIOR_TRIALS)
        usual = max(outside, PRIOR_HITS / PRIOR_TRIALS)
        missed = place.trials - place.hits
        explained = times_log(place.hits, place.share / usual) + times_log(missed, (1 - place.share) / (1 - usual))
        paid = float(likelihood_ratio(place.hits, place.trials, k, n)) - place.gain
        return explained - paid - suspicion.said - self._digits_said - place.hits * suspicion.left_open

    @property
    def _digits_said(self) -> float:
        """Nats of the digits of its numbers: an offset of 2 says as much as a factor of 1.026 with fewer."""
        numbers = (said for said in self.suspicion.parameters.values() if isinstance(said, float))
        digits = (f"{abs(number):.4g}".replace(".", "").strip("0") for number in numbers)
        return float(np.log(10)) * sum(map(len, digits))


def value_causes(pairs: Pairs, name: str) -> Iterator[Cause]:
    """The causes of one variable, and of what it was exchanged with."""
    cells = pairs.cells(name)
    while finding := _strongest(pairs, cells):
        yield _taken(pairs, finding)


def _strongest(pairs: Pairs, cells: Cells) -> Finding | None:
    """The finding that explains most; of equals the one that says more."""
    if np.count_nonzero(cells.open) < FEWEST_HITS:
        return None
    findings = [found for suspicion in _suspicions(pairs, cells) if (found := _placed(pairs, suspicion))]
    findings += _whole_mappings(pairs, cells, findings)
    return min(findings, key=lambda f: (-round(f.strength, 3), SAYS_LESS.get(f.suspicion.kind, 0)), default=None)


def _suspicions(pairs: Pairs, cells: Cells) -> list[Suspicion]:
    """What each focus suggests, once each."""
    found = {}
    for focus in _focuses(pairs, cells):
        suggested = [
            *FAMILIES[cells.variable.type](cells, focus),
            *missing_suspicions(cells, focus),
            *swaps(pairs, cells, focus),
            *picks(pairs, cells, focus),
        ]
        for suspicion in suggested:
            if np.count_nonzero(suspicion.hits) >= FEWEST_HITS:
                found.setdefault((suspicion.kind, suspicion.variables, repr(suspicion.parameters)), suspicion)
    return [*found.values(), *stale(pairs, cells)]


def _focuses(pairs: Pairs, cells: Cells) -> list[np.ndarray]:
    """Where to look for what may be wrong: everywhere, and in the slices that differ more than others."""
    everywhere = np.ones(len(cells.left), dtype=bool)
    focuses, open_, rows = [everywhere], cells.open & cells.left, pairs.rows_about([cells.name])
    for among in (cells.left, cells.left & cells.coded):
        if place := best_slice(rows, among, among & open_, LOOK_INTO, 0.0):
            focuses.append(rows.inside(place.where))
    return focuses


def _placed(pairs: Pairs, suspicion: Suspicion) -> Finding | None:
    pairs.asked += 1
    least = TRANSPOSED_SHARE if suspicion.kind == "digits_transposed" else MOST
    gain, rows = LEAST_GAIN + suspicion.said, pairs.rows_for(suspicion)
    left = suspicion
    while place := best_slice(rows, left.eligible, left.hits, least, gain):
        inside = rows.inside(place.where)
        if is_more_than_typing(pairs.cells(suspicion.variables[0]), suspicion, inside):
            return Finding(left, place)
        left = replace(left, eligible=left.eligible & ~inside, hits=left.hits & ~inside)
    return None


def _whole_mappings(pairs: Pairs, cells: Cells, findings: Iterable[Finding]) -> Iterator[Finding]:
    """A recoding is found by one code; the other codes that moved in the same slice belong to it."""
    asked, mappings = [found.suspicion.parameters for found in findings], {}
    for found in [found for found in findings if found.suspicion.kind == "code_recoded"]:
        where = repr(found.place.where)
        if where not in mappings:
            inside = pairs.rows_for(found.suspicion).inside(found.place.where)
            mappings[where] = mapping_in(cells, inside & cells.left)
        whole = recoding(cells, mappings[where] | found.suspicion.parameters["mapping"])
        if whole.parameters not in asked:
            asked.append(whole.parameters)
            if again := _placed(pairs, whole):
                yield again


def _taken(pairs: Pairs, finding: Finding) -> Cause:
    """The cause; its pairs are taken out of what is left of its variables."""
    suspicion, place = finding.suspicion, finding.place
    inside = pairs.rows_for(suspicion).inside(place.where)
    numbers = []
    for name, claim in suspicion.claims.items():
        explained = claim & inside & pairs.cells(name).open
        numbers.append(pairs.ids(explained, name))
        pairs.cells(name).explain(explained, _accounted(pairs.cells(name), suspicion, inside))
    outside = ~inside
    return Cause(
        kind=suspicion.kind,
        variables=suspicion.variables,
        where=place.where,
        parameters=suspicion.parameters,
        discrepancy_ids=tuple(written(np.sort(np.concatenate(numbers))).to_list()),
        in_slice=int(inside.sum()) * len(suspicion.claims),
        share_outside=float((suspicion.hits & outside).sum() / outside.sum()) if outside.any() else 0.0,
        gain=place.gain,
        log_chance=min(place.log_chance + suspicion.said, 0.0),
    )


def _accounted(cells: Cells, suspicion: Suspicion, inside: np.ndarray) -> np.ndarray:
    """What the cause accounts for: the pairs that could show it; where that is most of the slice, the slice, since
    what is left of it (say, the empty cells) is chosen by the cause itself."""
    could = suspicion.eligible & inside
    return inside if could.sum() >= MOST * (inside & cells.filled_reported).sum() else could
