"""What a run tells of every count on the country's page: written at publishing, and read by the next release.

A cell is (table, column, region, unit). All tables of a release are protected together, for what one hides another
may give away; and together with the release before, in which a count that is the same is one and the same cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.reports.protection import Sum, Tables, Told, protected
from pipelines.reports.results import Results
from pipelines.reports.suppression import Band

COVERAGE = ("both", "only_reported", "only_new")
FACTS = ("reported", "new", "pairs", "only_reported", "only_new")

# What the country's table of agreement tells beside the same and the different.
TOLD = ("both_known", "agree", "agree_within", "missing_differs", "reported_missing", "new_missing")

Key = tuple[str, str, str | None, str | None]
Place = tuple[str | None, str | None]
COUNTRY: Place = (None, None)


@dataclass
class Counted:
    """The counts of a release, as they are, and what adds up to what."""

    counts: dict[Key, int] = field(default_factory=dict)
    sums: list[Sum] = field(default_factory=list)
    weights: dict[Key, int] = field(default_factory=dict)
    unpublished: set[Key] = field(default_factory=set)

    def add_unpublished(self, key: Key, count: int) -> Key:
        """A count that is shown nowhere, but is in a sum."""
        self.counts[key] = count
        self.unpublished.add(key)
        return key


def write_released(
    folder: Path, earlier: Path | None, threshold: int, successors: Mapping[str, str], counts: Mapping[str, int]
) -> None:
    """published.parquet: what is told of each count of this run, given what the earlier release told.

    `counts` are those of the run's summary, which is written later.
    """
    told = released(Results(folder), Results(earlier) if earlier else None, threshold, successors, counts)
    rows = [(*key, *band) for key, band in sorted(told.items(), key=str)]
    schema = dict.fromkeys(("table", "column", "region", "unit"), pl.String)
    frame = pl.DataFrame(rows, schema | {"least": pl.Int64, "most": pl.Int64}, orient="row")
    frame.write_parquet(folder / "published.parquet", compression="zstd")


def read_released(results: Results) -> Told:
    """What a published run told of its counts; nothing where it was published before this was kept."""
    return {tuple(row[:4]): Band(*row[4:]) for row in results.frame("published").rows()}


def released(
    results: Results,
    earlier: Results | None,
    threshold: int,
    successors: Mapping[str, str],
    counts: Mapping[str, int] | None = None,
) -> Told:
    """Cell → what may be told of it."""
    now = counted(results, successors, counts)
    told = read_released(earlier) if earlier else {}
    was = counted(earlier, successors) if told else Counted()
    was.counts = {key: n for key, n in was.counts.items() if key in told or key in was.unpublished}
    sums = [line for line in was.sums if all(cell in was.counts for cell in line.cells)]
    before = {_earlier(key): n for key, n in was.counts.items()}
    tables = Tables(
        counts=now.counts | before,
        sums=[*now.sums, *(_earlier_sum(line) for line in sums), *ties(now.counts, was.counts)],
        weights=now.weights,
        fixed={_earlier(key): band for key, band in told.items() if key in was.counts},
        unpublished=now.unpublished | {_earlier(key) for key in was.unpublished},
    )
    found = protected(tables, threshold)
    return {key: band for key, band in found.items() if key in now.counts and key not in now.unpublished}


def _earlier(key: Key) -> tuple[str, Key]:
    return ("earlier", key)


def _earlier_sum(line: Sum) -> Sum:
    return Sum(_earlier(line.whole), tuple(map(_earlier, line.parts)))


def ties(now: Mapping[Key, int], was: Mapping[Key, int]) -> Iterator[Sum]:
    """The counts that an attacker may take to be unchanged since the earlier release. A unit is the same whatever
    region it has come under; a region is held against itself, and against the one that it became."""
    units = {(table, column, unit): key for key in was for table, column, _, unit in [key] if unit}
    for key, count in now.items():
        table, column, _, unit = key
        same = units.get((table, column, unit)) if unit else key
        if same in was and was[same] == count:
            yield Sum(key, (_earlier(same),))


def counted(results: Results, successors: Mapping[str, str], counts: Mapping[str, int] | None = None) -> Counted:
    """Every count that the country's page tells, and the sums between them."""
    found = Counted()
    for column in COVERAGE:
        whole = results.frame("coverage").filter(pl.col("period").is_null())
        _add_places(found, "coverage", column, whole.select("region", "unit", column, "union"), successors)
    _add_agreement(found, results, successors)
    _add_facts(found, results, counts or results.summary["counts"])
    return found


