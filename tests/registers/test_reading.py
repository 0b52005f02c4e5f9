"""Register tables as bytes: which table, which columns, which lines; CSV and Parquet; large, quoted and broken."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deliveries import LAYOUTS, MAY

from pipelines.project import InputError
from pipelines.sources import delimited, registers
from pipelines.sources.batch import Refused
from pipelines.sources.registers import open_register
from pipelines.spec.register_layouts import read_layouts
from pipelines.warehouse.events import Delivery, create_event_tables, load

OSDC = Path(__file__).parents[1] / "data" / "osdc" / "osdc_simulation-definitions.csv"
# A value of each kind as the package's own definitions describe it.
EXAMPLES = {
    "integer": 1,
    "double": 5.5,
    "date": dt.date(2020, 3, 2),
    "string": "A",
    "4 digits: yyww (2 digits year, 2 digits week number)": "2010",
    "Binary natural language": "Ja",
}
LAB = "pnr;samplingdate;analysiscode;value\n"


def definitions() -> dict[str, list[dict[str, str]]]:
    """The package's registers with their columns."""
    found: dict[str, list[dict[str, str]]] = {}
    with OSDC.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["register_abbrev"], []).append(row)
    return found


def example(column: dict[str, str]) -> object:
    return EXAMPLES.get(column["format"], EXAMPLES[column["data_type"]])


