"""The published rules of Dansk Hjerterehabiliteringsdatabase (DHRD), one test per sentence.

Beside what a rule takes in stand rows that miss it by little.
"""

from __future__ import annotations

from event_rows import derived, event_spec, ids, values
from published_rows import CONTACTS, ONE, VISIT

REHABILITATION = """
include:
  - {name: ami, contact: {diagnosis: DI21*, type: A}}
  - {name: pci, procedure: KFNG*}
  - {name: cabg, procedure: KFNA..KFNE}
per: person
"""
PARTS = "reason: {type: text, from: {lpr: {event: '*', what: code}}}"


def test_rehabilitation_follows_ami_pci_or_cabg_once_for_each_person():
    contacts = """
    contact_id person starts
    k1         p1     2026-03-01T10:00
    k2         p2     2026-03-02T10:00
    k3         p3     2026-03-03T10:00
    """
    procedures = """
    procedure_id contact_id person code   type starts
    r1           k1         p1     KFNG05 P    2026-03-01T12:00
    r2           k2         p2     KFNC10 P    2026-03-02T12:00
    r3           k3         p3     KFNF00 P    2026-03-03T12:00
    """
    found = derived(
        event_spec(REHABILITATION, PARTS),
        contact=contacts, procedure=procedures, diagnosis="contact_id code type\nk1 DI210 A",
    ).records  # fmt: skip
    assert found.select("person", "reason").rows() == [("p1", "ami"), ("p2", "cabg")]


def test_a_suspected_stable_patient_needs_a_significant_stenosis_at_angiography():
    spec = event_spec("{include: {procedure: UXAC85, with: {diagnosis: DI251*, type: [A, B], same: contact}}}")
    procedures = """
    procedure_id contact_id person code   type starts
    r1           k1         p1     UXAC85 P    2026-03-01T12:00
    r2           k2         p2     UXAC85 P    2026-03-01T12:00
    """
    assert ids(spec, contact=CONTACTS, procedure=procedures, diagnosis="contact_id code type\nk1 DI251 A") == ["k1"]


def test_ldl_at_one_year_is_the_result_closest_to_that_day():
    spec = event_spec(
        ONE,
        """
        ldl: {type: decimal, missing: {unknown: Uoplyst},
          from: {lab: {lab: [NPU01568, NPU10171], window: {after: event, days: [275, 455]},
            pick: closest, if_none: unknown}}}
        """,
    )
    rows = """
    person code     number taken
    p1     NPU01568 1.4    2027-03-01T08:00
    p1     NPU10171 1.9    2026-12-01T08:00
    p1     NPU01568 4.4    2026-03-01T08:00
    """
    assert values(spec, "ldl", contact=VISIT, lab=rows) == [1.9]  # closest to the window's anchor
    assert values(spec, "ldl", contact=VISIT) == ["missing: unknown"]


def test_municipal_rehabilitation_is_unknown_where_the_municipality_sends_nothing():
    spec = event_spec(
        ONE,
        """
        rehabilitation: {type: yes_no, missing: {unknown: Uoplyst},
          from: {municipal: {municipal: '*', type: encounter,
            window: {after: event, days: 180}, if_none: unknown}}}
        """,
    )
    rows = "person kind code starts\np1 encounter G1.34 2026-04-01T09:00"
    assert values(spec, "rehabilitation", contact=VISIT, municipal=rows) == ["yes"]
    assert values(spec, "rehabilitation", contact=VISIT) == ["missing: unknown"]
