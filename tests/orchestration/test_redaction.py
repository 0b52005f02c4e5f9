"""No person leaves through an exception, the event log, a stored log or Dagster's database."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from tests_of_orchestration import dagster_home

from pipelines.orchestration.redaction import redacted
from pipelines.project import InputError
from pipelines.redaction import scrubbed

CPR = "0101701234"  # of nobody: a day, a month and ten digits


def stop_with(problem: Exception) -> None:
    raise problem


def stop_inside_another() -> None:
    try:
        stop_with(KeyError(CPR))
    except KeyError as problem:
        raise RuntimeError(f"row of {CPR}") from problem


def stop_with_input() -> None:
    stop_with(InputError(f"The file 010170-1234.csv of {CPR} cannot be read: send it again."))


def everything_in(home: Path) -> bytes:
    """All bytes that Dagster stored, and its databases' text once more as SQL."""
    said = b""
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        said += path.read_bytes()
        if path.suffix == ".db":
            with sqlite3.connect(path) as database:
                said += "\n".join(database.iterdump()).encode()
            database.close()
    return said


def stored_after(home: Path, step: Callable[[], None]) -> bytes:
    """What stands in a Dagster home after an asset that stops like `step`."""
    there = dagster_home(home)
    with dg.DagsterInstance.from_config(str(there)) as instance:
        result = dg.materialize([dg.asset(name="failing")(step)], instance=instance, raise_on_error=False)
        assert not result.success
    return everything_in(there)


@pytest.mark.parametrize("step", [stop_inside_another, stop_with_input], ids=lambda step: step.__name__)
def test_an_exception_with_a_person_is_stored_without_it(tmp_path, step):
    stored = stored_after(tmp_path, redacted(step))
    assert b"failing" in stored
    assert CPR.encode() not in stored
    assert b"010170-1234" not in stored


@pytest.mark.parametrize("step", [stop_inside_another, stop_with_input], ids=lambda step: step.__name__)
def test_without_the_boundary_the_same_search_finds_the_person(tmp_path, step):
    assert CPR.encode() in stored_after(tmp_path, step)


def test_the_flow_stored_nothing_that_looks_like_a_person(done):
    persons = persons_in(Path(done.installation.home) / "inbox")
    stored = everything_in(done.dagster_home).decode("utf-8", "replace")
    assert len(persons) > 100
    assert "kip_record" in stored
    assert not [person for person in persons if person in stored or f"{person[:6]}-{person[6:]}" in stored]


def persons_in(inbox: Path) -> set[str]:
    """All that looks like a CPR number in the files of an inbox."""
    texts = (path.read_text("utf-8", "replace") for path in inbox.rglob("*.*"))
    return {found for text in texts for found in re.findall(r"\b[0-3][0-9][01][0-9]{7}\b", text)}


def test_a_sentence_for_the_user_comes_through_whole():
    with pytest.raises(dg.Failure) as stopped:
        redacted(stop_with)(InputError("The key is missing: run `sammenhold demo`."))
    assert stopped.value.description == "The key is missing: run `sammenhold demo`."
    assert stopped.value.__context__ is None


def test_any_other_failure_names_its_kind_and_the_line_of_ours():
    from pipelines.spec.person_number import passes_modulus_11

    with pytest.raises(dg.Failure) as stopped:
        redacted(passes_modulus_11)(f"{CPR} too long")
    said = stopped.value.description
    assert said.startswith("passes_modulus_11 stopped with ValueError in pipelines/spec/person_number.py, line ")
    assert CPR not in said


@pytest.mark.parametrize("person", [CPR, "010170-1234", "0101701AB2"])
def test_all_shapes_of_a_person_are_scrubbed(person):
    assert scrubbed(f"row of {person}, line 3") == "row of (udeladt), line 3"
