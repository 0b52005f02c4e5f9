"""DuckDB reads nothing but its own file, and a whole run of the flow speaks to nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from little_home import little_home_with_files, published

from pipelines.project import Project
from pipelines.warehouse.database import in_memory, open_warehouse
from pipelines.warehouse.key import make_key

pytestmark = pytest.mark.trust

REPOSITORY = Path(__file__).parents[2]
SECRET = "a line of another file"
# Whatever DuckDB says to each, nothing of the other file may come in, nothing may be written and nothing loosened.
WAYS_OUT = (
    "select * from read_text('{other}')",
    "select * from read_csv('{other}', header = false)",
    "select * from '{other}'",
    "select * from glob('{folder}/*')",
    "select * from read_blob('{folder}/../{name}/other.csv')",
    "copy (select 1) to '{folder}/written.csv'",
    "export database '{folder}/written'",
    "attach '{folder}/written.duckdb' as more",
    "import database '{folder}'",
    "install json",
    "install httpfs from 'http://127.0.0.1:9'",
    "load '{folder}/evil.duckdb_extension'",
    "select * from read_csv('http://127.0.0.1:9/a.csv')",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set lock_configuration = false",
    "set autoinstall_known_extensions = true",
    "set temp_file_encryption = false",
    "set temp_directory = '{folder}/spill'",
    "pragma enable_profiling = 'json'",
    "set secret_directory = '{folder}'",
    "create persistent secret s (type http, bearer_token 'x')",
    "select getenv('HOME')",
)


@pytest.fixture
def other(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "other.csv").write_text(SECRET + "\n", encoding="utf-8")
    return folder / "other.csv"


@pytest.fixture(params=["of a database", "in memory"])
def connection(request, tmp_path):
    if request.param == "in memory":
        with in_memory() as warehouse:
            yield warehouse.connection
        return
    project = Project(tmp_path / "home", REPOSITORY / "expectations", tmp_path / "keys" / "key")
    make_key(project)
    with open_warehouse(project, "dhd") as warehouse:
        yield warehouse.connection


def asked(connection: duckdb.DuckDBPyConnection, way: str, other: Path) -> str:
    filled = way.format(other=other, folder=other.parent, name=other.parent.name)
    try:
        return str(connection.execute(filled).fetchall())
    except duckdb.Error:
        return "refused"


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_query_leaves_the_warehouse(connection, other, way):
    assert asked(connection, way, other) == "refused"
    assert [path.name for path in other.parent.iterdir()] == ["other.csv"]


def test_an_open_connection_would_be_caught(other):
    with duckdb.connect() as plain:
        assert SECRET in asked(plain, WAYS_OUT[0], other)


# Run in a process of its own: every attempt to reach another machine is noted, and refused.
WATCHED = """
import os, sys
def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) or event == "socket.getaddrinfo":
        with open(os.environ["NOTED"], "a") as noted:
            noted.write(f"{event} {arguments[1] if event == 'socket.connect' else arguments[0]}\\n")
        raise OSError("no network")
sys.addaudithook(watch)
"""
ATTEMPT = "import socket\ntry:\n    socket.create_connection(('198.51.100.1', 80), 1)\nexcept OSError:\n    pass\n"
DEMO = """
import sys
sys.argv = ["sammenhold", "demo", "--home", "home", "--database", "dhd"]
from pipelines.cli import main
main()
"""
DAGSTER = """
import dagster as dg
from pipelines.definitions import defs
from pipelines.orchestration.partitions import CHANNELS
with dg.DagsterInstance.get() as instance:
    keys = CHANNELS.get_partition_keys(dynamic_partitions_store=instance)
    key = next(key for key in keys if key.keys_by_dimension["database"] == "little")
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        asset_selection=[dg.AssetKey("received")], partition_key=key, instance=instance, raise_on_error=True)
    assert result.success
    first_data = defs.resolve_job_def("first_data")
    assert first_data.execute_in_process(partition_key="little", instance=instance, raise_on_error=True).success
"""


def noted(folder: Path, program: str, expectations: Path = REPOSITORY / "expectations") -> list[str]:
    """The connections that a program tried, run without a network where the machine lets us take it away."""
    notes = folder / "noted"
    away = ["unshare", "-rn"] if _can_be_alone() else []
    dagster_home = folder / "dagster"
    dagster_home.mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / ".dagster" / "dagster.yaml", dagster_home)
    said = {
        "NOTED": str(notes), "SAMMENHOLD_KEY_FILE": str(folder / "keys" / "key"), "HOME": str(folder),
        "SAMMENHOLD_HOME": str(folder / "home"), "DAGSTER_HOME": str(dagster_home), "PYTHONPATH": str(REPOSITORY),
        "SAMMENHOLD_EXPECTATIONS": str(expectations),
    }  # fmt: skip
    done = subprocess.run(
        [*away, sys.executable, "-c", WATCHED + program], cwd=folder, env=os.environ | said, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return notes.read_text().splitlines() if notes.exists() else []


def _can_be_alone() -> bool:
    return shutil.which("unshare") is not None and subprocess.run(["unshare", "-rn", "true"]).returncode == 0


def test_a_whole_run_tries_no_connection(tmp_path):
    os.symlink(REPOSITORY / "expectations", tmp_path / "expectations")
    assert noted(tmp_path, DEMO) == []
    assert (tmp_path / "home" / "results" / "dhd" / "latest").is_file()


def test_a_whole_run_under_dagster_tries_no_connection(tmp_path):
    project = little_home_with_files(tmp_path)
    assert noted(tmp_path, DAGSTER, project.expectations) == []
    assert published(project).is_dir()


def test_a_run_that_tries_one_would_be_caught(tmp_path):
    assert len(noted(tmp_path, ATTEMPT)) > 0
