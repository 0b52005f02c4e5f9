"""From discrepancies to causes, one after the other, each on what the earlier ones leave unexplained.

READ FIRST in this room: `explain` asks every suspicion where its hits lie, takes the one that explains most,
removes what it explains, and asks again until nothing stands out. The rest is stated as unexplained.

Whole records first (bridges: wrong keys; copies: too many; absences: too few), then values of pairs.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.explain.absences import absent
from pipelines.explain.bridges import bridged
from pipelines.explain.cause import Cause, Explanation, q_values
from pipelines.explain.copies import copied
from pipelines.explain.elsewhere import helped
from pipelines.explain.evidence import Pairs
from pipelines.explain.records import Records
from pipelines.reconciliation.reconcile import Reconciliation
from pipelines.spec.model import DatabaseSpec

FALSE_DISCOVERIES = 0.05  # expected share of the causes that are noise
ASKED_OF_RECORDS = 50  # more than the places that are sought for whole records before any is found


def explain(spec: DatabaseSpec, reconciliation: Reconciliation) -> Explanation:
    """The causes of a reconciliation's discrepancies, the one that explains most first."""
    pairs = Pairs(spec, reconciliation)
    records = Records(spec, reconciliation, pairs)
    with helped(pairs) as values:
        of_records = [*bridged(records), *copied(records), *absent(records)]
        found = told_once([*of_records, *values.causes()])
    ranked = sorted(found, key=lambda cause: (-cause.explained, cause.id))
    asked = pairs.asked + ASKED_OF_RECORDS + len(of_records)
    sure = [cause for cause, q in zip(ranked, q_values(ranked, asked), strict=True) if q <= FALSE_DISCOVERIES]
    return Explanation(tuple(sure), reconciliation.counts()["discrepancies"], asked)


def told_once(causes: Iterable[Cause]) -> list[Cause]:
    """One fault over several variables is one cause: same kind, parameters and slice."""
    together: dict[tuple, Cause] = {}
    for cause in causes:
        fault = (cause.kind, repr(cause.parameters), _place(cause))
        known = next((k for k in together if k[:3] == fault and together[k].near(cause)), None)
        key = known or (*fault, cause.id)
        together[key] = together[key].merged(cause) if known else cause
    return list(together.values())


def _place(cause: Cause) -> str:
    """The slice but for the days of its period, which scatter from variable to variable."""
    return repr(sorted((name, "" if name == "period" else value) for name, value in cause.where.items()))
