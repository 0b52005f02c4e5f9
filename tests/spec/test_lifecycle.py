"""Lint catches each kind of broken specification, and has nothing against the sample."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipelines.spec.lifecycle import Problem, lint, spec_schema
from pipelines.spec.model import DatabaseSpec, SourceSchema
from pipelines.spec.reading import read_source_schemas, read_spec

PATH = Path(__file__).parents[2] / "expectations/dhd/specification.yaml"
SPEC: dict[str, Any] = {
    "database": "sample", "title": {"da": "Prøve"}, "official": False, "version": "1", "record": "one record",
    "event_date": "start",
    "variables": {
        "start": {"label": {"da": "Start"}, "type": "date", "required": True},
        "lvef": {"label": {"da": "LVEF"}, "type": "decimal", "compare": {"absolute": 1}},
        "grade": {
            "label": {"da": "Grad"}, "type": "code", "values": {"1": "Let", "2": "Svær"},
            "published": {"share": {"1": 0.4, "2": 0.6}},
        },
        "echo": {"label": {"da": "Ekko"}, "type": "yes_no", "missing": {"unknown": "Uoplyst"}},
        "note": {"label": {"da": "Note"}, "type": "text", "pattern": "[a-z]+"},
    },
    "match": [{"rule": "same day", "on": ["person", "start"]}, {"rule": "near", "on": ["person"]}],
    "indicators": {
        "ekko": {
            "label": {"da": "Ekko"}, "denominator": "true", "numerator": "echo = 'yes'", "standard": ">= 0.90",
        },
    },
    "gates": {"first": {"completeness_of_new": ">= 0.90"}},
    "changeover": {"midtjylland": {"new_from": "2026-01-01", "kip_until": "2026-06-30"}},
    "settling_days": 14,
}  # fmt: skip
for said in SPEC["variables"].values():
    said["why_source"] = "Findes ikke i noget register."
FORMAT: dict[str, Any] = {
    "source": "wsapi", "version": "1", "identity": {"record_id": "id", "person": "cpr"},
    "fields": {
        "start": {"variable": "start"}, "lvef": {"variable": "lvef"}, "note": {"variable": "note"},
        "grade": {"variable": "grade", "values": {"LET": "1", "SVÆR": "2"}},
        "echo": {"variable": "echo", "values": {"Y": "yes", "N": "no"}, "missing": {"UNK": "unknown"}},
    },
}  # fmt: skip


def changed(tree: dict[str, Any], where: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a dotted path; None takes the key away."""
    tree = copy.deepcopy(tree)
    *path, last = where.split(".")
    node = tree
    for key in path:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return tree


def problems(spec: dict[str, Any] = SPEC, *formats: dict[str, Any]) -> list[Problem]:
    read = [SourceSchema.model_validate(one) for one in (formats or (FORMAT, {**FORMAT, "source": "kip"}))]
    return lint(DatabaseSpec.model_validate(spec), {(one.source, one.version): one for one in read})


def test_a_sound_specification_has_no_problem():
    assert problems() == []


def test_the_sample_has_no_error():
    spec = read_spec(PATH)
    found = lint(spec, read_source_schemas(PATH.parent, spec), PATH)
    assert [problem for problem in found if problem.severity == "error"] == []


LONG = "a_name_of_more_than_thirty_two_letters"


