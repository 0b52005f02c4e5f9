"""DatabaseSpec → its documentation, one HTML page in Danish.

The list of variables has the columns of RKKP's own lists (Variabeloversigt: outcome codes with commas,
`kode=tekst | kode=tekst`, dates dd-mm-yyyy), so that the two can be held side by side.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from babel.numbers import format_decimal, format_percent

from pipelines.spec.constraint_kinds import TYPE_NAMES
from pipelines.spec.model import Compare, DatabaseSpec, MatchRule, SourceSchema, Validity, Variable
from pipelines.spec.pages import templates

STATUS = {
    "draft": "kladde",
    "hearing": "i høring",
    "commenting": "i kommentering",
    "provisional": "foreløbig",
    "locked": "låst",
}
CONDITIONS = {
    "completeness_of_new": "Komplethedsgrad for den nye kilde",
    "completeness_of_reported": "Komplethedsgrad for den manuelle indberetning",
    "overlap": "Overlap",
    "agreement_each_variable": "Overensstemmelse for hver variabel",
    "unexplained": "Uoverensstemmelser uden forklaring",
}
POPULATION = {
    "include": "medtages", "exclude": "udelades", "contact": "kontakt", "diagnosis": "diagnose",
    "procedure": "procedure", "type": "diagnosetype", "age": "alder", "min": "mindst", "max": "højst",
    "lab": "laboratoriesvar", "medicine": "medicin", "result": "resultat", "person": "person (CPR)",
    "death": "dødsårsag", "municipal": "kommunal ydelse", "priority": "prioritet", "contact_type": "kontakttype",
    "lasting": "varighed i timer", "with": "sammen med", "without": "uden", "same": "inden for samme",
    "other": "uden for", "window": "tidsrum", "around": "omkring", "before": "før", "after": "efter", "days": "dage",
    "hours": "timer", "washout": "dage uden tidligere", "per": "én post for hver", "date": "dato", "name": "navn",
    "value": "værdikode", "parent": "hører til", "number": "tal", "unit": "enhed",
}  # fmt: skip
SEVERITY = {"error": "fejl", "warning": "advarsel"}
SIGNS = {">=": "mindst", "<=": "højst", ">": "over", "<": "under"}
NORMALISED = {"case": "store og små bogstaver", "blanks": "blanktegn", "leading_zeros": "foranstillede nuller"}

COLUMNS = {
    "population": ("Betingelse", "Værdi"),
    "variables": (
        "Datasæt", "Variabelnavn", "Variabeltekst", "Definition", "Udfaldsrum", "Svarformat",
        "Gyldighed start", "Gyldighed slut",
    ),
    "rules": ("Regel", "Tekst", "Betingelse", "Alvor"),
    "comparisons": ("Variabel", "Regnes for ens, når"),
    "indicators": ("Indikator", "Tekst", "Nævner", "Tæller", "Standard", "Uoplyst", "Kilde"),
    "match": ("Trin", "Navn", "Ens", "Inden for", "Kun entydige"),
    "gates": ("Godkendelsestrin", "Betingelse", "Grænse", "Sikkerhed", "Mindste antal"),
    "changeover": ("Region eller enhed", "Ny kilde fra", "Manuel indberetning til og med"),
    "use": ("Region", "Enhed", "Fra", "Kilde", "Ellers"),
    "settling": ("Kilde", "Dage"),
    "fields": ("Felt", "Variabel", "Ord for værdier", "Ord for uoplyst", "Faktor"),
    "identity": ("Felt", "Bruges som"),
}  # fmt: skip


def document(spec: DatabaseSpec, schemas: Mapping[tuple[str, str], SourceSchema]) -> str:
    """The page as text; `schemas` are the versions of the sources' formats, by source and version."""
    page = templates().get_template("document.html.j2")
    return page.render(
        spec=spec,
        status=STATUS[spec.status],
        tables={
            "population": list(_population(spec.population.model_dump(by_alias=True, exclude_unset=True))),
            "variables": [_variable_row(spec, name) for name in spec.variables],
            "rules": [(name, r.label.da, r.holds, SEVERITY[r.severity]) for name, r in spec.rules.items()],
            "comparisons": [(name, comparison(v.compare, v.unit)) for name, v in spec.variables.items()],
            "indicators": _indicators(spec),
            "match": [_match_row(number, stage) for number, stage in enumerate(spec.match, 1)],
            "gates": _gates(spec),
            "changeover": [(n, _date(p.new_from), _date(p.kip_until)) for n, p in spec.changeover.items()],
            "use": [(u.region, u.unit, _date(u.from_), u.source, u.fallback) for u in spec.use],
            "settling": _settling(spec),
        },
        columns=COLUMNS,
        formats=_formats(schemas),
    )


def _variable_row(spec: DatabaseSpec, name: str) -> tuple[str, ...]:
    """One line of the list of variables, in the order of RKKP's columns."""
    variable = spec.variables[name]
    texts = {**variable.domain, **variable.missing}
    return (
        spec.database,
        name,
        variable.label.da,
        " ".join(_definition(variable)),
        _outcomes(variable),
        " | ".join(f"{code}={text}" for code, text in texts.items()),
        _date(variable.valid.from_),
        _date(variable.valid.until),
    )


def _definition(variable: Variable) -> Iterator[str]:
    name = TYPE_NAMES[variable.type]["da"]
    yield f"{name[0].upper()}{name[1:]} ({variable.unit})." if variable.unit else f"{name[0].upper()}{name[1:]}."
    if variable.pattern:
        yield f"Form: {variable.pattern}."
    if variable.only_if:
        yield f"Relevant, når {variable.only_if}."
    if variable.required is True:
        yield "Skal udfyldes."
    elif isinstance(variable.required, dict) and (sources := [s for s, must in variable.required.items() if must]):
        yield f"Skal udfyldes i {', '.join(sources)}."
    if variable.why_source:
        yield f"Valg af kilde: {variable.why_source}"