def _add_places(found: Counted, table: str, column: str, rows: pl.DataFrame, successors: Mapping[str, str]) -> None:
    """One column of a table by place: rows of region, unit, count, and how many the place has in all."""
    counts = {(region, unit): (n, union) for region, unit, n, union in rows.rows()}
    for place, (n, union) in counts.items():
        found.counts[table, column, *place] = n
        found.weights[table, column, *place] = union
    regions = [place for place in counts if place[0] and place[1] is None]
    for successor, parts in _merging(regions, successors).items():
        # What it will say of the region that two become is guarded as if it were told already.
        key = (table, column, successor, None)
        found.counts[key] = sum(counts[part][0] for part in parts)
        found.sums.append(Sum(key, tuple((table, column, *part) for part in parts)))
    if COUNTRY in counts:
        _add_sum(found, (table, column, *COUNTRY), [(table, column, *place) for place in regions])
    for region, _ in regions:
        units = [(table, column, *place) for place in counts if place[0] == region and place[1] is not None]
        if units:
            _add_sum(found, (table, column, region, None), units)


def _merging(regions: list[Place], successors: Mapping[str, str]) -> dict[str, list[Place]]:
    """Regions that become one, where the one is not there yet."""
    known = {region for region, _ in regions}
    coming = sorted(set(successors.values()) - known)
    parts = {new: [place for place in regions if successors.get(place[0] or "") == new] for new in coming}
    return {new: places for new, places in parts.items() if places}


def _add_sum(found: Counted, whole: Key, parts: list[Key]) -> None:
    """A whole and its parts; what belongs to none of them is a part that is told nowhere."""
    beside = found.counts[whole] - sum(found.counts[part] for part in parts)
    rest = [found.add_unpublished((whole[0], f"{whole[1]} elsewhere", *whole[2:]), beside)] if beside > 0 else []
    found.sums.append(Sum(whole, (*parts, *rest)))


def agreement_table(variable: str, level: str | None) -> str:
    """What the table of one variable's agreement is called."""
    return f"agreement/{variable}" if level is None else f"agreement/{variable}/{level}"


def _add_agreement(found: Counted, results: Results, successors: Mapping[str, str]) -> None:
    frame = results.frame("agreement").filter(pl.col("unit").is_null(), pl.col("period").is_null())
    whole = frame.with_columns(same=pl.col("agree") + pl.col("agree_within")).sort("variable", "level", "region")
    for (variable, level), rows in whole.group_by("variable", "level", maintain_order=True):
        table = agreement_table(variable, level)
        country = rows.filter(pl.col("region").is_null())
        by_place = rows if level is None else country
        for column in ("same", "differ"):
            _add_places(found, table, column, by_place.select("region", "unit", column, "both_known"), successors)
        for row in country.iter_rows(named=True):
            keys = {column: (table, column, *COUNTRY) for column in (*TOLD, "same", "differ")}
            found.counts |= {keys[column]: row[column] for column in TOLD}
            found.sums.append(Sum(keys["same"], (keys["agree"], keys["agree_within"])))
            found.sums.append(Sum(keys["both_known"], (keys["same"], keys["differ"])))


def _add_facts(found: Counted, results: Results, counts: Mapping[str, int]) -> None:
    """The run's own counts. Each record stands in a pair, alone on its side, or outside the comparison."""
    keys = {name: ("facts", name, *COUNTRY) for name in FACTS}
    found.counts |= {keys[name]: counts[name] for name in FACTS}
    same = {"pairs": "both", "only_reported": "only_reported", "only_new": "only_new"}
    told = {name: ("coverage", column, *COUNTRY) for name, column in same.items()}
    found.sums += [Sum(keys[name], (key,)) for name, key in told.items() if key in found.counts]
    outside = []
    for side in ("reported", "new"):
        unfit = found.add_unpublished(("facts", f"not_comparable_{side}", *COUNTRY), counts[f"not_comparable_{side}"])
        surplus = found.add_unpublished(("facts", f"surplus_{side}", *COUNTRY), counts[f"surplus_{side}"])
        found.sums.append(Sum(keys[side], (keys["pairs"], keys[f"only_{side}"], unfit, surplus)))
        outside.append(unfit)
    found.counts["facts", "not_comparable", *COUNTRY] = sum(found.counts[key] for key in outside)
    found.sums.append(Sum(("facts", "not_comparable", *COUNTRY), tuple(outside)))
