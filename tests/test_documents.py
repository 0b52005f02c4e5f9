"""The documents say what the code does: every key, every column, and what the commands of the README print."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import polars as pl
import pytest
from pydantic import BaseModel

from pipelines import cli
from pipelines.spec import derivation, model

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text("utf-8")
RESULTS = (REPOSITORY / "docs" / "results.md").read_text("utf-8")
SPECIFICATION = (REPOSITORY / "docs" / "specification.md").read_text("utf-8")
MODELS = {
    "DatabaseSpec": model.DatabaseSpec, "Variable": model.Variable, "Compare": model.Compare,
    "Validity": model.Validity, "Published": model.Published, "Rule": model.Rule, "MatchRule": model.MatchRule,
    "Indicator": model.Indicator, "Gate": model.Gate, "Changeover": model.Changeover, "Use": model.Use,
    "Signals": model.Signals, "Sides": model.Sides, "Volume": model.Volume,
    "SourceSchema": model.SourceSchema, "Field": model.Field_,
    "Population": derivation.Population, "Events": derivation.Events, "Contact": derivation.Contact,
    "Span": derivation.Span, "Window": derivation.Window, "Included": derivation.Included,
    "Derivation": derivation.Derivation,
}  # fmt: skip
COMMANDS = [line for line in README.splitlines() if line.startswith("sammenhold") and "docs/example" in line]


def chapter(document: str, heading: str) -> str:
    """What stands under a heading of the second order."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def first_cells(text: str) -> set[str]:
    """The names in the first column of the tables."""
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def keys(said: type[BaseModel]) -> set[str]:
    """The keys of a model, without those it has from another."""
    inherited = said.__base__.model_fields
    return {field.alias or name for name, field in said.model_fields.items() if name not in inherited}


@pytest.mark.parametrize("name", MODELS)
def test_every_key_of_a_specification_is_explained(name: str) -> None:
    text = chapter(SPECIFICATION, name)
    assert keys(MODELS[name]) - set(re.findall(r"`([a-z_]+)`", text)) == set()
    assert first_cells(text) <= keys(MODELS[name]), "a key is explained that there is not"


def test_no_part_of_a_specification_is_left_out() -> None:
    said = {**vars(model), **vars(derivation)}.values()
    parts = {one for one in said if isinstance(one, type) and issubclass(one, BaseModel)}
    assert parts - {BaseModel, model.Frozen, model.Label} == set(MODELS.values())


def test_a_column_or_key_that_leaves_the_document_is_missed() -> None:
    without = RESULTS.replace("| `offset` |", "| offset |")
    assert first_cells(chapter(RESULTS, "offsets.parquet")) - first_cells(chapter(without, "offsets.parquet")) == {
        "offset"
    }
    assert "holds" not in first_cells(chapter(SPECIFICATION.replace("| `holds` |", "| holds |"), "Rule"))


def test_every_column_of_the_contract_files_is_explained(sample_results: Path) -> None:
    found = {path.name: set(pl.read_parquet_schema(path)) for path in sample_results.glob("*.parquet")}
    assert set(re.findall(r"^## (\w+\.parquet)$", RESULTS, re.MULTILINE)) == set(found)
    assert {name: first_cells(chapter(RESULTS, name)) for name in found} == found


def test_every_key_of_the_json_files_is_explained(sample_results: Path) -> None:
    read = {name: json.loads((sample_results / name).read_text("utf-8")) for name in SAID}
    for name, of in SAID.items():
        asked = {key for part in of(read[name]) for key in part}
        assert asked - set(re.findall(r"`([a-z_]+)`", chapter(RESULTS, name))) == set()


SAID = {
    "summary.json": lambda said: (said, said["counts"]),
    "causes.json": lambda said: (said, said["causes"][0], said["causes"][0]["sentence"]),
    "gate.json": lambda said: (said, said["conditions"][0]),
}


def test_the_readme_shows_what_the_demo_says(sample_results: Path) -> None:
    counts = json.loads((sample_results / "summary.json").read_text("utf-8"))["counts"]
    causes = json.loads((sample_results / "causes.json").read_text("utf-8"))["causes"]
    shown = dict(re.findall(r"^│ (\S[^│]*?) +│ +(\d+) +│$", README, re.MULTILINE))
    assert shown["par"] == str(counts["pairs"])
    assert shown["uoverensstemmelser"] == str(counts["discrepancies"])
    assert causes[0]["sentence"]["da"] in README


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[1])
def test_the_readmes_commands_on_plain_files_print_what_it_shows(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(REPOSITORY)
    words = [str(tmp_path / "out") if word == "workspace/example" else word for word in shlex.split(command)]
    monkeypatch.setattr(sys, "argv", words)
    try:
        cli.main()
    except SystemExit as left:
        assert left.code == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if line.strip() and "Rapport" not in line]
    assert printed and [line for line in printed if line.rstrip() not in README] == []
    if (tmp_path / "out").exists():
        cause = json.loads((tmp_path / "out" / "causes.json").read_text("utf-8"))["causes"][0]
        assert cause["sentence"]["da"] in README


def test_there_are_two_such_commands() -> None:
    assert [command.split()[1] for command in COMMANDS] == ["validate", "reconcile"]
