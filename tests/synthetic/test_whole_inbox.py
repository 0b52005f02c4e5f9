"""The inbox of all databases with their registers, as the command makes it: the committed sample, and small ones."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from register_warehouse import CODES

from pipelines.cli_making import SAMPLE, SAMPLE_FROM, SAMPLE_PERSONS, SAMPLE_REFERENCE_DATE
from pipelines.project import InputError
from pipelines.sources.codelists import read_municipalities
from pipelines.synthetic.inbox import make_inbox, plans_of

EXPECTATIONS = CODES.parent
NAMES = ("ddid", "dhd", "dhrd", "drhofte", "drkol")
HOMES = read_municipalities(CODES / "municipalities.csv")["municipality"].unique().sort().to_list()


def made(out: Path, names=NAMES, persons: int = SAMPLE_PERSONS, faults: Path | None = None) -> dict[str, bytes]:
    """The files of an inbox by path."""
    plans = plans_of(EXPECTATIONS, names, faults, persons, 2, SAMPLE_FROM, SAMPLE_REFERENCE_DATE)
    make_inbox(EXPECTATIONS, plans, out, persons, HOMES)
    return files_under(out)


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_committed_sample_is_what_the_command_makes(tmp_path):
    fresh = made(tmp_path, faults=SAMPLE)
    assert fresh.pop("truth.csv") == (SAMPLE / "truth.csv").read_bytes()
    assert fresh == files_under(SAMPLE / "inbox"), "make the sample again (sample_data/README.md)"


def test_every_database_of_the_sample_has_faults_of_which_enough_can_be_seen():
    with (SAMPLE / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = [row for row in csv.DictReader(file) if row["reported_in"] == "causes"]
    for name in NAMES:
        seen = [int(row["comparable"]) for row in truth if row["database"] == name]
        assert sum(n >= 10 for n in seen) >= 3, name


@pytest.mark.parametrize("name", ["drhofte", "dhd"])
def test_a_small_population_has_every_database_and_register(tmp_path, name):
    """Five hundred persons are enough; a database without registers has none."""
    files = made(tmp_path, (name,), 500)
    places = {tuple(path.split("/")[:2]) for path in files if path != "truth.csv"}
    registers = {("registers", register) for register in ("lpr", "lmdb", "cpr", "dar", "municipal", "lab")}
    assert places == {("dhd", "kip"), ("dhd", "wsapi")} if name == "dhd" else places == {("drhofte", "kip"), *registers}
    assert [*csv.DictReader(io.StringIO(files["truth.csv"].decode()))] == [] or name == "dhd"


def test_persons_of_a_database_without_registers_are_of_the_population(tmp_path):
    files = made(tmp_path, ("dhd", "drhofte"), 500)
    sent = [json.loads(content) for path, content in files.items() if path.startswith("dhd/wsapi/")]
    persons = {record["cpr"] for submission in sent for record in submission["records"] if "cpr" in record}
    cpr = next(content for path, content in files.items() if "cpr_person" in path)
    assert persons and persons <= set(pl.read_parquet(io.BytesIO(cpr))["pnr"])


def test_too_few_persons_and_a_full_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="at least 500 persons"):
        made(tmp_path, ("drhofte",), 100)
    (tmp_path / "there").write_text("x")
    with pytest.raises(InputError, match="holds files already"):
        made(tmp_path, ("drhofte",), 500)
