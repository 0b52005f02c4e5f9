"""Validation counts what the naive meaning counts, quarantines what is wrong, and never shows a value."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from generated import rows as generated_rows
from generated import specs
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import (
    REFERENCE_DATE,
    naive_eligible,
    naive_findings,
    naive_same_id,
    rows_of,
    typed,
)

from pipelines.project import InputError
from pipelines.spec.constraints import constraints_of
from pipelines.spec.model import DatabaseSpec
from pipelines.validation.check import check, mark_quarantined

CHANNELS = st.sampled_from([None, "hovedstaden"])
GOOD = {"record_id": "1", "person": "0101010101", "unit": "1301", "start": "2026-01-05", "lvef": "40"}


def a_spec(**changes: object) -> DatabaseSpec:
    return DatabaseSpec.model_validate(
        {
            "database": "sample",
            "title": {"da": "Prøve"},
            "official": False,
            "version": "1",
            "record": "one record",
            "event_date": "start",
            "person_number": "other",
            "variables": {
                "start": {"label": {"da": "Start"}, "type": "date", "required": True},
                "lvef": {"label": {"da": "LVEF"}, "type": "decimal", "range": [5, 80],
                         "missing": {"unknown": "Uoplyst"}},
            },
            "match": [{"rule": "same", "on": ["person", "start"]}],
        }
        | changes
    )  # fmt: skip


def validated(spec, rows):
    connection = typed(spec, rows)
    return check(connection, spec, "typed", constraints_of(spec, "kip", REFERENCE_DATE))


def result(validation, rule):
    return next(found for found in validation.rules if found.rule == rule)


@settings(deadline=None, max_examples=25)
@given(specs(), generated_rows(), CHANNELS)
def test_sql_and_the_naive_meaning_agree_on_every_row_and_rule(spec, rows, channel):
    connection = typed(spec, rows, channel)
    constraints = constraints_of(spec, "kip", REFERENCE_DATE)
    validation = check(connection, spec, "typed", constraints)
    typed_rows = rows_of(connection)
    expected = naive_findings(constraints, typed_rows)

    assert {(rule, line) for rule, line in validation.findings.select("rule", "line").iter_rows()} == expected
    assert len(validation.findings) == len(expected)
    by_id = {rule.id: rule for rule in constraints}
    assert all(naive_eligible(by_id[rule], typed_rows[line - 2]) for rule, line in expected)
    for rule, found in zip(constraints, validation.rules, strict=True):
        assert found.violated == sum(rule.violated(row) for row in typed_rows), rule.id
        assert found.eligible == sum(bool(naive_eligible(rule, row)) for row in typed_rows), rule.id
    errors = {rule.id for rule in constraints if rule.severity == "error"}
    assert validation.rows_quarantined == len({line for rule, line in expected if rule in errors})
    assert validation.rows_in == len(rows) == validation.rows_accepted + validation.rows_quarantined


@settings(deadline=None, max_examples=20)
@given(specs(), generated_rows())
def test_copies_in_a_file_are_counted_as_the_naive_meaning_counts_them(spec, rows):
    typed_rows = rows_of(typed(spec, rows))
    assert [row["same_id"] for row in typed_rows] == naive_same_id(spec, typed_rows)


def test_of_exact_copies_only_the_later_are_held_back():
    validation = validated(a_spec(), [GOOD, GOOD, {**GOOD, "record_id": "2"}, GOOD])
    assert result(validation, "record_id.unique").first_lines == (3, 5)
    assert validation.rows_accepted == 2


def test_of_rows_that_contradict_one_another_none_is_accepted():
    validation = validated(a_spec(), [GOOD, {**GOOD, "lvef": "41"}, GOOD])
    assert result(validation, "record_id.unique").first_lines == (2, 3, 4)
    assert validation.rows_accepted == 0


def test_rows_without_an_id_are_not_copies_of_one_another():
    validation = validated(a_spec(), [{**GOOD, "record_id": ""}, {**GOOD, "record_id": None}])
    assert result(validation, "record_id.present").violated == 2
    assert result(validation, "record_id.unique").status == "not_applicable"


def test_a_warning_does_not_hold_a_row_back():
    validation = validated(a_spec(), [{**GOOD, "lvef": "81"}])
    assert result(validation, "lvef.range").violated == 1
    assert (validation.rows_accepted, validation.rows_quarantined) == (1, 0)


def test_a_missing_code_and_an_empty_cell_break_no_range():
    validation = validated(a_spec(), [{**GOOD, "lvef": "unknown"}, {**GOOD, "record_id": "2", "lvef": ""}])
    assert result(validation, "lvef.range").status == "not_applicable"
    assert validation.findings.is_empty()


def test_the_four_statuses_exclude_one_another():
    spec = a_spec(rules={"strange": {"holds": "lvef = 'much'", "label": {"da": "Kan ikke regnes"}}})
    validation = validated(spec, [{**GOOD, "person": ""}])
    statuses = {found.rule: found.status for found in validation.rules}
    assert statuses["person.present"] == "failed"
    assert statuses["record_id.present"] == "passed"
    assert statuses["strange"] == "error"
    assert validated(a_spec(), [{**GOOD, "lvef": ""}]).rules[-1].status == "not_applicable"
    assert [found.rule for found in validation.unjudged] == ["strange"]


def test_an_empty_table_passes_nothing():
    validation = validated(a_spec(), [])
    assert {found.status for found in validation.rules} == {"not_applicable"}
    assert validation.rows_in == validation.rows_accepted == 0


def test_findings_say_the_reason_in_danish_and_never_the_value():
    rows = [{**GOOD, "lvef": "98.7654", "start": "2026-13-99", "person": "0101019999"}]
    validation = validated(a_spec(person_number="cpr"), rows)
    said = dict(validation.findings.select("rule", "reason").iter_rows())
    assert said["lvef.range"] == "LVEF skal ligge fra 5 til 80"
    assert said["start.castable"] == "Start kan ikke læses som dato"
    everything = validation.findings.drop("record_id").write_csv() + repr(validation.rules)
    assert not any(value in everything for value in ("98.7654", "2026-13-99", "0101019999"))


def test_findings_do_not_depend_on_the_order_of_rows_in_the_table():
    rows = [{**GOOD, "record_id": str(n), "lvef": "99"} for n in range(20)]
    connection = typed(a_spec(), rows)
    constraints = constraints_of(a_spec(), "kip", REFERENCE_DATE)
    straight = check(connection, a_spec(), "typed", constraints)
    connection.execute("create table shuffled as from typed order by hash(line)")
    assert check(connection, a_spec(), "shuffled", constraints).findings.equals(straight.findings)


def test_quarantined_rows_are_marked_and_others_are_not():
    spec = a_spec()
    connection = typed(spec, [GOOD, {**GOOD, "record_id": "2", "person": ""}, {**GOOD, "record_id": "3", "lvef": "99"}])
    findings = check(connection, spec, "typed", constraints_of(spec, "kip", REFERENCE_DATE)).findings
    mark_quarantined(connection, "typed", findings)
    assert connection.execute("select line, quarantined from typed order by line").fetchall() == [
        (2, False), (3, True), (4, False),
    ]  # fmt: skip


def test_marks_reach_a_table_in_an_attached_database():
    spec = a_spec()
    connection = typed(spec, [{**GOOD, "person": ""}])
    connection.execute("attach ':memory:' as warehouse; create table warehouse.typed_kip as from typed")
    constraints = constraints_of(spec, "kip", REFERENCE_DATE)
    findings = check(connection, spec, "warehouse.typed_kip", constraints).findings
    mark_quarantined(connection, "warehouse.typed_kip", findings)
    assert connection.execute("select count_if(quarantined) from warehouse.typed_kip").fetchone() == (1,)


def test_a_table_that_is_not_there_is_said_in_one_sentence():
    with pytest.raises(InputError, match="typed_kip cannot be read"):
        check(typed(a_spec(), []), a_spec(), "typed_kip", ())


def test_a_value_received_after_the_reference_date_is_held_back():
    spec = a_spec()
    connection = typed(spec, [{**GOOD, "start": "2026-07-01"}])
    on_the_day = check(connection, spec, "typed", constraints_of(spec, "kip", dt.date(2026, 7, 1)))
    the_day_before = check(connection, spec, "typed", constraints_of(spec, "kip", dt.date(2026, 6, 30)))
    assert (on_the_day.rows_accepted, the_day_before.rows_accepted) == (1, 0)


def test_findings_have_the_contract_columns_even_when_there_are_none():
    none = validated(a_spec(), [GOOD]).findings
    some = validated(a_spec(), [{**GOOD, "person": ""}]).findings
    assert none.schema == some.schema == pl.Schema(dict.fromkeys(none.columns, pl.String) | {"line": pl.Int64})
