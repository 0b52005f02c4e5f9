"""Plain files: known columns only, refused by name, and never a person in the sentence."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from pipelines.project import InputError
from pipelines.sources.plain import RefusedFile, read_file, read_plain
from pipelines.spec.reading import read_spec

SPEC = read_spec(Path(__file__).parents[2] / "expectations" / "dhd" / "specification.yaml")
FRAME = pl.DataFrame(
    {"record_id": ["1"], "person": ["0101701234"], "start_date": [dt.date(2026, 1, 1)], "lvef": [32.5]}
)


def refused(path: Path, content: bytes | pl.DataFrame) -> RefusedFile:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content.write_parquet(path)
    with pytest.raises(RefusedFile) as caught:
        read_plain(path, SPEC)
    assert "0101701234" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return caught.value


def test_csv_is_text_and_parquet_keeps_its_types(tmp_path):
    FRAME.write_csv(tmp_path / "a.csv")
    FRAME.write_parquet(tmp_path / "a.parquet")
    text, kept = read_plain(tmp_path / "a.csv", SPEC), read_plain(tmp_path / "a.parquet", SPEC)
    assert text.row(0, named=True) == {
        "line": 2, "record_id": "1", "person": "0101701234", "start_date": "2026-01-01", "lvef": "32.5"
    }  # fmt: skip
    assert kept.drop("line").equals(FRAME)
    assert kept["line"].to_list() == [1]


@pytest.mark.parametrize(
    ("header", "code", "said"),
    [
        ("record_id,person,start_date,lveff", "unknown_column", "did you mean lvef?"),
        ("record_id,person,start_date,0101701234", "unknown_column", "column 4"),
        ("record_id,person,lvef", "missing_column", "start_date"),
        ("record_id,start_date", "missing_column", "person"),
        ("record_id;person;start_date", "wrong_delimiter", "Comma expected, semicolon found"),
        ("record_id,person,start_date,person", "duplicate_column", "Column 4"),
        ("1,0101701234,2026-01-01", "no_header", "header"),
    ],
)
def test_a_header_is_held_against_the_specification(tmp_path, header, code, said):
    problem = refused(tmp_path / "a.csv", f"{header}\n".encode())
    assert problem.code == code
    assert said in str(problem)


@pytest.mark.parametrize(
    "change",
    [
        pl.col("person").cast(pl.Int64),
        pl.col("person").cast(pl.Float64),
        pl.col("record_id").cast(pl.Float64),
        pl.lit(20260101).alias("start_date"),
        pl.lit(dt.date(2026, 1, 1)).alias("lvef"),
        pl.lit("x").cast(pl.Binary).alias("etiology"),
        pl.concat_list("person").alias("etiology"),
    ],
)
def test_a_type_that_cannot_hold_the_column_is_refused(tmp_path, change):
    refused(tmp_path / "a.parquet", FRAME.with_columns(change))


def test_a_damaged_parquet_is_refused_without_its_content(tmp_path):
    FRAME.write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    assert refused(tmp_path / "cut.parquet", whole[:-20]).code == "not_the_format"


def test_times_with_a_zone_become_danish_and_nan_is_no_value(tmp_path):
    zoned = pl.lit(dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)).alias("contact_time")
    FRAME.with_columns(zoned, lvef=pl.lit(float("nan"))).write_parquet(tmp_path / "a.parquet")
    row = read_plain(tmp_path / "a.parquet", SPEC).row(0, named=True)
    assert row["contact_time"] == dt.datetime(2026, 7, 1, 12)
    assert row["lvef"] is None


def test_validate_sees_broken_rows_and_reconcile_refuses_them(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("record_id,person,start_date\n1,0101701234\n2,0101701234,2026-01-01\n")
    plain = read_file(path, SPEC)
    assert (plain.rows.height, plain.broken["line"].to_list()) == (1, [2])
    assert "line 2" in str(refused(path, path.read_bytes()))


def test_a_file_that_is_not_there_is_named_but_not_a_person(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        read_plain(tmp_path / "nowhere.csv", SPEC)
    with pytest.raises(InputError) as caught:
        read_plain(tmp_path / "010170-1234.csv", SPEC)
    assert "1234" not in str(caught.value).replace(str(tmp_path), "")
