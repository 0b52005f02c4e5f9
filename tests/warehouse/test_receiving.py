"""Every row of every file is accounted for, and the same file twice changes nothing."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from submissions import CPR, delete, record, submission, take_in

from pipelines.project import InputError
from pipelines.sources.arrivals import arrivals
from pipelines.spec.reading import read_source_schemas, read_spec, read_units
from pipelines.warehouse.conforming import conform
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.ledger import broken_findings, receipts, recount
from pipelines.warehouse.receiving import prepare
from pipelines.warehouse.versions import current

REPOSITORY = Path(__file__).parents[2]


def tables(warehouse) -> dict[str, pl.DataFrame]:
    names = [name for (name,) in warehouse.connection.execute("show tables").fetchall()]
    return {name: warehouse.frame(f"select * from {name} order by all") for name in names}


def same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> bool:
    return one.keys() == other.keys() and all(one[name].equals(other[name]) for name in one)


def test_rows_receipt_and_lines(warehouse, spec, schemas, tmp_path):
    path = submission(tmp_path, 7, [record(1), record(2) | {"odd": 1}, record(3), delete(9)])
    receipt = take_in(warehouse, spec, schemas, path)
    assert (receipt.verdict, receipt.rows_in, receipt.rows_accepted, receipt.rows_quarantined) == ("partly", 4, 3, 1)
    assert (receipt.submission, receipt.sequence, receipt.schema_version) == ("NJ-000007", 7, "1.1")
    assert warehouse.frame("select line from raw_wsapi order by 1")["line"].to_list() == [2, 4, 5]
    assert broken_findings(warehouse).select("receipt_id", "line", "rule", "severity").row(0) == (
        receipt.receipt_id, 3, "row.unknown_field", "error"
    )  # fmt: skip


def test_the_same_file_twice_changes_nothing(warehouse, spec, schemas, tmp_path):
    path = submission(tmp_path, 1, [record(1), record(2)])
    first = take_in(warehouse, spec, schemas, path)
    conform(warehouse, spec, schemas)
    before = tables(warehouse)
    again = take_in(warehouse, spec, schemas, path)
    copy = take_in(warehouse, spec, schemas, shutil.copy(path, tmp_path / "copy.json") and tmp_path / "copy.json")
    conform(warehouse, spec, schemas)
    assert again == first
    assert (copy.verdict, copy.file, copy.rows_in, copy.rows_accepted) == ("duplicate", "copy.json", 2, 0)
    assert same(tables(warehouse), before)
    assert receipts(warehouse, [copy])["verdict"].to_list() == ["accepted", "duplicate"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"region": "sjaelland"}, "other_region"),
        ({"database": "dvdd"}, "wrong_database"),
        ({"schemaVersion": "9.9"}, "unknown_schema_version"),
        ({"submissionId": CPR}, "not_the_format"),
    ],
)
def test_a_refused_file_leaves_a_receipt_and_no_rows(warehouse, spec, schemas, tmp_path, changes, code):
    receipt = take_in(warehouse, spec, schemas, submission(tmp_path, 1, [record(1)], **changes))
    assert receipt.verdict == "refused" and receipt.reason.startswith(f"{code}: ")
    assert warehouse.frame("select * from raw_wsapi").is_empty()
    assert receipts(warehouse).select("verdict", "reason").row(0) == ("refused", receipt.reason)


def test_a_file_all_from_another_regions_units_is_refused_one_row_is_not(warehouse, spec, schemas, tmp_path):
    foreign = [record(1, shak="6620061"), record(2, shak=" 6620061 ")]
    assert take_in(warehouse, spec, schemas, submission(tmp_path, 1, foreign)).reason.startswith("other_region")
    mixed = [*foreign, record(3)]
    assert take_in(warehouse, spec, schemas, submission(tmp_path, 2, mixed)).verdict == "accepted"
    unknown = [record(4, shak="9999999")]
    assert take_in(warehouse, spec, schemas, submission(tmp_path, 3, unknown)).verdict == "accepted"


def test_the_malformed_file_from_another_region_is_refused(project):
    folder = REPOSITORY / "tests" / "data" / "nasty"
    spec = read_spec(folder / "specification.yaml")
    schemas = read_source_schemas(folder, spec)
    with open_warehouse(project, "nasty") as warehouse:
        prepare(warehouse, spec, ("kip", "wsapi"), read_units(spec, folder))
        path = folder / "x_all_rows_other_region.csv"
        assert take_in(warehouse, spec, schemas, path, "kip", "1084").reason.startswith("other_region")
        named = take_in(warehouse, spec, schemas, folder / "x_0101701234_patient.csv", "kip", "1084")
        assert named.reason.startswith("file_name") and CPR not in str(named)


@pytest.mark.parametrize("name", [f"{CPR}.json", "010170-1234.json", "a b.json", "$(rm).json", "=cmd.json"])
def test_a_hostile_name_is_refused_and_never_repeated(warehouse, spec, schemas, tmp_path, name):
    path = submission(tmp_path, 1, [record(1)]).rename(tmp_path / name)
    receipt = take_in(warehouse, spec, schemas, path)
    assert receipt.reason.startswith("file_name")
    assert name not in str(receipts(warehouse).rows())
    renamed = take_in(warehouse, spec, schemas, path.rename(tmp_path / "NJ.json"))
    assert renamed.verdict == "accepted"


def test_a_version_that_is_learned_later_lets_the_same_file_in(warehouse, spec, schemas, tmp_path):
    path = submission(tmp_path, 1, [record(1)])
    old = {key: schema for key, schema in schemas.items() if key != ("wsapi", "1.1")}
    first = take_in(warehouse, spec, old, path)
    assert take_in(warehouse, spec, old, path) == first
    assert take_in(warehouse, spec, schemas, path).verdict == "accepted"
    assert receipts(warehouse)["verdict"].to_list() == ["accepted"]


def test_the_database_itself_refuses_rows_that_do_not_add_up(warehouse, spec, schemas, tmp_path):
    take_in(warehouse, spec, schemas, submission(tmp_path, 1, [record(1)]))
    with pytest.raises(InputError), warehouse.transaction():
        warehouse.connection.execute("update receipts set rows_accepted = 0")


def test_what_validation_holds_back_moves_in_the_row_account(warehouse, spec, schemas, tmp_path):
    take_in(warehouse, spec, schemas, submission(tmp_path, 1, [record(1), record(2), record(3) | {"odd": 1}]))
    conform(warehouse, spec, schemas)
    for held, account in ((True, (3, 1, 2, "partly")), (False, (3, 2, 1, "partly"))):
        warehouse.connection.execute(f"update typed_wsapi set quarantined = {held} where line = 2")
        recount(warehouse, "wsapi")
        counts = receipts(warehouse).select("rows_in", "rows_accepted", "rows_quarantined", "verdict")
        assert counts.row(0) == account


def test_a_channel_without_a_reader_is_named(warehouse, spec, schemas, tmp_path):
    with pytest.raises(InputError, match="kip, wsapi"):
        take_in(warehouse, spec, schemas, submission(tmp_path, 1, [record(1)]), source="fax")


def test_the_sample_is_received_whole_and_the_order_of_arrival_changes_nothing(project, spec, schemas, units):
    found = arrivals(REPOSITORY / "sample_data" / "inbox" / "dhd")[::8]
    states = []
    for database, files in (("one", found), ("two", found[::-1])):
        with open_warehouse(project, database) as warehouse:
            prepare(warehouse, spec, ("kip", "wsapi"), units)
            for arrival in files:
                take_in(warehouse, spec, schemas, arrival.path, arrival.source, arrival.region)
            conform(warehouse, spec, schemas)
            states.append([current(warehouse, spec, source) for source in ("kip", "wsapi")])
            counts = warehouse.frame("select sum(rows_accepted) as n from receipts")["n"][0]
            raw = warehouse.frame("select (select count(*) from raw_kip) + (select count(*) from raw_wsapi) as n")
            assert counts == raw["n"][0] > 0
    assert all(one.equals(other) for one, other in zip(*states, strict=True))
