"""Small specifications and rows of text for them, good and bad, made by Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pipelines.spec.model import DatabaseSpec

MISSING = {"unknown": "Uoplyst", "not_done": "Ikke udført"}
JUNK = ["", " ", "x", "-1", "ÆØÅ", "1,5", "2026-02-30", "unknown", "not_done", "12:60", "a'b", "٣", "1e3"]
TEXTS = {
    "decimal": ["0", "1.5", "80", "80.1", "-4.25", "5"],
    "integer": ["0", "5", "17", "999", "-2"],
    "yes_no": ["yes", "no", "Yes"],
    "code": ["1", "2", "3"],
    "sks": ["DI110", "DI420", "DI50", "di110", "ZZ99999999999"],
    "text": ["AB12", "AB1", "ab12", "XAB12", "AB12\n"],
    "date": ["2026-01-01", "2026-06-30", "2026-07-01", "2021-06-30", "1899-12-31"],
    "timestamp": ["2026-01-01T10:00", "2026-06-30 23:59:59", "2026-07-01T00:00:00", "2021-01-01 00:00"],
}
PERSONS = [
    "", "0101010101", "3002011234", "2502609996", "0107901234", "010190AB12", "0101901AB2", "abc", "290219A",
    "2902006123", "2902013123", "1502779995", "0101010101\n", "01010101019",
]  # fmt: skip


def _variable(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    extra: dict[str, st.SearchStrategy[Any]] = {}
    if kind in ("decimal", "integer"):
        extra["range"] = st.sampled_from([[0, 80], [1.5, 80], [5, 5]])
    if kind == "text":
        extra["pattern"] = st.sampled_from(["^[A-Z]{2}[0-9]+$", r"\w{2}\d+", r"[\d\w]+|AB", "A.*"])
    if kind == "sks":
        extra["codes"] = st.sampled_from([["DI110", "DI42*"], ["DI*"]])
    fixed = {"label": st.just({"da": kind}), "type": st.just(kind)}
    if kind == "code":
        fixed["values"] = st.sampled_from([{"1": "I", "2": "II"}, {"1": "I", "a'b": "II"}])
    optional = {
        "required": st.sampled_from([True, False, {"kip": True}]),
        "missing": st.sampled_from([{}, MISSING]),
        "valid": st.sampled_from([{"from": "2026-01-01"}, {"from": "2021-01-01", "until": "2026-01-01"}]),
        "severity": st.sampled_from([{"range": "error"}, {"required": "warning"}]),
        "only_if": st.sampled_from(["a_integer > 5", "a_yes_no = 'yes'", "a_date is missing"]),
        **extra,
    }
    return st.fixed_dictionaries(fixed, optional=optional)


RULES = [
    "a_decimal < a_integer",
    "a_date is null or a_yes_no = 'yes'",
    "a_date <= when_",
    "a_timestamp >= a_date",
    "not (a_code in ('1', '2') and a_yes_no is missing)",
    "coalesce(a_decimal_missing, '') <> 'not_done' or a_integer between 0 and 10",
    "a_text like 'AB%'",
    "case when a_integer > 5 then a_decimal + 1 > 2 else a_decimal is not null end",
    "a_date - when_ < 3",
    "a_date between '2026-01-01' and '2026-06-30'",
    "a_code <> '3' or a_date in ('2026-01-01')",
]


@st.composite
def specs(draw: st.DrawFn) -> DatabaseSpec:
    """A specification with one variable of each type, and some rules across them."""
    variables = {f"a_{kind}": draw(_variable(kind)) for kind in TEXTS}
    rules = draw(st.lists(st.sampled_from(RULES), unique=True, max_size=3))
    return DatabaseSpec.model_validate(
        {
            "database": "sample",
            "title": {"da": "Prøve"},
            "official": False,
            "version": "1",
            "record": "one record",
            "event_date": "when_",
            "person_number": draw(st.sampled_from(["cpr", "other"])),
            "variables": {"when_": {"label": {"da": "Dato"}, "type": "date"}, **variables},
            "rules": {f"rule_{n}": {"holds": text, "label": {"da": "Reglen holder"}} for n, text in enumerate(rules)},
            "match": [{"rule": "same", "on": ["person", "when_"]}],
            "test_persons": draw(st.sampled_from([(), ("2502609996", "it's")])),
            "units": draw(st.sampled_from([None, "units.csv"])),
        }
    )


def rows() -> st.SearchStrategy[list[dict[str, str]]]:
    """Rows of text as they arrive, for any of the specifications."""
    cells = {f"a_{kind}": st.sampled_from([*texts, *texts, *JUNK]) for kind, texts in TEXTS.items()}
    return st.lists(
        st.fixed_dictionaries(
            {
                "record_id": st.sampled_from(["", "1", "2", "3", "4", "5", "6", "7"]),
                "person": st.sampled_from(PERSONS),
                "unit": st.sampled_from(["", "1301", "6620", "9999"]),
                "when_": st.sampled_from([*TEXTS["date"], *JUNK]),
            }
            | cells
        ),
        max_size=12,
    ).flatmap(lambda made: st.permutations(made + made[:2]))
