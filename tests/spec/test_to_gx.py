"""The committed suites are today's, and the Data Docs open without a network and show no value."""

from __future__ import annotations

import datetime as dt
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipelines.project import InputError
from pipelines.spec.constraints import constraints_of
from pipelines.spec.gx_docs import data_docs
from pipelines.spec.reading import read_spec
from pipelines.spec.to_duckdb import conform, raw_columns, with_units
from pipelines.spec.to_gx import gx_query, gx_suite, run_suite, suite_json

ROOT = Path(__file__).parents[2]
SPEC = read_spec(ROOT / "expectations/dhd/specification.yaml")
REFERENCE_DATE = dt.date(2026, 6, 30)
RULES = constraints_of(SPEC, "kip", REFERENCE_DATE)
SOME = [rule for rule in RULES if rule.variable in ("record_id", "person", "lvef", "local_reference")]
SECRET = {"person": "0101019999", "record_id": "id-98765", "lvef": "98.765", "local_reference": "secret<b>"}


def a_frame(row: dict[str, str]) -> pd.DataFrame:
    names = raw_columns(SPEC)
    cells = ", ".join(f"'{row[n]}' as \"{n}\"" if n in row else f'null::varchar as "{n}"' for n in names)
    connection = duckdb.connect()
    connection.execute(f"create table raw as select 'r' as receipt_id, 2 as line, {cells}")
    columns = dict.fromkeys(("receipt_id", *names), "VARCHAR") | {"line": "INTEGER"}
    typed = with_units(SPEC, conform(SPEC, "raw", columns))
    return connection.execute(gx_query(SOME, f"({typed})")).df()


@pytest.fixture(scope="module")
def suite():
    return gx_suite(SPEC, "kip", SOME)


class Loads(HTMLParser):
    """Everything that a page would load or link to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]


def loads(page: str) -> Loads:
    parser = Loads()
    parser.feed(page)
    return parser


@pytest.mark.parametrize("source", ["kip", "wsapi"])
def test_the_committed_suite_is_the_one_the_specification_gives(source):
    made = suite_json(gx_suite(SPEC, source, constraints_of(SPEC, source, REFERENCE_DATE)))
    committed = ROOT / f"expectations/suites/dhd_{source}.json"
    assert committed.read_text("utf-8") == made


def test_every_rule_is_an_expectation_with_id_severity_and_sentence(suite):
    said = {one["meta"]["rule"]: one for one in json.loads(suite_json(suite))["expectations"]}
    assert list(said) == [rule.id for rule in SOME]
    assert said["lvef.range"]["severity"] == "warning"
    assert said["lvef.castable"]["severity"] == "critical"
    assert said["lvef.range"]["notes"] == "Venstre ventrikels uddrivningsfraktion skal ligge fra 5 til 80"


def test_neither_suite_nor_frame_holds_a_person_number(suite):
    assert not re.search(r"\b[0-9]{10}\b", suite_json(suite))
    assert not {"person", "record_id", "unit"} & set(a_frame(SECRET).columns)


def test_the_data_docs_load_nothing_and_show_no_value(suite, tmp_path):
    page = data_docs(suite, a_frame(SECRET), tmp_path, REFERENCE_DATE).page.read_text("utf-8")
    found = loads(page)
    assert all(address.startswith("#") for address in found.addresses)
    assert not {"script", "link", "img", "iframe", "object"} & found.tags
    assert not re.search(r"https?:|url\(|@import|//cdn", page)
    assert not any(value in page for value in ("0101019999", "id-98765", "98.765", "secret"))
    assert "lvef.range" in page
    assert "skal ligge fra 5 til 80" in page


def test_the_check_of_loads_would_catch_one():
    assert loads('<img src="https://example.org/logo.png">').addresses == ["https://example.org/logo.png"]


def test_the_same_rows_give_the_same_data_docs(suite, tmp_path):
    pages = [data_docs(suite, a_frame(SECRET), tmp_path / n, REFERENCE_DATE).page.read_bytes() for n in "ab"]
    assert pages[0] == pages[1]


def test_a_frame_without_the_suites_columns_is_refused(suite):
    with pytest.raises(InputError, match="gx_query") as refused:
        run_suite(gx_suite(SPEC, "kip", SOME[:1]), pd.DataFrame({"lvef": [98.765]}))
    assert "98.765" not in str(refused.value)
