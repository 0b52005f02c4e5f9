"""The sample databases: said completely, without problems, and with the published rules they are built from."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
import yaml

from pipelines.spec.across import lint_all
from pipelines.spec.constraints import constraints_of
from pipelines.spec.model import Validity
from pipelines.spec.reading import read_source_schemas, read_spec, read_units
from pipelines.spec.to_document import document
from pipelines.spec.to_gx import gx_suite, suite_json
from pipelines.spec.use import counting_source
from pipelines.synthetic.courses import simulate
from pipelines.synthetic.values import with_values

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
CODES = EXPECTATIONS / "codes"
PATHS = sorted(EXPECTATIONS.glob("*/specification.yaml"))
SPECS = {path.parent.name: read_spec(path) for path in PATHS}
NEW = ("ddid", "dhrd", "drhofte", "drkol")
REGIONS = yaml.safe_load((CODES / "regions.yaml").read_text("utf-8"))


def units(name: str) -> list[dict[str, str]]:
    return read_units(SPECS[name], EXPECTATIONS / name)


def test_there_are_five():
    assert list(SPECS) == ["ddid", "dhd", "dhrd", "drhofte", "drkol"]


def test_none_has_a_problem_and_none_contradicts_another():
    assert {path.parent.name: problems for path, problems in lint_all(PATHS).items() if problems} == {}


@pytest.mark.parametrize("name", SPECS)
def test_each_says_that_it_is_a_sample_and_has_its_page(name):
    spec = SPECS[name]
    text = (EXPECTATIONS / name / "specification.yaml").read_text("utf-8")
    assert (
        not spec.official and "SAMPLE" in text.splitlines()[0] and "Sources:" in text and "(eksempel)" in spec.title.da
    )
    assert "er ikke SundK" in document(spec, read_source_schemas(EXPECTATIONS / name, spec))


@pytest.mark.parametrize("name", SPECS)
def test_the_committed_page_is_the_one_the_specification_gives(name):
    page = document(SPECS[name], read_source_schemas(EXPECTATIONS / name, SPECS[name]))
    assert (EXPECTATIONS.parent / f"docs/databases/{name}.html").read_text("utf-8") == page


def test_the_committed_suites_are_those_the_specifications_give():
    committed = {path.stem: path.read_text("utf-8") for path in (EXPECTATIONS / "suites").glob("*.json")}
    made = {
        f"{name}_{source}": suite_json(gx_suite(spec, source, constraints_of(spec, source, dt.date(2026, 1, 1))))
        for name, spec in SPECS.items()
        for source in {source for source, _ in read_source_schemas(EXPECTATIONS / name, spec)}
    }
    assert made == committed


@pytest.mark.parametrize("name", SPECS)
def test_each_is_said_completely(name):
    spec = SPECS[name]
    assert 20 <= len(spec.variables) <= 40
    assert spec.population.include and spec.population.age.min is not None
    assert len(spec.indicators) >= 5 and all(one.standard and one.label for one in spec.indicators.values())
    assert len(spec.match) == 4 and {"first_data", "continued_validation"} <= set(spec.gates)
    assert sum(spec.published.per_region.values()) == spec.published.courses_per_year
    assert any(one.compare.not_comparable for one in spec.variables.values())


@pytest.mark.parametrize("name", NEW)
def test_what_no_register_gives_says_why(name):
    without = [n for n, one in SPECS[name].variables.items() if not one.from_ and not one.why_source]
    assert without == []
    assert any(one.why_source for one in SPECS[name].variables.values())


@pytest.mark.parametrize("name", NEW)
def test_every_source_has_a_settling_time(name):
    spec = SPECS[name]
    sources = {spec.sides.reported, spec.sides.new, *(s for one in spec.variables.values() for s in one.from_)}
    assert sources <= set(spec.settling_days)


@pytest.mark.parametrize("name", NEW)
def test_the_new_side_gets_each_compared_variable_from_somewhere(name):
    spec = SPECS[name]
    sent = {n for schema in read_source_schemas(EXPECTATIONS / name, spec).values() if schema.source == "wsapi"
            for n in schema.variables}  # fmt: skip
    assert [n for n, one in spec.compared.items() if not one.from_ and n not in sent] == []


@pytest.mark.parametrize("name", NEW)
def test_published_levels_meet_the_rules(name):
    spec, until = SPECS[name], dt.date(2026, 6, 30)
    courses = simulate(spec, units(name), 1, 150 / spec.published.courses_per_year, dt.date(2025, 7, 1), until)
    made = with_values(spec, courses, 1, until)
    assert made.height == courses.height > 100
    assert set(made.columns) >= set(spec.variables)


@pytest.mark.parametrize("name", NEW)
def test_each_unit_is_answered_for_every_day(name):
    """A region in force, or a recipient of its own; never two places on one day."""
    recipients = yaml.safe_load((CODES / "recipients.yaml").read_text("utf-8"))
    places: dict[str, list[dict[str, str]]] = {}
    for row in units(name):
        places.setdefault(row["unit"], []).append(row)
    for unit, rows in places.items():
        assert unit.isalnum() and len(unit) in (6, 7)
        for day in (dt.date(2020, 1, 1), dt.date(2026, 12, 31), dt.date(2027, 1, 1), dt.date(2030, 1, 1)):
            [row] = [row for row in rows if _validity(row["valid_from"], row["valid_until"]).covers(day)]
            if row["region"]:
                region = REGIONS[row["region"]]
                assert _validity(region.get("from"), region.get("until")).covers(day)
            else:
                assert row["recipient"] in recipients


def _validity(begins, ends) -> Validity:
    return Validity.model_validate({"from": begins or None, "until": ends or None})


def test_oestdanmark_takes_over_the_units_of_its_predecessors():
    before = {code for code, region in REGIONS.items() if region.get("successor") == "oestdanmark"}
    assert before == {"hovedstaden", "sjaelland"}
    for name in NEW:
        moved = {row["unit"] for row in units(name) if row["region"] in before}
        assert moved and moved == {row["unit"] for row in units(name) if row["region"] == "oestdanmark"}


@pytest.mark.parametrize("name", NEW)
def test_at_no_time_and_place_a_course_counts_from_nowhere(name):
    spec = SPECS[name]
    sides = {spec.sides.reported, spec.sides.new}
    places = {(row["region"] or None, row["unit"]) for row in units(name)}
    for month in range(48):
        day = dt.date(2025 + month // 12, month % 12 + 1, 1)
        for region, unit in places:
            for available in (sides, {spec.sides.reported}, {spec.sides.new}):
                assert counting_source(spec, region, unit, day, available) in available


@pytest.mark.parametrize(
    ("hba1c", "day", "reached"),
    [(58, "2017-03-01", True), (59, "2017-03-01", False), (59, "2017-02-28", True), (60, "2017-02-28", False)],
)
def test_hba1c_is_below_59_and_was_at_most_59_until_1_march_2017(hba1c, day, reached):
    spec = SPECS["ddid"]
    numerator = spec.condition(spec.indicators["hba1c_low"].numerator)
    assert numerator.holds({"hba1c": hba1c, "status_date": dt.date.fromisoformat(day)}) is reached


def test_copd_without_mrc_is_not_stated_and_not_excluded():
    spec = SPECS["drkol"]
    for name in ("rehabilitation", "long_acting", "inhaled_steroid"):
        indicator = spec.indicators[name]
        row = {"setting": "amb", "mrc": None, "mrc_missing": "unknown", "lama": "yes", "exacerbations": 2}
        assert spec.condition(indicator.denominator).holds(row) is True
        assert spec.condition(indicator.unknown).holds(row) is True
        assert spec.condition(indicator.denominator).holds(row | {"mrc": "2"}) is False


def test_copd_readmission_leaves_out_those_who_died():
    spec = SPECS["drkol"]
    denominator = spec.condition(spec.indicators["readmission_30_days"].denominator)
    assert denominator.holds({"setting": "ind", "dead_30_days_discharge": "no"}) is True
    assert denominator.holds({"setting": "ind", "dead_30_days_discharge": "yes"}) is False


def test_every_line_of_the_unit_files_is_whole():
    for path in CODES.glob("units_*.csv"):
        lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
        assert {len(row) for row in csv.reader(lines)} == {8}
