"""Invented databases: specifications that no real database has, so that an explainer cannot know them beforehand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from pipelines.spec.model import DatabaseSpec
from pipelines.synthetic.plain_sides import AGE_BANDS, Layout
from pipelines.synthetic.streams import stream

SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "fy", "gu", "he", "jo", "da", "pe")
WINDOWS = (1, 3, 7)
CHAPTERS = ("DC", "DI", "DJ", "DK", "DM")
ENDINGS = ("", "ø", "å", " Nord", "-syd")
VERSIONS = ("1.0", "1.1", "2.0")
MISSING = {"unknown": "Uoplyst", "not_done": "Ikke udført", "not_relevant": "Ikke relevant"}
# Other words for the same codes: each database has its own.
SAID = {
    "unknown": ("unknown", "uoplyst", "ukendt", "UOPL"),
    "not_done": ("not_done", "ikke_udfoert", "IU", "ej_maalt"),
    "not_relevant": ("not_relevant", "irrelevant", "IR", "ikke_relevant"),
}


def invented(seed: int) -> DatabaseSpec:
    """A database with its own variables (every type), tolerances, missing codes, match windows and slices."""
    rng = stream(seed, "invented")
    names = _names(rng, 24)
    made = [maker(rng) for maker in _makers(rng)]
    variables = {f"{next(names)}_dag": {"type": "date"}} | {next(names): said for said in made}
    variables = _in_own_words(variables, stream(seed, "invented", "missing"))
    event_date, slices = next(iter(variables)), [next(names) for _ in range(int(rng.integers(1, 3)))]
    return DatabaseSpec.model_validate(
        {
            "database": f"{next(names)}db", "title": {"da": "Opfundet"}, "official": False, "version": "1",
            "record": "one course", "event_date": event_date, "person_number": "other", "slices": slices,
            "match": _match(event_date, int(rng.choice(WINDOWS))), "test_persons": ["2509479989", "0201609995"],
            "variables": {name: {"label": {"da": name.capitalize()}, **said} for name, said in variables.items()},
        }
    )  # fmt: skip


def _names(rng: np.random.Generator, n: int):
    made = ["".join(rng.choice(SYLLABLES, int(rng.integers(2, 5)))) for _ in range(4 * n)]
    return iter(list(dict.fromkeys(made))[:n])


def _makers(rng: np.random.Generator) -> list:
    often = {_decimal: 3, _integer: 3, _date: 2, _moment: 1, _code: 3, _side: 1, _yes_no: 3, _sks: 1, _text: 1}
    return [maker for maker, most in often.items() for _ in range(max(1, most - int(rng.integers(0, 2))))]


def _match(event_date: str, days: int) -> list[dict[str, Any]]:
    within = {"within": {event_date: days}}
    return [
        {"rule": "same day", "on": ["person", "unit", event_date]},
        {"rule": "near day", "on": ["person", "unit"], **within},
        {"rule": "other unit", "on": ["person", "region"], **within},
        {"rule": "other region", "on": ["person"], **within},
    ]


def invented_layout(seed: int) -> Layout:
    """Regions, units, years, versions and submissions that the seed's database alone has."""
    rng = stream(seed, "invented", "layout")
    names = list(_names(rng, 12))
    regions = [f"{next_.capitalize()}{end}" for next_, end in zip(names, rng.choice(ENDINGS, len(names)), strict=True)]
    first_day = dt.date(int(rng.integers(2022, 2027)), int(rng.integers(1, 13)), 1)
    least = int(rng.integers(1, 4))
    return Layout(
        first_day=first_day,
        reference_date=first_day + dt.timedelta(days=int(rng.integers(180, 800))),
        regions=tuple(regions[: int(rng.integers(2, 7))]),
        units_a_region=(least, least + int(rng.integers(2, 10))),
        unit=str(rng.choice(["{}", "{}A", "SOR{}", "afd. {}"])),
        versions=tuple(VERSIONS[: int(rng.integers(2, 4))]) if rng.random() < 0.7 else ("2026-a", "2026-b"),
        systems=tuple(rng.choice(["EPJ Nord", "Columna", "SP", "Klinik", "Æskulap"], 3, replace=False).tolist()),
        days_a_submission=int(rng.choice([7, 14, 31])) if rng.random() < 0.5 else None,
        age_bands=AGE_BANDS if rng.random() < 0.5 else ("0-17", "18-39", "40-59", "60-69", "70-79", "80-89", "90+"),
        own_values=tuple(names[6 : 6 + int(rng.integers(2, 6))]),
    )


