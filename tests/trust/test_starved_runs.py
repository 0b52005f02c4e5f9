"""A full disk, and too little memory: a clear sentence, the last results whole, and the next run completes."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.redaction import FULL, NO_MEMORY, REMEDIES, lacking, told

pytestmark = pytest.mark.trust

PROGRAM = Path(__file__).with_name("starving.py")


def mounting() -> list[str] | None:
    """How a process here gets to mount a disk: as root, in a namespace of its own, or not at all."""
    if os.geteuid() == 0:
        return []
    alone = ["unshare", "-rm"]
    usable = shutil.which("unshare") and subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    return alone if usable else None


def starving(folder: Path, what: str, how_many: int, first: list[str]) -> list[dict]:
    words = [*first, sys.executable, str(PROGRAM), str(folder), what, str(how_many)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def sentences(one: dict) -> list[str]:
    """What a command said besides the steps that it has done."""
    return [line for line in one["said"].splitlines() if line.strip() and not line.startswith("✓")]


def hold(found: list[dict], lack: str) -> None:
    """Each run ended well or with one sentence that says what to do; nothing was harmed; the next run completed."""
    assert [one["wrong"] + one["next"] for one in found] == [[]] * len(found)
    assert {one["exit"] for one in found} <= {0, 2}
    for one in found:
        if one["exit"] == 2:
            (sentence,) = sentences(one)
            assert lack in sentence.lower() and REMEDIES[lack] in sentence


@pytest.mark.skipif(mounting() is None, reason="nobody may mount a small disk here, neither root nor a namespace")
def test_a_full_disk_at_twenty_sizes(tmp_path) -> None:
    found = starving(tmp_path, "disk", 22, mounting())
    hold(found, FULL)
    assert sum(one["exit"] == 2 for one in found) >= 20
    assert len({one["said"].count("✓") for one in found}) >= 2, "the disk was full at several steps"


def test_300_mb_for_the_warehouse_and_less(tmp_path) -> None:
    found = starving(tmp_path, "duckdb", 8, [])
    hold(found, NO_MEMORY)
    assert {one["exit"] for one in found} == {0, 2}
    assert found[-1]["exit"] == 0, "300 MB are enough"


def test_too_little_memory_for_the_whole_process(tmp_path) -> None:
    found = starving(tmp_path, "memory", 7, [])
    hold(found, NO_MEMORY)
    assert found[-1]["exit"] == 0
    assert any("SIG" in one["said"] for one in found), "a library, refused memory, has ended the command"


def test_without_a_supervisor_nothing_is_said(tmp_path) -> None:
    """The broken variant of the one before."""
    found = starving(tmp_path, "unsupervised", 1, [])
    assert any(one["exit"] not in (0, 2) and not sentences(one) for one in found)
    with pytest.raises(AssertionError):
        hold(found, NO_MEMORY)


WELL = {"exit": 2, "said": f"sammenhold: The disk is full: {REMEDIES[FULL]}.\n", "wrong": [], "next": []}
OTHERWISE = {
    "a traceback": {"said": "Traceback (most recent call last):\nOSError: [Errno 28]\n"},
    "a sentence that does not say what to do": {"said": "sammenhold: run stopped with OSError.\n"},
    "another exit code": {"exit": 1},
    "a torn report": {"wrong": ["torn"]},
    "a run that does not complete": {"next": ["other tables"]},
}


@pytest.mark.parametrize("broken", OTHERWISE)
def test_a_starved_run_that_ends_otherwise_would_be_caught(broken: str) -> None:
    hold([WELL], FULL)
    with pytest.raises((AssertionError, ValueError)):  # another number of sentences
        hold([WELL, WELL | OTHERWISE[broken]], FULL)


@pytest.mark.parametrize(
    ("problem", "lack"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), FULL),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), FULL),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), FULL),
        (MemoryError(), NO_MEMORY),
        (RuntimeError("Failed to commit: could not allocate block of size 256.0 KiB"), NO_MEMORY),
        (RuntimeError("Failed to commit: failed to pin block of size 256.0 KiB (10.5 MiB/10.7 MiB used)"), NO_MEMORY),
        (RuntimeError("Out of Memory Error: failed to allocate data"), NO_MEMORY),
        (duckdb.Error("Resource temporarily unavailable"), NO_MEMORY),
        (duckdb.IOException("Could not set lock on file: Resource temporarily unavailable"), None),
        (ValueError("0101701234 is no number"), None),
    ],
)
def test_what_a_machine_lacks_is_said_without_the_librarys_words(problem, lack) -> None:
    assert lacking(problem) == lack
    said = told(problem, "sammenhold")
    assert "0101701234" not in said
    assert (lack is None) == ("withheld" in said)
