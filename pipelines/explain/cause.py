"""A cause, and the explanation of a run: values in the words of the contract (causes.json)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from pipelines.explain.kinds import KINDS
from pipelines.explain.sentences import Words, sentence
from pipelines.reconciliation.identifiers import hashed

NEAR_DAYS = 14


@dataclass(frozen=True)
class Cause:
    """Why discrepancies are there. `share_outside` is the share of the same hits outside the slice."""

    kind: str
    variables: tuple[str, ...]
    where: dict[str, Any]
    parameters: dict[str, Any]
    discrepancy_ids: tuple[str, ...] = field(repr=False)
    in_slice: int
    share_outside: float
    gain: float
    log_chance: float = 0.0  # logarithm of a bound on the chance that noise looks like this (Slice.log_chance)

    @property
    def explained(self) -> int:
        return len(self.discrepancy_ids)

    @property
    def share(self) -> float:
        return self.explained / self.in_slice if self.in_slice else 0.0

    @property
    def lift(self) -> float | None:
        """Null where nothing of the kind is seen outside the slice."""
        return self.share / self.share_outside if self.share_outside else None

    def joined(self, ids: Iterable[str]) -> Cause:
        """The same cause with more discrepancies."""
        return replace(self, discrepancy_ids=tuple(sorted({*self.discrepancy_ids, *ids})))

    def merged(self, other: Cause) -> Cause:
        """Two causes that are one fault, told of the variables of both in the slice of the surer one."""
        surer = max(self, other, key=lambda cause: cause.gain)
        return replace(
            surer,
            variables=tuple(sorted({*self.variables, *other.variables})),
            discrepancy_ids=tuple(sorted({*self.discrepancy_ids, *other.discrepancy_ids})),
            in_slice=self.in_slice + other.in_slice,
            gain=self.gain + other.gain,
            log_chance=max(self.log_chance, other.log_chance),
        )

    def near(self, other: Cause) -> bool:
        """Their periods begin and end within a fortnight of one another."""
        one, two = (cause.where.get("period", {}) for cause in (self, other))
        return one.keys() == two.keys() and all(_days_apart(one[end], two[end]) <= NEAR_DAYS for end in one)

    def about(self, variables: tuple[str, ...]) -> Cause:
        """The same cause, told of variables too."""
        return replace(self, variables=variables)

    @cached_property
    def id(self) -> str:
        said = (
            self.kind,
            *self.variables,
            repr(sorted(self.where.items())),
            repr(sorted(self.parameters.items())),
        )
        return "C-" + hashed("cause", *([part] for part in said))[0]


def _days_apart(one: str, other: str) -> int:
    return abs((dt.date.fromisoformat(one) - dt.date.fromisoformat(other)).days)


def q_values(causes: Sequence[Cause], asked: int) -> list[float]:
    """The false discovery rate if each cause and those surer than it are told, of `asked` suspicions, whatever their
    dependence (Benjamini & Yekutieli 2001): the expected share of causes that are noise."""
    from scipy.stats import false_discovery_control  # which takes a second to load: a helper needs none

    chances = [float(np.exp(max(cause.log_chance, -700.0))) for cause in causes]
    unfound = [1.0] * max(asked - len(causes), 0)
    return false_discovery_control([*chances, *unfound], method="by")[: len(causes)].tolist() if causes else []


@dataclass(frozen=True)
class Explanation:
    """`asked`: how many suspicions were asked where they lie."""

    causes: tuple[Cause, ...]
    discrepancies: int
    asked: int

    @property
    def unexplained(self) -> int:
        return self.discrepancies - sum(cause.explained for cause in self.causes)

    def cause_ids(self) -> pl.DataFrame:
        """discrepancy_id → cause_id; a discrepancy has at most one cause."""
        schema = {"discrepancy_id": pl.String, "cause_id": pl.String}
        ids = [{"discrepancy_id": cause.discrepancy_ids, "cause_id": cause.id} for cause in self.causes]
        return pl.concat([pl.DataFrame(schema=schema), *(pl.DataFrame(of_cause, schema) for of_cause in ids)])

    def contract(self, words: Words) -> dict[str, Any]:
        """causes.json."""
        chances = q_values(self.causes, self.asked)
        told = [
            _told(rank, cause, q, words) for rank, (cause, q) in enumerate(zip(self.causes, chances, strict=True), 1)
        ]
        return {"causes": told, "unexplained": self.unexplained}


def _told(rank: int, cause: Cause, q: float, words: Words) -> dict[str, Any]:
    return {
        "cause_id": cause.id,
        "rank": rank,
        "kind": cause.kind,
        "variables": list(cause.variables),
        "slice": cause.where,
        "parameters": cause.parameters,
        "explained": cause.explained,
        "in_slice": cause.in_slice,
        "share": round(cause.share, 6),
        "lift": None if cause.lift is None else round(cause.lift, 3),
        "q_value": float(f"{q:.3g}"),
        "owner": KINDS[cause.kind].owner,
        "sentence": {
            language: sentence(cause.kind, cause.variables, cause.where, cause.parameters,
                               cause.explained, cause.in_slice, words, language)
            for language in ("da", "en")
        },
    }  # fmt: skip
