"""What the sample run says in JSON: its causes, its summary and its gate."""

from __future__ import annotations

CAUSES = [
    {
        "cause_id": "c1",
        "rank": 1,
        "kind": "code_recoded",
        "variables": ["nyha"],
        "slice": {"region": "midtjylland", "ehr_system": "columna"},
        "parameters": {"mapping": {"2": "3"}},
        "explained": 118,
        "in_slice": 240,
        "share": 0.4917,
        "lift": 21.4,
        "q_value": 1e-9,
        "owner": "it_development",
        "sentence": {
            "da": "NYHA-klasse II bliver til III i Region Midtjylland, hvor EPJ-systemet er columna.",
            "en": "NYHA class II becomes III in Region Midtjylland where the EHR system is columna.",
        },
    },
    {
        "cause_id": "c2",
        "rank": 2,
        "kind": "date_shift",
        "variables": ["start_date"],
        "slice": {"unit": "8001101", "period": {"from": "2026-01-01"}},
        "parameters": {"days": 1},
        "explained": 61,
        "in_slice": 61,
        "share": 1.0,
        "lift": None,
        "q_value": 1e-7,
        "owner": "region",
        "sentence": {
            "da": "Dato for første kontakt ligger én dag for sent på Hjertesvigtsklinik, Aalborg siden 01-01-2026.",
            "en": "Date of first contact lies one day late at Hjertesvigtsklinik, Aalborg since 2026.",
        },
    },
    {
        "cause_id": "c3",
        "rank": 3,
        "kind": "period_gap",
        "variables": [],
        "slice": {"region": "sjaelland", "period": {"from": "2026-02-01", "to": "2026-02-28"}},
        "parameters": {"from": "2026-02-01", "to": "2026-02-28"},
        "explained": 40,
        "in_slice": 44,
        "share": 0.909,
        "lift": 30.2,
        "q_value": 1e-6,
        "owner": "region",
        "sentence": {
            "da": "Der mangler ny indberetning fra Region Sjælland i februar 2026.",
            "en": "New reporting from Region Sjælland is missing in February 2026.",
        },
    },
]


def summary() -> dict[str, object]:
    counts = {
        "reported": 2042,
        "new": 2031,
        "pairs": 1973,
        "only_reported": 69,
        "only_new": 58,
        "surplus_reported": 0,
        "surplus_new": 0,
        "not_comparable_reported": 311,
        "not_comparable_new": 127,
        "discrepancies": 300,
        "causes": 3,
    }
    return {
        "database": "dhd",
        "spec_version": "2.0",
        "spec_fingerprint": "f" * 64,
        "reference_date": "2026-03-31",
        "counts": counts,
    }


def gate() -> dict[str, object]:
    def condition(name, outcome, found, low, high, n, **where):
        asked = ">= 0.90" if name.startswith("completeness") else ">= 0.95"
        return {
            "condition": name,
            "asked": asked,
            "found": found,
            "low": low,
            "high": high,
            "n": n,
            "outcome": outcome,
            **where,
        }

    conditions = [
        condition("completeness_of_new", "passed", 0.9672, 0.9588, 0.9739, 2100),
        condition(
            "agreement_each_variable",
            "passed",
            0.9799,
            0.9728,
            0.9852,
            1890,
            of="lvef",
            reason="the whole interval meets what is asked",
        ),
        condition(
            "agreement_each_variable",
            "not_passed",
            0.8,
            0.7814,
            0.8174,
            1890,
            of="nyha",
            reason="the whole interval misses what is asked",
        ),
        condition(
            "agreement_each_variable",
            "cannot_be_judged",
            None,
            None,
            None,
            11,
            of="sglt2",
            reason="fewer than 20",
        ),
    ]
    return {
        "gate": "first_data",
        "outcome": "not_passed",
        "conditions": conditions,
        "evidence": {"summary.json": "0" * 64},
    }