def _in_own_words(variables: dict[str, dict[str, Any]], rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """The variables with this database's own words for the missing codes."""
    words = {code: str(rng.choice(said)) for code, said in SAID.items()}
    for said in (*variables.values(), *(said.get("published", {}) for said in variables.values())):
        if "missing" in said:
            said["missing"] = {words[code]: text for code, text in said["missing"].items()}
    return variables


def _with_missing(rng: np.random.Generator, said: dict[str, Any]) -> dict[str, Any]:
    n = int(rng.integers(2, 4)) if rng.random() < 0.6 else 0
    share = {code: float(rng.uniform(0.02, 0.06)) for code in list(MISSING)[:n]}
    if n:
        said |= {"missing": {code: MISSING[code] for code in share}}
        said["published"] = {**said.get("published", {}), "missing": share}
    return said


def _decimal(rng: np.random.Generator) -> dict[str, Any]:
    mean = float(rng.choice([4.5, 38, 83, 140]))
    tolerance = float(rng.choice([0, 0, mean / 200]))
    way = {"compare": {"absolute": round(tolerance, 2)}} if tolerance else {}
    return _with_missing(rng, {"type": "decimal", **way, "published": {"mean": mean, "sd": mean / 6}})


def _integer(rng: np.random.Generator) -> dict[str, Any]:
    mean = float(rng.choice([72, 128, 172, 640]))
    way = {"compare": {"absolute": int(rng.integers(1, 3))}} if rng.random() < 0.5 else {}
    return _with_missing(rng, {"type": "integer", **way, "published": {"mean": mean, "sd": mean / 8}})


def _date(rng: np.random.Generator) -> dict[str, Any]:
    return _with_missing(rng, {"type": "date"})


def _moment(rng: np.random.Generator) -> dict[str, Any]:
    return {"type": "timestamp", "compare": {"minutes": 10}}


def _code(rng: np.random.Generator) -> dict[str, Any]:
    codes = [f"{letter}{i}" for i, letter in enumerate("abcdefg"[: int(rng.integers(3, 7))], int(rng.integers(1, 4)))]
    return _with_missing(rng, _shared(rng, {"type": "code", "values": {code: code.upper() for code in codes}}))


def _shared(rng: np.random.Generator, said: dict[str, Any]) -> dict[str, Any]:
    """Codes are used unevenly, but each often enough to be planted in."""
    weights = rng.dirichlet(np.full(len(said["values"]), 2.0)) + 0.08
    share = dict(zip(said["values"], (weights / weights.sum()).round(4).tolist(), strict=True))
    return said | {"published": {"share": share}}


def _side(rng: np.random.Generator) -> dict[str, Any]:
    return _shared(rng, {"type": "code", "values": {"h": "Højre", "v": "Venstre", "b": "Begge"}})


def _yes_no(rng: np.random.Generator) -> dict[str, Any]:
    yes = float(rng.uniform(0.2, 0.8))
    return _with_missing(rng, {"type": "yes_no", "published": {"share": {"yes": yes, "no": 1 - yes}}})


def _sks(rng: np.random.Generator) -> dict[str, Any]:
    chapter = str(rng.choice(CHAPTERS))
    codes = [f"{chapter}{i}{j}{letter}" for i in (21, 34, 40, 43) for j in (0, 1, 9) for letter in ("A", "B")]
    return {"type": "sks", "codes": [f"{chapter}*"], "published": {"share": dict.fromkeys(codes, 1 / len(codes))}}


def _text(rng: np.random.Generator) -> dict[str, Any]:
    return {"type": "text"}
