"""The commands as a shell sees them: exit codes, one clear sentence, nothing half-written."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest
from derived_home import A as PERSON
from derived_home import derived_home

from pipelines import cli, flow
from pipelines.project import project_at
from pipelines.warehouse.key import make_key

SPEC = """
database: trap
title: {da: Fælden}
official: false
version: "1"
record: an operation
event_date: dato
variables:
  dato: {label: {da: Dato}, type: date, compare: {days: 1}}
  kode: {label: {da: Kode}, type: sks}
  vaegt: {label: {da: Vægt}, type: decimal, range: [30, 250]}
match:
  - {rule: same day, on: [person, dato]}
  - {rule: near day, on: [person], within: {dato: 1 days}}
"""
REPORTED = (
    "record_id,person,dato,kode,vaegt\nr1,0101704001,2025-03-10,KNFB20,70.5\nr2,0101704001,2025-06-01,KNFC20,71\n"
)
NEW = "record_id,person,dato,kode,vaegt\nn1,0101704001,2025-03-11,KNFB20,70.5\nn2,0101704001,2025-06-01,KNFC20,71\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (("spec.yaml", SPEC), ("reported.csv", REPORTED), ("new.csv", NEW)):
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def sammenhold(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """The exit code of the command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["sammenhold", *(str(word) for word in words)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def reconcile_words(folder: Path) -> list[object]:
    return [
        "reconcile", "--spec", folder / "spec.yaml", "--reported", folder / "reported.csv",
        "--new", folder / "new.csv", "--out", folder / "out",
    ]  # fmt: skip


def test_reconcile_writes_the_contract_files(files, monkeypatch, capsys) -> None:
    assert sammenhold(monkeypatch, *reconcile_words(files), "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"]["pairs"] == 2
    written = {path.name for path in (files / "out").iterdir()}
    assert {"summary.json", "pairs.parquet", "discrepancies.parquet", "causes.json", "report.html"} <= written
    assert "gate.json" not in written, "a specification without gates has no decision"


def test_the_same_inputs_give_the_same_bytes(files, monkeypatch) -> None:
    sammenhold(monkeypatch, *reconcile_words(files))
    first = {path.name: path.read_bytes() for path in (files / "out").iterdir()}
    sammenhold(monkeypatch, *reconcile_words(files))
    assert {path.name: path.read_bytes() for path in (files / "out").iterdir()} == first


BAD_INPUT = {
    "missing file": (lambda f: (f / "new.csv").unlink(), "new.csv"),
    "wrong delimiter": (lambda f: (f / "new.csv").write_text(NEW.replace(",", ";")), "semicolon"),
    "unknown column": (lambda f: (f / "new.csv").write_text(NEW.replace("vaegt", "vagt")), "vaegt"),
    "broken YAML": (lambda f: (f / "spec.yaml").write_text(SPEC + "match: ["), "line"),
    "a wrong type": (lambda f: (f / "spec.yaml").write_text(SPEC.replace("decimal", "number")), "variable vaegt"),
    "a repeated record": (lambda f: (f / "new.csv").write_text(NEW.replace("n2", "n1")), "record_id"),
    "other files in out": (lambda f: ((f / "out").mkdir(), (f / "out" / "brev.txt").write_text("x")), "out"),
}


def interrupted_query() -> None:
    raise RuntimeError("Query interrupted") from KeyboardInterrupt()


def panic() -> None:
    raise pl.exceptions.PanicException("the row of 0101704001")


STOPPED = {
    "Ctrl-C": (lambda: 130, "Interrupted: nothing half-written was kept."),  # what typer makes of it
    "Ctrl-C in a query": (interrupted_query, "Interrupted: nothing half-written was kept."),
    "a library's panic": (panic, "its message is withheld."),
}


@pytest.mark.parametrize("how", STOPPED)
def test_a_command_that_is_stopped_says_one_sentence(monkeypatch, capsys, how) -> None:
    stops, said = STOPPED[how]
    monkeypatch.setattr(cli, "app", lambda **how: stops())
    assert sammenhold(monkeypatch, "status") == 2
    told = capsys.readouterr().err
    assert told.startswith("sammenhold: ") and told.endswith(f"{said}\n") and told.count("\n") == 1


@pytest.mark.parametrize("fault", BAD_INPUT)
def test_bad_input_is_one_sentence_and_writes_nothing(files, monkeypatch, capsys, fault) -> None:
    spoil, named = BAD_INPUT[fault]
    spoil(files)
    before = sorted(path.name for path in files.rglob("*"))
    assert sammenhold(monkeypatch, *reconcile_words(files)) == 2
    told = capsys.readouterr().err
    assert named in told and "Traceback" not in told
    assert "0101704001" not in told
    assert sorted(path.name for path in files.rglob("*")) == before


def test_an_earlier_result_stands_when_the_next_run_fails(files, monkeypatch) -> None:
    sammenhold(monkeypatch, *reconcile_words(files))
    first = (files / "out" / "summary.json").read_bytes()
    (files / "new.csv").write_text("nonsense")
    assert sammenhold(monkeypatch, *reconcile_words(files)) == 2
    assert (files / "out" / "summary.json").read_bytes() == first


def test_validate_tells_rules_and_lines_but_no_values(files, monkeypatch, capsys) -> None:
    (files / "new.csv").write_text(NEW + "n3,0101704001,2025-13-01,KNFC20,71\n")
    words = ["validate", files / "new.csv", "--spec", files / "spec.yaml", "--source", "wsapi", "--json"]
    assert sammenhold(monkeypatch, *words) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["rows_in"], verdict["rows_accepted"], verdict["rows_quarantined"]) == (3, 2, 1)
    broken = {rule["rule"]: rule["first_lines"] for rule in verdict["rules"] if rule["violated"]}
    assert broken["dato.castable"] == [4]
    assert "2025-13-01" not in json.dumps(verdict)


