"""Fifty planted persons, and one with a replacement number, through every way of failing: none stands outside the
vault, in any of twelve spellings."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import msoffcrypto
import openpyxl
import pandera.polars as pa
import polars as pl
import pytest
from nasty import lay, project_in
from scanner import persons_found, spellings

from pipelines import flow
from pipelines.orchestration import dev
from pipelines.orchestration.redaction import redacted
from pipelines.project import InputError, Project
from pipelines.redaction import told
from pipelines.reports import packages, workbook
from pipelines.sources import batch

pytestmark = pytest.mark.trust

REPOSITORY = Path(__file__).parents[2]
PERSONS = [f"{day:02}{month:02}64{4000 + 7 * day + month}" for day in range(1, 26) for month in (3, 8)]
HEADER = "cpr;enhed_sor;kontakt_start;kontakt_slut;diagnose;procedure;variabel_num;variabel_kode;indberetnings_id"
GOOD = ["{p}", "1084001", "01-03-2024 10:00", "01-03-2024 11:00", "DI219", "A", "1,5", "A", "K{n}"]
DATE = ["--reference-date", "2025-06-01"]


def csv_of(persons: list[str], **cells: str) -> bytes:
    """A good file but for the named cells, which hold the person."""
    names = HEADER.split(";")
    lines = [HEADER]
    for number, person in enumerate(persons):
        row = [cells.get(name, usual).format(p=person, n=number) for name, usual in zip(names, GOOD, strict=True)]
        lines.append(";".join(row))
    return ("\n".join(lines) + "\n").encode()


def submission(persons: list[str], **said: object) -> bytes:
    names = HEADER.split(";")
    records = [
        {"action": "create"} | {name: usual.format(p=p, n=n) for name, usual in zip(names, GOOD, strict=True)}
        for n, p in enumerate(persons)
    ]
    envelope = {"database": "nasty", "schemaVersion": "1.0", "region": "1084", "submissionId": "S-1",
                "sequenceNumber": 1, "sentAt": "2024-04-01T12:00:00+02:00", "records": records}  # fmt: skip
    return json.dumps(envelope | said).encode()


P = PERSONS[0]
REPLACEMENT = "0101705AB2"  # erstatnings-CPR, of somebody who has no number of their own
PLANTED = [*PERSONS, REPLACEMENT]
# Each way: the files that lie in the inbox (source, name, content).
FILES: dict[str, tuple[str, str, bytes]] = {
    **{f"a person in {name}": ("kip", "a.csv", csv_of(PERSONS, **{name: "{p}"})) for name in HEADER.split(";")},
    "a bad date beside it": ("kip", "a.csv", csv_of(PERSONS, kontakt_start="{p} 10:00")),
    "a bad number": ("kip", "a.csv", csv_of(PERSONS, variabel_num="{p},x")),
    "a person twice": ("kip", "a.csv", csv_of([P] * 5, indberetnings_id="{p}")),
    "a short row": ("kip", "a.csv", csv_of(PERSONS) + P.encode() + b";1084001\n"),
    "a quote that stays open": ("kip", "a.csv", csv_of(PERSONS) + b'"' + P.encode() + b"\n"),
    "no header": ("kip", "a.csv", csv_of(PERSONS).split(b"\n", 1)[1]),
    "a person as a column": ("kip", "a.csv", csv_of(PERSONS).replace(b"variabel_kode", P.encode(), 1)),
    "not UTF-8": ("kip", "a.csv", csv_of(PERSONS) + b"\xff\n"),
    "a person in the file's name": ("kip", f"{P}.csv", csv_of(PERSONS)),
    "a person in the name, with a hyphen": ("kip", f"{P[:6]}-{P[6:]}.csv", csv_of(PERSONS)),
    "a damaged gzip": ("kip", "a.gz", gzip.compress(csv_of(PERSONS))[:-8]),
    "a damaged Parquet": ("kip", "a.parquet", b"PAR1" + csv_of(PERSONS)),
    "a number for a person": ("wsapi", "a.json", submission([P]).replace(f'"{P}"'.encode(), P.encode())),
    "broken JSON": ("wsapi", "a.json", submission(PERSONS)[:-40]),
    "a person as a key": ("wsapi", "a.json", submission(PERSONS).replace(b'"diagnose"', f'"{P}"'.encode())),
    "a person as the submission": ("wsapi", "a.json", submission(PERSONS, submissionId=P)),
    "a person as the region": ("wsapi", "a.json", submission(PERSONS, region=P)),
    "a person as the version": ("wsapi", "a.json", submission(PERSONS, schemaVersion=P)),
    "a person as the database": ("wsapi", "a.json", submission(PERSONS, database=P)),
    "a person as the time": ("wsapi", "a.json", submission(PERSONS, sentAt=P)),
    "a person as the number": ("wsapi", "a.json", submission(PERSONS, sequenceNumber=P)),
    "bad XML": ("wsapi", "a.xml", f"<submission><{P}>".encode()),
    "a person as an element": ("wsapi", "a.xml", f"<submission><a>{P}</a></submission>".encode()),
    "a person in a document type": ("wsapi", "a.xml", f"<!DOCTYPE s [<!ENTITY a '{P}'>]><s>&a;</s>".encode()),
    "a replacement number": ("kip", "a.csv", csv_of([REPLACEMENT], variabel_num="{p}")),
    "a replacement number in the file's name": ("kip", f"{REPLACEMENT}.csv", csv_of([REPLACEMENT])),
    "a replacement number as the submission": (
        "wsapi", "a.json", submission([REPLACEMENT], submissionId=f"{REPLACEMENT[:6]}-{REPLACEMENT[6:]}")),
    "a replacement number as a column": (
        "kip", "a.csv", csv_of([REPLACEMENT]).replace(b"variabel_kode", REPLACEMENT.encode(), 1)),
}  # fmt: skip
# Commands that are given a person by mistake.
COMMANDS = {
    "trace of a person": ["trace", P, "--database", "nasty"],
    "a file that is not there": ["validate", f"{P}.csv", "--spec", "SPEC", "--source", "kip"],
    "a person for a date": ["run", "--database", "nasty", "--reference-date", P],
    "a person for a database": ["run", "--database", P],
    "a person for a region": ["password", P, "--database", "nasty"],
    "a person for a command": [P],
    "a person for an option": ["run", f"--{P}"],
    "a replacement number for a database": ["run", "--database", REPLACEMENT],
    "trace of a replacement number": ["trace", REPLACEMENT, "--database", "nasty"],
}


def vault(path: Path) -> bool:
    """Where persons may stand: what regions sent, the encrypted warehouse, and a region's encrypted list."""
    return "inbox" in path.parts or path.parent.name == "warehouse" or "keys" in path.parts or is_locked(path)


