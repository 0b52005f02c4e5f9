"""The documentation page is today's, in RKKP's columns, opens without a network and escapes what it is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.spec.model import Compare, DatabaseSpec
from pipelines.spec.reading import read_source_schemas, read_spec
from pipelines.spec.to_document import comparison, document, limit

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "expectations/dhd"
SPEC = read_spec(FOLDER / "specification.yaml")
PAGE = document(SPEC, read_source_schemas(FOLDER, SPEC))


def with_changes(**changes) -> DatabaseSpec:
    return DatabaseSpec.model_validate(SPEC.model_dump(by_alias=True, exclude_unset=True) | changes)


def test_the_committed_page_is_the_one_the_specification_gives():
    assert (ROOT / "docs/databases/dhd.html").read_text("utf-8") == PAGE


def test_the_page_loads_nothing():
    assert not re.search(r"https?:|//|<script|<link|<img|src=|href=|url\(|@import", PAGE)
    assert re.search(r"https?:", document(with_changes(sources=["https://example.org"]), {}))


def test_the_variables_stand_in_the_columns_of_rkkp():
    columns = "Datasæt|Variabelnavn|Variabeltekst|Definition|Udfaldsrum|Svarformat|Gyldighed start|Gyldighed slut"
    assert "".join(f'<th scope="col">{column}</th>' for column in columns.split("|")) in PAGE
    row = next(line for line in PAGE.splitlines() if "<td>sglt2</td>" in line)
    assert "<td>yes, no, not_indicated, unknown</td>" in row
    assert "<td>yes=Ja | no=Nej | not_indicated=Ikke indiceret | unknown=Uoplyst</td>" in row
    assert "<td>01-07-2021</td><td></td>" in row


def test_every_variable_indicator_rule_and_gate_is_told():
    for name in (*SPEC.variables, *SPEC.indicators, *SPEC.rules, *SPEC.gates, *SPEC.changeover):
        assert f"<td>{name}</td>" in PAGE
    assert "nye felter mineralocorticoidAntagonist, sglt2Inhibitor; udgåede felter mra" in PAGE


def test_a_sample_says_that_it_is_one_and_an_official_specification_does_not():
    notice = "er ikke SundK&#39;s egen databasespecifikation"
    assert notice in PAGE.replace("'", "&#39;")
    assert notice not in document(with_changes(official=True), {}).replace("'", "&#39;")


def test_what_the_specification_says_is_text_and_never_markup():
    page = document(with_changes(title={"da": "<script>alert(1)</script>"}), {})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        ({}, "Samme værdi"),
        ({"absolute": 0.5}, "Højst 0,5 kg fra hinanden"),
        ({"relative": 0.02}, "Højst 2 % fra den indberettede værdi"),
        ({"days": 0}, "Samme dag"),
        ({"days": 1}, "Højst 1 dag fra hinanden"),
        ({"minutes": 0}, "Samme minut"),
        ({"minutes": 15}, "Højst 15 minutter fra hinanden"),
        ({"map": {"1": "2"}}, "Omkodning: 1 → 2"),
        ({"level": 5}, "De første 5 tegn er ens"),
        ({"normalise": ["case"]}, "Samme tekst uden hensyn til store og små bogstaver"),
        ({"normalise": False}, "Samme værdi"),
        ({"not_comparable": "ny skala"}, "Sammenlignes ikke: ny skala"),
    ],
)
def test_each_way_of_comparing_is_said_in_danish(compare, said):
    assert comparison(Compare.model_validate(compare), "kg").replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(
    ("bound", "said"),
    [(">= 0.90", "mindst 90 %"), ("<= 0.125", "højst 12,5 %"), ("> 5", "over 5"), ("< 1", "under 100 %"), (None, "")],
)
def test_each_limit_is_said_in_danish(bound, said):
    assert limit(bound).replace("\N{NO-BREAK SPACE}", " ") == said
