"""The same concept said differently in two databases is found, each difference once; the same one is not."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from pipelines.spec.across import differences, lint_all
from pipelines.spec.model import DatabaseSpec

SPEC = {
    "database": "one", "title": {"da": "En"}, "official": False, "version": "1", "record": "a record",
    "event_date": "start",
    "variables": {
        "start": {"label": {"da": "Start"}, "type": "date"},
        "weight": {"label": {"da": "Vægt"}, "type": "decimal", "unit": "kg", "range": [30, 250],
                   "compare": {"absolute": 1}},
        "smoking": {"label": {"da": "Rygning"}, "type": "code", "values": {"never": "Aldrig", "smoker": "Ryger"}},
    },
    "match": [{"rule": "same", "on": ["person"]}],
}  # fmt: skip


def other(**changes) -> DatabaseSpec:
    """A second database whose variables are changed; None leaves a key out."""
    tree = copy.deepcopy(SPEC) | {"database": "two"}
    for where, value in changes.items():
        name, key = where.split("__")
        tree["variables"][name][key] = value
    tree["variables"] = {
        name: {k: v for k, v in said.items() if v is not None} for name, said in tree["variables"].items()
    }
    return DatabaseSpec.model_validate(tree)


def found(second: DatabaseSpec) -> list[tuple[str, str]]:
    return list(differences(DatabaseSpec.model_validate(SPEC), second))


def test_two_databases_that_say_the_same_have_no_difference():
    assert found(other()) == []


@pytest.mark.parametrize(
    ("changes", "where", "sentence"),
    [
        ({"weight__unit": "g"}, "variables.weight.unit", "The unit is kg, but g in two.weight."),
        ({"weight__range": [30, 300]}, "variables.weight.range",
         "The range is 30 to 250, but 30 to 300 in two.weight."),
        ({"weight__range": None}, "variables.weight.range", "The range is 30 to 250, but unsaid in two.weight."),
        ({"smoking__values": {"N": "Aldrig", "smoker": "Ryger"}}, "variables.smoking.values.never",
         "'Aldrig' has the code never, but N in two.smoking."),
        ({"smoking__values": {"never": "Aldrig", "smoker": "Ryger", "former": "Tidligere"}},
         "variables.smoking.values", "The domain differs from two.smoking: former stands on one side only."),
        ({"smoking__type": "text", "smoking__values": None}, "variables.smoking.type",
         "The type is code, but text in two.smoking."),
    ],
)  # fmt: skip
def test_each_difference_is_one_sentence(changes, where, sentence):
    assert found(other(**changes)) == [(where, sentence)]


def test_the_same_label_under_another_name_is_the_same_concept():
    tree = copy.deepcopy(SPEC) | {"database": "two"}
    tree["variables"]["body_mass"] = tree["variables"].pop("weight") | {"unit": "g", "label": {"da": " vægt"}}
    [(where, sentence)] = found(DatabaseSpec.model_validate(tree))
    assert (where, sentence) == ("variables.weight.unit", "The unit is kg, but g in two.body_mass.")


def test_another_concept_is_left_alone():
    tree = copy.deepcopy(SPEC) | {"database": "two"}
    tree["variables"]["birth_weight"] = tree["variables"].pop("weight") | {"unit": "g", "label": {"da": "Fødselsvægt"}}
    assert found(DatabaseSpec.model_validate(tree)) == []


def test_linting_all_names_file_and_line(tmp_path: Path):
    paths = []
    for spec in (SPEC, other(weight__unit="g").model_dump(mode="json", by_alias=True, exclude_unset=True)):
        folder = tmp_path / spec["database"]
        folder.mkdir()
        paths.append(folder / "specification.yaml")
        paths[-1].write_text(yaml.safe_dump(spec, allow_unicode=True), "utf-8")
    first, second = lint_all(paths).values()
    [across] = [problem for problem in first if "two.weight" in problem.sentence]
    assert "unit: kg" in paths[0].read_text("utf-8").splitlines()[across.line - 1]
    assert not [problem for problem in second if "one." in problem.sentence]
