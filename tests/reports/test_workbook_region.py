"""The fejl- og mangelliste: whose rows it holds, that they are inert text, and that it is locked."""

from __future__ import annotations

import io
from collections import Counter

import openpyxl
import polars as pl
import pytest
from msoffcrypto.exceptions import InvalidKeyError
from msoffcrypto.format.ooxml import OOXMLFile
from reports_sample_rows import HOSTILE, PERSON, region_rows

from pipelines.project import InputError
from pipelines.reports.rows import RegionRows
from pipelines.reports.workbook import plain_workbook, region_workbook
from pipelines.spec.model import Label

PASSWORD = "en lang adgangskode"


def opened(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def decrypted(data: bytes, password: str) -> bytes:
    file, plain = OOXMLFile(io.BytesIO(data)), io.BytesIO()
    file.load_key(password=password, verify_password=True)
    file.decrypt(plain)
    return plain.getvalue()


def rows_of(book: openpyxl.Workbook, sheet: str) -> list[dict[str, str]]:
    first, *rest = book[sheet].iter_rows(values_only=True)
    return [dict(zip(first, row, strict=True)) for row in rest]


@pytest.fixture(scope="module")
def book(spec, results):
    return opened(plain_workbook(spec, region_rows(results, "midtjylland"), "midtjylland"))


def test_the_workbook_has_its_four_sheets(book):
    assert book.sheetnames == ["Læs mig", "Uoverensstemmelser", "Mangler", "Fejl i indberetning"]


def test_only_the_regions_own_rows_are_in_it(book, results):
    own = pl.read_parquet(results / "discrepancies.parquet").filter(pl.col("region") == "midtjylland")
    ids = {row["Id"] for sheet in ("Uoverensstemmelser", "Mangler") for row in rows_of(book, sheet)}
    assert ids == set(own["discrepancy_id"])


def test_records_on_one_side_stand_apart(spec, results):
    found = opened(plain_workbook(spec, region_rows(results, "sjaelland"), "sjaelland"))
    missing = rows_of(found, "Mangler")
    assert len(missing) == 40
    assert {row["Findes kun i"] for row in missing} == {"Kun i manuel indberetning"}
    assert all(row["Id"].startswith("dNone") for row in rows_of(found, "Uoverensstemmelser"))


def test_both_values_stand_side_by_side_as_danish_text(book):
    row = next(row for row in rows_of(book, "Uoverensstemmelser") if row["Variabel"] == "NYHA-klasse")
    assert (row["Manuel indberetning (KIP)"], row["Ny indberetning"]) == ("2 – II", "3 – III")
    assert (row["CPR-nummer"], row["Dato"]) == (PERSON, "05-01-2026")


def test_rows_stand_by_cause_and_then_by_department(book):
    """The largest cause first, so that one mistake is mended at once; what has no cause stands last."""
    rows = [(row["Årsag"], row["Afdeling"]) for row in rows_of(book, "Uoverensstemmelser")]
    sizes = Counter(cause for cause, _ in rows)
    assert rows == sorted(rows, key=lambda row: (row[0] == "Uden fælles årsag", -sizes[row[0]], *row))


def test_the_answer_is_chosen_from_five_and_the_date_is_a_date(book):
    rules = {rule.type: rule for rule in book["Uoverensstemmelser"].data_validations.dataValidation}
    assert rules["list"].formula1 == (
        '"rettet i EPJ,fejl i KIP,registreringspraksis,ikke vores patient,fejl hos SundK"'
    )
    assert rules["date"].operator == "greaterThanOrEqual"
    assert book["Uoverensstemmelser"].freeze_panes == "A2"
    assert book["Uoverensstemmelser"].auto_filter.ref


def test_the_first_sheet_counts_the_causes_of_this_list(book):
    lines = [row for row in book["Læs mig"].iter_rows(values_only=True) if isinstance(row[0], int)]
    assert (118, "NYHA-klasse II bliver til III i Region Midtjylland, hvor EPJ-systemet er columna.") in lines


def test_of_a_shared_pair_only_the_own_side_is_seen(spec, results):
    shared = region_rows(results, "midtjylland", shared=True, own_side="new")
    row = rows_of(opened(plain_workbook(spec, shared, "midtjylland")), "Uoverensstemmelser")[0]
    assert row["Manuel indberetning (KIP)"] == row["Manuel, kilde"] == "(anden region)"
    assert row["Ny indberetning"] != "(anden region)" and row["Ny, kilde"] == "wsapi.csv, linje 12"


def test_a_shared_pair_of_unknown_side_shows_neither(spec, results):
    shared = region_rows(results, "midtjylland", shared=True)
    for row in rows_of(opened(plain_workbook(spec, shared, "midtjylland")), "Uoverensstemmelser"):
        assert row["Manuel indberetning (KIP)"] == row["Ny indberetning"] == "(anden region)"


def test_hostile_texts_become_no_formula_and_no_link(spec, results):
    rows = region_rows(results, "midtjylland")
    evil = pl.Series("evil", (list(HOSTILE) * rows.discrepancies.height)[: rows.discrepancies.height])
    names = (
        "reported_value",
        "new_value",
        "cause_sentence",
        "unit_name",
        "source_line_new",
        "person",
        "variable",
    )
    hostile = RegionRows(
        rows.discrepancies.with_columns(evil.alias(name) for name in names),
        rows.findings.with_columns(pl.lit(HOSTILE[0]).alias(name) for name in ("file", "reason", "rule", "record_id")),
    )
    labelled = spec.model_copy(update={"title": Label(da=HOSTILE[0])})
    found = opened(decrypted(region_workbook(labelled, hostile, "midtjylland", PASSWORD), PASSWORD))
    cells = [cell for sheet in found for row in sheet.iter_rows() for cell in row]
    assert any(str(cell.value).startswith("=cmd") for cell in cells)
    assert [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink] == []


def test_the_check_for_formulas_sees_a_formula():
    book = openpyxl.Workbook()
    book.active["A1"] = "=1+1"
    stream = io.BytesIO()
    book.save(stream)
    assert opened(stream.getvalue()).active["A1"].data_type == "f"


def test_the_same_rows_in_any_order_give_the_same_bytes(spec, results):
    rows = region_rows(results, "midtjylland")
    turned = RegionRows(rows.discrepancies.reverse(), rows.findings.reverse())
    assert plain_workbook(spec, rows, "midtjylland") == plain_workbook(spec, turned, "midtjylland")


def test_a_wrong_password_is_refused(spec, results):
    locked = region_workbook(spec, region_rows(results, "midtjylland"), "midtjylland", PASSWORD)
    assert PERSON.encode() not in locked
    with pytest.raises(InvalidKeyError):
        decrypted(locked, "en anden adgangskode")


def test_a_short_password_is_not_used(spec, results):
    with pytest.raises(InputError, match="12 characters"):
        region_workbook(spec, region_rows(results, "midtjylland"), "midtjylland", "hemmelig")


def test_rows_that_lack_a_column_are_refused_by_name(results):
    rows = region_rows(results, "midtjylland")
    with pytest.raises(InputError, match="lack the column shared"):
        RegionRows(rows.discrepancies.drop("shared"), rows.findings)


def test_a_region_without_rows_has_a_workbook_that_opens(spec, results):
    assert rows_of(opened(plain_workbook(spec, region_rows(results, "x"), "groenland")), "Mangler") == []
