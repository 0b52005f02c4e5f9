"""How a register's tables look: which of their columns is which column of the event tables (YAML).

A new variant of a register is a new file under expectations/codes/registers/, never a change of code.
"""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from pipelines.project import InputError
from pipelines.spec.event_tables import EVENT_TABLES
from pipelines.spec.model import Code, Frozen, Name, Text
from pipelines.spec.reading import read_model


class ColumnLayout(Frozen):
    """Where an event column's value stands in the register's table, and how it is said there.

    The first of `names` that the file has is read; with `first_filled` the first of them that is filled.
    `time` names a column with the clock time of a date. `values` is the whole vocabulary, and null says
    that nothing is known; `translate` turns words of another vocabulary into ours; `mend` corrects known
    misspellings, each of which is told as a finding. `prefix` is put before every code.
    """

    names: tuple[Name, ...]
    time: tuple[Name, ...] = ()
    first_filled: bool = False
    values: dict[Code, Text | None] = Field(default_factory=dict)
    translate: dict[Code, Code] = Field(default_factory=dict)
    mend: dict[Code, Code] = Field(default_factory=dict)
    prefix: str = ""

    def read_from(self, columns: Collection[str]) -> list[str]:
        """The columns of a file that hold the value, in the order in which they count."""
        found = [name for name in self.names if name in columns]
        return found if self.first_filled else found[:1]


class TableLayout(Frozen):
    """One table of a register. `needed`: the event columns without which a file is refused.

    `constants` say what the table does not; `unused` are the register's columns that we leave (with `*`);
    `deletes`: each row withdraws the entity that it names (procregistrering_aflys).
    """

    event: str
    also_called: tuple[Name, ...] = ()
    needed: tuple[Name, ...]
    columns: dict[Name, ColumnLayout]
    constants: dict[Name, Text] = Field(default_factory=dict)
    unused: tuple[str, ...] = ()
    deletes: bool = False

    @field_validator("columns", mode="before")
    @classmethod
    def _written_short(cls, columns: Any) -> Any:
        """A column may be written as its name, or as a list of the names it goes by."""
        if not isinstance(columns, dict):
            return columns
        return {event: _in_full(column) for event, column in columns.items()}

    @model_validator(mode="after")
    def _fits_the_event_table(self) -> TableLayout:
        if self.event not in EVENT_TABLES:
            raise ValueError(f"{self.event} is no event table (they are {', '.join(EVENT_TABLES)})")
        known = set(EVENT_TABLES[self.event].columns)
        if wrong := sorted({*self.columns, *self.constants} - known):
            raise ValueError(f"the event table {self.event} has no column {wrong[0]}")
        if absent := sorted(set(self.needed) - set(self.columns)):
            raise ValueError(f"needed names {absent[0]}, which columns does not have")
        return self

    def missing_from(self, columns: Collection[str]) -> list[str]:
        """The needed columns that a file lacks, by the name the register gives them first."""
        return [self.columns[name].names[0] for name in self.needed if not self.columns[name].read_from(columns)]

    def unknown_in(self, columns: Collection[str]) -> list[str]:
        """A file's columns that the layout neither reads nor knows as unused."""
        read = {name for layout in self.columns.values() for name in (*layout.names, *layout.time)}
        return [name for name in columns if name not in read and not _is_any_of(name, self.unused)]


class RegisterLayout(Frozen):
    """The tables of one variant of a register, as one YAML file says them. `source`: where that is published."""

    register_name: Name
    variant: Name
    source: Text
    tables: dict[Name, TableLayout]

    def table_of(self, file_name: str) -> str | None:
        """The table that a file holds, by the beginning of its name whatever its casing; the longest wins."""
        stem = file_name.casefold()
        called = [(name, title) for title, table in self.tables.items() for name in (title, *table.also_called)]
        found = [(len(name), title) for name, title in called if _is_called(stem, name)]
        return max(found)[1] if found else None


def read_layouts(folder: Path) -> list[RegisterLayout]:
    """Every register layout in a folder of YAML files, in order of file name."""
    layouts = [read_model(path, RegisterLayout) for path in sorted(folder.glob("*.yaml"))]
    if not layouts:
        raise InputError(f"{folder} has no register layouts (*.yaml): name the folder that holds them.")
    return layouts


def _in_full(column: Any) -> Any:
    if isinstance(column, str):
        return {"names": [column]}
    return {"names": column} if isinstance(column, list) else column


def _is_any_of(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_called(stem: str, name: str) -> bool:
    """The name stands first and whole: `diagnoser_2026.csv` is `diagnoser`, not `diagnose`."""
    return stem.startswith(name) and not stem[len(name) : len(name) + 1].isalnum()