def _outcomes(variable: Variable) -> str:
    """The codes, or the interval, and the codes for missing."""
    codes = [*variable.domain, *(variable.codes or ()), *variable.missing]
    interval = [" til ".join(_number(end) for end in variable.range)] if variable.range else []
    return ", ".join(interval + codes)


def comparison(compare: Compare, unit: str | None = None) -> str:
    """When a new value counts as the same as the reported one, in Danish."""
    way, asked = next(((way, getattr(compare, way)) for way in compare.model_fields_set), (None, None))
    match way:
        case "absolute":
            return f"Højst {_number(asked)} {unit or ''}".strip() + " fra hinanden"
        case "relative":
            return f"Højst {_percent(asked)} fra den indberettede værdi"
        case "days" | "minutes":
            one, many = {"days": ("dag", "dage"), "minutes": ("minut", "minutter")}[way]
            return f"Højst {asked} {one if asked == 1 else many} fra hinanden" if asked else f"Samme {one}"
        case "map":
            return "Omkodning: " + ", ".join(f"{old} → {new}" for old, new in asked.items())
        case "level":
            return f"De første {asked} tegn er ens"
        case "normalise" if asked:
            kinds = NORMALISED if asked is True else asked
            return "Samme tekst uden hensyn til " + " og ".join(NORMALISED[kind] for kind in kinds)
        case "not_comparable":
            return f"Sammenlignes ikke: {asked}"
    return "Samme værdi"


def limit(bound: str | None) -> str:
    """`>= 0.90` as `mindst 90 %`; a number above 1 is no share and stands as it is."""
    if bound is None:
        return ""
    sign, number = re.fullmatch(r"([<>]=?)\s*(.*)", bound).groups()
    shown = _percent(float(number)) if abs(float(number)) <= 1 else _number(float(number))
    return f"{SIGNS[sign]} {shown}"


def _population(part: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """The conditions on register events, flat: where they ask, and for what."""
    if isinstance(part, Mapping):
        for key, inner in part.items():
            yield from _population(inner, (*path, POPULATION.get(key, str(key))))
    elif isinstance(part, list | tuple) and any(isinstance(one, Mapping) for one in part):
        for one in part:
            yield from _population(one, path)
    else:
        asked = ", ".join(str(one) for one in part) if isinstance(part, list | tuple) else str(part)
        yield " · ".join(path), asked


def _indicators(spec: DatabaseSpec) -> list[tuple[str | None, ...]]:
    return [
        (name, one.label and one.label.da, one.denominator, one.numerator, limit(one.standard), one.unknown, one.source)
        for name, one in spec.indicators.items()
    ]


def _match_row(number: int, stage: MatchRule) -> tuple[str, ...]:
    near = [f"{name} ± {days} {'dag' if days == 1 else 'dage'}" for name, days in stage.within.items()]
    alone = "ja" if stage.unambiguous else "nej"
    return str(number), stage.rule, ", ".join(stage.on), ", ".join(near), alone


def _gates(spec: DatabaseSpec) -> list[tuple[str, ...]]:
    return [
        (name, CONDITIONS.get(asked, asked), limit(bound), _percent(gate.confidence), str(gate.minimum))
        for name, gate in spec.gates.items()
        for asked, bound in gate.conditions.items()
    ]


def _settling(spec: DatabaseSpec) -> list[tuple[str, int]]:
    days = spec.settling_days
    return [("alle kilder", days)] if isinstance(days, int) else list(days.items())


def _formats(schemas: Mapping[tuple[str, str], SourceSchema]) -> list[dict[str, Any]]:
    """Each version of a format with its fields, and what it added and left out since the version before."""
    ordered = sorted(schemas.items())
    before = [None, *(schema for _, schema in ordered)]
    return [
        {
            "source": schema.source,
            "version": schema.version,
            "valid": _period(schema.valid),
            "identity": [(field, column) for column, field in schema.identity.items()],
            "fields": [
                (name, field.variable, _words(field.values), _words(field.missing), _factor(field.factor))
                for name, field in schema.fields.items()
            ],
            "changes": _changes(earlier, schema),
        }
        for earlier, (_, schema) in zip(before, ordered, strict=False)
    ]


def _changes(earlier: SourceSchema | None, schema: SourceSchema) -> str:
    if earlier is None or earlier.source != schema.source:
        return ""
    new = [name for name in schema.fields if name not in earlier.fields]
    gone = [name for name in earlier.fields if name not in schema.fields]
    return f"Siden {earlier.version}: nye felter {', '.join(new) or '–'}; udgåede felter {', '.join(gone) or '–'}."


def _factor(factor: float) -> str:
    return "" if factor == 1 else _number(factor)


def _words(words: Mapping[str, str]) -> str:
    return ", ".join(f"{word} → {code}" for word, code in words.items())


def _period(valid: Validity) -> str:
    said = [("fra", valid.from_), ("til", valid.until)]
    return " ".join(f"{word} {_date(day)}" for word, day in said if day)


def _date(day: dt.date | None) -> str:
    return f"{day:%d-%m-%Y}" if day else ""


def _number(number: float) -> str:
    return format_decimal(number, format="0.######", locale="da")


def _percent(share: float) -> str:
    return format_percent(share, format="#,##0.## %", locale="da")
