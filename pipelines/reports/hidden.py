"""Which cells of a run's tables are hidden from those who see the country: small ones, and what gives them away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from pipelines.reports.protection import Cell, Hidden, Sum, protected

COVERAGE = ("both", "only_reported", "only_new")
Place = tuple[str | None, str | None]


def hidden_coverage(coverage: pl.DataFrame, threshold: int, successors: Mapping[str, str]) -> dict[str, Hidden]:
    """Column → the places (region, unit) whose count is hidden. The whole country is shown as it is.

    `successors`: region → the region that it becomes; their sum is guarded already, since it will be shown.
    """
    whole = coverage.filter(pl.col("period").is_null())
    return {column: _hidden_places(whole, column, threshold, successors) for column in COVERAGE}


def hidden_agreement(agreement: pl.DataFrame, threshold: int) -> dict[str, Hidden]:
    """Variable → the regions whose share is hidden: a share may give away who differs, and who is the same."""
    rows = agreement.filter(pl.col("unit").is_null(), pl.col("period").is_null(), pl.col("level").is_null())
    same = rows.with_columns(same=pl.col("agree") + pl.col("agree_within"))
    found: dict[str, Hidden] = {}
    for (variable,), frame in same.sort("variable", "region").group_by("variable", maintain_order=True):
        columns = (_hidden_places(frame.with_columns(unit=None), name, threshold, {}) for name in ("same", "differ"))
        found[variable] = {place: state for hidden in columns for place, state in hidden.items()}
    return found


def _hidden_places(rows: pl.DataFrame, column: str, threshold: int, successors: Mapping[str, str]) -> Hidden:
    counts: dict[Cell, int] = {(region, unit): n for region, unit, n in rows.select("region", "unit", column).rows()}
    regions = [place for place in counts if place[0] and place[1] is None]
    coming = _merged(regions, counts, successors)
    sums = [*_down(counts, regions), *coming]
    counts |= {one.whole: sum(counts[part] for part in one.parts) for one in coming}
    told = {(None, None): "shown"} if (None, None) in counts else {}
    return protected(counts, sums, threshold, told)


def _down(counts: Mapping[Cell, int], regions: list[Place]) -> Iterable[Sum]:
    """The country is the sum of its regions, a region that of its units."""
    if (None, None) in counts:
        yield Sum((None, None), tuple(regions))
    for region, _ in regions:
        yield Sum((region, None), tuple(place for place in counts if place[0] == region and place[1] is not None))


def _merged(regions: list[Place], counts: Mapping[Cell, int], successors: Mapping[str, str]) -> list[Sum]:
    """Regions that become one, where the one is not there yet."""
    of = {new: tuple(place for place in regions if successors.get(place[0]) == new) for new in successors.values()}
    return [Sum((new, None), parts) for new, parts in sorted(of.items()) if parts and (new, None) not in counts]
