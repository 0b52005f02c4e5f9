"""The command line in a process of its own, at work on a home."""

from __future__ import annotations

import os
import subprocess
import sys

from pipelines.project import Project

SHELL = "from pipelines.cli import main; main()"


def shell(project: Project, *words: str, first: str = "") -> subprocess.Popen[str]:
    """The command `sammenhold …`; `first` is code of a broken variant."""
    where = {"SAMMENHOLD_KEY_FILE": str(project.key_file), "SAMMENHOLD_HOME": str(project.home),
             "SAMMENHOLD_EXPECTATIONS": str(project.expectations)}  # fmt: skip
    code, pipe = f"{first}\n{SHELL}", subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code, *words], env=os.environ | where, text=True, stdin=pipe,
                            stdout=pipe, stderr=pipe)  # fmt: skip


def ended(command: subprocess.Popen[str]) -> int:
    """The exit code of a command, its pipes closed."""
    command.communicate()
    return command.returncode
