"""From where a report looks: the whole country with small cells hidden, or one region at its own patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from pipelines.project import InputError
from pipelines.reports.hidden import COVERAGE, hidden_agreement, hidden_coverage
from pipelines.reports.messages import Messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.protection import Hidden
from pipelines.reports.results import Results
from pipelines.reports.suppression import is_small
from pipelines.spec.model import DatabaseSpec, Variable


@dataclass(frozen=True)
class View:
    """What every section needs. `region` is None for the country; `threshold` 1 hides nothing."""

    spec: DatabaseSpec
    results: Results
    messages: Messages
    names: PlaceNames
    region: str | None = None
    threshold: int = 5

    @cached_property
    def hidden_coverage(self) -> dict[str, Hidden]:
        """Column of coverage → the places whose count this view does not show.

        A region sees its own places whole, and the country only where what the others have is not small.
        """
        coverage = self.results.frame("coverage")
        if self.region is None:
            return hidden_coverage(coverage, self.threshold, self.names.successors)
        (country, own) = (rolled_up(coverage, region).head(1).to_dicts() for region in (None, self.region))
        others = {name: sum(r[name] for r in country) - sum(r[name] for r in own) for name in COVERAGE}
        few = {name for name, n in others.items() if is_small(n, self.spec.small_cells)}
        return {name: {(None, None): "blank"} if name in few else {} for name in COVERAGE}

    @cached_property
    def hidden_agreement(self) -> dict[str, Hidden]:
        """Variable → the regions (region, None) whose share this view of the country does not show."""
        return hidden_agreement(self.results.frame("agreement"), self.threshold) if self.region is None else {}

    def own(self, name: str) -> pl.DataFrame:
        """The rows of a table that are rolled up to this view's country or region."""
        return rolled_up(self.results.frame(name), self.region)

    def country(self, name: str) -> pl.DataFrame:
        """The rows of a table for the whole country."""
        return rolled_up(self.results.frame(name), None)

    def places(self, name: str) -> pl.DataFrame:
        """The rows one level down, all months together: regions of the country, or units of the region."""
        frame = self.results.frame(name).filter(pl.col("region").is_not_null(), *_no_period(name))
        if self.region is None:
            return frame.filter(pl.col("unit").is_null()).sort("region")
        return frame.filter(pl.col("region") == self.region, pl.col("unit").is_not_null()).sort("unit")

    def place(self, row: dict[str, str | None]) -> str:
        """What the place of a row is called."""
        if row["unit"]:
            return self.names.unit(row["unit"])
        return self.names.region(row["region"]) if row["region"] else self.text("words.country")

    def text(self, name: str, **words: object) -> str:
        """A text of the catalogue."""
        return self.messages.text(name, **words)

    def texts(self, group: str, *names: str) -> tuple[str, ...]:
        """Several texts of one group, headings for instance."""
        return tuple(self.text(f"{group}.{name}") for name in names)

    def label(self, variable: str | None) -> str:
        """What a variable is called; a record as a whole has no variable."""
        if variable is None:
            return self.text("words.whole_record")
        known = self.spec.variables.get(variable)
        return self.messages.label(known.label) if known else variable

    def at_level(self, variable: str, level: str | None) -> str:
        """A variable's label, with the number of characters compared where its codes have levels."""
        label = self.label(variable)
        return label if level is None else f"{label}, {self.text('words.level', level=level)}"

    def position(self, variable: str) -> int:
        """Variables stand in the specification's order; unknown ones last."""
        known = list(self.spec.variables)
        return known.index(variable) if variable in known else len(known)

    def variable(self, name: str) -> Variable | None:
        """The variable, or None where results name one that the specification does not have."""
        return self.spec.variables.get(name)


def rolled_up(frame: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """The rows of one region (None: of the whole country), all units and months together."""
    whole = [pl.col(name).is_null() for name in ("unit", "period") if name in frame.columns]
    return frame.filter(pl.col("region").eq_missing(pl.lit(region, pl.String)), *whole)


def require_region(results: Results, region: str) -> None:
    """Raise InputError for a region the results know nothing of."""
    known = results.frame("coverage")["region"].drop_nulls().unique().sort().to_list()
    if region not in known:
        raise InputError(f"The results hold no region '{region}': choose one of {', '.join(known)}.")


def _no_period(name: str) -> list[pl.Expr]:
    return [] if name in ("indicators", "indicator_differences") else [pl.col("period").is_null()]
