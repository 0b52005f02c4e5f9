"""A KIP form says the same as text, as Parquet and as SAS; its kinds of missing stay apart.

The `.sas7bdat` and their catalogues are small files of pyreadstat (tests/data/sas/README.md): nothing in Python
writes that format. Transport files are written here.
"""

import datetime as dt
import gzip
import io
from decimal import Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.batch import Refused
from pipelines.sources.forms import read_kip_form
from pipelines.sources.kip import columns_of
from pipelines.sources.kip_sas import is_sas, read_kip_sas
from pipelines.sources.kip_typed import as_text
from pipelines.spec.model import SourceSchema
from pipelines.spec.reading import read_source_schemas, read_spec

FOLDER = Path(__file__).parents[2] / "expectations" / "dhd"
SAS = Path(__file__).parents[1] / "data" / "sas"
SPEC = read_spec(FOLDER / "specification.yaml")
KIP = read_source_schemas(FOLDER, SPEC)["kip", "4"]
ROW = {
    "skema_id": "K-1", "cpr": "0101701234", "afdeling_shak": "8001101", "foerste_kontakt_dato": dt.date(2026, 3, 1),
    "foerste_kontakt_tid": dt.datetime(2026, 3, 1, 8, 5), "lvef_pct": 32.5, "nyha_klasse": "II",
    "hvilepuls": 61.0, "ekko_udfoert": "Ja", "betablokker": "Ikke indiceret", "forloebsnummer": "Ærø-1",
}  # fmt: skip
TEXTS = {
    "skema_id": "K-1", "cpr": "0101701234", "afdeling_shak": "8001101", "foerste_kontakt_dato": "01-03-2026",
    "foerste_kontakt_tid": "01-03-2026 08:05:00", "lvef_pct": "32,5", "nyha_klasse": "II", "hvilepuls": "61",
    "ekko_udfoert": "Ja", "betablokker": "Ikke indiceret", "forloebsnummer": "Ærø-1",
}  # fmt: skip


def form(version: str, *names: str) -> SourceSchema:
    """A form version with some of the fields of version 4."""
    fields = {name: field for name, field in KIP.fields.items() if name in names}
    return KIP.model_copy(update={"version": version, "fields": fields})


OLD, NEW = form("4", *ROW), form("5", *ROW, "rygning")
SCHEMAS = {("kip", "4"): OLD, ("kip", "5"): NEW}


def parquet(*rows: dict, **changes) -> bytes:
    file = io.BytesIO()
    pl.DataFrame([row | changes for row in rows], infer_schema_length=None).write_parquet(file)
    return file.getvalue()


def transport(tmp_path: Path, *rows: dict, version: int = 8) -> bytes:
    path = tmp_path / "form.xpt"
    pyreadstat.write_xport(pd.DataFrame(rows), path, file_format_version=version)
    return path.read_bytes()


def texts(content: bytes, schemas=SCHEMAS) -> list[dict]:
    batch = read_kip_form(content, schemas)
    assert set(batch.rows.columns) == {"line", "action", *columns_of(schemas["kip", batch.schema_version])}
    return batch.rows.drop("line", "action").to_dicts()


def test_all_forms_of_a_file_are_read_to_the_same_texts(tmp_path):
    delimited = "\n".join([";".join(TEXTS), ";".join(TEXTS.values()), ""]).encode()
    assert texts(delimited) == texts(parquet(ROW)) == texts(transport(tmp_path, ROW)) == [TEXTS]


def test_rows_are_numbered_from_one():
    batch = read_kip_form(parquet(ROW, ROW | {"skema_id": "K-2"}), SCHEMAS)
    assert batch.rows.select("line", "action", "skema_id").rows() == [(1, "create", "K-1"), (2, "create", "K-2")]


def test_several_form_versions_are_in_use_at_once(tmp_path):
    both = [parquet(ROW), parquet(ROW | {"rygning": "Ryger"}), transport(tmp_path, ROW | {"rygning": "Ryger"})]
    assert [read_kip_form(content, SCHEMAS).schema_version for content in both] == ["4", "5", "5"]


def test_a_transport_file_may_spell_names_in_capitals_and_be_latin_1(tmp_path):
    schema = form("4", "lvef_pct").model_copy(update={"identity": {"record_id": "id", "person": "cpr", "unit": "shak"}})
    row = {"ID": "Ærø", "CPR": "0101701234", "SHAK": "8001101", "LVEF_PCT": 30.0}
    content = transport(tmp_path, row).replace("Ærø".encode(), "Ærø".encode("latin-1") + b"  ")
    assert texts(content, {("kip", "4"): schema})[0]["id"] == "Ærø"


