"""What is written, read by the compiled casts, is what was meant: files and casts hold each other."""

from __future__ import annotations

import csv
import io
import json

import duckdb
import polars as pl
import pytest

from pipelines.spec.to_duckdb import conform
from pipelines.synthetic.generate import newest_form
from pipelines.synthetic.kip_files import kip_files
from pipelines.synthetic.wsapi_files import wsapi_files


def read_again(world, rows, schema):
    """Rows of text by field name → typed rows by record_id, through the compiled casts."""
    names = {field: name for name, field in schema.identity.items()}
    names |= {field: carried.variable for field, carried in schema.fields.items()}
    texts = [{names[field]: text or None for field, text in row.items() if field in names} for row in rows]
    raw = pl.DataFrame(texts, schema=dict.fromkeys(names.values(), pl.String))
    with duckdb.connect() as connection:
        connection.register("raw", raw.to_arrow())
        query = conform(world.spec, "raw", dict.fromkeys(raw.columns, "VARCHAR"), schema.notation, schema)
        return connection.sql(query).pl().sort("record_id")


def meant(world, frame, schema):
    """The typed rows, without what the schema cannot carry."""
    columns = [column for name in schema.variables for column in (name, f"{name}_missing")]
    return frame.sort("record_id").select("record_id", "person", "unit", *columns)


def same(read, expected):
    uncast = [name for name in read.columns if name.endswith("_uncast") and read[name].any()]
    assert uncast == []
    for name in expected.columns:
        assert read[name].cast(expected[name].dtype).equals(expected[name]), name


def test_the_forms_are_read_as_they_were_typed(world):
    form = newest_form(world.spec, world.schemas)
    frame = world.sides["reported"].filter(region="nordjylland")
    files = kip_files(world.spec, form, frame).values()
    rows = [row for file in files for row in csv.DictReader(io.StringIO(file.decode()), delimiter=";")]
    same(read_again(world, rows, form), meant(world, frame, form))


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_records_are_read_as_they_were_sent(world, version):
    schema = world.schemas["wsapi", version]
    frame = world.sides["new"].filter(region="nordjylland", schema_version=version, action="create")
    files = wsapi_files(world.spec, world.schemas, frame).values()
    rows = [row for file in files for row in json.loads(file, parse_float=str, parse_int=str)["records"]]
    same(read_again(world, rows, schema), meant(world, frame, schema))


def test_the_round_trip_sees_a_wrong_word(world):
    form = newest_form(world.spec, world.schemas)
    frame = world.sides["reported"].filter(region="nordjylland").head(50)
    (file, *_) = kip_files(world.spec, form, frame).values()
    text = file.decode().replace("Uoplyst", "Ukendt")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    with pytest.raises(AssertionError):
        same(read_again(world, rows, form), meant(world, frame, form))
