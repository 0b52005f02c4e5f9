"""JSON with one long list in it, where every member of the list knows the line it begins on.

Stricter than the standard library: a key said twice, NaN, Infinity, text after the end and deep nesting
are refused. Numbers stay as they were written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pipelines.sources.batch import Refused

_BLANK = re.compile(r"[ \t\r\n]*")


class NumberText(str):
    """A number as the file wrote it: `1.50` stays 1.50, and nothing is rounded."""


class Placed(NamedTuple):
    line: int
    value: Any


def read_envelope(text: str, list_key: str) -> dict[str, Any]:
    """The outermost object; its `list_key` is a list of Placed members. Texts for all else.

    true and false become the words, null is None. Raises Refused, never with text from the file.
    """
    try:
        return _Walk(text).envelope(list_key)
    except (json.JSONDecodeError, IndexError):
        raise _not_whole() from None
    except RecursionError:
        raise Refused("broken_json", "Filens JSON er indlejret for dybt.", "The JSON is nested too deeply.") from None


def placed_apart(members: list[Placed]) -> list[Placed]:
    """The members with places of their own: their lines, or where two begin on one line, their numbers from 1.

    A place names a row in findings and traces; most senders write the whole file on one line.
    """
    if len({member.line for member in members}) == len(members):
        return members
    return [Placed(number, member.value) for number, member in enumerate(members, 1)]


class _Walk:
    """A place in the text that moves forward, one value at a time."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.counted, self.line = 0, 1
        self.decode = json.JSONDecoder(
            object_pairs_hook=_object, parse_float=NumberText, parse_int=NumberText, parse_constant=_refuse
        ).raw_decode

    def envelope(self, list_key: str) -> dict[str, Any]:
        self._skip()
        if self.text[self.at] != "{":
            raise Refused(
                "not_the_format",
                "Filen er ikke en kuvert (et JSON-objekt).",
                "The file is not an envelope (a JSON object).",
            )
        pairs = []
        for _ in self._members("{", "}"):
            key = self._value()
            if not isinstance(key, str):
                raise _not_whole()
            self._take(":")
            pairs.append((key, self._list() if key == list_key else self._value()))
        if self.at < len(self.text):
            raise Refused(
                "broken_json",
                "Der står mere i filen efter kuvertens slutning.",
                "There is more in the file after the envelope.",
            )
        return _object(pairs)

    def _list(self) -> list[Placed]:
        if self.text[self.at] != "[":
            raise Refused("not_the_format", "Kuvertens poster er ikke en liste.", "The records are not a list.")
        return [Placed(self._line(), self._value()) for _ in self._members("[", "]")]

    def _members(self, first: str, last: str) -> Iterator[None]:
        """Once before each member of an object or list; commas between them are taken."""
        self._take(first)
        while self.text[self.at] != last:
            yield
            if self.text[self.at] != last:
                self._take(",")
                if self.text[self.at] == last:
                    raise _not_whole()
        self._take(last)

    def _value(self) -> Any:
        value, self.at = self.decode(self.text, self.at)
        self._skip()
        return _word(value)

    def _take(self, sign: str) -> None:
        if self.text[self.at] != sign:
            raise _not_whole()
        self.at += 1
        self._skip()

    def _skip(self) -> None:
        self.at = _BLANK.match(self.text, self.at).end()

    def _line(self) -> int:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = {key: _word(value) for key, value in pairs}
    if len(made) < len(pairs):
        raise Refused("duplicate_key", "Et felt står to gange i samme objekt.", "A field stands twice in an object.")
    return made


def _word(value: Any) -> Any:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def _refuse(_: str) -> Callable[[], None]:
    raise Refused("broken_json", "NaN og Infinity er ikke tal i JSON.", "NaN and Infinity are no numbers in JSON.")


def _not_whole() -> Refused:
    return Refused("broken_json", "Filen er ikke hel og gyldig JSON.", "The file is not whole and valid JSON.")
