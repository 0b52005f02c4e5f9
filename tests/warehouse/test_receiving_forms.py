"""The receiving room tells the form by the content, and the end state does not depend on form or order."""

import gzip
import io
import json
from itertools import permutations
from pathlib import Path

import pandas as pd
import polars as pl
import pyreadstat
import pytest
from submissions import CPR, delete, record, submission, take_in

from pipelines.sources.arrivals import arrivals
from pipelines.warehouse.conforming import conform
from pipelines.warehouse.database import in_memory
from pipelines.warehouse.receiving import prepare
from pipelines.warehouse.versions import current

SAS = Path(__file__).parents[1] / "data" / "sas"


def as_xml(path: Path) -> Path:
    """The same submission as XML, under the same name: the name says nothing."""
    envelope = json.loads(path.read_text())
    records = "".join(
        "<record>" + "".join(f"<{name}>{value}</{name}>" for name, value in one.items()) + "</record>\n"
        for one in envelope.pop("records")
    )
    head = "".join(f"<{name}>{value}</{name}>" for name, value in envelope.items())
    path.write_text(f"<submission>{head}<records>\n{records}</records></submission>\n")
    return path


@pytest.fixture
def files(tmp_path):
    """Odd submissions are JSON, even ones XML."""
    return [
        submission(tmp_path, 1, [record(1), record(2), record(3)]),
        as_xml(submission(tmp_path, 2, [record(1, "correct", lvef=50), record(4)])),
        submission(tmp_path, 3, [delete(2), record(3, "correct", lvef=51)]),
        as_xml(submission(tmp_path, 4, [record(2, lvef=52), delete(4)])),
    ]


def standing(spec, schemas, units, files, source="wsapi"):
    with in_memory() as warehouse:
        prepare(warehouse, spec, ("kip", "wsapi"), units)
        assert {take_in(warehouse, spec, schemas, path, source).verdict for path in files} == {"accepted"}
        conform(warehouse, spec, schemas)
        return current(warehouse, spec, source)


def test_all_orders_of_json_and_xml_end_in_one_state(small, units, files):
    states = [standing(*small, units, order) for order in permutations(files)]
    assert all(state.equals(states[0]) for state in states)
    assert dict(states[0].select("record_id", "lvef").iter_rows()) == {"W-1": 50.0, "W-2": 52.0, "W-3": 51.0}


FORM = {
    "skema_id": "K-1", "cpr": CPR, "afdeling_shak": "8001101", "foerste_kontakt_dato": "01-03-2026",
    "lvef_pct": ".A", "eksklusion": "DHDA10", "nyha_klasse": "II",
}  # fmt: skip


def kip(spec, schemas):
    """The KIP form with few fields, whose SAS files say `.A` for unknown and `.B` for not done."""
    schema = schemas["kip", "4"]
    fields = {name: field for name, field in schema.fields.items() if name in FORM}
    lvef = fields["lvef_pct"]
    fields["lvef_pct"] = lvef.model_copy(update={"missing": lvef.missing | {".A": "unknown", ".B": "not_done"}})
    names = {field.variable: spec.variables[field.variable] for field in fields.values()}
    less = {"variables": names, "rules": {}, "indicators": {}}
    return spec.model_copy(update=less), {("kip", "4"): schema.model_copy(update={"fields": fields})}


def test_kip_as_text_parquet_and_sas_conform_to_the_same_values(spec, schemas, units, tmp_path):
    few = kip(spec, schemas)
    forms = {name: tmp_path / name for name in ("text", "parquet", "sas")}
    forms["text"].write_text(";".join(FORM) + "\n" + ";".join(FORM.values()) + "\n")
    table = io.BytesIO()
    pl.DataFrame([FORM]).write_parquet(table)
    forms["parquet"].write_bytes(table.getvalue())
    pyreadstat.write_xport(pd.DataFrame([FORM | {"lvef_pct": float("nan")}]), forms["sas"])
    forms["sas"].write_bytes(forms["sas"].read_bytes().replace(b"." + bytes(7), b"A" + bytes(7)))
    states = [
        standing(*few, units, [path], "kip").select("record_id", "lvef", "lvef_missing", "exclusion", "nyha")
        for path in forms.values()
    ]
    assert [state.rows() for state in states] == [[("K-1", None, "unknown", "DHDA10", "2")]] * 3


