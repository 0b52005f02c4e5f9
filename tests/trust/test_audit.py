"""The audit log tells every alteration of 100, holds no person number, and is searched by a person's pseudonym."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from little_home import DATABASE, little_home_with_files, published, run_of, through
from nasty import project_in
from shell import ended, shell

from pipelines import audit
from pipelines.project import InputError, Project

pytestmark = pytest.mark.trust

PERSONS = [f"{day:02}0364{4000 + day}" for day in range(1, 21)]
EACH = 20


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A log of thirty entries."""
    project = project_in(tmp_path)
    for number in range(30):
        audit.record(project, "nasty", f"trace K{number}", "spørgsmål fra regionen", PERSONS[number % 20 :][:3])
    return project


def log_of(project: Project) -> Path:
    return project.home / "audit" / "log.jsonl"


Lines = list[bytes]


def changed(lines: Lines, random: np.random.Generator) -> Lines:
    line = int(random.integers(len(lines)))
    place, bit = int(random.integers(len(lines[line]))), int(random.integers(8))
    new = bytearray(lines[line])
    new[place] ^= 1 << bit
    return [*lines[:line], bytes(new), *lines[line + 1 :]]


def removed(lines: Lines, random: np.random.Generator) -> Lines:
    line = int(random.integers(len(lines)))
    return lines[:line] + lines[line + 1 :]


def inserted(lines: Lines, random: np.random.Generator) -> Lines:
    line, copied = (int(n) for n in random.integers(len(lines), size=2))
    return [*lines[:line], lines[copied], *lines[line:]]


def reordered(lines: Lines, random: np.random.Generator) -> Lines:
    one, other = (int(n) for n in random.choice(len(lines), size=2, replace=False))
    new = list(lines)
    new[one], new[other] = lines[other], lines[one]
    return new


def cut(lines: Lines, random: np.random.Generator) -> Lines:
    whole = b"\n".join(lines)
    return whole[: int(random.integers(len(whole)))].split(b"\n")


def unseen(project: Project, alter: Callable[[Lines, np.random.Generator], Lines]) -> int:
    """How many alterations of a kind `verify` does not tell."""
    path, random, passed = log_of(project), np.random.default_rng(11), 0
    content = path.read_bytes()
    for _ in range(EACH):
        path.write_bytes(b"\n".join([*alter(content.splitlines(), random), b""]))
        try:
            audit.verify(project)
            passed += 1
        except InputError:
            continue
        finally:
            path.write_bytes(content)
    return passed


@pytest.mark.parametrize("alter", [changed, removed, inserted, reordered, cut])
def test_every_alteration_is_told(project, alter) -> None:
    assert audit.verify(project)["entries"] == 30
    assert unseen(project, alter) == 0


@pytest.mark.parametrize("alter", [removed, cut])
def test_broken_variant_without_its_head_is_caught(project, alter, monkeypatch) -> None:
    monkeypatch.setattr(audit, "_anchor", lambda project: None)
    path = log_of(project)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-5]))
    assert audit.verify(project)["entries"] == 25, "a log cut at an entry's end is sound by itself"


def test_broken_variant_without_seals_is_caught(project, monkeypatch) -> None:
    monkeypatch.setattr(audit, "_seal", lambda key, before, entry: entry.get("seal", ""))
    monkeypatch.setattr(audit.hmac, "compare_digest", lambda one, other: True)
    assert unseen(project, changed) > 0


def test_both_files_put_back_are_told_by_a_head_that_was_kept(project) -> None:
    log = log_of(project)
    old = {path: path.read_bytes() for path in (log, log.with_suffix(".head"))}
    audit.record(project, "nasty", "trace K31", "spørgsmål")
    kept = audit.verify(project)["head"]
    for path, content in old.items():
        path.write_bytes(content)
    assert audit.verify(project)["entries"] == 30, "nothing beside the log tells it"
    with pytest.raises(InputError, match="taken away"):
        audit.verify(project, kept)


def test_nothing_is_added_to_a_log_that_was_cut(project) -> None:
    path = log_of(project)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match="altered"):
        audit.record(project, "nasty", "trace K31", "spørgsmål")
    path.unlink()
    with pytest.raises(InputError, match="missing"):
        audit.verify(project)


