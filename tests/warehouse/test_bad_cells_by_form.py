"""Bad input in a form or submission, one test per cell of formats and kinds: told with its line, the rest taken in.

A text says the line of its file, SAS and Parquet count rows. Which rules tell is the same for all formats.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from submissions import CPR, record, submission, take_in
from test_receiving_forms import as_xml

from pipelines.spec.constraints import constraints_of
from pipelines.validation.check import check
from pipelines.warehouse.conforming import conform
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.receiving import prepare

KIP = {
    "skema_id": "K-1", "cpr": CPR, "afdeling_shak": "8001101", "foerste_kontakt_dato": "01-03-2026",
    "lvef_pct": "35", "nyha_klasse": "II", "aktionsdiagnose": "DI509",
}  # fmt: skip
WSAPI = {"nyha": "2", "diagnosis": "DI509", "lvef": "35"}
# What is wrong by its kind: the field and cell in KIP, in WSAPI, and the rule that tells.
KINDS = {
    "unknown code": (("nyha_klasse", "VII"), ("nyha", "7"), "nyha.allowed"),
    "value with operator": (("lvef_pct", "<5"), ("lvef", "<5"), "lvef.castable"),
    "unreadable date": (("foerste_kontakt_dato", "31-02-2026"), ("startDate", "2026-02-31"), "start_date.castable"),
    "unknown unit": (("afdeling_shak", "9999999"), ("shak", "9999999"), "unit.known"),
    "code out of the list": (("aktionsdiagnose", "DX999"), ("diagnosis", "DX999"), "diagnosis.pattern"),
}
Rows = list[dict[str, str]]


def forms(wrong: tuple[str, str]) -> Rows:
    """Two forms, the first of them wrong in one cell."""
    return [KIP | dict([wrong]), KIP | {"skema_id": "K-2"}]


def csv_file(folder: Path, rows: Rows) -> Path:
    path = folder / "forms.csv"
    path.write_text("".join(";".join(line) + "\n" for line in (rows[0], *(row.values() for row in rows))), "utf-8")
    return path


def sas_file(folder: Path, rows: Rows) -> Path:
    pyreadstat.write_xport(pd.DataFrame(rows), path := folder / "forms.xpt")
    return path


def json_file(folder: Path, rows: Rows) -> Path:
    return submission(folder, 1, [record(n, **row) for n, row in enumerate(rows, 1)])


def xml_file(folder: Path, rows: Rows) -> Path:
    return as_xml_escaped(json_file(folder, rows))


def as_xml_escaped(path: Path) -> Path:
    """XML cannot hold a bare `<`."""
    path.write_text(path.read_text().replace('"<', '"&lt;'))
    return as_xml(path)


# Writer, source, and the line on which the first record stands.
FORMATS: dict[str, tuple[Callable[[Path, Rows], Path], str, int]] = {
    "csv": (csv_file, "kip", 2), "sas": (sas_file, "kip", 1),
    "json": (json_file, "wsapi", 2), "xml": (xml_file, "wsapi", 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def few(spec, schemas):
    """The sample database with the fields of these forms alone, in both formats."""
    fields = {
        version: {name: field for name, field in schemas[version].fields.items() if name in names}
        for version, names in {("kip", "4"): KIP, ("wsapi", "1.1"): {"startDate", *WSAPI}}.items()
    }
    variables = {field.variable: spec.variables[field.variable] for field in fields["kip", "4"].values()}
    versions = {version: schemas[version].model_copy(update={"fields": said}) for version, said in fields.items()}
    return spec.model_copy(update={"variables": variables, "rules": {}, "indicators": {}}), versions


def taken_in(few, units, path: Path, source: str):
    """The file's receipt, and line and rule of its errors."""
    spec, versions = few
    with in_memory() as warehouse:
        prepare(warehouse, spec, ("kip", "wsapi"), units)
        receipt = take_in(warehouse, spec, versions, path, source)
        conform(warehouse, spec, versions)
        rules = constraints_of(spec, source, dt.date(2026, 10, 1))
        found = check(warehouse.connection, spec, f"typed_{source}", rules).findings
        rows = warehouse.frame(f"select line from typed_{source} order by line")["line"].to_list()
    return receipt, rows, found.filter(severity="error")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMATS)
def test_a_bad_cell_is_told_with_its_line_and_the_rest_is_taken_in(few, units, tmp_path, form, kind) -> None:
    write, source, first = FORMATS[form]
    in_kip, in_wsapi, rule = KINDS[kind]
    rows = forms(in_kip) if source == "kip" else [WSAPI | dict([in_wsapi]), WSAPI]
    receipt, lines, found = taken_in(few, units, write(tmp_path, rows), source)
    assert (receipt.verdict, receipt.rows_in, receipt.rows_accepted) == ("accepted", 2, 2)
    assert lines == [first, first + 1]
    assert found.select("line", "rule").rows() == [(first, rule)], "the other record is well"
    assert not any(cell in reason for cell in (in_kip[1], in_wsapi[1]) for reason in found["reason"])


@pytest.mark.parametrize("form", ["csv", "sas"])
def test_a_form_without_one_of_its_columns_is_refused_and_the_column_named(few, units, tmp_path, form) -> None:
    write, source, _ = FORMATS[form]
    rows = [{name: cell for name, cell in KIP.items() if name != "nyha_klasse"}]
    receipt, lines, _ = taken_in(few, units, write(tmp_path, rows), source)
    assert receipt.verdict == "refused" and lines == []
    assert receipt.reason == "missing_column: Kolonnen nyha_klasse mangler (1 i alt)."


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_record_with_a_field_that_was_not_agreed_is_held_back_alone(few, units, tmp_path, form) -> None:
    write, source, _ = FORMATS[form]
    receipt, lines, _ = taken_in(few, units, write(tmp_path, [WSAPI | {"hemmelig": "x"}, WSAPI]), source)
    assert (receipt.verdict, receipt.rows_in, receipt.rows_quarantined, lines) == ("partly", 2, 1, [3])
