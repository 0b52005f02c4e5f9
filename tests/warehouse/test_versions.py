"""The latest version stands, whatever the order in which corrections and deletions arrive."""

from itertools import permutations

import pytest
from submissions import delete, record, submission, take_in

from pipelines.warehouse import versions
from pipelines.warehouse.conforming import conform
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.receiving import prepare
from pipelines.warehouse.versions import canonical_columns, current


@pytest.fixture
def files(tmp_path):
    return [
        submission(tmp_path, 1, [record(1), record(2), record(3)]),
        submission(tmp_path, 2, [record(1, "correct", lvef=50), record(4)]),
        submission(tmp_path, 3, [delete(2), record(3, "correct", lvef=51)]),
        submission(tmp_path, 4, [record(2, lvef=52), delete(4)]),
    ]


def received(spec, schemas, units, files):
    with in_memory() as warehouse:
        prepare(warehouse, spec, ("kip", "wsapi"), units)
        for path in files:
            take_in(warehouse, spec, schemas, path)
        conform(warehouse, spec, schemas)
        return current(warehouse, spec, "wsapi")


def test_all_orders_of_arrival_end_in_one_state(small, units, files):
    states = [received(*small, units, order) for order in permutations(files)]
    assert all(state.equals(states[0]) for state in states)
    standing = dict(states[0].select("record_id", "lvef").iter_rows())
    assert standing == {"W-1": 50.0, "W-2": 52.0, "W-3": 51.0}


def test_order_of_arrival_alone_would_not_do(small, units, files, monkeypatch):
    monkeypatch.setattr(versions, "LATEST_FIRST", "r.ordinal desc, v.line desc")
    states = [received(*small, units, order) for order in (files, files[::-1])]
    assert not states[0].equals(states[1])


def test_conforming_after_each_file_is_conforming_them_all(small, units, files):
    spec, schemas = small
    with in_memory() as warehouse:
        prepare(warehouse, spec, ("kip", "wsapi"), units)
        for path in files:
            take_in(warehouse, spec, schemas, path)
            conform(warehouse, spec, schemas)
        assert current(warehouse, spec, "wsapi").equals(received(spec, schemas, units, files))


def test_the_canonical_frame_has_its_columns_and_says_where_a_row_came_from(warehouse, spec, schemas, tmp_path):
    path = submission(tmp_path, 5, [record(1, sourceSystem="NordEPJ", lvef="NP", nyha="")])
    receipt = take_in(warehouse, spec, schemas, path)
    conform(warehouse, spec, schemas)
    frame = current(warehouse, spec, "wsapi")
    assert frame.columns == [*canonical_columns(spec), "receipt_id", "line"]
    row = frame.row(0, named=True)
    assert (row["receipt_id"], row["line"], row["submission"]) == (receipt.receipt_id, 2, "NJ-000005")
    assert (row["source_file"], row["schema_version"]) == ("NJ-000005.json", "1.1")
    assert (row["region"], row["hospital"], row["ehr_system"]) == ("nordjylland", "8001", "NordEPJ")
    assert (row["age_band"], row["sex"]) == ("50-59", "female")
    assert (row["lvef"], row["lvef_missing"]) == (None, "not_done")
    assert (row["nyha"], row["nyha_missing"]) == (None, None)


def test_an_accepted_version_stands_under_a_correction_that_is_held_back(warehouse, spec, schemas, files):
    for path in files[:2]:
        take_in(warehouse, spec, schemas, path)
    conform(warehouse, spec, schemas)
    warehouse.connection.execute("update typed_wsapi set quarantined = true where action = 'correct'")
    assert current(warehouse, spec, "wsapi")["lvef"].to_list()[:2] == [31.0, 32.0]


def test_a_region_cannot_delete_or_take_over_anothers_record(warehouse, spec, schemas, tmp_path):
    take_in(warehouse, spec, schemas, submission(tmp_path, 1, [record(1), record(2)]))
    (tmp_path / "other").mkdir()
    foreign = [delete(1), record(2, shak="6620061", lvef=99)]
    path = submission(tmp_path / "other", 9, foreign, region="midtjylland")
    take_in(warehouse, spec, schemas, path, region="midtjylland")
    conform(warehouse, spec, schemas)
    standing = dict(current(warehouse, spec, "wsapi").select("record_id", "lvef").iter_rows())
    assert standing == {"W-1": 31.0, "nordjylland:W-2": 32.0, "midtjylland:W-2": 99.0}


def test_a_changed_specification_makes_the_typed_rows_anew(warehouse, spec, schemas, units, files):
    take_in(warehouse, spec, schemas, files[0])
    conform(warehouse, spec, schemas)
    more = spec.variables | {"pulse": spec.variables["heart_rate"]}
    changed = spec.model_copy(update={"variables": more})
    prepare(warehouse, changed, ("kip", "wsapi"), units)
    take_in(warehouse, changed, schemas, files[1])
    conform(warehouse, changed, schemas)
    frame = current(warehouse, changed, "wsapi")
    assert frame["record_id"].to_list() == ["W-1", "W-2", "W-3", "W-4"]
    assert "pulse" in frame.columns


def test_a_unit_belongs_to_the_region_it_had_on_the_event_date(warehouse, spec, schemas, tmp_path):
    moved = [
        {"unit": "8001101", "region": "nordjylland", "valid_from": "", "valid_until": "2026-03-15"},
        {"unit": "8001101", "region": "midtjylland", "valid_from": "2026-03-16", "valid_until": ""},
    ]
    prepare(warehouse, spec, ("kip", "wsapi"), moved)
    days = ["2026-03-15", "2026-03-16", "nonsense"]
    records = [record(number, startDate=day) for number, day in enumerate(days)]
    take_in(warehouse, spec, schemas, submission(tmp_path, 1, records))
    conform(warehouse, spec, schemas)
    owners = warehouse.frame("select unit_region from typed_wsapi order by line")["unit_region"].to_list()
    assert owners == ["nordjylland", "midtjylland", "midtjylland"]
