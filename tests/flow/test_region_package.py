"""What a region is sent: its own rows and no other's, and why a form stands alone."""

from __future__ import annotations

import io
import re

import msoffcrypto
import openpyxl
import polars as pl
import pytest
from workbooks import workbook

from pipelines import flow
from pipelines.spec.reading import read_units

REGIONS = ("hovedstaden", "midtjylland", "nordjylland", "sjaelland", "syddanmark")


def texts(book: openpyxl.Workbook) -> str:
    return "\n".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell)


@pytest.mark.parametrize("region", REGIONS)
def test_only_the_regions_own_departments_stand_in_its_list(sample_run, sample_results, region) -> None:
    units = read_units(sample_run.spec, sample_run.project.specification("dhd").parent)
    book = workbook(sample_run, sample_results, region)
    rows = [row[0] for name in ("Uoverensstemmelser", "Mangler") for row in book[name].iter_rows(2, values_only=True)]
    told = {match[1] for row in rows if (match := re.search(r"\((\w+)\)$", row or ""))}
    assert told, "the test reads the departments"
    assert told <= {unit["unit"] for unit in units if unit["region"] == region}


def test_no_record_of_another_region_stands_in_a_list(sample_run, sample_results) -> None:
    found = pl.read_parquet(sample_results / "discrepancies.parquet").filter(kind="only_reported")
    for region in REGIONS:
        told = texts(workbook(sample_run, sample_results, region))
        own, others = (
            found.filter(test)["discrepancy_id"] for test in (pl.col("region") == region, pl.col("region") != region)
        )
        assert all(one in told for one in own)
        assert not any(one in told for one in others)


def test_a_form_whose_new_record_is_held_back_says_so(sample_run, sample_results) -> None:
    held = pl.read_parquet(sample_results / "unmatched.parquet").filter(reason="held_back", region="midtjylland")
    sheet = workbook(sample_run, sample_results, "midtjylland")["Mangler"]
    told = [row for row in sheet.iter_rows(2, values_only=True) if "tilbageholdt" in (row[1] or "")]
    assert len(told) == held.height > 0
    errors = workbook(sample_run, sample_results, "midtjylland")["Fejl i indberetning"]
    assert any("care_setting.required" in row for row in errors.iter_rows(2, values_only=True))


def test_pages_carry_no_person_and_load_nothing(sample_results) -> None:
    for page in (sample_results / "report.html", *sample_results.glob("regions/*/rapport.html")):
        text = page.read_text("utf-8")
        assert not re.search(r"(?<![0-9a-zA-Z#.])[0-3][0-9][01][0-9]{3}-?[0-9]{4}(?![0-9a-zA-Z.])", text)
        assert not re.search(r"(src|href)=[\"']?https?:", text)


def test_a_wrong_password_opens_nothing(sample_run, sample_results) -> None:
    locked = msoffcrypto.OfficeFile(
        io.BytesIO((sample_results / "regions/nordjylland/fejl-og-mangelliste.xlsx").read_bytes())
    )
    with pytest.raises(msoffcrypto.exceptions.InvalidKeyError):
        locked.load_key(password=flow.password(sample_run, "syddanmark"), verify_password=True)