def test_what_a_killed_process_left_half_written_is_dropped(project) -> None:
    with log_of(project).open("ab") as file:
        file.write(b'{"number":31,"at"')
    audit.record(project, "nasty", "trace K31", "spørgsmål")
    assert audit.verify(project)["entries"] == 31


def test_a_person_is_found_by_a_number_from_standard_input_and_stands_nowhere(project) -> None:
    process = shell(project, "audit", "person", "--json")
    told, problem = process.communicate(f"{PERSONS[0][:6]}-{PERSONS[0][6:]}\n")
    assert process.returncode == 0
    assert [said in told for said in ("trace K0", "trace K20", 'trace K1"')] == [True, True, False]
    everything = told + problem + "".join(path.read_text("utf-8") for path in log_of(project).parent.iterdir())
    assert not any(person in everything for person in PERSONS)


def test_what_is_no_person_number_is_refused_without_repeating_it(project) -> None:
    process = shell(project, "audit", "person")
    told, problem = process.communicate("01036440\n")
    assert process.returncode == 2
    assert "no person number" in problem and "01036440" not in told + problem


def test_a_run_and_a_trace_are_logged_and_the_log_is_the_owners_alone(tmp_path) -> None:
    project = little_home_with_files(tmp_path)
    through(run_of(project))
    record = pl.read_parquet(published(project) / "pairs.parquet")["reported_id"][0]
    traced = shell(project, "trace", "--database", DATABASE, record, "--why", "region ringede")
    traced.communicate()
    assert traced.returncode == 0
    verified = shell(project, "audit", "verify")
    assert "Loggen er hel" in verified.communicate()[0]
    entries = [json.loads(line) for line in log_of(project).read_bytes().splitlines()]
    did = [entry["did"].split()[0] for entry in entries]
    assert set(did[:-2]) == {"workbook"} and did[-2:] == ["gate", "trace"]
    assert all(entry["persons"] for entry in entries if entry["did"].startswith(("workbook", "trace")))
    assert entries[-1]["why"] == "region ringede"
    assert os.stat(log_of(project)).st_mode & 0o077 == 0


ROOMS = Path(audit.__file__).parent
ABOVE_THE_FLOW = [*ROOMS.glob("*.py"), *(ROOMS / "orchestration").glob("*.py")]
PROCESSING = {"flow.py", "run.py", "plain_files.py"}  # the flow itself shows nobody a row; its workbook is logged


def unlogged(source: str) -> list[str]:
    """The functions that open a warehouse and enter nothing in the log."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    called = {
        one.name: {ast.unparse(call.func).split(".")[-1] for call in ast.walk(one) if isinstance(call, ast.Call)}
        for one in functions
    }
    return [name for name, calls in called.items() if calls & {"opened", "open_warehouse"} and "record" not in calls]


def test_whatever_opens_a_warehouse_for_somebody_to_look_is_logged() -> None:
    looked = {path.name: unlogged(path.read_text("utf-8")) for path in ABOVE_THE_FLOW if path.name not in PROCESSING}
    assert {"tracing.py", "quarantine.py"} < looked.keys()
    assert {name: functions for name, functions in looked.items() if functions} == {}
    notebooks = (ROOMS.parent / "notebooks").glob("*.ipynb")
    assert not any("open_warehouse" in path.read_text("utf-8") for path in notebooks)


def test_broken_variant_that_looks_without_an_entry_is_caught() -> None:
    source = (ROOMS / "quarantine.py").read_text("utf-8")
    assert unlogged(source.replace("audit.record(", "print(")) == ["quarantined", "release"]


def test_a_password_that_is_handed_out_is_logged(tmp_path) -> None:
    project = little_home_with_files(tmp_path)
    through(run_of(project))
    region = next((published(project) / "regions").iterdir()).name
    assert ended(shell(project, "password", "--database", DATABASE, region)) == 0
    last = json.loads(log_of(project).read_bytes().splitlines()[-1])
    assert last["did"] == f"password {region}"
