"""What stands in a page: no place's small number can be had back from the country's page or a region's."""

from __future__ import annotations

import polars as pl
import pytest
from nasty import FOLDER

from pipelines.project import InputError
from pipelines.reports.messages import read_messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.protection import Sum
from pipelines.reports.released import COVERAGE, counted, released, write_released
from pipelines.reports.results import Results
from pipelines.reports.sections.shares import place_counts, place_share
from pipelines.reports.suppression import first_band
from pipelines.reports.view import View
from pipelines.spec.reading import read_spec

pytestmark = pytest.mark.trust

SPEC = read_spec(FOLDER / "specification.yaml")
SHARES = ("completeness_of_new", "completeness_of_reported", "overlap")
BESIDE = ("not_comparable_reported", "not_comparable_new", "surplus_reported", "surplus_new")


def place(region: str | None, unit: str | None, both: int, only_reported: int, only_new: int) -> dict:
    union = both + only_reported + only_new
    row = {"region": region, "unit": unit, "period": None, "both": both, "only_reported": only_reported}
    row |= {"only_new": only_new, "union": union, "reported": both + only_reported, "new": both + only_new}
    return row | {f"{name}{end}": 0.5 for name in SHARES for end in ("", "_low", "_high")}


def laid(folder, *places: dict) -> Results:
    """A run's coverage, whose first row is the country, and the counts of its summary."""
    folder.mkdir(exist_ok=True)
    pl.DataFrame(places).write_parquet(folder / "coverage.parquet")
    results, country = Results(folder), places[0]
    counts = dict.fromkeys(BESIDE, 0)
    counts |= {name: country[name] for name in ("reported", "new", "only_reported", "only_new")}
    results.__dict__["summary"] = {"counts": counts | {"pairs": country["both"]}}
    return results


@pytest.fixture
def results(tmp_path):
    """Two regions; what is small in one is the country's number less the other's."""
    rows = [place(None, None, 60, 3, 20), place("a", None, 40, 3, 13), place("b", None, 20, 0, 7)]
    units = [place("a", "a1", 38, 3, 12), place("a", "a2", 2, 0, 1), place("b", "b1", 20, 0, 7)]
    return laid(tmp_path, *rows, *units)


def shown(results: Results, region: str | None = None, threshold: int = 5) -> dict:
    view = View(SPEC, results, read_messages("da"), PlaceNames(), region, threshold)
    rows = results.frame("coverage").to_dicts()
    return {(row["region"], row["unit"]): [*place_counts(view, row), *(place_share(view, row, n).text for n in SHARES)]
            for row in rows}  # fmt: skip


def test_what_would_give_a_small_unit_away_is_told_as_a_band_beside_it(results):
    told = shown(results)
    assert told["a", "a2"][0] == "<5"
    assert told["a", "a1"][0] == "35–39"  # 40 of the region less 38 would be 2
    assert told["a", None][0] == "40"
    assert told["a", "a1"][3] == "91–99 %"  # what the bands leave: the exact share would give the count back


def test_without_secondary_suppression_it_would_stand_there(results, monkeypatch):
    def primary(results, earlier, threshold, successors):
        return {key: first_band(n, threshold) for key, n in counted(results, successors).counts.items()}

    monkeypatch.setattr("pipelines.reports.view.released", primary)
    told = shown(results)
    assert told["a", "a1"][0] == "38"
    assert told["a", None][0] == "40"


def test_a_region_cannot_subtract_itself_from_the_country(results):
    told = shown(results, "a", threshold=1)
    assert told["a", "a2"][0] == "2"  # its own patients
    assert told[None, None][2] == "20"  # the others have 7
    of_b = shown(results, "b", threshold=1)
    assert of_b[None, None][1] == "skjult"  # 3 less its own none is 3 of the others


def test_a_sum_that_will_be_shown_is_guarded_before_it_is(tmp_path):
    """Østdanmark less Sjælland: two regions that become one."""
    rows = laid(tmp_path, place(None, None, 61, 0, 0), place("a", None, 58, 0, 0), place("b", None, 1, 0, 0),
                place("c", None, 2, 0, 0))  # fmt: skip
    alone, merged = (released(rows, None, 5, successors) for successors in ({}, {"b": "bc", "c": "bc"}))
    of_a = ("coverage", "both", "a", None)
    assert alone[of_a].is_exact
    assert not merged[of_a].is_exact  # else b and c together are 3, which the merged region would be


def test_what_the_release_before_told_is_reckoned_with(tmp_path):
    """b's 3 was "<5" beside a's band; now that a has grown, nothing but the earlier release would guard it."""
    places = (place(None, None, 23, 0, 0), place("a", None, 20, 0, 0), place("b", None, 3, 0, 0))
    before = laid(tmp_path / "before", *places)
    now = laid(tmp_path / "now", place(None, None, 33, 0, 0), place("a", None, 30, 0, 0), place("b", None, 3, 0, 0))
    write_released(before.folder, None, 5, {}, before.summary["counts"])
    told = released(now, before, 5, {})
    of_a = told["coverage", "both", "a", None]
    assert not of_a.is_exact


def test_a_unit_is_the_same_in_the_region_that_its_own_became(tmp_path):
    """In the release before, b1's 9 was a band that guarded b2's 4; told as it is of Østdanmark, it would not."""
    before = laid(
        tmp_path / "before", place(None, None, 73, 0, 0), place("a", None, 60, 0, 0), place("b", None, 13, 0, 0),
        place("b", "b1", 9, 0, 0), place("b", "b2", 4, 0, 0),
    )  # fmt: skip
    now = laid(
        tmp_path / "now", place(None, None, 93, 0, 0), place("ab", None, 93, 0, 0), place("ab", "a1", 65, 0, 0),
        place("ab", "b1", 9, 0, 0), place("ab", "b2", 7, 0, 0), place("ab", "a2", 12, 0, 0),
    )  # fmt: skip
    write_released(before.folder, None, 5, {"a": "ab", "b": "ab"}, before.summary["counts"])
    key = ("coverage", "both", "ab", "b1")
    assert released(now, None, 5, {})[key].is_exact
    assert not released(now, before, 5, {})[key].is_exact


def test_broken_variant_that_forgets_the_release_before_is_caught(tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.reports.released.ties", lambda now, was: iter(()))
    with pytest.raises(AssertionError):
        test_a_unit_is_the_same_in_the_region_that_its_own_became(tmp_path)


@pytest.mark.parametrize("threshold", [3, 5, 10])
def test_the_threshold_is_the_specifications(results, threshold):
    assert SPEC.model_copy(update={"small_cells": threshold}).small_cells == threshold
    told = shown(results, threshold=threshold)
    assert (told["b", "b1"][2] == "7") == (threshold <= 7)


def test_a_threshold_below_three_is_refused(tmp_path):
    path = tmp_path / "specification.yaml"
    path.write_text((FOLDER / "specification.yaml").read_text("utf-8") + "small_cells: 2\n", "utf-8")
    with pytest.raises(InputError, match="small_cells"):
        read_spec(path)


def test_every_sum_that_is_reckoned_with_holds(results):
    """A sum of the release that did not hold would guard nothing."""
    found = counted(results, {})
    assert {column for _, column, *_ in found.counts} >= set(COVERAGE)
    assert all(found.counts[one.whole] == sum(found.counts[part] for part in one.parts) for one in found.sums)
    assert all(isinstance(one, Sum) for one in found.sums)
