"""The published rules of the stroke register, one test per sentence.

Beside what a rule takes in stand rows that miss it by little.
"""

from __future__ import annotations

from event_rows import event_spec, ids, values
from published_rows import ONE, VISIT


def test_stroke_is_one_of_five_groups_of_codes():
    spec = event_spec("{include: {contact: {diagnosis: [DI60*, DI61*, DI63*, DI64*, DG45*], type: A}}}")
    contacts = "contact_id person starts\n" + "\n".join(f"k{n} p1 2026-03-0{n}T10:00" for n in range(1, 7))
    diagnoses = "contact_id code type\n" + "\n".join(
        f"k{n} {code} A" for n, code in enumerate(("DI609", "DI61", "DI629", "DI634", "DI649", "DG459"), 1)
    )
    assert ids(spec, contact=contacts, diagnosis=diagnoses) == ["k1", "k2", "k4", "k5", "k6"]


def test_admitted_within_three_hours_of_onset():
    spec = event_spec(
        ONE,
        """
        onset_to_door: {type: integer,
          from: {lpr: {result: ONSET, same: contact, window: {before: event, hours: 3}, what: hours}}}
        """,
    )
    for onset, found in (("2026-03-01T07:00", -3), ("2026-03-01T06:59", None)):
        rows = f"contact_id person code taken\nk1 p1 ONSET {onset}"
        assert values(spec, "onset_to_door", contact=VISIT, result=rows) == [found]
