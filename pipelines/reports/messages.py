"""The one message catalogue: what people read, in Danish with English beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from pipelines.project import InputError
from pipelines.spec.model import Label

FOLDER = Path(__file__).parent / "messages"


@dataclass(frozen=True)
class Messages:
    """The texts of one language by dotted name; `{words}` in a text are filled in by `text`."""

    language: str
    texts: dict[str, str]

    def text(self, name: str, **words: object) -> str:
        """The text called `name`; a name the catalogue lacks is a programming error (KeyError)."""
        found = self.texts[name]
        return found.format(**words) if words else found

    def word(self, group: str, name: str | None) -> str:
        """The word of `group` for what data call `name`; a name nobody has translated stands as it is."""
        return self.texts.get(f"{group}.{name}", "–" if name is None else str(name))

    def label(self, label: Label) -> str:
        """A label of the specification in this language, in Danish where there is no other."""
        return getattr(label, self.language) or label.da


@cache
def read_messages(language: str = "da") -> Messages:
    """The catalogue in one language. Raises InputError for a language there is no catalogue for."""
    path = FOLDER / f"{language}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml")))
        raise InputError(f"Reports have no language '{language}': choose one of {known}.")
    tree = yaml.safe_load(path.read_text("utf-8"))
    return Messages(language, {f"{group}.{n}": text for group, texts in tree.items() for n, text in texts.items()})
