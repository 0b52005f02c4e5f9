"""Make the pictures of the README anew: `python docs/pictures.py` (needs Chromium; opens no network).

The sample is taken through every asset in a folder of its own, and what a reviewer and a region see of it
is photographed into docs/pictures/.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from pipelines.definitions import defs
from pipelines.orchestration.assets import received
from pipelines.orchestration.dev import environment
from pipelines.orchestration.installation import REPOSITORY, Installation
from pipelines.reports.packages import PAGE
from pipelines.reports.runs import latest_run
from pipelines.warehouse.key import make_key

PICTURES = REPOSITORY / "docs" / "pictures"
PORT, REGION = 3999, "nordjylland"
REFERENCE_DATE = dt.date(2026, 9, 30)  # sample_data/faults.yaml
LARGEST = 300_000
ASSETS = {
    "dagster-reconciled": "reconciled?view=overview",
    "dagster-checks": "validated?view=checks&checkDetail=wsapi_record",
}
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --virtual-time-budget=25000"
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        installation = sample_in(Path(folder))
        materialise(installation)
        with page_of(installation):
            for name, asset in ASSETS.items():
                photograph(f"http://127.0.0.1:{PORT}/assets/{asset}", name)
        report = latest_run(installation.project.results("dhd")) / "regions" / REGION / PAGE
        photograph(report.as_uri(), "region-report")


def sample_in(folder: Path) -> Installation:
    """An installation of its own with the sample inbox and a new key."""
    shutil.copytree(REPOSITORY / "sample_data" / "inbox", folder / "home" / "inbox")
    installation = Installation(
        home=str(folder / "home"),
        expectations=str(REPOSITORY / "expectations"),
        key_file=str(folder / "key"),
        reference_date=REFERENCE_DATE.isoformat(),
    )
    make_key(installation.project)
    return installation


def materialise(installation: Installation) -> None:
    """Every region received, then the job first_data."""
    home, given = environment(Path(installation.home)), {"installation": installation}
    with dg.DagsterInstance.from_config(home["DAGSTER_HOME"]) as instance:
        for folder in sorted(installation.project.inbox("dhd").glob("kip/*")):
            dg.materialize([received], instance=instance, resources=given, partition_key=f"dhd|{folder.name}")
        job = defs.resolve_job_def("first_data")
        job.execute_in_process(instance=instance, resources=given, partition_key="dhd")


@contextmanager
def page_of(installation: Installation) -> Iterator[None]:
    """The Dagster page while it is photographed; it and what it started is ended by its own session."""
    command = ["-m", "dagster_webserver", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(PORT)]
    server = subprocess.Popen(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=environment(Path(installation.home)),
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{PORT}/server_info")
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_for(address: str, seconds: int = 120) -> None:
    for _ in range(seconds):
        try:
            urllib.request.urlopen(address).close()
            return
        except urllib.error.URLError:
            time.sleep(1)
    sys.exit("The Dagster page does not answer: run `sammenhold dev` and see what it says.")


def photograph(address: str, name: str) -> None:
    """One page as docs/pictures/<name>.png."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("There is no Chromium here: install it, then run again.")
    picture = PICTURES / f"{name}.png"
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        where = [f"--user-data-dir={profile}", "--window-size=1700,1000", f"--screenshot={picture}"]
        subprocess.run([browser, *QUIET.split(), *where, address], check=True, stderr=subprocess.DEVNULL)
    if picture.stat().st_size > LARGEST:
        sys.exit(f"{picture} is larger than {LARGEST // 1000} kB: make the window smaller.")


if __name__ == "__main__":
    main()
