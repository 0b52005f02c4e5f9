"""The blinded sheet: no side can be told from it, it is inert, and it comes back as what the journal says."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from simulated_journal import REGIONS, filled, found, journal, spec, truly_right

from pipelines.journal import sheet
from pipelines.journal.figures import audit_figures, counted
from pipelines.journal.filled import answers_of
from pipelines.journal.sample import KEPT, Lots, draw
from pipelines.project import InputError
from pipelines.reports.places import PlaceNames
from pipelines.reports.workbook import locked

NAMES = PlaceNames({"nord": "Region Nord", "syd": "Region Syd"}, {"N0": "Klinik N0"})
VARIABLES = ["weight", "nyha", "smoker", "day"]
PASSWORDS = {region: f"en lang adgangskode til {region}" for region in REGIONS}
HOSTILE = '=HYPERLINK("http://x.example","k")'


@pytest.fixture(scope="module")
def truth() -> pl.DataFrame:
    return journal(900)


@pytest.fixture(scope="module")
def compared(truth):
    return found(truth)


def lots(seed: int = 1) -> Lots:
    return Lots(b"k" * 32, f"2026-09-30-{seed}")


@pytest.fixture(scope="module")
def drawn(compared) -> pl.DataFrame:
    return draw(compared, lots(), VARIABLES, 30, 30)


def written(rows: pl.DataFrame, region: str = "nord") -> bytes:
    return sheet.plain_sheet(spec(), rows, region, NAMES)


def exchanged(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows with their two sides exchanged and the coin turned."""
    other = {
        name: name.replace("reported", "*").replace("new", "reported").replace("*", "new") for name in rows.columns
    }
    turned = pl.col("a_side").replace({"reported": "new", "new": "reported"})
    return rows.rename(other).with_columns(turned)


def test_the_sheet_is_the_same_with_its_sides_exchanged(drawn) -> None:
    apart = drawn.filter(pl.col("event_date_reported") != pl.col("event_date_new"))
    elsewhere = drawn.filter(pl.col("variable").is_null())
    assert apart.height > 5 and elsewhere["stratum"].n_unique() == 3, "the rows could tell a side"
    for region in REGIONS:
        assert written(drawn, region) == written(exchanged(drawn), region)


@pytest.mark.parametrize("told", ["event_date_new", "record_id_new", "a_side", "stratum"])
def test_broken_variant_that_shows_a_side_is_caught(drawn, told, monkeypatch) -> None:
    whom = sheet._whom
    monkeypatch.setattr(sheet, "_whom", lambda row, names: (*whom(row, names)[:2], str(row[told])))
    turned = exchanged(drawn).with_columns(
        pl.col("stratum").replace({"only_reported": "only_new", "only_new": "only_reported"})
    )
    assert written(drawn) != written(turned)


def test_each_side_is_a_as_often_as_b(drawn) -> None:
    of_values = drawn.filter(pl.col("variable").is_not_null()).sort("row_id")
    assert 0.4 < (of_values["a_side"] == "reported").mean() < 0.6
    for _, rows in of_values.group_by("variable", "stratum"):
        assert 4 < (rows["a_side"] == "reported").sum() < rows.height - 4
    book = openpyxl.load_workbook(io.BytesIO(written(drawn)))
    order = {row[-1]: number for number, row in enumerate(book["Værdier"].iter_rows(2, values_only=True))}
    own = of_values.filter(region="nord").with_columns(at=pl.col("row_id").replace_strict(order))
    assert abs(own.select(pl.corr("at", pl.col("a_side") == "reported")).item()) < 0.2


def test_a_and_b_look_alike(drawn) -> None:
    page = openpyxl.load_workbook(io.BytesIO(written(drawn)))["Værdier"]
    at = {cell.value: cell.column for cell in page[1]}
    for row in range(1, page.max_row + 1):
        a, b = page.cell(row, at["A"]), page.cell(row, at["B"])
        assert (a.fill.fgColor.rgb, a.font.color, a.alignment.horizontal, a.number_format, a.data_type) == (
            b.fill.fgColor.rgb, b.font.color, b.alignment.horizontal, b.number_format, b.data_type)  # fmt: skip
    alike = page.column_dimensions["E"]
    assert (at["A"], at["B"], alike.min, alike.max) == (5, 6, 5, 6), "one width for both"


