"""The Dagster page on this machine, with its own home under the project's data."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from pipelines.orchestration.installation import REPOSITORY
from pipelines.orchestration.stale_runs import clear
from pipelines.project import InputError
from pipelines.redaction import scrubbed


def start_dagster(home: Path, port: int) -> int:
    """Run `dagster dev` for the data under `home` until it is stopped; the exit code is its own.

    Its records stand in `home`/dagster and only this machine can reach the page. Runs that an earlier one left
    "started" are ended first.
    """
    if not (REPOSITORY / "workspace.yaml").is_file():
        raise InputError("workspace.yaml is not here: run `sammenhold dev` in a checkout of the repository.")
    said = environment(home)
    with dg.DagsterInstance.from_config(said["DAGSTER_HOME"]) as instance:
        clear(instance)
    command = ["-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    return scrubbed_run([sys.executable, *command], said)


def scrubbed_run(command: Sequence[str], said: Mapping[str, str]) -> int:
    """Run until it is stopped. A library that panics in a step writes to the terminal past the boundary of steps
    (redaction.py), and may quote a row."""
    words = {"stderr": subprocess.PIPE, "text": True, "errors": "backslashreplace"}
    with subprocess.Popen(command, cwd=REPOSITORY, env=said, **words) as at_work:
        signal.signal(signal.SIGINT, lambda *_: None)  # Dagster ends by itself, and is heard until then
        for line in at_work.stderr:
            sys.stderr.write(scrubbed(line))
    return at_work.returncode


def environment(home: Path) -> dict[str, str]:
    """This environment with the project's data and Dagster's home in it; the latter is made."""
    dagster_home = home.resolve() / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(REPOSITORY / ".dagster" / "dagster.yaml", dagster_home / "dagster.yaml")
    return os.environ | {"DAGSTER_HOME": str(dagster_home), "SAMMENHOLD_HOME": str(home.resolve())}


if __name__ == "__main__":
    try:
        sys.exit(start_dagster(Path(sys.argv[1]), int(sys.argv[2])))
    except InputError as problem:
        sys.stderr.write(f"sammenhold: {problem}\n")
        sys.exit(2)
