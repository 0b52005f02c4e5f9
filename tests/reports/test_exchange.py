"""What is published takes the place of what was there without a moment between, wherever the process ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.reports import exchange, publish


class Died(BaseException):
    """As by kill -9: nothing in publishing catches it."""


def folders(folder: Path) -> tuple[Path, Path]:
    """A finished folder, and the place where an earlier one stands."""
    building, out = folder / ".building", folder / "out"
    for path, said in ((building, "new"), (out, "old")):
        path.mkdir()
        (path / "summary.json").write_text(said, "utf-8")
    return building, out


def dying(call: Callable[..., object], calls: list[int], last: int) -> Callable[..., object]:
    def called(*given: object, **named: object) -> object:
        if len(calls) == last:
            raise Died
        calls.append(1)
        return call(*given, **named)

    return called


def deaths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What stands in its place after a death before the first, second … change of the disk, until there is none."""
    for last in range(10):
        calls: list[int] = []
        (folder / str(last)).mkdir()
        building, out = folders(folder / str(last))
        with monkeypatch.context() as patch:
            for owner, name in ((os, "replace"), (shutil, "rmtree"), (exchange, "_at_once")):
                patch.setattr(owner, name, dying(getattr(owner, name), calls, last))
            try:
                publish.publish_folder(building, out)
            except Died:
                yield (out / "summary.json").read_text("utf-8") if out.is_dir() else "nothing"
                continue
        return


def test_there_is_always_a_whole_folder_in_its_place(tmp_path, monkeypatch) -> None:
    found = list(deaths(tmp_path, monkeypatch))
    assert set(found) == {"old", "new"}


def test_the_next_run_publishes_after_any_death(tmp_path, monkeypatch) -> None:
    seen = len(list(deaths(tmp_path, monkeypatch)))
    for folder in [tmp_path / str(last) for last in range(seen)]:
        for said in ("newer", "newest"):
            publish.start(folder / ".building")
            (folder / ".building" / "summary.json").write_text(said, "utf-8")
            publish.publish_folder(folder / ".building", folder / "out")
            assert (folder / "out" / "summary.json").read_text("utf-8") == said


def test_broken_variant_of_renames_leaves_a_moment_without_results(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(exchange, "_at_once", lambda one, other: False)
    assert "nothing" in list(deaths(tmp_path, monkeypatch))