def test_no_record_id_and_no_word_of_a_side_stands_on_the_sheet(drawn) -> None:
    book = openpyxl.load_workbook(io.BytesIO(written(drawn)))
    cells = [str(cell) for page in book for row in page.iter_rows(values_only=True) for cell in row if cell]
    ids = {one for side in ("reported", "new") for one in drawn[f"record_id_{side}"].drop_nulls()}
    assert not ids & set(cells)
    assert not any(word in cell for cell in cells for word in ("KIP", "manuel", "Manuel", "ny ind", "Ny ind", "wsapi"))


def test_only_the_regions_own_courses_are_on_its_sheet(drawn, truth) -> None:
    own = set(truth.filter(region="nord")["person"])
    book = openpyxl.load_workbook(io.BytesIO(written(drawn)))
    persons = {
        row[1].rstrip("XY") for name in ("Værdier", "Forløb") for row in book[name].iter_rows(2, values_only=True)
    }
    assert persons and persons <= own


def test_hostile_texts_become_no_formula_and_no_link(drawn) -> None:
    texts = [name for name in drawn.columns if name in "ab" or name.startswith(("unit", "person"))]
    rows = drawn.with_columns(pl.lit(HOSTILE).alias(name) for name in texts)
    cells = [c for page in openpyxl.load_workbook(io.BytesIO(written(rows))) for row in page.iter_rows() for c in row]
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells)
    assert [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink] == []


def test_the_same_seed_draws_the_same_rows_whatever_their_order(compared, truth, drawn) -> None:
    assert draw(compared, lots(), VARIABLES, 30, 30).equals(drawn)
    assert draw(found(truth, reverse=True), lots(), VARIABLES, 30, 30).equals(drawn)
    assert set(draw(compared, lots(2), VARIABLES, 30, 30)["row_id"]).isdisjoint(drawn["row_id"])


def test_each_stratum_has_its_size_and_the_population_it_stands_for(compared, drawn) -> None:
    for (variable, stratum), rows in drawn.group_by("variable", "stratum"):
        assert rows.height == min(30, rows["population"][0]), (variable, stratum)
    counts = compared.agreement.filter(
        pl.col("region").is_null(), pl.col("period").is_null(), pl.col("level").is_null()
    )
    for name in VARIABLES:
        row = counts.filter(variable=name).to_dicts()[0]
        strata = dict(drawn.filter(variable=name).select("stratum", "population").unique().rows())
        assert strata["agree"] == row["agree"] + row["agree_within"]
        assert strata["differ"] == sum(row[k] for k in ("differ", "missing_differs", "reported_missing", "new_missing"))


def test_what_lies_in_two_regions_or_none_is_not_asked_about(compared) -> None:
    nowhere = compared.sides["new"].rows.with_columns(region=pl.lit(None, pl.String))
    sides = dict(compared.sides) | {"new": type(compared.sides["new"])("new", nowhere, compared.sides["new"].types)}
    rows = draw(type(compared)(**{**vars_of(compared), "sides": sides}), lots(), VARIABLES, 30, 30)
    assert set(rows["stratum"]) == {"only_reported"}


def vars_of(compared) -> dict:
    return {name: getattr(compared, name) for name in compared.__dataclass_fields__}


def returned(
    drawn: pl.DataFrame, truth: pl.DataFrame, folder: Path, change: Callable = lambda book: None
) -> list[Path]:
    """Both regions' filled sheets; `change` is made to the sheet of nord."""
    files = []
    for region in REGIONS:
        done = filled(written(drawn, region), truth, change if region == "nord" else lambda book: None)
        files.append(folder / f"{region} udfyldt.xlsx")
        files[-1].write_bytes(locked(done, PASSWORDS[region]))
    return files


