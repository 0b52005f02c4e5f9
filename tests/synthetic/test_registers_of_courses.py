"""What a specification derives of the generated registers are the courses they were made from, and nothing else."""

from __future__ import annotations

import datetime as dt
import io
from types import SimpleNamespace

import polars as pl
import pytest
from register_warehouse import CODES, compared, share, taken_in

from pipelines.reconciliation.derive import derive
from pipelines.sources.codelists import read_municipalities
from pipelines.spec.person_number import birth_date
from pipelines.spec.reading import read_spec
from pipelines.synthetic.country import Database, country
from pipelines.synthetic.faults import Fault, Plan
from pipelines.warehouse.event_findings import event_findings

FROM, REFERENCE = dt.date(2024, 10, 1), dt.date(2026, 9, 30)
NAMES = ("dhrd", "drkol", "ddid", "drhofte")
COURSES = 60
HOMES = read_municipalities(CODES / "municipalities.csv")["municipality"].unique().sort().to_list()
# The traps among the rows: results that are no number or a bound, and procedures that name only their course.
TRAPS = {"event.operator", "event.not_a_number", "event.no_contact"}


def database(name: str, *faults: Fault, courses: int = COURSES) -> Database:
    folder = CODES.parent / name
    spec = read_spec(folder / "specification.yaml")
    yearly = sum(spec.published.per_region.values())
    return Database(
        spec,
        folder,
        Plan(seed=3, scale=courses / yearly / 2, from_date=FROM, reference_date=REFERENCE, faults=faults),
    )


@pytest.fixture(scope="module")
def land(tmp_path_factory):
    """The four databases in one country whose municipalities all report; its registers and what is derived."""
    databases = [database(name) for name in NAMES]
    made = country(databases, 700, HOMES, all_report=True)
    with taken_in(made.files, tmp_path_factory.mktemp("registers")) as (warehouse, receipts):
        connection = warehouse.connection
        yield SimpleNamespace(
            made=made,
            receipts=receipts,
            connection=connection,
            findings=event_findings(connection),
            specs={one.spec.database: one.spec for one in databases},
            records={one.spec.database: derive(connection, one.spec).records for one in databases},
        )


def of_register(land, name: str) -> pl.DataFrame:
    """The courses that are no mistake, as the registers say them."""
    return land.made.courses[name].filter(~pl.col("mistaken"))


@pytest.mark.parametrize("name", NAMES)
def test_derivation_reads_back_every_value(land, name):
    counts = compared(land.specs[name], of_register(land, name), land.records[name])
    assert share(counts) >= 0.99, counts.filter(pl.col("equal") < pl.col("n"))
    assert counts["n"].sum() > 10 * COURSES


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_record_for_each_course_that_was_sent_and_no_other(land, name):
    """Other illness, refuted diagnoses, contacts of LPR2 and what was withdrawn make none."""
    assert set(land.records[name]["record_id"]) <= set(of_register(land, name)["record_id"])
    assert land.records[name].height == land.made.made[name].new
    assert land.records[name].height >= 0.9 * COURSES


@pytest.mark.parametrize("name", NAMES)
def test_date_place_and_person_are_the_courses(land, name):
    both = of_register(land, name).join(land.records[name], on="record_id", suffix="_derived")
    for column in (land.specs[name].event_date, "unit", "region", "person", "sex"):
        assert both[column].to_list() == both[f"{column}_derived"].to_list(), column


@pytest.mark.parametrize(
    ("change", "name", "variables"),
    [
        ("update lab set taken = taken - interval 9 year", "ddid", ("hba1c", "ldl", "creatinine")),
        ("update procedure set code = 'ZZ9999' where code like 'UXAC%'", "dhrd", ("angiography",)),
        ("update procedure set parent_code = 'X' where type = '+'", "drkol", ("fev1", "mrc", "height")),
        ("update medicine set dispensed = dispensed - 4000", "drkol", ("lama", "laba", "ics")),
        ("update person set died = died + 4000", "dhrd", ("dead_one_year",)),
        ("update contact set ends = ends + interval 9 day", "drhofte", ("discharge_date",)),
        ("update municipal set kind = 'encounter'", "dhrd", ("municipal_start", "municipal_contacts")),
    ],
)
def test_an_event_out_of_its_place_is_missed(land, change, name, variables):
    connection = land.connection
    connection.execute("begin")
    connection.execute(change)
    records = derive(connection, land.specs[name]).records
    connection.execute("rollback")
    whole, broken = (compared(land.specs[name], of_register(land, name), of) for of in (land.records[name], records))
    assert share(whole, *variables) == 1
    assert share(broken, *variables) < 0.99


