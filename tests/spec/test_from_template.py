"""A sixth database is a folder and no Python: it is read, linted, documented, filled with data and reconciled."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from pipelines import cli, flow
from pipelines.project import InputError, Project
from pipelines.spec.from_template import new_database
from pipelines.spec.lifecycle import lint
from pipelines.spec.reading import read_source_schemas, read_spec
from pipelines.spec.to_document import document
from pipelines.synthetic.generate import generate
from pipelines.warehouse.key import make_key

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
DATABASES = sorted(path.parent.name for path in EXPECTATIONS.glob("*/specification.yaml"))


@pytest.fixture
def expectations(tmp_path) -> Path:
    """The specifications as they are, where a test may add to them."""
    ignored = shutil.ignore_patterns("suites", "registers")
    return Path(shutil.copytree(EXPECTATIONS, tmp_path / "expectations", ignore=ignored))


@pytest.mark.parametrize("template", [None, *DATABASES])
def test_a_new_database_passes_lint_whatever_it_is_begun_from(expectations, template):
    path = new_database("prove", expectations, template)
    spec = read_spec(path)
    schemas = read_source_schemas(path.parent, spec)
    assert (spec.database, spec.status, spec.official, spec.version) == ("prove", "draft", False, "0.1")
    assert [one for one in lint(spec, schemas, path) if one.severity == "error"] == []
    assert schemas and document(spec, schemas)
    assert path.read_text("utf-8").startswith("# ")


def test_what_is_the_templates_own_is_not_taken_over(expectations):
    path = new_database("prove", expectations, "dhd")
    spec = read_spec(path)
    assert spec.controller is None
    assert "hjertesvigt" not in spec.title.da.casefold()
    assert "Schjødt" not in path.read_text("utf-8")
    assert spec.variables == read_spec(expectations / "dhd/specification.yaml").variables


def test_the_shipped_template_explains_itself_and_has_no_problem(expectations):
    path = new_database("prove", expectations)
    spec = read_spec(path)
    assert lint(spec, read_source_schemas(path.parent, spec), path) == []
    assert path.read_text("utf-8").count("#") > 20


@pytest.mark.parametrize(
    ("name", "template", "said"),
    [
        ("Ny database", None, "lower case"),
        ("../prove", None, "lower case"),
        ("dhd", None, "there already"),
        ("prove", "ukendt", "no specification of 'ukendt'"),
        ("prove", "../dhd", "no specification of"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(expectations, name, template, said):
    before = sorted(expectations.rglob("*"))
    with pytest.raises(InputError, match=said):
        new_database(name, expectations, template)
    assert sorted(expectations.rglob("*")) == before


def test_a_sixth_database_runs_through_the_flow(expectations, tmp_path):
    path = new_database("sjette", expectations)
    project = Project(tmp_path / "home", expectations, tmp_path / "key" / "key")
    days = {"from_date": dt.date(2025, 6, 1), "reference_date": dt.date(2026, 6, 30)}
    made = generate(read_spec(path), path.parent, tmp_path / "made", seed=3, **days)
    shutil.copytree(tmp_path / "made" / "sjette", project.inbox("sjette"))
    make_key(project)
    run = flow.Run(project, "sjette", days["reference_date"], dt.datetime(2026, 6, 30, 12))
    for verb in (flow.receive, flow.conform, flow.validate):
        verb(run)
    found = flow.reconcile(run)
    assert found["pairs"] == pytest.approx(made.comparable, rel=0.1)


def test_the_command_says_what_it_wrote(expectations, monkeypatch, capsys):
    words = ["sammenhold", "new", "prove", "--from", "drkol", "--expectations", str(expectations)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    assert str(expectations / "prove") in capsys.readouterr().out
    assert read_spec(expectations / "prove/specification.yaml").sides.new == "lpr"


def command(monkeypatch, capsys, *words: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["sammenhold", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return left.value.code, capsys.readouterr().out


def test_linting_all_holds_the_databases_against_each_other(expectations, monkeypatch, capsys):
    path = new_database("prove", expectations)
    path.write_text(path.read_text("utf-8").replace("unit: kg", "unit: g"), "utf-8")
    code, out = command(monkeypatch, capsys, "spec", "lint", "--all", "--expectations", str(expectations), "--json")
    said = [one["sentence"] for one in json.loads(out) if one["where"] == "variables.weight.unit"]
    assert code == 0
    assert "The unit is kg, but g in prove.weight." in said


def test_linting_needs_a_specification_or_all(monkeypatch, capsys):
    assert command(monkeypatch, capsys, "spec", "lint")[0] == 2


def test_a_printed_list_becomes_a_draft_per_data_set_and_its_defects_are_told(tmp_path, monkeypatch, capsys):
    listed = Path(__file__).parents[1] / "data/rkkp/2023-02-03_Variabeloversigt_DVDD.xlsx"
    code, out = command(monkeypatch, capsys, "spec", "import", str(listed), "--out", str(tmp_path / "out"), "--json")
    said = json.loads(out)
    assert code == 0
    drafts = [Path(path) for path in said["written"]]
    assert [read_spec(path).database for path in drafts] == ["dvdd_default", "dvdd_s038_voksen_data"]
    assert {"kind": "misspelt code", "row": 36, "variable": "Plasmakreatinin_npu"}.items() <= said["defects"][
        next(i for i, one in enumerate(said["defects"]) if one["row"] == 36)
    ].items()
