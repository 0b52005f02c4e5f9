"""Damaged identities: 5,000 made-up persons and their damaged copies (FEBRL 4), through the plain files' command."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from pipelines.plain_files import reconcile_files

FEBRL = Path(__file__).parents[1] / "data" / "febrl"
PERSONS = 5000


def plain(letter: str, folder: Path) -> Path:
    """One of the two files in the columns that a plain file has."""
    rows = pl.read_csv(FEBRL / f"dataset4{letter}.csv", infer_schema_length=0)
    rows = rows.rename(str.strip).select(pl.all().str.strip_chars().replace("", None))
    rows = rows.rename({"rec_id": "record_id", "soc_sec_id": "person", "date_of_birth": "birth_text"})
    born = [_day(text) for text in rows["birth_text"]]
    path = folder / f"{letter}.csv"
    rows.with_columns(born=pl.Series(born, dtype=pl.Date)).write_csv(path)
    return path


def _day(text: str | None) -> dt.date | None:
    """The date, or none where the damage made it no date."""
    try:
        return dt.datetime.strptime(text or "", "%Y%m%d").date()
    except ValueError:
        return None


@pytest.fixture(scope="module")
def linked(tmp_path_factory) -> pl.DataFrame:
    """pairs.parquet with `true`: rec-N-org is rec-N-dup-0."""
    folder = tmp_path_factory.mktemp("febrl")
    reconcile_files(FEBRL / "specification.yaml", plain("a", folder), plain("b", folder), folder / "out")
    truth = pl.col("reported_id").str.replace("-org", "-dup-0", literal=True) == pl.col("new_id")
    return pl.read_parquet(folder / "out" / "pairs.parquet").with_columns(true=truth)


def test_nearly_everyone_is_found_and_hardly_anyone_mistaken(linked):
    assert linked["true"].sum() / PERSONS >= 0.995
    assert linked["true"].mean() >= 0.999


def test_the_identity_number_alone_finds_nine_in_ten(linked):
    by_number = linked.filter(rule="same number")
    assert by_number["true"].all()
    assert round(len(by_number) / PERSONS, 3) == 0.912


def test_the_copies_do_not_find_each_other_by_their_place_in_the_file(linked):
    assert linked["new_id"].n_unique() == linked["reported_id"].n_unique() == len(linked)
