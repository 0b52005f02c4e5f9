"""Two real variable lists: their genuine defects by row and variable, and drafts that read_spec takes.

The defects were found in the lists by hand; a made-up list without them has none.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
import yaml

from pipelines.project import InputError
from pipelines.spec.importing import database_name, draft, valid_name
from pipelines.spec.list_defects import defects
from pipelines.spec.reading import read_spec
from pipelines.spec.variable_list import HEADER, read_variable_list

FOLDER = Path(__file__).parents[1] / "data/rkkp"
DVDD, DIABASE = (FOLDER / f"2023-02-03_Variabeloversigt_{name}.xlsx" for name in ("DVDD", "DIABASE"))
LISTS = {path: read_variable_list(path) for path in (DVDD, DIABASE)}
CLEAN = [
    ("x", "d", "foerste_dato", "Første dato", "Dagen", "", "", "01-01-2020", ""),
    ("x", "d", "foerste_dato_kode", "Første dato præcision", "", "aar, aar_maaned, aar_maaned_dag",
     "aar=År | aar_maaned=Måned | aar_maaned_dag=Dag", "", ""),
    ("x", "d", "npu", "NPU", "", "NPU04998, NPU18016", "NPU04998=a | NPU18016=b", "", ""),
    ("x", "d", "syn", "Syn", "", "0,5, 0,67, 1,0", "", "", "31-12-2024"),
    ("x", "d", "ryger", "Ryger", "", "Ja, Nej, Uoplyst", "Ja=Ja | Nej=Nej | Uoplyst=Uoplyst", "", ""),
]  # fmt: skip


def written(folder: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("Sæt kryds", *HEADER)) -> Path:
    """A list as the documentation prints it: title, header, an empty line, the variables."""
    book = openpyxl.Workbook()
    for row in ([], ["Variabeloversigt for Prøvedatabasen"], list(header), [], *rows):
        book.active.append(list(row))
    path = folder / "2024-01-01_Variabeloversigt_PRØVE.xlsx"
    book.save(path)
    return path


def kinds(folder: Path, *rows: tuple[str, ...]) -> list[tuple[str, int, str]]:
    return [(one.kind, one.row, one.variable) for one in defects(read_variable_list(written(folder, list(rows))))]


def named(path: Path, kind: str) -> list[tuple[int, str]]:
    return [(one.row, one.variable) for one in defects(LISTS[path]) if one.kind == kind]


def sentence(path: Path, kind: str, row: int) -> str:
    return " ".join(one.sentence for one in defects(LISTS[path]) if (one.kind, one.row) == (kind, row))


def test_the_lists_are_read_whole():
    dvdd, diabase = LISTS.values()
    assert [len(one.variables) for one in (dvdd, diabase)] == [186, 35]
    assert dvdd.datasets == ("default", "S038_VOKSEN_DATA")
    assert (dvdd.title, dvdd.in_force) == ("Dansk Voksen Diabetes Database", dt.date(2021, 1, 21))
    surgery = next(one for one in diabase.variables if one.row == 14)
    assert (surgery.valid_from, surgery.valid_until) == (dt.date(2007, 7, 1), dt.date(2020, 12, 31))


def test_names_are_cut_at_32_characters():
    cut = [(29, "LDLcholesterol_undersoegelse_kod"), (40, "TOTALcholesterol_undersoegelse_k")]
    assert named(DVDD, "cut name") == [*cut, (117, cut[0][1]), (128, cut[1][1])]
    assert named(DIABASE, "cut name") == [
        (11, "Report_IndicationNextContactCode"), (12, "Report_IndicationNextContactTime"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "row", "variable", "codes"),
    [
        (DVDD, 18, "BMI_gruppe", "'moderat_overvæg', 'svært_overvægti'"),
        (DVDD, 20, "Blodtryk_type", "'konsultationsbl'"),
        (DVDD, 71, "datakilde", "'Diabetes webser'"),
        (DIABASE, 23, "MaculopatiStatusRightEyeCode", "'anden_type_af_m', 'anden_type_macu', "),
    ],
)
def test_codes_are_cut_at_15_characters(path, row, variable, codes):
    assert (row, variable) in named(path, "cut code")
    assert codes in sentence(path, "cut code", row)


def test_a_number_of_15_characters_is_whole():
    assert "mindre_end_0,02" not in sentence(DIABASE, "cut code", 18)


def test_cutting_makes_codes_that_stand_twice():
    rows = [(14, "PriorEyeSurgeryLeftEyeCode"), (15, "PriorEyeSurgeryRightEyeCode")]
    blurred = [(24, "BlurredMediaLeftEyeCode"), (25, "BlurredMediaRightEyeCode")]
    assert named(DIABASE, "repeated code") == [rows[0], rows[0], rows[1], rows[1], *blurred]
    assert "'katarakt_vitreo' stands 2 times" in sentence(DIABASE, "repeated code", 14)
    assert "'vitreoretinal_k' stands 2 times" in sentence(DIABASE, "repeated code", 15)
    assert "'glaslegeme_bloe' stands 2 times" in sentence(DIABASE, "repeated code", 24)


def test_a_date_has_the_code_that_the_line_below_lacks():
    assert named(DVDD, "date with codes") == [(76, "fod_dato"), (164, "fod_dato")]
    assert named(DVDD, "row shift") == [(77, "fod_kode"), (165, "fod_kode")]
    assert "'aar' stands with fod_dato" in sentence(DVDD, "row shift", 77)


def test_a_precision_has_the_codes_of_an_operator():
    assert named(DVDD, "precision")[:2] == [(66, "blodtryk_kode"), (77, "fod_kode")]
    assert "'Lig med', 'Mindre end', 'Større end'" in sentence(DVDD, "precision", 66)
    assert "lacks the code 'aar'" in sentence(DVDD, "precision", 77)


@pytest.mark.parametrize(
    ("row", "code", "usual"),
    [
        (37, "lig_med", "Lig med"), (37, "mindre_end", "Mindre end"), (37, "stoerre_end", "Større end"),
        (18, "-Ingen-", "[Blank]"), (18, "ikke_relevant", "Ikke relevant"), (91, "n-a", "Ikke relevant"),
    ],
)  # fmt: skip
def test_one_concept_is_coded_in_several_ways(row, code, usual):
    assert f"The code '{code}' is written '{usual}' elsewhere." in sentence(DVDD, "spelling", row)


def test_none_is_not_an_empty_answer():
    assert sentence(DIABASE, "spelling", 22) == ""


def test_decimals_are_mixed():
    assert named(DIABASE, "mixed decimals") == [(18, "VisualAcuityLeftEyeCode"), (19, "VisualAcuityRightEyeCode")]


def test_a_laboratory_code_is_misspelt():
    assert named(DVDD, "misspelt code") == [(36, "Plasmakreatinin_npu"), (124, "Plasmakreatinin_npu")]
    assert "'NPU4998'" in sentence(DVDD, "misspelt code", 36)


def test_82_of_186_lines_have_no_outcome_space():
    lines = named(DVDD, "no domain")
    assert len(lines) == 82
    assert (5, "afdkode") in lines and (17, "BMI") in lines and (15, "ACE_haemmer") not in lines


def test_a_name_stands_as_its_own_code():
    assert named(DIABASE, "own name as code") == [(8, "cpr"), (9, "Report_EyeScreeningDate")]


def test_a_clean_list_has_only_the_domain_that_a_date_lacks(tmp_path):
    assert kinds(tmp_path, *CLEAN) == [("no domain", 5, "foerste_dato")]
    assert kinds(tmp_path, *CLEAN[1:]) == []


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        (("Datasæt", "Variabelnavn"), [], "no row holds the headings"),
        (("Sæt kryds", *HEADER), [], "no variables"),
        (("Sæt kryds", *HEADER), [("x", "d", "a", "A", "", "", "", "2020-01-01", "")], "row 5"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, header, rows, said):
    with pytest.raises(InputError, match=said):
        read_variable_list(written(tmp_path, rows, header))


def test_what_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"PK not a workbook")
    with pytest.raises(InputError, match="cannot be read"):
        read_variable_list(path)


@pytest.mark.parametrize(
    ("path", "dataset", "name", "variables"),
    [
        (DVDD, "default", "dvdd_default", 98),
        (DVDD, "S038_VOKSEN_DATA", "dvdd_s038_voksen_data", 88),
        (DIABASE, "diab_population", "diabase_diab_population", 35),
    ],
)
def test_a_data_set_becomes_a_draft_that_can_be_read(tmp_path, path, dataset, name, variables):
    assert database_name(path, dataset) == name
    drafted = tmp_path / "specification.yaml"
    drafted.write_text(draft(LISTS[path], dataset, name), "utf-8")
    spec = read_spec(drafted)
    assert (spec.database, spec.status, spec.official, len(spec.variables)) == (name, "draft", False, variables)


def test_a_draft_takes_over_what_the_list_says(tmp_path):
    text = draft(LISTS[DVDD], "default", "dvdd")
    said = yaml.safe_load(text)["variables"]
    assert said["bmi_gruppe"]["values"]["svært_overvægti"] == "30<BMI"
    assert list(said["bmi_gruppe"]["missing"]) == ["-Ingen-", "ikke_relevant"]
    assert said["hba1c_dato"]["type"] == "date" and said["bmi"]["type"] == "text"
    assert said["ace_haemmer"]["valid"] == {"from": dt.date(2005, 1, 1)}
    assert "  org_id:  # OrgId, row 32" in text


def test_a_cell_cannot_add_keys_to_a_draft(tmp_path):
    hostile = (
        "x",
        "d\nofficial: true",
        "navn\nofficial: true",
        'A"\nofficial: true',
        "b\nofficial: true",
        "",
        "",
        "",
        "",
    )
    listed = read_variable_list(written(tmp_path, [hostile]))
    said = yaml.safe_load(draft(listed, listed.datasets[0], "prove"))
    assert said["official"] is False
    assert list(said["variables"]) == ["navn_official_true"]


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("OrgId", "org_id"),
        ("BMI_gruppe", "bmi_gruppe"),
        ("HbA1c", "hba1c"),
        ("Øje-status", "oeje_status"),
        ("1år", "v_1aar"),
    ],
)
def test_names_are_made_valid(name, valid):
    assert valid_name(name) == valid


def test_names_that_become_the_same_are_told_apart(tmp_path):
    rows = [("x", "d", name, name, "", "", "", "", "") for name in ("BMI", "bmi", "sex")]
    listed = read_variable_list(written(tmp_path, rows))
    assert list(yaml.safe_load(draft(listed, "d", "prove"))["variables"]) == ["bmi", "bmi_2", "sex_2"]
