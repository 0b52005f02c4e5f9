"""What else stands in the registers and must change nothing: other illness, old measurements, and the known traps.

The traps are those of the registers-guide (steno-aarhus): contacts of LPR2 said again, diagnoses retracted later,
results such as "<5", procedures without a contact, an earlier delivery that was wrong.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from pipelines.synthetic.events import Event

OTHER_DIAGNOSES = ("DM545", "DZ039", "DK529", "DH919", "DS619")
OTHER_MEDICINE = ("N02BE01", "J01CA04", "A02BC01")
OTHER_RESULT = "NPU19748"  # C-reactive protein, often reported as "<5"
LONG_AGO = dt.timedelta(days=4400)  # farther back than any window of a specification looks
OTHERS = 0.1  # share of the persons with contacts of other kinds
TRAPS = 0.05  # share of the contacts or events that a trap takes


def background(
    persons: Sequence[str], units: Sequence[str], begin: dt.date, days: int, rng: np.random.Generator, series: str = ""
) -> Iterator[Event]:
    """Events of other illness for some of the persons, in so many days from `begin`; contacts are numbered within
    their `series`."""
    for place in np.flatnonzero(rng.random(len(persons)) < OTHERS):
        person, after = persons[place], rng.integers(0, days, 3).tolist()
        when = [dt.datetime.combine(begin + dt.timedelta(days=day), dt.time(9)) for day in after]
        number, unit = f"O{series}{place:06d}", str(rng.choice(units))
        yield from _visit(person, number, unit, when[0], str(rng.choice(OTHER_DIAGNOSES)))
        yield Event("medicine", person, when[1], str(rng.choice(OTHER_MEDICINE)), number=1.0)
        yield Event("lab", person, when[2], OTHER_RESULT, text="<5")


def _visit(person: str, number: str, unit: str, when: dt.datetime, code: str) -> Iterator[Event]:
    """A planned contact of another clinic, with a tillægskode and a procedure that names its course only."""
    of = {"contact": number, "course": f"{number}-F", "unit": unit}
    yield Event("contact", person, when, "ALCA00", when + dt.timedelta(minutes=30), text="ATA3", **of)
    yield Event("diagnosis", person, when, code, type="A", **of)
    yield Event("diagnosis", person, when, "TUL1", type="+", parent=code, **of)
    yield Event("procedure", person, when, "ZZ0150A", id=f"{number}-P", type="P", **of | {"contact": None})


def traps(events: Sequence[Event], rng: np.random.Generator) -> Iterator[Event]:
    """Rows beside the true ones that a reader must not take for events."""
    contacts = {event.contact: event for event in events if event.table == "contact"}
    for event in events:
        if rng.random() >= TRAPS:
            continue
        if event.table in ("lab", "medicine"):
            yield replace(event, starts=event.starts - LONG_AGO)
        elif event.table == "diagnosis" and event.contact in contacts and not event.retracted:
            yield from _said_in_lpr2(contacts[event.contact], event)
            yield from _retracted(contacts[event.contact], event)


def _said_in_lpr2(contact: Event, diagnosis: Event) -> Iterator[Event]:
    """LPR3's tables repeat contacts of LPR2, whose own tables count (registers-guide, pitfall 5)."""
    again = {"contact": f"{contact.contact}-2", "course": f"{contact.contact}-2", "system": "LPR2"}
    yield replace(contact, **again)
    yield replace(diagnosis, **again)


def _retracted(contact: Event, diagnosis: Event) -> Iterator[Event]:
    """A suspicion on another contact that was refuted later (senere afkræftet)."""
    when = contact.starts - dt.timedelta(days=20)
    other = {"contact": f"{contact.contact}-R", "course": f"{contact.contact}-RF", "starts": when}
    yield replace(contact, **other, ends=when + dt.timedelta(minutes=30), code="ALCA00", text="ATA3")
    yield replace(diagnosis, **other, retracted=True)


def wrong_at_first(events: Sequence[Event], rng: np.random.Generator) -> list[Event]:
    """The rows of an earlier delivery, some with another diagnosis, which the later delivery corrects."""
    return [
        replace(event, code="DZ039") if event.table == "diagnosis" and rng.random() < TRAPS else event
        for event in events
    ]
