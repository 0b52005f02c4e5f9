"""A database that the package does not know, said in other ways than the samples: its registers need no new code."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from register_warehouse import compared, share, taken_in

from pipelines.project import InputError
from pipelines.reconciliation.derive import derive
from pipelines.spec.reading import read_spec
from pipelines.synthetic.country import Database, country
from pipelines.synthetic.faults import Plan

SPEC = """
database: sixth
title: {da: Den sjette database}
official: false
version: "1"
record: one operation of one person
event_date: operated
sides: {reported: kip, new: lpr}
population:
  include:
    name: operation
    procedure: [KJFB*, KJGB*]
    type: P
    with:
      - {diagnosis: DC18*, type: A, same: contact}
      - {lab: NPU02319, number: "< 12", window: {before: event, days: [-30, 0]}}
    without: {diagnosis: DZ853*, window: {before: event, days: [-365, 0]}}
  age: {min: 40, max: 95}
  per: course
variables:
  operated: {label: {da: Operationsdato}, type: date, required: true, from: {lpr: {event: operation, what: date}}}
  tumour:
    label: {da: Tumor}
    type: sks
    codes: [DC18*]
    from: {lpr: {diagnosis: DC18*, type: A, same: contact, what: code}}
    published: {share: {DC180: 0.5, DC187: 0.5}}
  approach:
    label: {da: Adgang}
    type: code
    values: {"l": Laparoskopisk, "a": Åben}
    from: {lpr: {procedure: [KZXX*, KZXY*], same: contact, what: code, map: {KZXX*: "l", KZXY*: "a"}}}
    published: {share: {"l": 0.7, "a": 0.3}}
  glucose_lowest:
    label: {da: Laveste glukose}
    type: decimal
    range: [2, 20]
    missing: {not_done: Ikke målt}
    from:
      lab:
        {lab: NPU02192, window: {around: operated, days: 2}, pick: lowest, what: number, factor: 0.5, offset: 1,
         if_none: not_done}
    published: {mean: 7, sd: 2, missing: {not_done: 0.2}}
  stage:
    label: {da: Stadie}
    type: integer
    range: [1, 4]
    from: {lpr: {result: RES1, parent: TRIG, same: contact, what: number}}
    published: {mean: 2, sd: 1}
  anaemic:
    label: {da: Anæmisk}
    type: yes_no
    from: {lab: {lab: NPU19651, window: {after: operated, days: [1, 40]}, pick: last, yes_if: "< 7"}}
    published: {share: {"yes": 0.4, "no": 0.6}}
  visits:
    label: {da: Kontroller}
    type: integer
    range: [0, 9]
    from:
      lpr:
        {contact: {contact_type: ALCB*, priority: ATA3}, other: course, window: {after: operated, days: [5, 60]},
         pick: count, per: day}
    published: {mean: 2, sd: 1}
  waited:
    label: {da: Ventetid}
    type: integer
    range: [0, 30]
    missing: {unknown: Uoplyst}
    from: {lpr: {procedure: ZZ9301, window: {before: operated, days: [-30, 0]}, what: days, if_none: unknown}}
    published: {mean: 8, sd: 3, missing: {unknown: 0.5}}
  retired:
    label: {da: Udgået}
    type: yes_no
    valid: {until: 2025-01-01}
    from: {lmdb: {medicine: C09*, window: {after: operated, days: 90}}}
match: [{rule: same day, on: [person, operated]}]
changeover: {west: {new_from: 2025-01-01}}
published: {courses_per_year: 60, per_region: {nordjylland: 30, midtjylland: 30}}
"""
FORM = """
source: kip
version: "1"
identity: {record_id: id, person: cpr, unit: afd}
fields: {dato: {variable: operated}, tumor: {variable: tumour}}
"""
PLAN = Plan(seed=9, scale=1.0, from_date=dt.date(2024, 6, 1), reference_date=dt.date(2026, 6, 30))
CANNOT = ("waited",)  # days before an anchor are negative, the form's are not: no event says them


@pytest.fixture(scope="module")
def sixth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sixth")
    (folder / "specification.yaml").write_text(SPEC, "utf-8")
    (folder / "kip-1.yaml").write_text(FORM, "utf-8")
    return Database(read_spec(folder / "specification.yaml"), folder, PLAN)


def test_a_sixth_database_needs_no_code(sixth, tmp_path):
    made = country([sixth], 900, ["0101", "0851"], all_report=True)
    with taken_in(made.files, tmp_path) as (warehouse, receipts):
        records = derive(warehouse.connection, sixth.spec).records
    assert {receipt.verdict for receipt in receipts} == {"accepted"}
    courses = made.courses["sixth"].filter(~pl.col("mistaken"))
    assert set(records["record_id"]) <= set(courses["record_id"])
    assert records.height == made.made["sixth"].new > 100
    counts = compared(sixth.spec, courses, records).filter(~pl.col("variable").is_in(CANNOT))
    assert share(counts) >= 0.99, counts
    for name in ("approach", "glucose_lowest", "stage", "visits"):
        assert records[name].n_unique() > 1, name


def test_too_few_persons_are_refused_in_one_sentence(sixth):
    with pytest.raises(InputError, match="ask for more persons"):
        country([sixth], 20, ["0101"])
