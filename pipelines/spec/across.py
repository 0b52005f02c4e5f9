"""One concept in several databases: the same name or label, but another type, code, domain, unit or range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path

from pipelines.spec.lifecycle import Problem, lint
from pipelines.spec.model import DatabaseSpec, Variable
from pipelines.spec.reading import line_of, read_source_schemas, read_spec


def lint_all(paths: Iterable[Path]) -> dict[Path, list[Problem]]:
    """The problems of each specification by itself, then those that it has with the ones after it.

    `paths` are specification files; a problem across databases stands with the first of the two.
    """
    specs = {path: read_spec(path) for path in paths}
    found = {path: lint(spec, read_source_schemas(path.parent, spec), path) for path, spec in specs.items()}
    for (path, one), (_, other) in combinations(specs.items(), 2):
        found[path] += [
            Problem("warning", where, sentence, line_of(path, where.split(".")))
            for where, sentence in differences(one, other)
        ]
    return found


def differences(one: DatabaseSpec, other: DatabaseSpec) -> Iterator[tuple[str, str]]:
    """Where two databases say the same concept differently: the place in the first, and a sentence."""
    for name, variable in one.variables.items():
        for twin in _twins(name, variable, other):
            said = f"{other.database}.{twin}"
            for part, sentence in _variable_differences(variable, other.variables[twin], said):
                yield f"variables.{name}.{part}", sentence


def _twins(name: str, variable: Variable, other: DatabaseSpec) -> list[str]:
    label = _plain(variable.label.da)
    return [twin for twin, theirs in other.variables.items() if twin == name or _plain(theirs.label.da) == label]


def _variable_differences(ours: Variable, theirs: Variable, said: str) -> Iterator[tuple[str, str]]:
    if ours.type != theirs.type:
        yield "type", f"The type is {ours.type}, but {theirs.type} in {said}."
        return
    if ours.unit != theirs.unit:
        yield "unit", f"The unit is {ours.unit or 'unsaid'}, but {theirs.unit or 'unsaid'} in {said}."
    if ours.range != theirs.range:
        yield "range", f"The range is {_span(ours.range)}, but {_span(theirs.range)} in {said}."
    yield from _code_differences(ours.values or {}, theirs.values or {}, said)


def _code_differences(ours: Mapping[str, str], theirs: Mapping[str, str], said: str) -> Iterator[tuple[str, str]]:
    """A meaning that has another code; where there is none, a code that only one of the two has."""
    their_codes = {_plain(text): code for code, text in theirs.items()}
    recoded = [(code, their_codes[_plain(text)]) for code, text in ours.items() if _plain(text) in their_codes]
    other_code = [(code, twin) for code, twin in recoded if code != twin]
    for code, twin in other_code:
        yield f"values.{code}", f"'{ours[code]}' has the code {code}, but {twin} in {said}."
    if not other_code and set(ours) != set(theirs):
        alone = ", ".join(sorted(set(ours) ^ set(theirs)))
        yield "values", f"The domain differs from {said}: {alone} stands on one side only."


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _span(bounds: tuple[float, float] | None) -> str:
    return f"{bounds[0]:g} to {bounds[1]:g}" if bounds else "unsaid"
