"""From where a report looks: the whole country with small cells hidden, or one region at its own patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from pipelines.project import InputError
from pipelines.reports.messages import Messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.protection import Told
from pipelines.reports.released import COVERAGE, read_released, released
from pipelines.reports.results import Results
from pipelines.reports.suppression import WIDE, Band, band_text, exact, first_band, is_small
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
    def told(self) -> Told:
        """What the country's page tells of each count: as it was published, else as this run alone would have it."""
        kept = read_released(self.results) if self.threshold in (1, self.spec.small_cells) else {}
        hiding = self.spec.small_cells if self.region else self.threshold
        return kept or released(self.results, None, hiding, self.names.successors)

    @property
    def base(self) -> int:
        """What the counts of pictures and lists are rounded to: a region's own are as they are (1)."""
        return 1 if self.region else self.threshold

    def band(self, table: str, column: str, row: Mapping[str, Any]) -> Band:
        """What is told of a row's count: of a region's own places all, of the country what its page tells, but for
        what only a few outside the region have."""
        if self.region is not None and (row["region"] == self.region or column in self._few_elsewhere(table)):
            return exact(row[column]) if row["region"] else WIDE
        key = (table, column, row["region"], row.get("unit"))
        return self.told.get(key, first_band(row[column], self.spec.small_cells if self.region else self.threshold))

    def _few_elsewhere(self, table: str) -> set[str]:
        """The columns of coverage in which the country's count less the region's own is small."""
        return self._few_in_coverage if table == "coverage" else set()

    @cached_property
    def _few_in_coverage(self) -> set[str]:
        coverage = self.results.frame("coverage")
        (country, own) = (rolled_up(coverage, region).head(1).to_dicts() for region in (None, self.region))
        others = {name: sum(r[name] for r in country) - sum(r[name] for r in own) for name in COVERAGE}
        return {name for name, n in others.items() if is_small(n, self.spec.small_cells)}

    def title_of_months(self, title: str) -> str:
        """The title of a picture of months, and to others than the region what its pale bars are."""
        return title if self.base == 1 else self.text("chart.months_rounded", title=title, base=self.base)

    def rounding_note(self) -> list[str]:
        """That counts are rounded, where they are."""
        return [] if self.base == 1 else [self.text("report.rounded", base=self.base)]

    def band_text(self, band: Band) -> str:
        """A count or its band in words."""
        return band_text(band, self.spec.small_cells if self.region else self.threshold, self.text("words.hidden"))

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