@pytest.mark.parametrize("version", [5, 8])
def test_user_defined_missing_of_a_transport_file_stays_apart(tmp_path, version):
    """`.A` and `._` beside a plain missing, which pyreadstat alone reads as three empty cells."""
    schema = form("4", "lvef_pct").model_copy(update={"identity": {"record_id": "id", "person": "cpr", "unit": "shak"}})
    schema = schema.model_copy(
        update={"fields": {"lvef": KIP.fields["lvef_pct"].model_copy(update={"missing": {".A": "unknown"}})}}
    )
    rows = [
        {"id": f"K-{n}", "cpr": "x", "shak": "y", "lvef": value} for n, value in enumerate([float("nan")] * 3 + [0.0])
    ]
    content, plain = transport(tmp_path, *rows, version=version), b"." + bytes(7)
    content = content.replace(plain, b"A" + bytes(7), 1).replace(plain, b"_" + bytes(7), 1)
    assert [row["lvef"] for row in texts(content, {("kip", "4"): schema})] == [".A", "._", None, "0"]


def unpacked(name: str) -> bytes:
    return gzip.decompress((SAS / f"{name}.gz").read_bytes())


def test_user_defined_missing_of_sas_data_stays_apart_with_and_without_the_catalogue():
    fields = {f"var{n}": KIP.fields["lvef_pct"] for n in range(1, 10)}
    schemas = {("kip", "4"): KIP.model_copy(update={"fields": fields, "identity": {}})}
    content, catalogue = unpacked("missing_test.sas7bdat"), unpacked("missing_formats.sas7bcat")
    expected = (".A", ".B", ".C", ".X", ".Y", ".Z", "._", None, "1")
    for beside in (None, catalogue):
        assert read_kip_sas(content, schemas, beside).rows.select(*fields).row(0) == expected


def test_a_code_with_a_label_is_its_label_and_without_the_catalogue_the_code():
    identity = {"record_id": "ID", "person": "SEXB"}
    schemas = {("kip", "4"): KIP.model_copy(update={"fields": {"SEXA": KIP.fields["rygning"]}, "identity": identity})}
    content, catalogue = unpacked("test_data_win.sas7bdat"), unpacked("test_formats_win.sas7bcat")
    assert read_kip_sas(content, schemas, catalogue).rows["SEXA"].to_list() == ["Male", "Female", "Male"]
    assert read_kip_sas(content, schemas).rows["SEXA"].to_list() == ["1", "2", "1"]


def test_a_catalogue_alone_is_refused_and_says_where_it_belongs():
    catalogue = unpacked("missing_formats.sas7bcat")
    assert is_sas(catalogue)
    with pytest.raises(Refused, match="catalogue_alone"):
        read_kip_form(catalogue, SCHEMAS)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (parquet(ROW)[:-9], "not_the_format"),
        (parquet(ROW | {"hvilepuls": [1, 2]}), "not_the_format"),
        (parquet(ROW | {"hvilepuls": b"1"}), "not_the_format"),
        (parquet(ROW, cpr=101701234), "person_is_number"),
        (parquet({k: v for k, v in ROW.items() if k != "cpr"}), "missing_column"),
        (parquet(ROW, navn="x"), "unknown_column"),
        (parquet(ROW, CPR="x"), "duplicate_column"),
        (unpacked("missing_test.sas7bdat")[:5000], "not_the_format"),
        (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", "not_the_format"),
    ],
)
def test_what_is_no_form_is_refused_without_its_values(content, code):
    with pytest.raises(Refused) as caught:
        read_kip_form(content, SCHEMAS)
    assert caught.value.code == code
    assert "101701234" not in f"{caught.value} {caught.value.reason}"


def test_a_cell_that_cannot_be_stored_holds_its_row_back_alone():
    rows = [ROW, ROW | {"forloebsnummer": "a\0"}, ROW | {"forloebsnummer": "x" * 100_001}]
    batch = read_kip_form(parquet(*rows), SCHEMAS)
    assert batch.broken.select("line", "rule").rows() == [(2, "row.nul"), (3, "row.long")]
    assert (batch.rows_in, batch.rows["line"].to_list()) == (3, [1])


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.integers(-(10**15), 10**15), st.floats(-1e15, 1e15), st.decimals(-100, 100, places=3)))
def test_a_number_is_written_without_exponent_and_read_back_unchanged(number):
    text = as_text(number, "danish")
    assert set(text) <= set("-0123456789,")
    assert type(number)(text.replace(",", ".")) == number


@pytest.mark.parametrize(
    ("value", "iso", "danish"),
    [
        (None, None, None),
        (float("nan"), None, None),
        (True, "true", "true"),
        (Decimal("1.50"), "1.5", "1,5"),
        (dt.date(24, 1, 2), "0024-01-02", "02-01-0024"),
        (dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC), "2026-01-01 13:00:00", "01-01-2026 13:00:00"),
        ("01,50", "01,50", "01,50"),
    ],
)
def test_a_value_is_written_in_the_notation_of_its_form(value, iso, danish):
    assert (as_text(value, "iso"), as_text(value, "danish")) == (iso, danish)
