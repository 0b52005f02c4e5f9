"""DCCG against the Cancer Registry (Christensen J et al., Acta Oncol): which rule makes two records one.

Published margins 2014-15: the Cancer Registry 9,678, DCCG 10,312, together 10,688 patients within ±180 days;
86 % in both, 4 % only in the Cancer Registry, 10 % only in DCCG. The margins alone say 87.0/3.5/9.4: some
patients stand in both with dates further apart, so records and persons are two counts (our reading).
Made-up rows: 9,243 pairs within the window and 59 further apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import polars as pl
import pytest
from event_rows import event_spec, loaded

from pipelines.reconciliation.derive import derive
from pipelines.reconciliation.reconcile import reconcile
from pipelines.reconciliation.shape import column_types
from pipelines.spec.model import DatabaseSpec

WITHIN, APART = 9_243, 59
REGISTRY, DCCG = 9_678, 10_312  # published
FIRST = dt.date(2014, 1, 1)


def dccg_spec(window: int) -> DatabaseSpec:
    """A record is a person's first colorectal cancer; two are the same within so many days."""
    rule = {"rule": "within the window", "on": ["person"], "within": {"day": window}}
    population = "{include: {diagnosis: [DC18*, DC19*, DC20*], type: A}, per: person}"
    return event_spec(population, match=[rule], database="dccg")


def registered(first: int, n: int, days_later: int = 0) -> list[tuple[str, dt.date]]:
    """`n` persons from number `first` on, each with a date of diagnosis of its own."""
    return [
        (f"p{number:05}", FIRST + dt.timedelta(days=number % 365 + days_later)) for number in range(first, first + n)
    ]


IN_BOTH = WITHIN + APART
REPORTED = registered(0, IN_BOTH) + registered(20_000, DCCG - IN_BOTH)
NEW = registered(0, WITHIN, 180) + registered(WITHIN, APART, 181) + registered(40_000, REGISTRY - IN_BOTH)


def side(spec: DatabaseSpec, rows: list[tuple[str, dt.date]]) -> pl.DataFrame:
    """The canonical frame of persons with their date."""
    frame = pl.DataFrame(rows, schema={"person": pl.String, "day": pl.Date}, orient="row")
    frame = frame.with_columns(record_id="person", retracted=pl.lit(None, pl.Boolean))
    absent = {name: kind for name, kind in column_types(spec).items() if name not in frame.columns}
    return frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in absent.items())


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Per cent of the union."""
    return {name: 100 * n / counts["union"] for name, n in counts.items() if name != "union"}


def of_records(spec: DatabaseSpec, new: pl.DataFrame) -> dict[str, int]:
    """The national row of the coverage table."""
    whole = reconcile(spec, side(spec, REPORTED), new).coverage.filter(
        pl.col("region").is_null() & pl.col("unit").is_null() & pl.col("period").is_null()
    )
    return whole.select("both", "only_new", "only_reported", "union").row(0, named=True)


def test_the_margins_are_the_published_ones():
    assert (len(REPORTED), len(NEW)) == (DCCG, REGISTRY)
    persons = {person for person, _ in REPORTED} | {person for person, _ in NEW}
    assert len(persons) == 10_688


def test_at_record_level_the_window_decides_86_4_10():
    spec = dccg_spec(180)
    found = of_records(spec, side(spec, NEW))
    assert found == {"both": WITHIN, "only_new": 435, "only_reported": 1_069, "union": 10_747}
    assert shares(found) == pytest.approx({"both": 86.0, "only_new": 4.0, "only_reported": 10.0}, abs=0.06)


def test_at_person_level_the_same_rows_give_87_3_5_9_4():
    spec = dccg_spec(100_000)  # the person alone: any two dates are the same cancer
    found = of_records(spec, side(spec, NEW))
    assert found == {"both": IN_BOTH, "only_new": 376, "only_reported": 1_010, "union": 10_688}
    assert shares(found) == pytest.approx({"both": 87.0, "only_new": 3.5, "only_reported": 9.4}, abs=0.06)


def test_a_window_one_day_wider_or_narrower_counts_otherwise():
    narrower, wider = dccg_spec(179), dccg_spec(181)
    assert of_records(narrower, side(narrower, NEW))["both"] == 0
    assert of_records(wider, side(wider, NEW))["both"] == IN_BOTH


def test_the_registry_side_may_itself_be_derived_from_contacts():
    spec = dccg_spec(180)
    contacts = pl.DataFrame(NEW, schema=["person", "starts"], orient="row").with_row_index("line", 2)
    with loaded({}) as connection:
        connection.register("arrived", contacts)
        connection.execute(
            "insert into contact by name select 'k' || line as contact_id, person, starts, line, 'r' as receipt_id "
            "from arrived"
        )
        connection.execute(
            "insert into diagnosis by name select 'k' || line as contact_id, person, 'DC187' as code, 'A' as type, "
            "line, 'r' as receipt_id from arrived"
        )
        new = derive(connection, spec).records.drop("receipt_id", "line")
    assert of_records(spec, new) == of_records(spec, side(spec, NEW))
