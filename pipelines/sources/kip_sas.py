"""KIP forms as SAS files: `.sas7bdat`, with the catalogue of its formats beside it, and transport (`.xpt`).

A format's label is what the form shows and what a form version's words are said in, so a coded value becomes
its label where the catalogue has one. User-defined missing values stay apart: `.A` to `.Z` and `._` are read as
these texts, which a form version translates under `missing`; the plain `.` is an empty cell.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.sources.batch import Batch, Refused
from pipelines.sources.kip_typed import typed_batch
from pipelines.spec.model import SourceSchema

# The first 32 bytes of every SAS file; one bit tells data from catalogue (ReadStat, readstat_sas.c).
_MAGIC = "000000000000000000000000c2ea81{}b31411cfbd92080009c7318c181f1011"
DATA, CATALOGUE = (bytes.fromhex(_MAGIC.format(kind)) for kind in ("60", "63"))
TRANSPORT = b"HEADER RECORD*******LIB"
OBSERVATIONS = b"HEADER RECORD*******OBS"
RECORD = 80  # the length of a transport file's header records, in bytes

Columns = dict[str, Sequence[Any]]


def is_sas(content: bytes) -> bool:
    """Whether a file begins as SAS data, catalogue or transport file do."""
    return content.startswith((DATA, CATALOGUE, TRANSPORT))


def catalogue_of(path: Path) -> Path:
    """Where the catalogue of a SAS file stands: beside it, under the same name."""
    return path.with_suffix(".sas7bcat")


def read_kip_sas(
    content: bytes, schemas: Mapping[tuple[str, str], SourceSchema], catalogue: bytes | None = None
) -> Batch:
    """The file as a batch of the form version whose columns are the file's, whatever their case.

    Raises Refused where it is damaged, or a catalogue without its data.
    """
    if content.startswith(CATALOGUE):
        raise Refused(
            "catalogue_alone",
            "Filen er et SAS-katalog; læg det ved siden af datafilen med samme navn.",
            "The file is a SAS catalogue; put it beside the data file with the same name.",
        )
    try:
        columns = _transport(content) if content.startswith(TRANSPORT) else _data(content, catalogue)
    except Exception:  # the C library fails in many ways, some of which quote the data
        raise Refused(
            "not_the_format", "SAS-filen eller dens katalog er beskadiget.", "The SAS file or its catalogue is damaged."
        ) from None
    return typed_batch(columns, schemas)


def _data(content: bytes, catalogue: bytes | None) -> Columns:
    """The columns of a `.sas7bdat`; the file itself says in which encoding its text is."""
    import pyreadstat

    columns, said = pyreadstat.read_sas7bdat(io.BytesIO(content), user_missing=True, output_format="dict")
    labels = pyreadstat.read_sas7bcat(io.BytesIO(catalogue))[1].value_labels if catalogue else {}
    return {
        name: [
            _said(value, _is_number(said, name), labels.get(said.variable_to_label.get(name), {})) for value in cells
        ]
        for name, cells in columns.items()
    }


def _said(value: Any, number: bool, labels: Mapping[Any, str]) -> Any:
    """A letter among numbers is a user-defined missing value; a code with a label is its label."""
    if number and isinstance(value, str):
        return f".{value}"
    return labels.get(value, value)


def _transport(content: bytes) -> Columns:
    """The columns of a transport file, which does not say its encoding: UTF-8, else Latin-1."""
    import pyreadstat

    try:
        columns, said = pyreadstat.read_xport(io.BytesIO(content), encoding="UTF-8", output_format="dict")
    except Exception:
        columns, said = pyreadstat.read_xport(io.BytesIO(content), encoding="WINDOWS-1252", output_format="dict")
    numbers = {name: _is_number(said, name) for name in said.column_names}
    rows = _observations(content, said.number_rows, sum(said.variable_storage_width.values()))
    start = 0
    for name in said.column_names:
        width = said.variable_storage_width[name]
        if numbers[name]:
            columns[name] = _with_missing(columns[name], rows[:, start : start + width])
        start += width
    return columns


def _with_missing(values: Sequence[Any], cells: np.ndarray) -> list[Any]:
    """The values with `.A` to `.Z` and `._`, which pyreadstat reads as empty cells in transport files.

    There a missing value is its sign followed by zero bytes (SAS TS-140, record layout).
    """
    sign = cells[:, 0]
    tagged = (cells[:, 1:] == 0).all(axis=1) & (((sign >= ord("A")) & (sign <= ord("Z"))) | (sign == ord("_")))
    return [f".{chr(s)}" if t else value for value, s, t in zip(values, sign, tagged, strict=True)]


def _observations(content: bytes, rows: int, width: int) -> np.ndarray:
    """The bytes of the observations, one row each."""
    start = content.index(OBSERVATIONS) + RECORD
    return np.frombuffer(content, np.uint8, rows * width, start).reshape(rows, width)


def _is_number(said: Any, name: str) -> bool:
    return said.readstat_variable_types[name] != "string"
