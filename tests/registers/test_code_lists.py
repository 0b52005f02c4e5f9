"""The authorities' code lists as they publish them; the check digit of SOR."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from deliveries import CODES
from hypothesis import given
from hypothesis import strategies as st

from pipelines.project import InputError
from pipelines.sources.codelists import read_municipalities, read_organisations, read_shak, read_sks
from pipelines.spec.sor import is_sor, looks_like_sor, passes_verhoeff

UNITS = [row.split(",")[0] for row in (CODES / "organisations.csv").read_text("utf-8").splitlines()[2:]]


def sks_line(code: str, start: str = "20190101", end: str = "25000101", limits: str = "") -> str:
    return f"dia{code:<20}{start}{start}{end}{'Tekst':<120}{'':15}{limits:<32}"


def test_sks_has_validity_parents_and_limits() -> None:
    codes = {row["code"]: row for row in read_sks(CODES / "skscomplete.txt").iter_rows(named=True)}
    assert codes["DI501B"]["parent"] == "DI501" and codes["DI501"]["parent"] == "DI50"
    assert codes["DI50"]["parent"] is None
    assert codes["DB972"]["valid_until"] == dt.date(2020, 2, 28)
    assert (codes["DO80"]["sex"], codes["DO80"]["min_age"], codes["DO80"]["max_age"]) == ("female", 10, 60)
    assert (codes["DI50"]["sex"], codes["DI50"]["min_age"], codes["DI50"]["max_age"]) == (None, None, None)
    assert codes["DC61"]["text"] == "Kræft i blærehalskirtlen", "ISO-8859-1 is read as such"
    assert {row["kind"] for row in codes.values()} >= {"dia", "opr", "und", "vær"}


def test_shak_has_three_levels_and_letters() -> None:
    units = {row["shak"]: row for row in read_shak(CODES / "shakcomplete.txt").iter_rows(named=True)}
    assert units["3800A80"]["level"] == "section" and units["3800A80"]["parent"] == "3800A8"
    assert units["3800A8"]["level"] == "department" and units["3800A8"]["parent"] == "3800"
    assert units["3800"]["level"] == "hospital" and units["3800"]["parent"] is None
    assert all(unit["parent"] in units for unit in units.values() if unit["parent"])


def test_every_municipality_has_one_region_on_every_day() -> None:
    found = read_municipalities(CODES / "municipalities.csv")
    for day, regions in ((dt.date(2026, 12, 31), 5), (dt.date(2027, 1, 1), 4)):
        today = (
            found.filter(valid_from=None)
            if day is None
            else found.filter((found["valid_from"] <= day) & (found["valid_until"] >= day))
        )
        assert today.height == today["municipality"].n_unique() == 99
        assert today["region"].n_unique() == regions and today["region"].null_count() == 0
    codes = CODES.parent.parent / "expectations" / "codes" / "test_persons.csv"
    lived = [row for row in csv.DictReader(codes.read_text("utf-8").splitlines()[1:]) if row["municipality"]]
    short = {"81": "nordjylland", "82": "midtjylland", "83": "syddanmark", "84": "hovedstaden", "85": "sjaelland"}
    region = dict(found.filter(found["valid_from"] == dt.date(2007, 1, 1)).select("municipality", "region").rows())
    known = [row for row in lived if row["region"] in short and row["municipality"] in region]
    agree = [row for row in known if region[row["municipality"]] == short[row["region"]]]
    assert len(known) > 10 and len(agree) >= 0.9 * len(known), "the official test persons live where the list says"


def test_a_code_that_was_used_for_another_municipality_is_told_apart_by_the_day() -> None:
    found = read_municipalities(CODES / "municipalities.csv").filter(municipality="0707")
    assert found["name"].to_list() == ["Grenaa", "Norddjurs"]
    assert found["valid_until"][0] < found["valid_from"][1]


@pytest.mark.parametrize(
    ("reader", "text", "said"),
    [
        (read_sks, "dia too short\n", "line 1: the line is shorter"),
        (read_sks, sks_line("DI50") + "\n" + sks_line("DI51", start="20191301") + "\n", "line 2: a date"),
        (read_sks, sks_line("DI50", limits="Kx ") + "\n", "age limit"),
        (read_shak, sks_line("38") + "\n", "line 1: a SHAK code has 4, 6 or 7"),
        (read_organisations, "sorenhed,shak_afs\n", "the column sorenhed_tekst is missing"),
        (read_municipalities, "municipality,name,region,valid_from,valid_until\n1,a,b,2019\n", "line 2: the row"),
        (read_municipalities, "municipality,name,region,valid_from,valid_until\n1,a,b,2019,\n", "line 2: a date"),
        (
            read_municipalities,
            "municipality,name,region,valid_from,valid_until\n1,a,b,,\n1,c,b,2019-01-01,\n",
            "overlap",
        ),
    ],
)
def test_a_damaged_list_is_refused_with_its_line(tmp_path: Path, reader, text: str, said: str) -> None:
    path = tmp_path / "list"
    path.write_text(text, "iso-8859-1")
    with pytest.raises(InputError, match=said):
        reader(path)


def test_a_list_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="put the code list there"):
        read_sks(tmp_path / "none")


def test_a_mistyped_sor_id_in_the_organisations_is_refused(tmp_path: Path) -> None:
    text = (CODES / "organisations.csv").read_text("utf-8").replace("223601000016004", "223610000016004", 1)
    (tmp_path / "list").write_text(text, "utf-8")
    with pytest.raises(InputError, match="check digit"):
        read_organisations(tmp_path / "list")


def test_the_published_example_of_verhoeff() -> None:
    assert passes_verhoeff("2363"), "236 has the check digit 3 (Wikipedia, Verhoeff algorithm)"
    assert not any(passes_verhoeff(f"236{digit}") for digit in "012456789")


@given(unit=st.sampled_from(UNITS), place=st.integers(0, 12), digit=st.integers(0, 9))
def test_every_wrong_digit_and_every_swap_of_a_real_sor_id_is_seen(unit: str, place: int, digit: int) -> None:
    assert is_sor(unit) and looks_like_sor(unit)
    wrong = unit[:place] + str(digit) + unit[place + 1 :]
    assert is_sor(wrong) == (wrong == unit)
    swapped = unit[:place] + unit[place + 1] + unit[place] + unit[place + 2 :]
    assert is_sor(swapped) == (swapped == unit)


def test_a_shak_code_is_not_taken_for_a_sor_id() -> None:
    assert not any(looks_like_sor(code) for code in ("3800A80", "6620141", "1301", ""))