def is_locked(path: Path) -> bool:
    """Whether the file is a workbook that opens with a password only."""
    if path.suffix != ".xlsx" or zipfile.is_zipfile(path):
        return False
    with path.open("rb") as file:
        return msoffcrypto.OfficeFile(file).is_encrypted()


def shell(folder: Path, *words: str) -> None:
    """A command in a process of its own, whose every trace stays under `folder`."""
    home = folder / "home"
    here = {"HOME": folder / "user", "TMPDIR": folder / "tmp", "SAMMENHOLD_KEY_FILE": folder / "keys" / "key",
            "SAMMENHOLD_HOME": home, "SAMMENHOLD_EXPECTATIONS": REPOSITORY / "tests" / "data",
            "PYTHONPATH": REPOSITORY}  # fmt: skip
    for name in ("user", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    words = tuple(word.replace("SPEC", str(REPOSITORY / "tests/data/nasty/specification.yaml")) for word in words)
    done = subprocess.run([sys.executable, "-m", "pipelines.supervisor", *words], cwd=folder / "tmp",
                          env=os.environ | {n: str(p) for n, p in here.items()}, capture_output=True)  # fmt: skip
    (folder / "told.txt").write_bytes(done.stdout + done.stderr)


def in_process(project: Project) -> str:
    """The same verbs without a new process, and what a shell or Dagster would tell of their failure."""
    from nasty import run_of

    run = run_of(project)
    try:
        for verb in (
            flow.receive,
            flow.conform,
            flow.validate,
            flow.evidence,
            flow.reconcile,
            flow.explain,
            flow.report,
        ):
            verb(run)
    except Exception as problem:
        return told(problem, "sammenhold")
    return ""


def left_through_a_file(folder: Path, way: str) -> list[str]:
    source, name, content = FILES[way]
    project = project_in(folder)
    lay(project, name, content, source, "1084")
    (folder / "told.txt").write_text(in_process(project), "utf-8")
    return persons_found(folder, PLANTED, vault)


@pytest.mark.parametrize("way", FILES, ids=[way.replace(" ", "_") for way in FILES])
def test_no_person_leaves_through_a_file(tmp_path, way):
    assert left_through_a_file(tmp_path, way) == []


def left_through_workbooks(folder: Path) -> list[str]:
    """Both sides tell of the same persons, each in its own words, so that every one stands in a region's list."""
    project = project_in(folder)
    lay(project, "a.csv", csv_of(PLANTED), "kip", "1084")
    lay(project, "a.json", submission(PLANTED).replace(b'"1,5"', b'"2,5"'), "wsapi", "1084")
    (folder / "told.txt").write_text(in_process(project), "utf-8")
    assert list(folder.rglob(packages.WORKBOOK))
    return persons_found(folder, PLANTED, vault)


def test_no_person_leaves_through_a_workbook(tmp_path):
    assert left_through_workbooks(tmp_path) == []


def test_a_workbook_without_its_password_would_be_caught(tmp_path, monkeypatch):
    """The broken variant publishes a region's list as it is before encryption."""
    monkeypatch.setattr(workbook, "locked", lambda book, password: book)
    assert {found.split(":")[0] for found in left_through_workbooks(tmp_path)} == {packages.WORKBOOK}


@pytest.mark.parametrize("way", ["a replacement number in the file's name", "a replacement number as the submission"])
def test_names_that_are_not_held_against_replacement_numbers_would_be_caught(tmp_path, monkeypatch, way):
    """The broken variant knows the number that everybody has, and no other."""
    monkeypatch.setattr(batch, "PERSON_LIKE", re.compile("[0-9]{6}[-_. ]?[0-9]{4}"))
    assert left_through_a_file(tmp_path, way) != []


@pytest.mark.parametrize("way", COMMANDS, ids=[way.replace(" ", "_") for way in COMMANDS])
def test_no_person_leaves_through_a_command(tmp_path, way):
    project = project_in(tmp_path)
    lay(project, "a.csv", csv_of(PERSONS), "kip", "1084")
    shell(tmp_path, *COMMANDS[way])
    assert (tmp_path / "told.txt").stat().st_size > 0
    assert persons_found(tmp_path, [P, REPLACEMENT], vault) == []


def pandera_fails() -> None:
    frame = pl.DataFrame({"person": PERSONS})
    pa.DataFrameSchema({"person": pa.Column(pl.String, pa.Check.str_length(3, 4))}).validate(frame, lazy=True)


def polars_fails() -> None:
    pl.Series(PERSONS).str.to_date("%Y-%m-%d")


def duckdb_fails() -> None:
    duckdb.sql(f"select cast('{P}x' as integer)").fetchall()


def memory_fails() -> None:
    raise MemoryError(f"no room for the row of {P}")


def chained_fails() -> None:
    try:
        int(f"{P}x")
    except ValueError as problem:
        raise RuntimeError(P) from problem


def input_fails() -> None:
    raise InputError(f"The row of {P} is wrong: mend {P[:6]}-{P[6:]}.")


def library_panics() -> None:
    """As Rust's libraries do: no Exception, but a BaseException."""
    raise pl.exceptions.PanicException(f"the row of {P}")


FAILURES: list[Callable[[], None]] = [
    pandera_fails, polars_fails, duckdb_fails, memory_fails, chained_fails, input_fails, library_panics,
]  # fmt: skip


def in_dagster(folder: Path, step: Callable[[], None]) -> None:
    """An asset that stops like `step`, in a Dagster home of its own; what it prints is kept there too."""
    home = folder / "dagster"
    home.mkdir(parents=True)
    shutil.copy(REPOSITORY / ".dagster" / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        made = dg.materialize([dg.asset(name="failing")(step)], instance=instance, raise_on_error=False)
        assert not made.success


@pytest.mark.parametrize("step", FAILURES, ids=lambda step: step.__name__)
def test_no_person_leaves_through_dagster(tmp_path, step, capfd):
    in_dagster(tmp_path, redacted(step))
    printed = capfd.readouterr()
    (tmp_path / "told.txt").write_text(printed.out + printed.err, "utf-8")
    assert persons_found(tmp_path, PERSONS, vault) == []


@pytest.mark.parametrize("step", FAILURES, ids=lambda step: step.__name__)
def test_without_the_boundary_the_person_is_found(tmp_path, step, capfd):
    in_dagster(tmp_path, step)
    printed = capfd.readouterr()
    (tmp_path / "told.txt").write_text(printed.out + printed.err, "utf-8")
    assert persons_found(tmp_path, PERSONS, vault) != []


# The scan is worth what it finds: a leak of each kind.
def as_sqlite(path: Path, text: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table t (x)")
        database.execute("insert into t values (?)", [text])
    database.close()


def as_duckdb(path: Path, text: str) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute("create table t as select ? as x from range(5000)", [text])


def as_xlsx(path: Path, text: str) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = text
    book.save(path.with_suffix(".xlsx"))


def as_zip_in_zip(path: Path, text: str) -> None:
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", text)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b.zip", inside.getvalue())


LEAKS: dict[str, Callable[[Path, str], None]] = {
    "text": lambda path, text: path.write_text(text, "utf-8"),
    "gzip": lambda path, text: path.write_bytes(gzip.compress(text.encode())),
    "parquet": lambda path, text: pl.DataFrame({"x": [text] * 100}).write_parquet(path),
    "sqlite": as_sqlite,
    "duckdb": as_duckdb,
    "xlsx": as_xlsx,
    "zip in a zip": as_zip_in_zip,
    "file name": lambda path, text: path.with_name(text).write_bytes(b""),
    "unkeyed hash": lambda path, text: path.write_text(hashlib.sha256(text.encode()).hexdigest(), "utf-8"),
}


@pytest.mark.parametrize("kind", LEAKS, ids=[kind.replace(" ", "_") for kind in LEAKS])
def test_the_scan_finds_a_leak_of_each_kind(tmp_path, kind):
    LEAKS[kind](tmp_path / "leak", P)
    assert persons_found(tmp_path, PERSONS, vault) != []


def test_the_scan_finds_each_spelling(tmp_path):
    for number, spelled in enumerate(spellings(P)):
        (tmp_path / f"{number}.txt").write_bytes(b"x" + spelled + b"y")
    assert len({found.split(":")[0] for found in persons_found(tmp_path, [P], vault)}) == 12


def test_no_person_leaves_through_the_terminal_under_dagster(capfd) -> None:
    """A library in a step's process writes to standard error itself."""
    words = [sys.executable, "-c", f"import os, sys; os.write(2, b'panicked at {P}\\n'); sys.exit(3)"]
    assert dev.scrubbed_run(words, dict(os.environ)) == 3
    assert capfd.readouterr().err == "panicked at (udeladt)\n"
