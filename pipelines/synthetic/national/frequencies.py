"""How often codes occur in bulk registers: a few common ones and a long tail, and the codes of some diseases.

The codes have the shape of SKS, NPU and ATC; the frequencies are assumptions (a power law), not published.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from string import ascii_uppercase, digits
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from pipelines.synthetic.events import fits
from pipelines.synthetic.streams import stream

TAIL = 0.9  # the n-th commonest code is seen n ** -TAIL as often as the commonest
HIGHEST_VALUE = 9999


@dataclass(frozen=True)
class Disease:
    """Persons of one disease: their `share` of all, and how `often` a row of theirs has one of its codes.

    `procedures` name the lowest and highest value that hangs under each (VPH), or none.
    """

    name: str
    share: float
    often: dict[str, float]
    diagnoses: tuple[str, ...]
    procedures: dict[str, tuple[int, int] | None]
    lab: tuple[str, ...] = ()
    medicine: tuple[str, ...] = ()


COPD = Disease(
    "copd", 0.010, {"diagnosis": 0.03, "procedure": 0.15, "lab": 0.05, "medicine": 0.25},
    ("DJ440", "DJ441", "DJ448", "DJ449", "DJ449", "DJ449"),
    {
        "ZZ5010": (40, 300), "ZZ5011": (20, 110), "ZZ5012": (150, 195), "ZZ5013": (40, 120), "ZZ5014": (150, 400),
        "ZZ5015": (1, 5), "ZZ5016": (0, 9), "ZZ5017": (1, 4), "ZZ5018": (0, 80), "ZZ5019": None, "ZZ5020A": None,
        "ZZ5021": None, "BGXA1": None, "BGDA10": None,
    },
    ("NPU04998", "NPU18016"), ("R03BB04", "R03AL04", "R03AK06", "R03AC02", "R03BA02"),
)  # fmt: skip
DIABETES = Disease(
    "diabetes", 0.050, {"diagnosis": 0.0155, "procedure": 0.03, "lab": 0.35, "medicine": 0.30},
    ("DE101", "DE105B", "DE109", "DE109", "DE111", "DE115", "DE119", "DE119", "DE119", "DE139", "DE149"),
    {"UCXD10": None, "ZZ9020": None, "BBHC1": None},
    ("NPU27300", "NPU27300", "NPU27300", "NPU03835", "NPU01568", "NPU01566", "NPU03620", "NPU04998", "NPU19661",
     "NPU03918"),
    ("A10AB05", "A10AE04", "A10BA02", "A10BA02", "A10BJ06", "A10BK01", "C10AA05", "C09AA02"),
)  # fmt: skip
HEART_FAILURE = Disease(
    "heart_failure", 0.012, {"diagnosis": 0.05, "procedure": 0.05, "lab": 0.05, "medicine": 0.25},
    ("DI500", "DI501", "DI509", "DI509", "DI110"), {"UXUC80": (10, 70), "ZZ3160": None}, ("NPU04998",),
    ("C03CA01", "C07AB02", "C09AA02", "C09DX04"),
)  # fmt: skip
DISEASES = (COPD, DIABETES, HEART_FAILURE)
CHRONIC = 0.10  # these persons, the diseases' among them, have every other row


# Shapes of the codes in use, and how many there are: A is any letter, 0 any digit, other signs stand for themselves.
TAILS: dict[str, tuple[tuple[str, ...], int]] = {
    "diagnosis": (("DA000",), 12_000),
    "procedure": (("KAAA00", "UXAA00", "BAAA0", "NAAA", "WAA00", "ZZ0000"), 9_000),
    "lab": (("NPU00000",), 1_800),
    "medicine": (("A00AA00",), 1_500),
}


@dataclass(frozen=True)
class Codes:
    """Every code of a table: first the tail in order of frequency, then those of the diseases, then values."""

    texts: pa.Array
    cumulative: np.ndarray
    places: dict[str, int]

    def drawn(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Places of codes of the tail."""
        return np.searchsorted(self.cumulative, rng.random(count))

    def said(self, places: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
        """The codes at these places; null where they are not `known`."""
        return self.texts.take(pa.array(places, mask=None if known is None else ~known))


def all_codes(seed: int, apart: Mapping[str, Collection[str]] = MappingProxyType({})) -> dict[str, Codes]:
    """The codes of every table; `apart` are patterns of codes that nobody has."""
    return {table: codes(table, seed, apart.get(table, ())) for table in TAILS}


def codes(table: str, seed: int, apart: Collection[str] = ()) -> Codes:
    """The codes of one table; those of a disease are seen at its persons only."""
    of_diseases = sorted({code for disease in DISEASES for code in _of(disease, table)})
    tail = [code for code in _tail(table, of_diseases, stream(seed, "codes", table)) if not fits(code, apart)]
    values = [f"VPH{value:04d}" for value in range(HIGHEST_VALUE + 1)] if table == "procedure" else []
    weights = np.arange(1, len(tail) + 1) ** -TAIL
    texts = [*tail, *of_diseases, *values]
    return Codes(pa.array(texts), np.cumsum(weights) / weights.sum(), {code: n for n, code in enumerate(texts)})


def _of(disease: Disease, table: str) -> tuple[str, ...]:
    said = {"diagnosis": disease.diagnoses, "lab": disease.lab, "medicine": disease.medicine}
    return said.get(table, tuple(disease.procedures))


def _tail(table: str, of_diseases: list[str], rng: np.random.Generator) -> list[str]:
    """The codes in use, the commonest first; none of a disease's, for diagnoses none of its categories either."""
    shapes, used = TAILS[table]
    width = 4 if table == "diagnosis" else None
    taken = {code[:width] for code in of_diseases}
    drawn = [_of_shape(shapes[n % len(shapes)], rng) for n in range(2 * used)]
    return [code for code in dict.fromkeys(drawn) if code[:width] not in taken][:used]


def _of_shape(shape: str, rng: np.random.Generator) -> str:
    signs = {"A": ascii_uppercase, "0": digits}
    return "".join(signs[sign][rng.integers(0, len(signs[sign]))] if sign in signs else sign for sign in shape)


def at_diseases(
    table: str, places: np.ndarray, disease: np.ndarray, known: Codes, rng: np.random.Generator
) -> np.ndarray:
    """The drawn places, with a disease's own codes put in for some of its persons' rows (`disease`: -1 is none)."""
    for number, one in enumerate(DISEASES):
        rows = np.flatnonzero(disease == number)
        rows = rows[rng.random(len(rows)) < one.often[table]]
        own = np.array([known.places[code] for code in _of(one, table)])
        places[rows] = own[rng.integers(0, len(own), len(rows))]
    return places
