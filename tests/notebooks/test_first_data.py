"""The first-data review runs on a run's contract files, shows what they say, and is committed without outputs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from pipelines import flow

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "first_data.ipynb"
REGION = "nordjylland"
PERSON = re.compile(r"(?<![0-9A-Za-z])[0-9]{6}-?[0-9]{4}(?![0-9A-Za-z])")


@pytest.fixture(scope="module")
def executed(sample_run: flow.Run, tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """The notebook after a run on the sample's results, in a folder of its own."""
    folder = tmp_path_factory.mktemp("notebook")
    said = {
        "SAMMENHOLD_HOME": str(sample_run.project.home),
        "SAMMENHOLD_REGION": REGION,
        "IPYTHONDIR": str(folder),
        "JUPYTER_RUNTIME_DIR": str(folder),
    }
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    with client.setup_kernel(env=os.environ | said):
        for position, cell in enumerate(notebook.cells):
            client.execute_cell(cell, position)
    return notebook


def sections(notebook: NotebookNode) -> dict[str, list[NotebookNode]]:
    """Each chapter's outputs by its heading."""
    found: dict[str, list[NotebookNode]] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (heading := re.match(r"## (.+)", cell.source)):
            found[heading[1]] = []
        elif found:
            found[list(found)[-1]] += cell.get("outputs", [])
    return found


def of_kind(outputs: list[NotebookNode], kind: str) -> list[str]:
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


def test_it_shows_every_cause_that_concerns_the_region(executed: NotebookNode, sample_results: Path) -> None:
    causes = json.loads((sample_results / "causes.json").read_text("utf-8"))["causes"]
    own = [cause["sentence"]["da"] for cause in causes if cause["slice"].get("region") == REGION]
    told = "\n".join(of_kind(sections(executed)["6. Årsager"], "text/markdown"))
    assert own
    assert all(sentence in told for sentence in own)
    elsewhere = [cause["sentence"]["da"] for cause in causes if cause["slice"].get("region") == "syddanmark"]
    assert not any(sentence in told for sentence in elsewhere)


def test_every_chapter_has_a_picture(executed: NotebookNode) -> None:
    numbered = {name: outputs for name, outputs in sections(executed).items() if name[0] in "1234567"}
    assert len(numbered) == 7
    assert [name for name, outputs in numbered.items() if not of_kind(outputs, "image/svg+xml")] == []


def test_it_shows_the_copy_that_was_recognised_and_the_outcome_of_the_gate(executed: NotebookNode) -> None:
    chapters = sections(executed)
    assert "NJ-000003_igen.json" in "".join(of_kind(chapters["1. Hvad kom der?"], "text/plain"))
    assert "ikke bestået" in "".join(of_kind(chapters["8. Godkendelsestrin"], "text/markdown")).lower()


def test_it_shows_no_person_number(executed: NotebookNode) -> None:
    texts = [
        text
        for outputs in sections(executed).values()
        for kind in ("text/plain", "text/markdown", "text/html")
        for text in of_kind(outputs, kind)
    ]
    assert texts
    assert PERSON.search("0101704001") and not any(PERSON.search(text) for text in texts)


def test_it_is_committed_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells)
