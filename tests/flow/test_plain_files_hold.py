"""What plain files must survive: awkward names, cells that cannot be read, and folders that are not ours."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.plain_files import reconcile_files, validate_file
from pipelines.project import InputError
from pipelines.spec.reading import read_spec

SPEC = """
database: small
title: {da: Lille}
official: false
version: "1"
record: an operation
event_date: day
person_number: other
variables:
  side: {label: {da: Side}, type: code, values: {"l": Venstre, "r": Højre}}
  status: {label: {da: Status}, type: code, values: {"a": A, "b": B}}
  height: {label: {da: Højde}, type: decimal}
match:
  - {rule: same day, on: [person, day]}
  - {rule: near day, on: [person], within: {day: 3 days}}
"""
HEADER = "record_id,person,day,side,status,height"


def written(folder: Path, spec: str = SPEC, reported: list[str] = (), new: list[str] = ()) -> Path:
    (folder / "spec.yaml").write_text(spec, "utf-8")
    for name, rows in (("reported", reported), ("new", new)):
        (folder / f"{name}.csv").write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return folder


def reconciled(folder: Path) -> Path:
    reconcile_files(folder / "spec.yaml", folder / "reported.csv", folder / "new.csv", folder / "out")
    return folder / "out"


def rows(prefix: str, **changes: str) -> list[str]:
    usual = {"day": "2026-01-0{i}", "side": "l", "status": "a", "height": "1.80"} | changes
    return [",".join([f"{prefix}{i}", f"p{i}", *(text.format(i=i) for text in usual.values())]) for i in range(1, 9)]


@pytest.mark.parametrize("variable", ["side", "status"])
def test_a_variable_may_have_the_name_of_what_the_comparison_speaks_of(tmp_path, variable) -> None:
    other = {"side": "r", "status": "b"}[variable]
    folder = written(tmp_path, reported=rows("r"), new=[*rows("n")[:4], *rows("n", **{variable: other})[4:]])
    found = pl.read_parquet(reconciled(folder) / "discrepancies.parquet")
    assert found.select("variable", "kind").rows() == [(variable, "differ")] * 4


@pytest.mark.parametrize("name", ["line", "rule", "same_id", "period", "height_missing", "side_reported"])
def test_a_name_that_the_comparison_itself_adds_is_refused(tmp_path, name) -> None:
    folder = written(tmp_path, spec=SPEC.replace("  status:", f"  {name}:"))
    with pytest.raises(InputError, match=name):
        read_spec(folder / "spec.yaml")


def test_a_cell_that_cannot_be_read_holds_its_record_back_and_is_no_missing_value(tmp_path) -> None:
    new = rows("n")
    new[2] = new[2].replace("1.80", '"1,80"')
    out = reconciled(written(tmp_path, reported=rows("r"), new=new))
    findings = pl.read_parquet(out / "findings.parquet").select("line", "record_id", "rule").rows()
    assert findings == [(4, "n3", "height.castable")]
    assert pl.read_parquet(out / "discrepancies.parquet")["kind"].to_list() == ["only_reported"]
    assert pl.read_parquet(out / "unmatched.parquet")["reason"].to_list() == ["held_back"]
    receipt = pl.read_parquet(out / "receipts.parquet").filter(source="wsapi").row(0, named=True)
    assert (receipt["verdict"], receipt["rows_in"], receipt["rows_quarantined"]) == ("partly", 8, 1)


def test_dates_that_cannot_be_read_are_not_told_as_a_silent_country(tmp_path) -> None:
    out = reconciled(written(tmp_path, reported=rows("r"), new=rows("n", day="0{i}-01-2026")))
    assert json.loads((out / "causes.json").read_text("utf-8"))["causes"] == []
    assert pl.read_parquet(out / "findings.parquet")["rule"].unique().to_list() == ["day.castable"]


def test_a_shifted_event_date_is_told_though_the_specification_does_not_list_it(tmp_path) -> None:
    out = reconciled(written(tmp_path, reported=rows("r"), new=shifted()))
    causes = json.loads((out / "causes.json").read_text("utf-8"))["causes"]
    assert [(c["kind"], c["variables"], c["parameters"]) for c in causes] == [("date_shift", ["day"], {"days": 2})]


def shifted() -> list[str]:
    return [row.replace(f"2026-01-0{i}", f"2026-01-{i + 2:02d}") for i, row in enumerate(rows("n"), 1)]


def test_other_peoples_files_are_never_replaced(tmp_path) -> None:
    folder = written(tmp_path, reported=rows("r"), new=rows("n"))
    (folder / "out").mkdir()
    (folder / "out" / "summary.json").write_text("{}")
    (folder / "out" / "thesis.docx").write_text("years of work")
    with pytest.raises(InputError, match="other files"):
        reconciled(folder)
    assert (folder / "out" / "thesis.docx").read_text() == "years of work"


def test_an_unknown_source_is_named(tmp_path) -> None:
    folder = written(tmp_path, reported=rows("r"), new=rows("n"))
    with pytest.raises(InputError, match="kip, wsapi"):
        validate_file(folder / "new.csv", folder / "spec.yaml", "kpi")


@pytest.mark.parametrize("text", ["height = 'abc'", "side > 3", "height"])
def test_a_condition_of_mixed_types_is_named(tmp_path, text) -> None:
    spec = SPEC + f'indicators:\n  tall: {{denominator: "true", numerator: "{text}"}}\n'
    folder = written(tmp_path, spec=spec, reported=rows("r"), new=rows("n"))
    with pytest.raises(InputError, match="condition"):
        reconciled(folder)
    assert not (folder / "out").exists()
