"""What stands in a page: no place's hidden number can be had back from the country's page or a region's."""

from __future__ import annotations

import polars as pl
import pytest
from nasty import FOLDER

from pipelines.reports.hidden import hidden_coverage
from pipelines.reports.messages import read_messages
from pipelines.reports.places import PlaceNames
from pipelines.reports.results import Results
from pipelines.reports.sections.coverage import place_counts, place_share
from pipelines.reports.view import View
from pipelines.spec.reading import read_spec

pytestmark = pytest.mark.trust

SPEC = read_spec(FOLDER / "specification.yaml")
NAMES = ("both", "only_reported", "only_new")
SHARES = ("completeness_of_new", "completeness_of_reported", "overlap")


def place(region: str | None, unit: str | None, both: int, only_reported: int, only_new: int) -> dict:
    union = both + only_reported + only_new
    row = {"region": region, "unit": unit, "period": None, "both": both, "only_reported": only_reported}
    row |= {"only_new": only_new, "union": union, "reported": both + only_reported, "new": both + only_new}
    return row | {f"{name}{end}": 0.5 for name in SHARES for end in ("", "_low", "_high")}


@pytest.fixture
def results(tmp_path):
    """Two regions; what is small in one is the country's number less the other's."""
    rows = [place(None, None, 60, 3, 20), place("a", None, 40, 3, 13), place("b", None, 20, 0, 7)]
    units = [place("a", "a1", 38, 3, 12), place("a", "a2", 2, 0, 1), place("b", "b1", 20, 0, 7)]
    pl.DataFrame([*rows, *units]).write_parquet(tmp_path / "coverage.parquet")
    return Results(tmp_path)


def shown(results: Results, region: str | None = None, threshold: int = 5) -> dict:
    view = View(SPEC, results, read_messages("da"), PlaceNames(), region, threshold)
    rows = results.frame("coverage").to_dicts()
    return {(row["region"], row["unit"]): [*place_counts(view, row), *(place_share(view, row, n).text for n in SHARES)]
            for row in rows}  # fmt: skip


def test_what_would_give_a_small_unit_away_is_hidden_beside_it(results):
    told = shown(results)
    assert told["a", "a2"][0] == "skjult"  # 40 of the region less 38 would be 2
    assert told["a", "a1"][0] == "skjult"
    assert told["a", None][0] == "40"
    assert told["a", "a1"][3:] == ["skjult"] * 3  # a share would give the count back


def test_without_secondary_suppression_it_would_stand_there(results, monkeypatch):
    monkeypatch.setattr("pipelines.reports.view.hidden_coverage", lambda *_: {name: {} for name in NAMES})
    told = shown(results)
    assert told["a", "a1"][0] == "38"
    assert told["a", None][0] == "40"


def test_a_region_cannot_subtract_itself_from_the_country(results):
    told = shown(results, "a", threshold=1)
    assert told["a", "a2"][0] == "2"  # its own patients
    assert told[None, None][2] == "20"  # the others have 7
    of_b = shown(results, "b", threshold=1)
    assert of_b[None, None][1] == "skjult"  # 3 less its own none is 3 of the others


def test_a_sum_that_will_be_shown_is_guarded_before_it_is():
    """Østdanmark less Sjælland: two regions that become one."""
    rows = pl.DataFrame(
        [place(None, None, 60, 0, 0), place("a", None, 58, 0, 0), place("b", None, 1, 0, 0), place("c", None, 1, 0, 0)]
    )
    alone = hidden_coverage(rows, 5, {})["both"]
    merged = hidden_coverage(rows, 5, {"b": "bc", "c": "bc"})["both"]
    assert set(alone) == {("b", None), ("c", None)}  # together 2, which the merged region would be
    assert ("a", None) in merged


@pytest.mark.parametrize("threshold", [3, 5, 10])
def test_the_threshold_is_the_specifications(results, threshold):
    assert SPEC.model_copy(update={"small_cells": threshold}).small_cells == threshold
    told = shown(results, threshold=threshold)
    assert (told["b", "b1"][2] == "7") == (threshold <= 7)


def test_a_threshold_below_three_is_refused(tmp_path):
    from pipelines.project import InputError

    path = tmp_path / "specification.yaml"
    path.write_text((FOLDER / "specification.yaml").read_text("utf-8") + "small_cells: 2\n", "utf-8")
    with pytest.raises(InputError, match="small_cells"):
        read_spec(path)
