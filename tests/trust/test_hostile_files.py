"""Bombs and traps: each is refused with a sentence in under 2 seconds and 200 MB, and lays nothing anywhere."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from measured import measured
from sqlglot import exp

from pipelines.project import InputError
from pipelines.sources import unpacking
from pipelines.sources.batch import Refused
from pipelines.sources.forms import read_kip_form, read_wsapi_form
from pipelines.spec import expressions, reading
from pipelines.spec.reading import read_source_schemas, read_spec

pytestmark = pytest.mark.trust

FOLDER = Path(__file__).parents[2] / "expectations" / "dhd"
SCHEMAS = read_source_schemas(FOLDER, read_spec(FOLDER / "specification.yaml"))
SECONDS, MEGABYTES = 2, 200
CPR = "0101701234"
ENVELOPE = {
    "database": "dhd", "schemaVersion": "1.1", "region": "nordjylland", "submissionId": "NJ-1",
    "sequenceNumber": 1, "sentAt": "2026-03-02T02:10:00+01:00",
}  # fmt: skip


def zipped(**members: bytes) -> bytes:
    return zipped_as({name.replace("_csv", ".csv").replace("_zip", ".zip"): said for name, said in members.items()})


def zipped_as(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, said in members.items():
            archive.writestr(name, said)
    return packed.getvalue()


def lying_zip() -> bytes:
    """A bomb whose directory says that it holds ten bytes."""
    honest = zipped(a_csv=b"0" * 200_000_000)
    size = (200_000_000).to_bytes(4, "little")
    return honest.replace(size, (10).to_bytes(4, "little"))


def entities(levels: int) -> bytes:
    """A billion laughs: each entity is ten of the one before."""
    said = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels))
    return f'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY e0 "ha">{said}]><s>&e{levels - 1};</s>'.encode()


def quadratic() -> bytes:
    return b'<!DOCTYPE s [<!ENTITY a "' + b"x" * 100_000 + b'">]><s>' + b"&a;" * 100_000 + b"</s>"


def parquet_bomb() -> bytes:
    """A thousand million equal cells in some kilobytes."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array([CPR]))
    table, packed = pa.table({f"c{n}": column for n in range(10)}), io.BytesIO()
    with pq.ParquetWriter(packed, table.schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(table)
    return packed.getvalue()


def with_records(records: str) -> bytes:
    return (json.dumps(ENVELOPE)[:-1] + ', "records": ' + records + "}").encode()


def deep_xml() -> bytes:
    return b"<submission>" + b"<a>" * 1_000_000 + b"</a>" * 1_000_000 + b"</submission>"


KIP = {
    "zip bomb": lambda: zipped(a_csv=b"0" * 200_000_000),
    "zip bomb that lies of its size": lying_zip,
    "gzip bomb": lambda: gzip.compress(b"0" * 200_000_000),
    "zip in a zip": lambda: zipped(a_zip=zipped(a_csv=b"a;b\n")),
    "gzip in a gzip": lambda: gzip.compress(gzip.compress(b"0" * 1_000_000)),
    "path that climbs out": lambda: zipped_as({"../../etc/cron.d/x": b"a;b\n"}),
    "absolute path": lambda: zipped_as({"/etc/cron.d/x": b"a;b\n"}),
    "person in the member's name": lambda: zipped_as({f"{CPR}.csv": b"a;b\n"}),
    "two members": lambda: zipped(a_csv=b"a;b\n", b_csv=b"a;b\n"),
    "no member": lambda: zipped(),
    "cut zip": lambda: zipped(a_csv=b"a;b\n" * 1000)[:-30],
    "cut gzip": lambda: gzip.compress(b"a;b\n" * 1000)[:-9],
    "something after a gzip": lambda: gzip.compress(b"a;b\n") + b"more",
    "damaged gzip": lambda: gzip.compress(zlib.compress(b"a;b\n"))[:12] + bytes(40),
    "parquet bomb": parquet_bomb,
    "wide header": lambda: (";".join(f"c{n}" for n in range(1_000_000)) + "\n").encode(),
    "one quote and a long file": lambda: b'a;"' + b"x;y\n" * 5_000_000,
}
WSAPI = {
    "entities": lambda: entities(12),
    "quadratic entities": quadratic,
    "file as an entity": lambda: b'<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]><s>&a;</s>',
    "document type from outside": lambda: b'<!DOCTYPE s SYSTEM "http://127.0.0.1:9/x.dtd"><s/>',
    "deep XML": deep_xml,
    "deep JSON list": lambda: b"[" * 1_000_000,
    "deep JSON in a record": lambda: with_records('[{"a": ' + "[" * 100_000 + "]" * 100_000 + "}]"),
    "deep JSON objects": lambda: b'{"a":' * 500_000 + b"1" + b"}" * 500_000,
    "too large": lambda: with_records("[" + " " * 60_000_000 + "]"),
    "packed bomb": lambda: gzip.compress(with_records("[" + " " * 200_000_000 + "]")),
    "number of a million digits": lambda: with_records("[]").replace(b": 1,", b": " + b"9" * 1_000_000 + b","),
}
CASES = [(read_kip_form, name, KIP[name]) for name in KIP] + [(read_wsapi_form, name, WSAPI[name]) for name in WSAPI]


@pytest.mark.parametrize(("read", "name", "made"), CASES, ids=[name.replace(" ", "_") for _, name, _ in CASES])
def test_a_bomb_or_trap_is_refused_fast_and_small(read, name, made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = made()
    with measured() as cost, pytest.raises(Refused) as refused:
        read(content, SCHEMAS)
    assert refused.value.danish and CPR not in f"{refused.value} {refused.value.reason}"
    assert cost.seconds < SECONDS
    assert cost.megabytes < MEGABYTES
    assert not list(tmp_path.rglob("*"))


def test_a_reader_that_trusts_the_packing_would_be_caught(monkeypatch):
    """The broken variant: what comes out is not counted."""
    monkeypatch.setattr(unpacking, "LARGEST_UNPACKED", 10**12)
    content = gzip.compress(b"0\n" * 300_000_000)  # more than what tests before may have left free in this process
    with measured() as cost, pytest.raises(Refused):
        read_kip_form(content, SCHEMAS)
    assert cost.megabytes > MEGABYTES


# A specification is written by hand, often by others: what YAML would read otherwise than it stands is refused.
SPECIFICATION = """
database: trial
title: {da: Prøve}
official: false
version: "1"
record: one course
event_date: start_date
variables:
  start_date: {label: {da: Start}, type: date, required: true}
  nyha:
    label: {da: NYHA}
    type: code
    values: {"1": I, "2": II}
match: [{rule: same day, "on": [person, start_date]}]
"""
BAD = {
    "a key said twice": ("official: false", "official: false\nofficial: true", 5),
    "a variable said twice": ("  nyha:", "  start_date: {label: {da: S}, type: date}\n  nyha:", 10),
    "a code that would be octal": ('"1": I', "0101: I", 13),
    "a code that would be false": ('"1": I', "no: I", 13),
    "a code that would be a time": ('"1": I', "12:30: I", 13),
    "a version that would be 1.1": ('version: "1"', "version: 1.10", 5),
    "an identifier that is SQL": ("  nyha:", '  "nyha\\"; drop table receipts; --":', 10),
    "a slice that is SQL": ("record:", 'slices: ["a\\" from receipts; --"]\nrecord:', 6),
    "a condition that reads a file": (
        "match:", "indicators:\n  i: {denominator: 'true', numerator: \"nyha in (select * from '/etc')\"}\nmatch:", 15),
    "a condition of two statements": (
        "match:", 'indicators:\n  i: {denominator: "true", numerator: "true; drop table receipts"}\nmatch:', 15),
    "an object of Python": ("record: one course", 'record: !!python/object/apply:os.system ["true"]', 6),
    "an alias to itself": ("record: one course", "record: &a [*a]", 6),
}  # fmt: skip

# What only the form of a name or the kind of a field refuses stands in the model, whichever way the file is read.
BY_FORM = ("an identifier that is SQL", "a slice that is SQL", "an alias to itself")
BY_READING = [name for name in BAD if name not in BY_FORM]


def misread(name: str, path: Path) -> list[str]:
    """The name of what is not refused with file and line."""
    right, wrong, line = BAD[name]
    path.write_text(SPECIFICATION, encoding="utf-8")
    assert read_spec(path).database == "trial"
    path.write_text(SPECIFICATION.replace(right, wrong, 1), encoding="utf-8")
    with measured() as cost:
        try:
            read_spec(path)
        except InputError as problem:
            said = re.search(rf"specification.yaml, line {line}\b", str(problem))
        else:
            said = None
    assert cost.seconds < SECONDS and cost.megabytes < MEGABYTES
    return [] if said else [name]


@pytest.mark.parametrize("name", BAD, ids=[name.replace(" ", "_") for name in BAD])
def test_a_specification_that_would_be_misread_is_refused_with_file_and_line(name, tmp_path):
    assert misread(name, tmp_path / "specification.yaml") == []


class Trusting(yaml.UnsafeLoader):
    """A broken variant: what YAML makes of the text, and a text of every number that it saw in it."""

    def construct_document(self, node: yaml.Node) -> object:
        return as_text(super().construct_document(node))


def as_text(said: object) -> object:
    if isinstance(said, dict):
        return {str(key): as_text(value) for key, value in said.items()}
    if isinstance(said, list):
        return [as_text(value) for value in said]
    return said if isinstance(said, bool) else str(said)


@pytest.mark.parametrize("name", BY_READING, ids=[name.replace(" ", "_") for name in BY_READING])
def test_a_reader_that_trusts_yaml_and_sql_would_be_caught(name, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_Values", Trusting)
    monkeypatch.setattr(expressions, "ALLOWED", (exp.Expression,))
    assert misread(name, tmp_path / "specification.yaml") == [name]


def test_a_yaml_bomb_is_refused_fast(tmp_path):
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = tmp_path / "specification.yaml"
    path.write_text("a0: &a0 ha\n" + "\n".join(levels) + SPECIFICATION, encoding="utf-8")
    with measured() as cost, pytest.raises(InputError):
        read_spec(path)
    assert cost.seconds < SECONDS
    assert cost.megabytes < MEGABYTES
