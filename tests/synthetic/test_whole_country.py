"""A country made district by district: one population in every source, whatever the blocks, each course read back."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from register_warehouse import CODES, compared, share, taken_in
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.project import InputError
from pipelines.reconciliation.derive import derive
from pipelines.sources.codelists import read_municipalities
from pipelines.spec.person_number import birth_date, passes_modulus_11
from pipelines.spec.reading import read_spec
from pipelines.synthetic.national import inbox
from pipelines.synthetic.national.inbox import whole_country
from pipelines.synthetic.national.setting import Setting, courses_before, databases

FROM, REFERENCE = dt.date(2025, 10, 1), dt.date(2026, 9, 30)
NAMES = ("ddid", "dhd", "dhrd", "drhofte", "drkol")
OF_REGISTERS = ("ddid", "dhrd", "drhofte", "drkol")
HOMES = tuple(read_municipalities(CODES / "municipalities.csv")["municipality"].unique().sort())
LAND = Setting(CODES.parent, NAMES, 600, 5, FROM, REFERENCE, HOMES, persons_a_district=200)
SMALL = replace(LAND, names=("ddid", "drhofte"), persons=510, scale=0.2, persons_a_district=170)


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def table(files: dict[str, bytes], name: str) -> pl.DataFrame:
    """The rows of the register's table of the later delivery."""
    (path,) = [path for path in files if path.endswith(f"/{name}_{REFERENCE}.parquet")]
    return pl.read_parquet(io.BytesIO(files[path]))


def rows_of(files: dict[str, bytes], database: str) -> list[dict[str, str]]:
    """Every form of a database."""
    texts = [text for path, text in files.items() if path.startswith(f"{database}/") and path.endswith(".csv")]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text.decode()), delimiter=";")]


def envelopes(files: dict[str, bytes], database: str) -> list[dict]:
    """Every submission of a database."""
    own = {path: text for path, text in files.items() if path.startswith(f"{database}/") and path.endswith(".json")}
    return [json.loads(text) for _, text in sorted(own.items())]


def citizens(files: dict[str, bytes]) -> list[str]:
    """The person of each municipal report."""
    reports = [json.loads(text) for path, text in files.items() if path.startswith("registers/municipal/")]
    return [report["entry"][0]["resource"]["identifier"][0]["value"] for report in reports]


@pytest.fixture(scope="module")
def land(tmp_path_factory):
    """The country's files, and its courses as the registers say them, district after district."""
    made, district = [], inbox.district

    def recorded(setting, number):
        made.append(district(setting, number))
        return made[-1]

    out = tmp_path_factory.mktemp("country") / "inbox"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "district", recorded)
        counts = whole_country(LAND, out)
    courses = {name: pl.concat([one.courses[name] for one in made if name in one.courses]) for name in NAMES}
    return SimpleNamespace(files=files_under(out), counts=counts, courses=courses, districts=len(made))


@pytest.fixture(scope="module")
def records(land, tmp_path_factory):
    """What each specification derives of the register files, taken in as they arrive."""
    specs = {name: read_spec(CODES.parent / name / "specification.yaml") for name in OF_REGISTERS}
    with taken_in(land.files, tmp_path_factory.mktemp("registers")) as (warehouse, receipts):
        assert {(receipt.verdict, receipt.reason) for receipt in receipts} == {("accepted", None)}
        yield {name: (spec, derive(warehouse.connection, spec).records) for name, spec in specs.items()}


@pytest.mark.parametrize("name", OF_REGISTERS)
def test_derivation_reads_back_every_course_and_no_other(land, records, name):
    spec, derived = records[name]
    courses = land.courses[name].filter(~pl.col("mistaken"))
    counts = compared(spec, courses, derived)
    assert share(counts) >= 0.99, counts.filter(pl.col("equal") < pl.col("n"))
    assert set(derived["record_id"]) <= set(courses["record_id"])
    assert derived.height >= 0.9 * courses.height >= 50
    both = courses.join(derived, on="record_id", suffix="_derived")
    for column in (spec.event_date, "unit", "region", "person", "sex"):
        assert both[column].to_list() == both[f"{column}_derived"].to_list(), column


