"""YAML → DatabaseSpec. An error names the file, the line and the variable."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pipelines.project import InputError
from pipelines.spec.model import DatabaseSpec, SourceSchema, Variable

Model = TypeVar("Model", bound=BaseModel)


def read_spec(path: Path) -> DatabaseSpec:
    """The specification in one file; test persons named by a file are read beside it.

    Raises InputError with file, line and variable where the text is no valid specification.
    """
    spec = _with_event_date(read_model(path, DatabaseSpec))
    if isinstance(spec.test_persons, str):
        spec = spec.model_copy(update={"test_persons": tuple(_first_column(path.parent / spec.test_persons))})
    return spec


def _with_event_date(spec: DatabaseSpec) -> DatabaseSpec:
    """The event date is held side by side like any variable, whether the specification lists it or not."""
    if spec.event_date in spec.variables:
        return spec
    label = spec.event_date.replace("_", " ").capitalize()
    event = Variable.model_validate({"label": {"da": label}, "type": "date", "required": True})
    return spec.model_copy(update={"variables": {spec.event_date: event, **spec.variables}})


def read_source_schemas(folder: Path, spec: DatabaseSpec) -> dict[tuple[str, str], SourceSchema]:
    """Every format version beside a specification (`wsapi-1.1.yaml`, `kip-4.yaml`), by source and version."""
    schemas = {}
    for path in sorted(folder.glob("*-*.yaml")):
        schema = read_model(path, SourceSchema)
        if unknown := [f.variable for f in schema.fields.values() if f.variable not in spec.variables]:
            raise InputError(f"{path}: the field carries {unknown[0]}, which {spec.database} does not have.")
        schemas[schema.source, schema.version] = schema
    return schemas


def fingerprint(spec: DatabaseSpec) -> str:
    """The sha256 of what the specification says, whatever its layout and comments."""
    said = json.dumps(spec.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def read_units(spec: DatabaseSpec, folder: Path) -> list[dict[str, str]]:
    """The reporting units of a database: unit, name, hospital, region and validity, or none."""
    return _rows(folder / spec.units) if spec.units else []


def read_model(path: Path, model: type[Model]) -> Model:
    """A YAML file as a value of `model`. Raises InputError with file, line and key where it is none."""
    tree = _compose(path)
    try:
        return model.model_validate(_Values("").construct_document(tree))
    except yaml.constructor.ConstructorError as problem:
        raise InputError(f"{path}, line {problem.problem_mark.line + 1}: {problem.problem}.") from None
    except ValidationError as problem:
        raise InputError(_sentence(path, tree, problem)) from None


def line_of(path: Path, where: Sequence[str]) -> int:
    """The line of a YAML file where a path of keys stands, or the deepest part of it that the file has."""
    return _line(_compose(path), list(where))


def _compose(path: Path) -> yaml.Node:
    try:
        tree = yaml.compose(path.read_text("utf-8"), Loader=_Values)
    except OSError:
        raise InputError(f"{path} cannot be read: name an existing specification (YAML).") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8: save it as UTF-8.") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(
            f"{path}{line}: this is not YAML ({getattr(problem, 'problem', None) or 'unreadable'})."
        ) from None
    if not isinstance(tree, yaml.MappingNode):
        raise InputError(f"{path}: a specification is a list of keys and values, this is not.")
    return tree


class _Values(yaml.SafeLoader):
    """SafeLoader that refuses a key said twice (it would keep the last one silently).

    `on` and `off` are words here, as in YAML 1.2, since match rules say `on`; `yes` and `no` stay
    booleans, so that an unquoted code `no` is refused instead of read as false.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own shape)
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                mark = node.value[position][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} stands twice", mark)
        return super().construct_mapping(node, deep)


_Values.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|false|yes|no)$", re.IGNORECASE), list("tTfFyYnN")
)


def _sentence(path: Path, tree: yaml.Node, problem: ValidationError) -> str:
    """The first error in words; where there are more, their number."""
    error, *others = problem.errors(include_url=False, include_input=False)
    where = list(error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if not where and (found := _named_path(message)):
        where = found
    line = _line(tree, where)
    named = f", variable {where[1]}" if where[:1] == ["variables"] and len(where) > 1 else ""
    said = " → ".join(str(part) for part in where if part != "[key]") or "specification"
    hint = " (quote codes and versions)" if error["type"] == "string_type" else ""
    more = f" ({len(others)} more.)" if others else ""
    return f"{path}, line {line}{named}: {said}: {message}{hint}.{more}"


def _named_path(message: str) -> list[Any]:
    """A check of the whole names its place first: `indicators.echo.numerator: …`."""
    words = message.split(":")[0].split(" ")[0].split(".")
    return [int(word) if word.isdigit() else word for word in words] if len(words) > 1 else []


def _line(tree: yaml.Node, where: list[Any]) -> int:
    """The line of the deepest part of `where` that the text has."""
    node, line = tree, 1
    for part in where:
        found = next((pair for pair in _children(node) if pair[0] == str(part)), None)
        if found is None:
            continue
        _, line, node = found
    return line


def _children(node: yaml.Node) -> Iterator[tuple[str, int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield str(number), value.start_mark.line + 1, value


def _first_column(path: Path) -> list[str]:
    return [next(iter(row.values())) for row in _rows(path)]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(line for line in file if not line.startswith("#")))
    except OSError:
        raise InputError(f"{path} cannot be read: the specification names it, put it there.") from None