def test_validate_of_a_file_that_is_refused_whole(files, monkeypatch, capsys) -> None:
    (files / "new.csv").write_text(NEW.replace("vaegt", "vagt"))
    words = ["validate", files / "new.csv", "--spec", files / "spec.yaml", "--source", "wsapi", "--json"]
    assert sammenhold(monkeypatch, *words) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["verdict"] == "refused"
    assert "vaegt" in told.err


def home_words(run: flow.Run) -> list[object]:
    return ["--home", run.project.home, "--expectations", run.project.expectations]


@pytest.fixture
def with_key(sample_run: flow.Run, monkeypatch: pytest.MonkeyPatch) -> flow.Run:
    monkeypatch.setenv("SAMMENHOLD_KEY_FILE", str(sample_run.project.key_file))
    return sample_run


def test_a_discrepancy_is_traced_to_both_files_and_lines(with_key, sample_results, monkeypatch, capsys) -> None:
    found = pl.read_parquet(sample_results / "discrepancies.parquet").filter(variable="weight", kind="differ")
    wanted = found.sort("discrepancy_id").row(0, named=True)
    assert sammenhold(monkeypatch, "trace", wanted["discrepancy_id"], *home_words(with_key), "--json") == 0
    lines = {line["source"]: line for line in json.loads(capsys.readouterr().out)["lines"] if line["used"]}
    for source, identity in (("kip", wanted["reported_id"]), ("wsapi", wanted["new_id"])):
        line = lines[source]
        path = with_key.project.inbox("dhd") / source / line["region"] / line["file"]
        text = path.read_text("utf-8").splitlines()[line["line"] - 1]
        assert identity in text


def test_a_bad_record_goes_from_line_to_finding_to_quarantine(with_key, sample_results, monkeypatch, capsys) -> None:
    findings = pl.read_parquet(sample_results / "findings.parquet").filter(rule="care_setting.required")
    wanted = findings.sort("record_id").row(0, named=True)
    assert sammenhold(monkeypatch, "trace", wanted["record_id"], *home_words(with_key), "--json") == 0
    trail = json.loads(capsys.readouterr().out)
    held = [line for line in trail["lines"] if line["quarantined"]]
    assert [line["line"] for line in held] == [wanted["line"]]
    assert [finding["rule"] for finding in trail["findings"]] == ["care_setting.required"]
    (path,) = with_key.project.inbox("dhd").glob(f"wsapi/*/{held[0]['file']}")
    assert wanted["record_id"] in path.read_text("utf-8").splitlines()[wanted["line"] - 1]
    alone = pl.read_parquet(sample_results / "unmatched.parquet").filter(reason="held_back")
    assert alone.height > 0, "the typed form of a record that is held back says so"


def test_a_figure_and_a_cause_are_traced(with_key, sample_results, monkeypatch, capsys) -> None:
    cause = json.loads((sample_results / "causes.json").read_text("utf-8"))["causes"][0]
    for wanted in (cause["cause_id"], "agreement/weight/nordjylland"):
        assert sammenhold(monkeypatch, "trace", wanted, *home_words(with_key), "--json") == 0
        assert json.loads(capsys.readouterr().out)["lines"]
    assert sammenhold(monkeypatch, "trace", "nothing-of-the-kind", *home_words(with_key)) == 2


def test_gate_is_judged_anew_and_its_exit_code_is_its_outcome(with_key, monkeypatch, capsys) -> None:
    assert sammenhold(monkeypatch, "gate", *home_words(with_key), "--json") == 1
    assert json.loads(capsys.readouterr().out)["outcome"] == "not_passed"
    assert sammenhold(monkeypatch, "gate", "--gate", "no such", *home_words(with_key)) == 2


def test_status_and_password(with_key, monkeypatch, capsys) -> None:
    assert sammenhold(monkeypatch, "status", *home_words(with_key), "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"]["causes"] == 10
    assert sammenhold(monkeypatch, "password", "nordjylland", *home_words(with_key)) == 0


