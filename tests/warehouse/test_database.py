"""The file is encrypted, opens with its key only, and lets no query out of it."""

import os
import subprocess
import sys
from dataclasses import replace

import duckdb
import polars as pl
import pytest

from pipelines.project import InputError
from pipelines.warehouse import database
from pipelines.warehouse.database import in_memory, open_warehouse
from pipelines.warehouse.frames import load, save
from pipelines.warehouse.key import derived, make_key, read_key

PERSONS = pl.DataFrame({"person": [f"{n:02}0170{n:04}" for n in range(1, 29)] * 50})


def stored_bytes(project) -> bytes:
    return b"".join(path.read_bytes() for path in project.home.rglob("*") if path.is_file())


def test_no_person_stands_readable_in_the_file_or_its_log(project):
    with open_warehouse(project, "dhd") as warehouse:
        save(warehouse, "persons", PERSONS)
        while_open = stored_bytes(project)
    for content in (while_open, stored_bytes(project)):
        assert len(content) > 1000
        assert not any(person.encode() in content for person in PERSONS["person"].unique())


def test_an_unencrypted_file_would_be_caught(project):
    project.warehouse("dhd").parent.mkdir(parents=True)
    with duckdb.connect(str(project.warehouse("dhd"))) as plain:
        plain.register("persons", PERSONS)
        plain.execute("set force_compression = 'uncompressed'")
        plain.execute("create table persons_copy as select * from persons")
    assert any(person.encode() in stored_bytes(project) for person in PERSONS["person"].unique())


def spilled(project, encrypted: bool) -> bytes:
    """What a table that does not fit in memory leaves on disk while it is there."""
    folder = project.warehouse("dhd").parent
    folder.mkdir(parents=True)
    connection = database.connect(folder / "spill")
    connection.execute(f"set memory_limit = '50MB'; set temp_file_encryption = {encrypted}")
    database.attach(connection, project.warehouse("dhd"), bytes(32))
    connection.execute("create temp table big as select '01701234' || i as person, hash(i) from range(2000000) t(i)")
    content = b"".join(path.read_bytes() for path in (folder / "spill").rglob("*") if path.is_file())
    connection.close()
    return content


def test_what_does_not_fit_in_memory_is_spilled_encrypted(project):
    content = spilled(project, encrypted=True)
    assert len(content) > 1_000_000
    assert b"01701234" not in content


def test_a_readable_spill_would_be_caught(project):
    assert b"01701234" in spilled(project, encrypted=False)


def test_what_a_killed_process_spilled_is_cleared_by_the_next_writer(project):
    folder = project.warehouse("dhd").parent
    left, own, other = (
        folder / name / "duckdb_temp_storage" for name in ("spill-dhd-1", f"spill-dhd-{os.getpid()}", "spill-dhdx-1")
    )
    for path in (left, own, other):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"left")
    with open_warehouse(project, "dhd"):
        assert not left.exists()
        assert other.exists(), "another database's"
        assert own.exists(), "opening may have spilled already"


def test_the_setting_is_on_in_every_open_warehouse(project):
    with open_warehouse(project, "dhd") as warehouse:
        setting = warehouse.connection.execute("select current_setting('temp_file_encryption')")
        assert setting.fetchone() == (True,)


def test_the_file_opens_with_its_own_key_only(project, tmp_path):
    with open_warehouse(project, "dhd") as warehouse:
        save(warehouse, "persons", PERSONS)
    other = replace(project, key_file=tmp_path / "other")
    make_key(other)
    with pytest.raises(InputError, match="key does not open"), open_warehouse(other, "dhd"):
        pass
    with pytest.raises(duckdb.Error):
        duckdb.connect(str(project.warehouse("dhd")))
    with open_warehouse(project, "dhd") as warehouse:
        assert load(warehouse, "persons").equals(PERSONS)


@pytest.mark.parametrize("content", [b"", b"junk" * 5000], ids=["empty", "junk"])
def test_another_file_in_its_place_is_refused_without_the_key_in_the_sentence(project, content):
    path = project.warehouse("dhd")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be opened") as caught, open_warehouse(project, "dhd"):
        pass
    key = derived(read_key(project), "warehouse", "dhd").hex()
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert key not in shown and caught.value.__suppress_context__
    assert path.read_bytes() == content