@pytest.mark.parametrize(
    ("where", "value", "severity", "at", "said"),
    [
        (f"variables.{LONG}", {"label": {"da": "Lang"}, "type": "text", "from": {"lpr": {"result": "*"}}}, "warning",
         f"variables.{LONG}", "more than 32"),
        ("variables.lvef.label.da", "grad ", "warning", "variables.lvef.label", "same label"),
        ("indicators.ekko.label", None, "warning", "indicators.ekko", "no label"),
        ("variables.grade.values.2", "let", "error", "variables.grade.values.2", "same text"),
        ("variables.grade.values", {"1": "Let", "2": "Svær", "x": "Andet"},
         "warning", "variables.grade.values", "styles"),
        ("variables.echo.missing", None, "warning", "variables.echo.missing", "unknown"),
        ("variables.lvef.compare", None, "warning", "variables.lvef.compare", "tolerance"),
        ("variables.lvef.valid", {"from": "2026-02-01", "until": "2026-01-01"},
         "error", "variables.lvef.valid", "ends"),
        ("variables.note.pattern", "[a-z", "error", "variables.note.pattern", "regular expression"),
        ("variables.note.pattern", "(?=a)b", "error", "variables.note.pattern", "RE2"),
        ("variables.grade.published.share.2", 0.5, "error", "variables.grade.published.share", "sum to 1"),
        ("variables.grade.published.share", {"1": 0.4, "3": 0.6},
         "error", "variables.grade.published.share.3", "not a value"),
        ("variables.grade.published.missing", {"nd": 0.1},
         "error", "variables.grade.published.missing.nd", "missing code"),
        ("indicators.ekko.standard", ">= 90", "error", "indicators.ekko.standard", "from 0 to 1"),
        ("gates.first.completeness_of_new", ">= 90", "error", "gates.first.completeness_of_new", "from 0 to 1"),
        ("gates", None, "warning", "gates", "No gate"),
        ("changeover", None, "warning", "changeover", "parallel period"),
        ("settling_days", None, "warning", "settling_days", "settling"),
        ("variables.lvef.why_source", None, "warning", "variables.lvef", "why_source"),
        ("use", [{"source": "kip", "from": "2026-01-01", "fallback": "wsapi"}], "warning", "use", "every place"),
        ("use", [{"source": "kip"}], "warning", "use.0", "No fallback"),
        ("use", [{"source": "kip", "fallback": "kip"}], "error", "use.0.fallback", "itself"),
        ("use", [{"source": "kip", "fallback": "wsapi"}, {"source": "wsapi", "fallback": "kip"}],
         "error", "use.0", "same place"),
        ("changeover.midtjylland.kip_until", "2025-12-31", "error", "changeover.midtjylland", "before"),
        ("match.1.rule", "same day", "error", "match.1", "same name"),
        ("indicators.ekko.numerator", "echo > 5", "error", "indicators.ekko.numerator", "types"),
        ("rules", {"r": {"holds": "start - 'x' > 2", "label": {"da": "R"}}}, "error", "rules.r.holds", "types"),
        ("variables.new", {"label": {"da": "Ny"}, "type": "text"}, "error", "variables.new", "No source"),
        ("variables.new", {"label": {"da": "Ny"}, "type": "text", "from": {"lpr": {"result": "*"}}},
         "warning", "variables.new", "wsapi does not"),
        ("variables.new", {"label": {"da": "Ny"}, "type": "text", "required": True, "from": {"lpr": {"result": "*"}}},
         "error", "wsapi-1.fields", "must fill in"),
    ],
)  # fmt: skip
def test_each_broken_specification_is_caught(where, value, severity, at, said):
    found = [one for one in problems(changed(SPEC, where, value)) if one.where == at and said in one.sentence]
    assert [one.severity for one in found] == [severity]


@pytest.mark.parametrize(
    ("where", "value", "severity", "at", "said"),
    [
        ("identity.person", None, "error", "wsapi-1.identity", "person"),
        ("fields.start", None, "error", "wsapi-1.fields", "start"),
        ("fields.grade.values.LET", "7", "error", "wsapi-1.fields.grade.values", "7 is not a value"),
        ("fields.grade.values.LET", None, "warning", "wsapi-1.fields.grade.values", "No word means the code 1"),
        ("fields.echo.missing.UNK", "nd", "error", "wsapi-1.fields.echo.missing", "nd is not a missing"),
        ("fields.echo.missing", None, "warning", "wsapi-1.fields.echo.missing", "No word means"),
    ],
)
def test_each_broken_format_is_caught(where, value, severity, at, said):
    found = [one for one in problems(SPEC, changed(FORMAT, where, value)) if one.where == at and said in one.sentence]
    assert [one.severity for one in found] == [severity]


def test_errors_come_first():
    spec = changed(changed(SPEC, "gates", None), "indicators.ekko.standard", ">= 90")
    assert [one.severity for one in problems(spec)] == ["error", "warning"]


def test_a_problem_names_its_line(tmp_path):
    path = tmp_path / "specification.yaml"
    path.write_text(yaml.safe_dump(changed(SPEC, "indicators.ekko.standard", ">= 90"), allow_unicode=True), "utf-8")
    spec = read_spec(path)
    [problem] = lint(spec, {}, path)
    assert "standard: '>= 90'" in path.read_text("utf-8").splitlines()[problem.line - 1]


def test_the_schema_of_the_keys_takes_the_sample_and_refuses_a_strange_key():
    schema = spec_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    said = yaml.safe_load(PATH.read_text("utf-8"))
    as_json = DatabaseSpec.model_validate(read_spec(PATH)).model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert set(said) == set(as_json)
    assert validator.is_valid(as_json)
    assert not validator.is_valid(as_json | {"grupe": 1})