def test_every_file_is_accepted_with_no_finding_but_the_traps(land):
    assert {receipt.verdict for receipt in land.receipts} == {"accepted"}
    assert {receipt.reason for receipt in land.receipts} == {None}
    assert set(land.findings["rule"].unique()) == TRAPS


def test_later_deliveries_correct_earlier_ones(land):
    """Without the later delivery some contacts have another diagnosis and some have not ended."""
    wrong = land.connection.execute(
        "select count(*) from diagnosis_history where code = 'DZ039' and contact_id in "
        "(select contact_id from diagnosis where code not in ('DZ039'))"
    ).fetchone()[0]
    ended = land.connection.execute(
        "select count(*) from contact_history earlier join contact using (contact_id) "
        "where earlier.ends is null and contact.ends is not null"
    ).fetchone()[0]
    assert wrong > 0 and ended > 0


def test_nothing_happens_after_a_death(land):
    dead = "(select current_person as person, died from person where died is not null) p"
    counts = {
        table: land.connection.execute(
            f"select count(*) from {table} t join {dead} on p.person = t.person where t.{day}::date > p.died"
        ).fetchone()[0]
        for table, day in (("contact", "starts"), ("procedure", "starts"), ("lab", "taken"), ("medicine", "dispensed"),
                           ("municipal", "starts"))
    }  # fmt: skip
    assert land.connection.execute(f"select count(*) from {dead}").fetchone()[0] >= 5
    assert counts == dict.fromkeys(counts, 0)


def test_who_emigrates_has_no_courses_and_nothing_afterwards(land):
    left = dict(land.connection.execute("select person, emigrated from person where emigrated is not null").fetchall())
    assert left and not any(set(land.made.courses[name]["person"]) & set(left) for name in NAMES)
    visits = land.connection.execute("select person, starts::date from contact").fetchall()
    assert all(day < left[person] for person, day in visits if person in left)


def test_sex_and_birth_agree_with_the_person_number(land):
    persons = land.connection.execute("select person, birth_date, sex from person").pl()
    assert persons["birth_date"].to_list() == [birth_date(person) for person in persons["person"]]
    assert persons["sex"].to_list() == ["male" if int(p[9]) % 2 else "female" for p in persons["person"]]


def test_databases_share_persons(land):
    courses = {name: set(land.made.courses[name]["person"]) for name in NAMES}
    assert courses["ddid"] & courses["dhrd"]
    assert courses["drkol"] & courses["drhofte"]


def test_a_fault_in_the_new_side_stands_in_the_register(land, tmp_path):
    """LDL in g/L at one region: the derived values are those of the courses times the factor."""
    fault = Fault(kind="unit_factor", variable="ldl", slice={"region": "hovedstaden"}, parameters={"factor": 0.387})
    planted = database("ddid", fault)
    made = country([planted], 700, HOMES, all_report=True)
    clean = made.courses["ddid"]
    with taken_in(made.files, tmp_path) as (warehouse, _):
        records = derive(warehouse.connection, planted.spec).records
    both = clean.join(records, on="record_id", suffix="_derived").filter(pl.col("ldl").is_not_null())
    ratio = both.select(pl.col("region"), (pl.col("ldl_derived") / pl.col("ldl")).round(3).alias("ratio"))
    assert set(ratio.filter(region="hovedstaden")["ratio"]) == {0.387}
    assert set(ratio.filter(pl.col("region") != "hovedstaden")["ratio"]) == {1.0}
    assert made.made["ddid"].truth[0].n == ratio.filter(region="hovedstaden").height


def test_the_same_arguments_give_the_same_files():
    one, other = (country([database("drhofte", courses=20)], 200, HOMES).files for _ in range(2))
    assert one == other


def test_files_are_tables_without_a_persons_number_in_their_names(land):
    persons = set(land.made.courses["dhrd"]["person"])
    assert not any(person in path for path in land.made.files for person in persons)
    kontakt = next(path for path in land.made.files if "lpr_a_kontakt" in path)
    assert "dw_ek_kontakt" in pl.read_parquet(io.BytesIO(land.made.files[kontakt])).columns