def test_every_word_for_missing_keeps_its_own_meaning(spec, schemas, units, tmp_path):
    """Uoplyst, ikke udført, `.A`, `.B` and an empty cell are never collapsed; an unknown `.C` is no missing code."""
    few = kip(spec, schemas)
    words = ["Uoplyst", "Ikke udført", ".A", ".B", "", ".C"]
    lines = [";".join((FORM | {"skema_id": f"K-{n}", "lvef_pct": word}).values()) for n, word in enumerate(words)]
    path = tmp_path / "forms.csv"
    path.write_text("\n".join([";".join(FORM), *lines, ""]))
    state = standing(*few, units, [path], "kip")
    assert state["lvef_missing"].to_list() == ["unknown", "not_done", "unknown", "not_done", None, None]
    with in_memory() as warehouse:
        prepare(warehouse, few[0], ("kip", "wsapi"), units)
        take_in(warehouse, *few, path, "kip")
        conform(warehouse, *few)
        uncast = warehouse.frame("select lvef_uncast from typed_kip order by line")["lvef_uncast"].to_list()
    assert uncast == [False] * 5 + [True]


def test_a_catalogue_is_read_with_its_data_and_makes_another_receipt(warehouse, spec, schemas, tmp_path):
    folder = tmp_path / "inbox" / "kip" / "nordjylland"
    folder.mkdir(parents=True)
    schema = schemas["kip", "4"]
    fields = {"SEXA": schema.fields["rygning"]}
    schema = schema.model_copy(update={"fields": fields, "identity": {"record_id": "ID", "unit": "SEXB"}})
    for name in ("test_data_win.sas7bdat", "test_formats_win.sas7bcat"):
        content = gzip.decompress((SAS / f"{name}.gz").read_bytes())
        (folder / "form").with_suffix(Path(name).suffix).write_bytes(content)
    assert [arrival.path.name for arrival in arrivals(tmp_path / "inbox")] == ["form.sas7bdat"]
    take = (warehouse, spec, {("kip", "4"): schema}, folder / "form.sas7bdat", "kip")
    with_labels = take_in(*take)
    assert warehouse.frame("select smoking from raw_kip")["smoking"].to_list() == ["Male", "Female", "Male"]
    (folder / "form.sas7bcat").rename(folder / "alone.sas7bcat")
    (folder / "form.sas7bcat").symlink_to(folder / "alone.sas7bcat")
    without = take_in(*take)
    (folder / "form.sas7bcat").unlink()
    assert with_labels.sha256 == without.sha256
    assert with_labels.receipt_id != without.receipt_id
    assert [arrival.path.name for arrival in arrivals(tmp_path / "inbox")] == ["alone.sas7bcat", "form.sas7bdat"]


def test_the_whole_vocabulary_of_missing_is_kept_apart(spec, schemas, units, tmp_path):
    """Uoplyst, ikke udført, ikke spurgt, ikke indiceret, ikke relevant: each word of each field as it was meant."""
    schema = schemas["kip", "4"]
    said = [(field, word, code) for field, said in schema.fields.items() for word, code in said.missing.items()]
    columns = [*schema.identity.values(), *schema.fields]
    rows = [FORM | {"lvef_pct": "40", "skema_id": f"K-{n:03}", field: word} for n, (field, word, _) in enumerate(said)]
    path = tmp_path / "forms.csv"
    lines = [";".join(row.get(name, "") for name in columns) for row in rows]
    path.write_text("\n".join([";".join(columns), *lines, ""]))
    state = standing(spec, schemas, units, [path], "kip").rows(named=True)
    pairs = zip(state, (schema.fields[field].variable for field, _, _ in said), strict=True)
    found = [(row[name], row[f"{name}_missing"]) for row, name in pairs]
    assert found == [(None, code) for _, _, code in said]
    assert {code for _, _, code in said} >= {"unknown", "not_done", "not_asked", "not_indicated", "not_relevant"}
