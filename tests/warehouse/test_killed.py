"""A run that is killed leaves whole files with their receipts, or nothing: after every statement, and at random."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from submissions import record, submission

from pipelines.project import Project
from pipelines.warehouse.database import open_warehouse

PROGRAM = Path(__file__).with_name("killed_run.py")
FILES = 12


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(1, FILES + 1):
        submission(folder, number, [record(100 * number + n) for n in range(20)])
    return folder


def run(project: Project, inbox: Path, *more: str) -> subprocess.Popen:
    arguments = [project.home, project.key_file, inbox, *more]
    return subprocess.Popen([sys.executable, str(PROGRAM), *map(str, arguments)], stdout=subprocess.PIPE)


def torn_files(project: Project) -> int:
    """Receipts whose rows are not all there, and rows without a receipt."""
    with open_warehouse(project, "dhd") as warehouse:
        found = warehouse.connection.execute(
            "select count(*) from (select receipt_id, count(*) as n from raw_wsapi group by 1) rows "
            "full join receipts using (receipt_id) where rows.n is distinct from receipts.rows_in"
        ).fetchone()
    return found[0]


def test_a_kill_after_any_statement_tears_no_file(project, inbox):
    assert run(project, inbox, "each statement").communicate()[0].split() == [b"torn", b"0"]


def test_without_the_transaction_the_same_kills_tear_files(project, inbox):
    torn = int(run(project, inbox, "each statement", "no transaction").communicate()[0].split()[1])
    assert torn > 0


def test_a_kill_at_a_random_moment_tears_no_file_and_the_next_run_completes(project, inbox, spec, units):
    moments = random.Random(20261001)
    for _ in range(3):
        process = run(project, inbox)
        process.stdout.readline()  # "ready": from here on it receives
        time.sleep(moments.uniform(0.01, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert torn_files(project) == 0
    assert run(project, inbox).communicate()[0].split()[-1] == str(FILES).encode()
    assert torn_files(project) == 0
