"""A year of registers in bulk: one population behind all tables, the same bytes, files as the registers send them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from benchmarks.national_registers import EXPECTATIONS, REGISTERS, load, project
from pipelines.project import InputError, Project
from pipelines.reconciliation.derive import derive
from pipelines.spec.reading import read_spec
from pipelines.spec.register_layouts import read_layouts
from pipelines.synthetic.national import national
from pipelines.synthetic.national.blocks import country, hospital
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.key import make_key
from pipelines.warehouse.registers import prepare_registers, receive_register
from pipelines.warehouse.settling import settle

PERSONS = 600
TABLES = ("cpr_person", "lab_forsker", "lmdb", "lpr_a_diagnose", "lpr_a_kontakt", "lpr_a_procregistrering",
          "t_dodsaarsag_2")  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year")
    national(folder, PERSONS, 2025, 1)
    return folder


@pytest.fixture(scope="module")
def said(files: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"create view {table} as from read_parquet('{files / table}_2026-03-31.parquet')")
    return connection


def test_the_same_arguments_give_the_same_bytes(files: Path, tmp_path: Path) -> None:
    national(tmp_path, PERSONS, 2025, 1)
    assert sorted(path.name for path in files.iterdir()) == [f"{table}_2026-03-31.parquet" for table in TABLES]
    assert all((tmp_path / path.name).read_bytes() == path.read_bytes() for path in files.iterdir())
    national(tmp_path, PERSONS, 2025, 2)
    assert any((tmp_path / path.name).read_bytes() != path.read_bytes() for path in files.iterdir())


def test_a_block_is_the_same_whichever_were_made_before_and_blocks_follow_each_other() -> None:
    land = country(PERSONS, 2025, 1, contacts_a_block=400)
    forth = [hospital(land, block)["lpr_a_kontakt"] for block in range(land.blocks)]
    back = [hospital(land, block)["lpr_a_kontakt"] for block in reversed(range(land.blocks))]
    assert len(forth) == 5 and forth == back[::-1]
    ids = [key for block in forth for key in block["dw_ek_kontakt"].to_pylist()]
    times = [time for block in forth for time in block["kont_starttidspunkt"].to_pylist()]
    assert [int(key) for key in ids] == list(range(1, 2001)) and times == sorted(times)


@pytest.mark.parametrize(
    ("table", "person", "day"),
    [
        ("lpr_a_kontakt", "pnr", "kont_starttidspunkt"),
        ("lpr_a_kontakt", "pnr", "coalesce(kont_sluttidspunkt, kont_starttidspunkt)"),
        ("lpr_a_procregistrering", "pnr", "proc_starttidspunkt"),
        ("lab_forsker", "pnr", "samplingdate"),
        ("lmdb", "pnr", "eksd"),
        ("t_dodsaarsag_2", "k_cpr", "d_dodsdato"),
    ],
)
def test_whoever_has_an_event_is_alive(said: duckdb.DuckDBPyConnection, table: str, person: str, day: str) -> None:
    alive = f"({day})::date between foed_dato and coalesce(doeds_dato, date '9999-12-31')"
    query = f"select count(*), count(*) filter (coalesce({alive}, false)) from {table} e left join cpr_person p "
    rows, of_living = said.execute(query + f"on p.pnr = e.{person}").fetchone()
    assert rows == of_living > 0


def test_every_row_hangs_together_with_its_contact(said: duckdb.DuckDBPyConnection) -> None:
    for table in ("lpr_a_diagnose", "lpr_a_procregistrering"):
        orphans = f"select count(*) from {table} anti join lpr_a_kontakt using (dw_ek_kontakt)"
        assert said.execute(orphans).fetchone() == (0,)
    others = "select count(*) from lpr_a_procregistrering p join lpr_a_kontakt k using (dw_ek_kontakt) where "
    assert said.execute(others + "p.pnr <> k.pnr or p.dw_ek_forloeb <> k.dw_ek_forloeb").fetchone() == (0,)
    assert said.execute(
        "select count(*) from (select dw_ek_forloeb from lpr_a_kontakt group by all having count(distinct pnr) > 1)"
    ).fetchone() == (0,)
    parents = "select dw_ek_procedureregistrering, proc_kode from lpr_a_procregistrering where proc_kode_type = 'P'"
    under = (
        "select dw_ek_procedureregistrering, proc_parent_kode from lpr_a_procregistrering where proc_kode_type = '+'"
    )
    assert said.execute(f"select count(*) from ({under} except {parents})").fetchone() == (0,)


def test_numbers_are_of_one_person_and_tell_birth_and_sex(said: duckdb.DuckDBPyConnection) -> None:
    fit = "pnr[:6] = strftime(foed_dato, '%d%m%y') and (pnr[10]::integer % 2 = 1) = (koen = 'M')"
    query = f"select count(*), count(distinct pnr), count(*) filter ({fit} and length(pnr) = 10) from cpr_person"
    assert said.execute(query).fetchone() == (PERSONS, PERSONS, PERSONS)


def test_rows_stand_in_the_order_of_time_and_in_a_country_s_proportion(said: duckdb.DuckDBPyConnection) -> None:
    times = [time for (time,) in said.execute("select kont_starttidspunkt from lpr_a_kontakt").fetchall()]
    assert times == sorted(times) and {time.year for time in times} == {2025}
    rows = [said.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES]
    shares = [round(count / rows[4], 1) for count in (rows[3], rows[5], rows[1], rows[2])]
    assert shares == [2.0, 2.0, 2.5, 4.0]


def test_too_few_persons_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 500"):
        national(tmp_path, 499, 2025, 1)


def a_project(folder: Path) -> Project:
    folder.mkdir()
    make_key(project(folder))
    return project(folder)


def test_the_files_are_taken_in_whole_and_read_straight_they_stand_as_settled(files: Path, tmp_path: Path) -> None:
    layouts = read_layouts(EXPECTATIONS / "codes" / "registers")
    with (
        open_warehouse(a_project(tmp_path / "taken_in"), REGISTERS) as taken_in,
        open_warehouse(a_project(tmp_path / "read_straight"), REGISTERS) as read_straight,
    ):
        prepare_registers(taken_in)
        for path in sorted(files.iterdir()):
            receipt = receive_register(taken_in, layouts, path, dt.datetime(2026, 4, 1))
            assert (receipt.verdict, receipt.reason) == ("accepted", None)
        settle(taken_in.connection)
        load(read_straight, files)
        for table in ("contact", "diagnosis", "procedure", "lab", "medicine", "person", "death"):
            rows = f"select columns(* exclude (receipt_id)) from {table} order by line"
            assert taken_in.frame(rows).equals(read_straight.frame(rows)), table
        for database in ("drkol", "ddid"):
            spec = read_spec(EXPECTATIONS / database / "specification.yaml")
            records = [derive(one.connection, spec).records.drop("receipt_id") for one in (taken_in, read_straight)]
            assert records[0].equals(records[1]) and records[0].height > 0, database
