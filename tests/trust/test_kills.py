"""A run that is killed, wherever, loses nothing and leaves nothing half; the next one completes without a hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.trust

PROGRAM = Path(__file__).with_name("killing.py")
PARTS = 4  # so that two processors share them
KILLS = int(os.environ.get("KILLS", "200"))  # at random moments
Killed = list[tuple[str, list[str]]]


def killing(folder: Path, *words: object) -> Killed:
    """What was found after every kill, and after the run that completes."""
    done = subprocess.run([sys.executable, PROGRAM, folder, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def wrong(killed: Killed) -> list[str]:
    return [f"{moment}: {problem}" for moment, problems in killed for problem in problems]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_at_every_named_moment_harms_nothing(tmp_path, part) -> None:
    killed = killing(tmp_path, "named", part, PARTS)
    assert wrong(killed) == []
    assert len(killed) > 10


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_at_a_random_moment_harms_nothing(tmp_path, part) -> None:
    killed = killing(tmp_path, "random", KILLS // PARTS, part)
    assert sum(moment.startswith("after ") for moment, _ in killed) >= KILLS // PARTS
    assert wrong(killed) == []


def test_broken_variants_are_caught_before_the_next_run(tmp_path) -> None:
    told = {variant: " ".join(problems) for variant, problems in killing(tmp_path, "broken")}
    assert "torn" in told["no transaction"]
    assert "acknowledged and lost" in told["acknowledged before it is kept"]
    assert "missing" in told["no rename"] or "manifest" in told["no rename"]
