"""The sensor asks for a region when its files have come to rest, once."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest
from tests_of_orchestration import ROOT

from pipelines.orchestration.inbox import inbox
from pipelines.orchestration.installation import Installation


class Ticks:
    """The sensor ticking over one inbox, its cursor kept between the ticks."""

    def __init__(self, home: Path) -> None:
        self.installation = Installation(home=str(home), expectations=str(ROOT / "expectations"))
        self.home, self.cursor = home, None

    def lay(self, name: str, content: str = "x", region: str = "nordjylland", source: str = "kip") -> None:
        path = self.home / "inbox" / "dhd" / source / region / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def tick(self) -> list[dg.RunRequest]:
        with dg.build_sensor_context(cursor=self.cursor) as context:
            found = inbox(context, installation=self.installation)
        self.cursor = found.cursor
        return found.run_requests

    def asked(self) -> list[str]:
        return [request.partition_key for request in self.tick()]


@pytest.fixture
def ticks(tmp_path) -> Ticks:
    return Ticks(tmp_path)


def test_an_empty_inbox_asks_for_nothing(ticks):
    assert ticks.tick() == []


def test_files_at_rest_are_asked_for_by_database_and_region_and_not_twice(ticks):
    ticks.lay("kip_1.csv")
    ticks.lay("kip_2.csv", region="sjaelland")
    ticks.tick()
    assert ticks.asked() == ["dhd|nordjylland", "dhd|sjaelland"]
    assert ticks.asked() == []


def test_a_file_that_still_grows_waits(ticks):
    ticks.lay("kip_1.csv", "x")
    ticks.tick()
    ticks.lay("kip_1.csv", "xx")
    assert ticks.asked() == []
    assert ticks.asked() == ["dhd|nordjylland"]


def test_a_further_file_asks_again_with_another_key(ticks):
    ticks.lay("kip_1.csv")
    ticks.tick()
    first = ticks.tick()
    ticks.lay("NJ-1.json", source="wsapi")
    ticks.tick()
    second = ticks.tick()
    assert [request.partition_key for request in second] == ["dhd|nordjylland"]
    assert first[0].run_key != second[0].run_key


def test_the_registers_files_ask_for_the_registers_once_for_all_databases(ticks):
    path = ticks.home / "inbox" / "registers" / "lab" / "national" / "lab_forsker_2026-06-30.csv"
    path.parent.mkdir(parents=True)
    path.write_text("x")
    assert ticks.tick() == []
    [request] = ticks.tick()
    assert (request.partition_key, request.asset_selection) == (None, [dg.AssetKey("registers")])
    assert ticks.tick() == []


@pytest.mark.parametrize("name", ["kip_1.csv.part", ".kip_1.csv", "kip_1.tmp"])
def test_unfinished_and_hidden_files_are_left_alone(ticks, name):
    ticks.lay(name)
    ticks.tick()
    assert ticks.asked() == []


def test_a_folder_that_is_no_region_asks_for_nothing(ticks):
    ticks.lay("kip_1.csv", region="atlantis")
    ticks.tick()
    assert ticks.asked() == []


def test_a_name_that_looks_like_a_person_leaves_no_trace_that_could_be_guessed(ticks, tmp_path):
    ticks.lay("0101701234.csv")
    other = Ticks(tmp_path / "other")
    other.lay("0202702345.csv")
    for each in (ticks, other):
        each.tick()
    assert "0101701234" not in ticks.cursor
    assert json.loads(ticks.cursor)["seen"] == json.loads(other.cursor)["seen"]