def test_without_its_key_no_project_command_starts(sample_run, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("SAMMENHOLD_KEY_FILE", str(tmp_path / "nowhere"))
    assert sammenhold(monkeypatch, "run", *home_words(sample_run)) == 2
    assert "key" in capsys.readouterr().err


def test_an_unknown_database_is_named(with_key, monkeypatch, capsys) -> None:
    assert sammenhold(monkeypatch, "run", "--database", "dhx", *home_words(with_key)) == 2
    assert "dhd" in capsys.readouterr().err


def test_a_database_whose_registers_have_not_come_says_what_to_do(with_key, monkeypatch, capsys, tmp_path) -> None:
    assert sammenhold(monkeypatch, "run", "--database", "drkol", "--home", tmp_path) == 2
    told = capsys.readouterr().err
    assert "inbox/registers" in told and "sammenhold registers" in told


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository's sample of one database that is read from forms and one that is derived, both tiny."""
    folder = tmp_path_factory.mktemp("samples")
    tiny = derived_home(folder / "made").home
    shutil.copytree(tiny / "inbox", folder / "sample" / "inbox")
    form = cli.SAMPLE / "inbox" / "dhd" / "kip" / "nordjylland"
    shutil.copytree(form, folder / "sample" / "inbox" / "dhd" / "kip" / "nordjylland")
    return folder / "sample"


def test_demo_runs_every_database_that_has_a_sample_the_registers_first(samples, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(cli, "SAMPLE", samples)
    monkeypatch.setenv("SAMMENHOLD_KEY_FILE", str(tmp_path / "key" / "key"))
    assert sammenhold(monkeypatch, "demo", "--home", tmp_path / "home", "--json") == 0
    told = json.loads(capsys.readouterr().out)["databases"]
    assert [one["database"] for one in told] == ["dhd", "dhrd"]
    assert [one["counts"]["new"] for one in told] == [0, 3]
    assert all((Path(one["results"]) / "report.html").is_file() for one in told)


def test_registers_are_received_by_a_command_of_their_own(samples, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("SAMMENHOLD_KEY_FILE", str(tmp_path / "key" / "key"))
    make_key(project_at(tmp_path / "home"))
    shutil.copytree(samples / "inbox" / "registers", tmp_path / "home" / "inbox" / "registers")
    words = ["registers", "--home", tmp_path / "home"]
    assert sammenhold(monkeypatch, *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["accepted"], told["partly"]) == (5, 1)
    assert sammenhold(monkeypatch, *words) == 0
    told = capsys.readouterr().out
    assert "lmdb" in told and "municipal" in told and PERSON not in told


def test_generate_makes_an_inbox(monkeypatch, tmp_path, capsys) -> None:
    words = ["generate", "--out", tmp_path / "made", "--scale", "0.02", "--seed", "3", "--json"]
    assert sammenhold(monkeypatch, *words) == 0
    assert json.loads(capsys.readouterr().out)["files"] > 0
    assert list((tmp_path / "made").rglob("*.json"))
    assert sammenhold(monkeypatch, *words) == 2, "a folder that holds files is not mixed with"


def test_spec_commands(monkeypatch, capsys, tmp_path) -> None:
    specification = Path(__file__).parents[2] / "expectations" / "dhd" / "specification.yaml"
    assert sammenhold(monkeypatch, "spec", "lint", specification) == 0
    capsys.readouterr()
    assert sammenhold(monkeypatch, "spec", "schema") == 0
    assert json.loads(capsys.readouterr().out)["properties"]["database"]
    assert sammenhold(monkeypatch, "spec", "document", specification, "--out", tmp_path / "dhd.html") == 0
    assert "Hjertesvigt" in (tmp_path / "dhd.html").read_text("utf-8")


def test_compile_writes_the_committed_suites(monkeypatch, tmp_path) -> None:
    import shutil

    expectations = Path(__file__).parents[2] / "expectations"
    shutil.copytree(expectations, tmp_path / "expectations")
    (tmp_path / "expectations" / "suites" / "dhd_kip.json").unlink()
    assert sammenhold(monkeypatch, "spec", "compile", tmp_path / "expectations" / "dhd" / "specification.yaml") == 0
    for name in ("dhd_kip.json", "dhd_wsapi.json"):
        assert (tmp_path / "expectations" / "suites" / name).read_bytes() == (
            expectations / "suites" / name
        ).read_bytes()


def test_an_unforeseen_failure_tells_its_place_and_no_value(files, monkeypatch, capsys) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("could not read 0101704001 in row 3")

    monkeypatch.setattr("pipelines.plain_files.read_plain", fails)
    assert sammenhold(monkeypatch, *reconcile_words(files)) == 2
    told = capsys.readouterr().err
    assert "ValueError" in told and "plain_files.py" in told
    assert "0101704001" not in told and "Traceback" not in told


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_committed_wsapi_schema_is_the_one_the_specification_gives(monkeypatch, capsys, version) -> None:
    root = Path(__file__).parents[2]
    specification = root / "expectations" / "dhd" / "specification.yaml"
    assert sammenhold(monkeypatch, "spec", "schema", "--spec", specification, "--wsapi", version) == 0
    committed = root / "docs" / "databases" / f"dhd-wsapi-{version}.schema.json"
    assert capsys.readouterr().out == committed.read_text("utf-8")
    assert sammenhold(monkeypatch, "spec", "schema", "--spec", specification, "--wsapi", "9.9") == 2