def read(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All rows and all broken rows of a file."""
    rows, broken = zip(*open_register(path, LAYOUTS).batches(), strict=True)
    return pl.concat(rows), pl.concat(broken)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("register", sorted(definitions()))
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_column_lists_of_osdc_load_unchanged(tmp_path, memory, register: str, form: str) -> None:
    columns = definitions()[register]
    frame = pl.DataFrame({column["variable_name"]: [example(column)] * 3 for column in columns})
    path = tmp_path / f"{register}.{form}"
    frame.write_csv(path) if form == "csv" else frame.write_parquet(path)
    file = open_register(path, LAYOUTS)
    assert file.unknown == (), "every column of theirs is known"
    for rows, _ in file.batches():
        load(memory, file.table, rows, Delivery("r", file.layout.variant, MAY))
    event = file.table.event
    assert memory.execute(f"select count(*), min(line) from {event}_history").fetchone()[0] == 3
    told = [c["variable_name"] for c in columns if not is_in(c["variable_name"], file.table)]
    assert told == [], "every column of theirs is read"
    assert memory.execute("select * from event_complaints where severity = 'error'").fetchall() == []


def is_in(column: str, table) -> bool:
    return any(column in (*layout.names, *layout.time) for layout in table.columns.values())


@pytest.fixture
def memory():
    connection = duckdb.connect()
    create_event_tables(connection)
    return connection


def test_the_casing_of_names_does_not_matter(tmp_path) -> None:
    path = written(
        tmp_path, "LAB_FORSKER_2026-05-31.CSV", "PNR;SamplingDate;ANALYSISCODE;Value\nP1;2026-01-01;NPU1;5\n"
    )
    rows, _ = read(path)
    assert rows.rows() == [(2, "P1", "NPU1", "5", "2026-01-01")]
    pl.DataFrame(
        {"PNR": ["P1"], "SAMPLINGDATE": ["2026-01-01"], "AnalysisCode": ["NPU1"], "VALUE": [5.0]}
    ).write_parquet(tmp_path / "lab_forsker.parquet")
    assert read(tmp_path / "lab_forsker.parquet")[0].rows() == [(1, "P1", "NPU1", 5.0, "2026-01-01")]


def test_unknown_columns_are_left_out_and_named(tmp_path) -> None:
    text = "pnr;samplingdate;analysiscode;value;resulttype;hemmelig;0101701234\nP1;2026-01-01;NPU1;5;x;y;z\n"
    file = open_register(written(tmp_path, "lab_forsker.csv", text), LAYOUTS)
    assert file.unknown == ("hemmelig", "(uden navn)"), "known as unused: not named; like a person: not shown"
    assert "hemmelig" not in next(file.batches())[0].columns


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("lab_forsker.csv", "pnr;samplingdate;value\nP1;2026-01-01;5\n", "missing_column"),
        ("laboratorium.csv", LAB, "unknown_table"),
        ("kontakterne.csv", "dw_ek_kontakt,cpr,dato_start\n", "unknown_table"),
        ("lab_forsker.csv", "P1;2026-01-01;NPU1;5\n", "no_header"),
        ("lab_forsker.csv", "", "empty"),
        ("lab_forsker.csv", LAB + "P1;2026-01-01;NPU1;5", "truncated"),
        ("lab_forsker.csv", "pnr;pnr;samplingdate;analysiscode;value\n", "duplicate_column"),
        ("lab_forsker.parquet", "PAR1 no Parquet\n", "not_the_format"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_in_one_sentence(tmp_path, name: str, text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read(written(tmp_path, name, text))
    assert refused.value.code == code
    assert refused.value.danish.endswith(".") and "P1" not in refused.value.danish


def test_a_missing_column_is_named_as_the_register_names_it(tmp_path) -> None:
    with pytest.raises(Refused, match="analysiscode is missing in lab_forsker"):
        read(written(tmp_path, "lab_forsker.csv", "pnr;samplingdate;value\nP1;2026-01-01;5\n"))


def test_a_file_that_is_not_utf8_is_refused(tmp_path) -> None:
    (tmp_path / "lab_forsker.csv").write_bytes((LAB + "P1;2026-01-01;NPU1;spor på\n").encode("latin-1"))
    with pytest.raises(Refused) as refused:
        read(tmp_path / "lab_forsker.csv")
    assert refused.value.code == "not_utf8"


def test_broken_lines_are_held_back_with_their_line_and_the_rest_is_read(tmp_path) -> None:
    text = LAB + "P1;2026-01-01;NPU1;5\n\nP2;2026-01-01\nP3;2026-01-01;NPU1;6;7\n\r\nP4;2026-01-01;NPU1;8\n"
    rows, broken = read(written(tmp_path, "lab_forsker.csv", text))
    assert rows["line"].to_list() == [2, 7]
    assert broken.select("line", "rule").rows() == [(4, "row.shape"), (5, "row.shape")]


def test_a_quoted_record_over_two_lines_keeps_its_line(tmp_path) -> None:
    text = LAB + 'P1;2026-01-01;NPU1;"spor;\nsvag"\nP2;2026-01-01;NPU1;5\n'
    rows, _ = read(written(tmp_path, "lab_forsker.csv", text))
    assert rows.select("line", "text").rows() == [(2, "spor;\nsvag"), (4, "5")]


def test_lines_are_counted_across_blocks(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK", 64)
    monkeypatch.setattr(registers, "BATCH_ROWS", 7)
    lines = [f"P{n};2026-01-01;NPU1;{n}" for n in range(2, 52)]
    rows, _ = read(written(tmp_path, "lab_forsker.csv", LAB + "\n".join(lines) + "\n"))
    assert rows.select("line", "text").rows() == [(n, str(n)) for n in range(2, 52)]
    rows.rename({"code": "analysiscode", "person": "pnr", "text": "value", "taken": "samplingdate"}).drop(
        "line"
    ).write_parquet(tmp_path / "lab_forsker.parquet")
    assert read(tmp_path / "lab_forsker.parquet")[0]["line"].to_list() == [*range(1, 51)]


def test_a_layout_that_names_no_event_column_is_refused_with_its_line(tmp_path) -> None:
    table = "  t:\n    event: lab\n    needed: []\n    columns: {wrong: a}\n"
    written(tmp_path, "x.yaml", f"register_name: lab\nvariant: x\nsource: s\ntables:\n{table}")
    with pytest.raises(InputError, match=r"line 5: .*no column wrong"):
        read_layouts(tmp_path)


def test_every_table_name_leads_to_its_own_table() -> None:
    names = [(layout, title) for layout in LAYOUTS for title in layout.tables]
    assert len({title for _, title in names}) == len(names) > 20
    for layout, title in names:
        assert next(one.table_of(f"{title}_2026-05-31.csv") for one in LAYOUTS if one.table_of(f"{title}.csv")) == title
        assert layout.source