def test_filled_sheets_give_what_the_journal_says(compared, drawn, truth, tmp_path) -> None:
    answers = answers_of(drawn.select(list(KEPT)), returned(drawn, truth, tmp_path), PASSWORDS)
    figures = audit_figures(counted(answers))
    missed = []
    for name in ("weight", "nyha", "smoker", "day"):
        for side, true in truly_right(compared, truth, name).items():
            row = figures.filter(variable=name, side=side, figure="right").to_dicts()[0]
            missed += [(name, side)] if not row["low"] <= true <= row["high"] else []
    assert missed == [], "at this seed all eight intervals hold the truth"
    ppv = dict(figures.filter(figure="ppv").select("side", "value").rows())
    real = {side: compared.sides[side].column("person").is_in(truth["person"].implode()).mean() for side in ppv}
    assert ppv == {side: pytest.approx(share, abs=0.02) for side, share in real.items()}


def test_a_sorted_and_rearranged_sheet_says_the_same(drawn, truth, tmp_path) -> None:
    def rearranged(book: openpyxl.Workbook) -> None:
        for name in ("Værdier", "Forløb"):
            heading, *rows = list(book[name].iter_rows(values_only=True))
            book.remove(book[name])
            page = book.create_sheet(name)
            for row in [heading, *sorted(rows, key=lambda row: row[-1])]:
                page.append([*row[::-1], None])

    kept = drawn.select(list(KEPT))
    plain = answers_of(kept, returned(drawn, truth, tmp_path), PASSWORDS)
    assert answers_of(kept, returned(drawn, truth, tmp_path, rearranged), PASSWORDS).equals(plain)


def set_cell(sheet: str, row: int, heading: str, text: str | None) -> Callable[[openpyxl.Workbook], None]:
    def change(book: openpyxl.Workbook) -> None:
        at = {cell.value: cell.column for cell in book[sheet][1]}
        book[sheet].cell(row, at[heading]).value = text

    return change


BAD = {
    "an answer of one's own": (set_cell("Værdier", 3, "Svar", "0101600001"), "sheet Værdier, row 3 has an answer that"),
    "a formula": (set_cell("Værdier", 3, "Svar", "=1+1"), "row 3 has an answer that is not in the list"),
    "no answer": (set_cell("Forløb", 2, "Svar", None), "sheet Forløb, row 2 has no answer: choose one, or 'kan ikke"),
    "a changed id": (set_cell("Forløb", 4, "Id", "ffffffffffff"), "row 4 has an id that was not drawn"),
    "a copied row": (lambda book: set_cell("Værdier", 4, "Id", book["Værdier"].cell(2, 9).value)(book),
                     "row 4 repeats the id of row 2"),
    "missing rows": (lambda book: book["Værdier"].delete_rows(2, 3), "lacks 3 of its"),
    "no sheet": (lambda book: book.remove(book["Forløb"]), "has no sheet Forløb"),
    "no column": (set_cell("Værdier", 1, "Svar", "Mit svar"), "has no column Svar"),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_sheet_gets_one_clear_sentence(drawn, truth, tmp_path, bad) -> None:
    change, sentence = BAD[bad]
    with pytest.raises(InputError, match=sentence) as told:
        answers_of(drawn.select(list(KEPT)), returned(drawn, truth, tmp_path, change), PASSWORDS)
    assert "0101600001" not in str(told.value) and "nord udfyldt.xlsx" in str(told.value)


def test_other_files_get_one_clear_sentence(drawn, truth, tmp_path) -> None:
    files, kept = returned(drawn, truth, tmp_path), drawn.select(list(KEPT))
    text, plain, other = tmp_path / "noter.txt", tmp_path / "åben.xlsx", tmp_path / "anden.xlsx"
    text.write_text("ja")
    plain.write_bytes(written(drawn))
    other.write_bytes(locked(written(drawn), "en helt anden adgangskode"))
    for path, sentence in ((text, "no encrypted workbook"), (plain, "no encrypted workbook"),
                           (other, "No password of this journal audit opens anden.xlsx"),
                           (tmp_path / "væk.xlsx", "cannot be read")):  # fmt: skip
        with pytest.raises(InputError, match=sentence):
            answers_of(kept, [path], PASSWORDS)
    with pytest.raises(InputError, match="filled sheet of syd is not among"):
        answers_of(kept, files[:1], PASSWORDS)
    with pytest.raises(InputError, match="are both of nord"):
        answers_of(kept, [files[0], files[0]], PASSWORDS)