def persons_stand_once(files: dict[str, bytes], setting: Setting) -> None:
    """Everybody of the country is in the register of persons, once, under a number of their own."""
    persons = table(files, "cpr_person")
    assert persons.height == persons["pnr"].n_unique() == setting.persons
    assert not set(persons["pnr"]) & {number for one in databases(setting) for number in one.spec.test_persons}
    former = table(files, "cpr_skift")["gammelt_pnr"]
    assert former.n_unique() == len(former) and not set(former) & set(persons["pnr"])


def test_everybody_stands_once_in_the_register_of_persons(land):
    assert land.districts == 3
    persons_stand_once(land.files, LAND)
    persons = table(land.files, "cpr_person")
    assert [birth_date(person) for person in persons["pnr"]] == persons["foed_dato"].to_list()
    assert all(passes_modulus_11(person) for person in persons["pnr"])


@pytest.mark.parametrize("name", NAMES)
def test_forms_and_submissions_are_of_the_courses_persons(land, name):
    """A form is of a course of the same person; so is a record that a region sends; ids stand once."""
    courses, persons = land.courses[name], set(table(land.files, "cpr_person")["pnr"])
    assert courses.height == courses["course"].n_unique() == land.counts[f"{name}.courses"]
    forms = rows_of(land.files, name)
    own = next(one for one in databases(LAND) if one.spec.database == name)
    (form,) = [schema for (source, _), schema in own.schemas.items() if source == own.spec.sides.reported]
    number, person = form.identity["record_id"], form.identity["person"]
    assert len({row[number] for row in forms}) == len(forms) == land.counts[f"{name}.forms"] > 30
    assert {row[person] for row in forms} <= set(courses["person"]) <= persons


@pytest.mark.parametrize("name", ["dhd", "ddid", "dhrd"])
def test_submissions_are_whole_numbered_by_month_and_of_the_same_persons(land, name):
    sent = envelopes(land.files, name)
    keys = [(one["region"], one["sequenceNumber"]) for one in sent]
    assert len(set(keys)) == len(keys) > 10
    months = {(int(one["sentAt"][:4]) - FROM.year) * 12 + int(one["sentAt"][5:7]) - FROM.month + 1: one for one in sent}
    assert all(one["sequenceNumber"] == month for month, one in months.items())
    created = Counter(r["recordId"] for one in sent for r in one["records"] if r["action"] == "create")
    assert created and max(created.values()) == 1
    own = {person for one in sent for record in one["records"] for key, person in record.items() if key == "cpr"}
    assert own and own <= set(land.courses[name]["person"])


def test_reports_are_one_a_citizen_with_a_course(land):
    own = citizens(land.files)
    assert len(own) == len(set(own)) == land.counts["reports"] > 20
    assert set(own) <= {person for name in ("dhrd", "drhofte", "drkol") for person in land.courses[name]["person"]}


def test_the_registers_of_everybody_else_lead_into_no_database(land):
    """Rows in bulk are many more than those of courses, and stand in the same files."""
    persons = {person for courses in land.courses.values() for person in courses["person"]}
    contacts = table(land.files, "lpr_a_kontakt")
    others = contacts.filter(~pl.col("pnr").is_in(list(persons)))
    assert contacts["dw_ek_kontakt"].n_unique() == contacts.height
    assert others.height > 1000 and others["pnr"].n_unique() > 200
    assert contacts.height > others.height


def test_nobody_has_a_contact_after_death_or_departure(land):
    persons = table(land.files, "cpr_person").select("pnr", "foed_dato", "doeds_dato", "udrejse_dato")
    visits = table(land.files, "lpr_a_kontakt").join(persons, on="pnr")
    day = pl.col("kont_starttidspunkt").dt.date()
    last = pl.min_horizontal("doeds_dato", "udrejse_dato").fill_null(dt.date.max)
    assert visits.filter((day > last) | (day < pl.col("foed_dato"))).is_empty()
    assert persons["doeds_dato"].count() > 3 and persons["udrejse_dato"].count() > 0


