"""Every engine says the same of every rule it shares: SQL, the naive meaning, pandera, Great Expectations."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from generated import rows as generated_rows
from generated import specs
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from reference import REFERENCE_DATE, naive_findings, rows_of, typed

from pipelines.project import InputError
from pipelines.spec.constraints import constraints_of
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.reading import read_spec
from pipelines.spec.to_gx import gx_query, gx_suite, run_suite
from pipelines.spec.to_pandera import failures, pandera_schema, shared_rules

DHD = Path(__file__).parents[2] / "expectations/dhd/specification.yaml"


def with_rules(**rules) -> DatabaseSpec:
    """The sample with other rules across variables."""
    said = read_spec(DHD).model_dump(by_alias=True, exclude_unset=True)
    return DatabaseSpec.model_validate(said | {"rules": rules})


def pandera_findings(schema, connection) -> set[tuple[str, int]]:
    frame = connection.execute("from typed order by line").pl()
    found = failures(schema, frame)
    return {(rule, row + 2) for rule, row in found.iter_rows()}


@settings(deadline=None, max_examples=10)
@given(specs(), generated_rows(), st.sampled_from([None, "hovedstaden"]))
def test_pandera_agrees_with_the_naive_meaning(spec, rows, channel):
    connection = typed(spec, rows, channel)
    constraints = constraints_of(spec, "kip", REFERENCE_DATE)
    schema = pandera_schema(spec, constraints)
    shared = [rule for rule in constraints if rule.id in shared_rules(schema)]
    assert pandera_findings(schema, connection) == naive_findings(shared, rows_of(connection))


def test_pandera_shares_every_rule_of_the_sample():
    spec = read_spec(DHD)
    for source in ("kip", "wsapi"):
        constraints = constraints_of(spec, source, REFERENCE_DATE)
        assert set(shared_rules(pandera_schema(spec, constraints))) == {rule.id for rule in constraints}


def test_a_condition_that_polars_cannot_say_is_left_out_by_name():
    spec = with_rules(number_as_text={"holds": "height = '170'", "label": {"da": "Tal som tekst"}})
    schema = pandera_schema(spec, constraints_of(spec, "kip", REFERENCE_DATE))
    assert "number_as_text" not in shared_rules(schema)


def test_a_condition_may_hold_dates_as_texts():
    text = "start_date >= '2026-01-01' and contact_time < '2027-01-01'"
    spec = with_rules(recent={"holds": text, "label": {"da": "Nylig"}})
    rule = [rule for rule in constraints_of(spec, "kip", REFERENCE_DATE) if rule.id == "recent"]
    rows = [{"start_date": day, "contact_time": "2026-01-01 10:00"} for day in ("2025-12-31", "2026-01-01", "")]
    connection = typed(spec, rows)
    schema = pandera_schema(spec, rule)
    assert pandera_findings(schema, connection) == naive_findings(rule, rows_of(connection)) == {("recent", 2)}


def test_rows_of_another_shape_are_refused_without_showing_them():
    spec = read_spec(DHD)
    frame = typed(spec, [{"person": "0101019999"}]).execute("from typed").pl()
    schema = pandera_schema(spec, constraints_of(spec, "kip", REFERENCE_DATE))
    for wrong in (frame.drop("lvef"), frame.with_columns(lvef=pl.lit("98.765"))):
        with pytest.raises(InputError, match="lvef") as refused:
            failures(schema, wrong)
        assert "98.765" not in str(refused.value)


def test_a_rule_that_fails_while_it_runs_is_no_silent_pass():
    spec = with_rules(number={"holds": "cast(local_reference as integer) > 5", "label": {"da": "Et tal"}})
    rule = [rule for rule in constraints_of(spec, "kip", REFERENCE_DATE) if rule.id == "number"]
    frame = typed(spec, [{"local_reference": "secret"}]).execute("from typed").pl()
    with pytest.raises(InputError, match="number cannot be evaluated") as refused:
        failures(pandera_schema(spec, rule), frame)
    assert "secret" not in repr(refused.value.__context__) + str(refused.value)


@settings(deadline=None, max_examples=4, phases=[Phase.generate])  # slow: half a second a suite
@given(specs(), generated_rows(), st.sampled_from([None, "hovedstaden"]))
def test_great_expectations_counts_what_the_naive_meaning_counts(spec, rows, channel):
    connection = typed(spec, rows, channel)
    constraints = constraints_of(spec, "kip", REFERENCE_DATE)
    frame = connection.execute(gx_query(constraints, "typed")).df()
    typed_rows = rows_of(connection)
    expected = {rule.id: sum(rule.violated(row) for row in typed_rows) for rule in constraints}
    assert run_suite(gx_suite(spec, "kip", constraints), frame) == expected
