"""What the registers deliver of the events: an earlier delivery in LPR_F, a later one in LPR_A that corrects it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from pipelines.synthetic.background import background, traps, wrong_at_first
from pipelines.synthetic.events import Event
from pipelines.synthetic.faults import Plan
from pipelines.synthetic.municipal_files import municipal_files
from pipelines.synthetic.patients import person_numbers
from pipelines.synthetic.register_files import (
    LAYOUTS_A,
    LAYOUTS_F,
    changed_numbers_file,
    deaths_file,
    delivery,
    persons_file,
    withdrawn_file,
)
from pipelines.synthetic.streams import stream

BEFORE = dt.timedelta(days=180)  # the earlier delivery's content date, before the reference date
CHANGED = 0.01  # share of the persons whose number was another one when the earlier delivery was made
OF_CONTACT = ("contact", "diagnosis")
OTHER_ILLNESS = 700  # days within which it comes


def register_files(
    events: Sequence[Event],
    persons: pl.DataFrame,
    plan: Plan,
    changed: Mapping[str, str] | None = None,
    series: str = "",
) -> dict[str, bytes]:
    """Every register's files by path, with other illness and traps beside the events.

    `changed` (present number → the one before it) are drawn for some persons where they are not said. What is
    numbered is so within its `series`.
    """
    units = sorted({event.unit for event in events if event.unit})
    days = min(OTHER_ILLNESS, (plan.reference_date - plan.from_date).days)
    rng = stream(plan.seed, "other illness")
    other = background(persons["person"].to_list(), units, plan.from_date, days, rng, series) if units else ()
    died = {event.person: event.starts for event in events if (event.table, event.code) == ("person", "died")}
    gone = died | _emigrated(persons)
    beside = [event for event in other if event.starts < gone.get(event.person, dt.datetime.max)]
    everything = [*events, *beside, *traps(events, stream(plan.seed, "traps"))]
    now = plan.reference_date
    earlier, later = _deliveries(everything, now - BEFORE, stream(plan.seed, "deliveries"))
    changed = _changed_numbers(persons, stream(plan.seed, "changed numbers")) if changed is None else changed
    return (
        delivery(
            [replace(event, person=changed.get(event.person, event.person)) for event in earlier],
            LAYOUTS_F,
            now - BEFORE,
        )
        | delivery(later, LAYOUTS_A, now)
        | withdrawn_file([event for event in events if event.table == "procedure" and event.retracted], now)
        | persons_file(persons, died, now)
        | changed_numbers_file(changed, now)
        | deaths_file(died, now)
        | municipal_files(everything, now, series)
    )


def _emigrated(persons: pl.DataFrame) -> dict[str, dt.datetime]:
    left = persons.filter(pl.col("emigrated").is_not_null()).select("person", pl.col("emigrated").cast(pl.Datetime))
    return dict(left.iter_rows())


def _deliveries(events: Sequence[Event], day: dt.date, rng: np.random.Generator) -> tuple[list[Event], list[Event]]:
    """What was known on the earlier day, and what came or was corrected afterwards.

    A correction says the contact with all its diagnoses anew, as LPR does.
    """
    known = [event for event in events if event.starts.date() <= day]
    first = [_open_then(event, day) for event in wrong_at_first(known, rng)]
    corrected = {now.contact for now, then in zip(known, first, strict=True) if now != then and now.table in OF_CONTACT}
    anew = [event for event in known if event.table in OF_CONTACT and event.contact in corrected]
    return first, [*(event for event in events if event.starts.date() > day), *anew]


def _open_then(event: Event, day: dt.date) -> Event:
    """A contact that had not ended on the day was open then."""
    open_then = event.table == "contact" and event.ends is not None and event.ends.date() > day
    return replace(event, ends=None) if open_then else event


def _changed_numbers(persons: pl.DataFrame, rng: np.random.Generator) -> dict[str, str]:
    """Present number → the one before it, for some persons; the day of birth is the same."""
    chosen = persons.filter(pl.Series(rng.random(persons.height) < CHANGED))
    born = chosen["birth_date"].to_numpy().astype("datetime64[D]")
    return dict(zip(chosen["person"], person_numbers(born, set(persons["person"]), rng), strict=True))