def same_rows(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    """The same files with the same rows in the same order; row groups may differ."""
    assert one.keys() == other.keys()
    for path, content in one.items():
        if path.endswith(".parquet"):
            assert pl.read_parquet(io.BytesIO(content)).equals(pl.read_parquet(io.BytesIO(other[path]))), path
        else:
            assert content == other[path], path


def made(out: Path, setting: Setting = SMALL, **how: int) -> dict[str, bytes]:
    whole_country(setting, out, **how)
    return files_under(out)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return made(tmp_path_factory.mktemp("small") / "inbox")


@pytest.mark.parametrize("how", [{"districts_a_block": 2}, {"districts_a_block": 3}, {"processes": 2}])
def test_blocks_and_processes_change_nothing(small, tmp_path, how):
    same_rows(small, made(tmp_path / "inbox", **how))


def test_a_block_s_own_seed_is_seen(small, tmp_path, monkeypatch):
    """The broken variant: what is drawn depends on how many districts a block has."""
    real = inbox.block
    monkeypatch.setattr(
        inbox, "block", lambda setting, low, high: real(replace(setting, seed=5 + high - low), low, high)
    )
    with pytest.raises(AssertionError):
        same_rows(small, made(tmp_path / "inbox", districts_a_block=2))


@pytest.mark.parametrize("moved", [-1, 1])
def test_a_person_lost_or_doubled_at_a_boundary_is_seen(tmp_path, monkeypatch, moved):
    """The broken variants: a district begins one person too early, or too late."""
    real, setting = Setting.bounds, replace(SMALL, names=("drhofte",))
    monkeypatch.setattr(
        Setting, "bounds", lambda setting, n: (real(setting, n)[0] + moved * (n == 1), real(setting, n)[1])
    )
    with pytest.raises(AssertionError):
        persons_stand_once(made(tmp_path / "inbox", setting), setting)


def test_districts_have_the_country_s_courses_between_them():
    """Counts go on from district to district without loss, and follow the published share of each region."""
    land = replace(LAND, persons=6_000_000, persons_a_district=50_000)
    assert land.districts == 120 and land.bounds(119)[1] == 6_000_000
    for one in databases(land):
        before = [courses_before(land, one, land.bounds(n)[0]) for n in range(land.districts)]
        after = [courses_before(land, one, land.bounds(n)[1]) for n in range(land.districts)]
        assert before[1:] == after[:-1] and set(before[0].values()) == {0}
        published = sum(one.spec.published.per_region.values())
        assert abs(sum(after[-1].values()) - published * 365 / 365.25) <= 5


def test_what_cannot_be_a_country_is_refused(tmp_path):
    for wrong in ({"persons": 499}, {"scale": 0}):
        with pytest.raises(InputError):
            replace(LAND, **wrong)
    (tmp_path / "there").write_text("something")
    with pytest.raises(InputError, match="holds files already"):
        whole_country(SMALL, tmp_path)


def test_a_country_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    real = inbox.district
    monkeypatch.setattr(inbox, "district", lambda setting, number: real(setting, number) if number == 0 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        whole_country(replace(SMALL, names=("drhofte",)), tmp_path / "inbox")
    assert list(tmp_path.iterdir()) == []


def test_the_command_makes_a_country(tmp_path):
    asked = ["generate", "--database", "country", "--persons", "500", "--scale", "0.1", "--processes", "1",
             "--expectations", str(CODES.parent), "--out", str(tmp_path / "inbox"), "--json"]  # fmt: skip
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["cpr_person"] == 500
    assert {path.name for path in (tmp_path / "inbox").iterdir()} == {*NAMES, "registers"}