def test_an_unencrypted_database_in_its_place_is_refused(project):
    project.warehouse("dhd").parent.mkdir(parents=True)
    duckdb.connect(str(project.warehouse("dhd"))).execute("create table t (a int)").close()
    with pytest.raises(InputError, match="not encrypted"), open_warehouse(project, "dhd"):
        pass


def test_a_failed_start_leaves_no_file_behind(project, monkeypatch, tmp_path):
    monkeypatch.setattr(database, "_cryptography", lambda: tmp_path / "none.duckdb_extension")
    with pytest.raises(InputError, match="cannot be opened"), open_warehouse(project, "dhd"):
        pass
    assert not project.warehouse("dhd").exists()


FORGED = """
import sys, pathlib
from pipelines.project import InputError, Project
from pipelines.warehouse import database
home, key, forged = map(pathlib.Path, sys.argv[1:])
real, database._cryptography = database._cryptography, lambda: forged
def opens():
    try:
        with database.open_warehouse(Project(home, home, key), "dhd") as warehouse:
            return bool(warehouse)
    except InputError as problem:
        return str(problem)
print(opens())
database._cryptography = real
print(opens())
print(database.connect(None).execute("select current_setting('allow_unsigned_extensions')").fetchone())
"""


def test_cryptography_that_was_tampered_with_is_refused(project, tmp_path):
    """Its signature is checked once in each process."""
    forged = tmp_path / "httpfs.duckdb_extension"
    content = bytearray(database._cryptography().read_bytes())
    content[len(content) // 2] ^= 1
    forged.write_bytes(content)
    arguments = [sys.executable, "-c", FORGED, str(project.home), str(project.key_file), str(forged)]
    first, then, checked = subprocess.run(arguments, capture_output=True, text=True).stdout.splitlines()
    assert "cannot be opened" in first
    assert then == "True"
    assert checked == "(True,)"


def test_a_second_run_is_told_to_wait(project):
    program = (
        "import sys, pathlib\n"
        "from pipelines.project import InputError, Project\n"
        "from pipelines.warehouse.database import open_warehouse\n"
        "home, key = map(pathlib.Path, sys.argv[1:])\n"
        "try:\n"
        "    with open_warehouse(Project(home, home, key), 'dhd'): sys.exit(0)\n"
        "except InputError as problem: sys.exit(str(problem))\n"
    )
    arguments = [sys.executable, "-c", program, str(project.home), str(project.key_file)]
    with open_warehouse(project, "dhd"):
        told = subprocess.run(arguments, capture_output=True, text=True)
        with pytest.raises(InputError, match="Another run"), open_warehouse(project, "dhd"):
            pass
    assert "Another run is at work" in told.stderr
    assert subprocess.run(arguments, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    "escape",
    [
        "select * from read_text('/etc/hostname')",
        "copy (select 1) to 'out.csv'",
        "attach 'other.duckdb' as other",
        "install spatial",
        "load 'other.duckdb_extension'",
        "set enable_external_access = true",
        "set temp_file_encryption = false",
    ],
)
def test_no_query_leaves_the_warehouse(project, escape):
    with open_warehouse(project, "dhd") as warehouse, pytest.raises(duckdb.Error):
        warehouse.connection.execute(escape)
    with in_memory() as warehouse, pytest.raises(duckdb.Error):
        warehouse.connection.execute(escape)


def test_a_failed_step_changes_nothing_and_tells_no_value(project):
    with open_warehouse(project, "dhd") as warehouse:
        save(warehouse, "persons", PERSONS)
        with pytest.raises(InputError) as caught, warehouse.transaction():
            warehouse.connection.execute("delete from frame_persons")
            warehouse.connection.execute("select cast(person || 'x' as integer) from (select '0101701234' as person)")
        assert "0101701234" not in str(caught.value)
        assert caught.value.__suppress_context__
        assert load(warehouse, "persons").equals(PERSONS)


def test_a_frame_keeps_its_rows_in_order(project):
    frame = pl.DataFrame({"a": [3, 1, 2], "b": [None, "x", "y"], "c": [[1], [], None]})
    with open_warehouse(project, "dhd") as warehouse:
        save(warehouse, "frame", PERSONS)
        save(warehouse, "frame", frame)
        assert load(warehouse, "frame").equals(frame)
        with pytest.raises(InputError, match="no other yet"):
            load(warehouse, "other")
        with pytest.raises(ValueError):
            save(warehouse, "x; drop table frame_frame", frame)
