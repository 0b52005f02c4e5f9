"""The same case through plain files: what `sammenhold reconcile` writes of it is what is explained in process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.explain_worlds import World
from pipelines.explain.cause import Explanation
from pipelines.explain.sentences import Words


def through_files(world: World, explanation: Explanation) -> bool:
    """Are the causes of the files (the typed side as CSV, the new one as Parquet) those of `explanation`?"""
    with tempfile.TemporaryDirectory() as folder:
        told = _reconciled(world, Path(folder))
    said = explanation.contract(Words(world.spec))
    return [_words(cause) for cause in told["causes"]] == [_words(cause) for cause in said["causes"]]


def _words(cause: dict[str, Any]) -> list[Any]:
    return json.loads(json.dumps([cause[key] for key in ("kind", "variables", "slice", "parameters", "explained")]))


def _reconciled(world: World, folder: Path) -> dict[str, Any]:
    spec, reported, new, out = (folder / name for name in ("specification.yaml", "reported.csv", "new.parquet", "out"))
    said = world.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    spec.write_text(json.dumps(said, ensure_ascii=False), "utf-8")  # JSON is YAML
    frames = world.sides.finished(world.spec)
    frames[0].select(pl.all().exclude(pl.Null)).write_csv(reported)
    frames[1].write_parquet(new)
    day = world.sides.reference_date.isoformat()
    files = ["--reported", reported, "--new", new, "--out", out, "--reference-date", day]
    command = [
        sys.executable,
        "-c",
        "from pipelines.cli import main; main()",
        "reconcile",
        "--spec",
        spec,
        *files,
        "--json",
    ]
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"reconcile refused the files: {ended.stdout} {ended.stderr}")
    return json.loads((out / "causes.json").read_text("utf-8"))
