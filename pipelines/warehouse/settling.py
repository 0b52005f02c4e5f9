"""What stands of the events: the latest word on every entity, whatever the order in which deliveries came.

A correction or deletion that is known later replaces what it corrects; the histories keep both.
"""

from __future__ import annotations

import duckdb

from pipelines.spec.event_tables import EVENT_TABLES
from pipelines.spec.to_events import history_columns

# These belong to a contact. A procedure may lack it (flag_proc_uden_kont; in LPR_F for whole deliveries):
# then its course says whose it is.
CHILDREN = ("diagnosis", "procedure", "result")
PERSONS = ("person_number", "person")
SOMEWHERE = ("contact", "course")

# A number changed twice leads to the last one; a ring of changes leads nowhere and is left as it is.
PRESENT_NUMBER = """
    with recursive changed as (
        select person, min(current_person) as current_person from (
            select person, current_person from person_number union all select person, current_person from person)
        where current_person <> person
        group by person having count(distinct current_person) = 1),
    followed as (
        select person, current_person, 1 as steps from changed
        union all
        select followed.person, changed.current_person, steps + 1
        from followed join changed on changed.person = followed.current_person where steps < 20)
    select person, current_person from followed
    where not exists (from changed where changed.person = followed.current_person)
    """

# A course is one person's; where its rows disagree nobody is named.
OF_COURSE = """
    select course_id, min(person) as person from (
        select course_id, person from course union all by name select course_id, person from contact)
    where course_id is not null and person is not null
    group by course_id having count(distinct person) = 1
    """


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of what stands (`contact`, `diagnosis`, …) from the histories.

    Persons are called by their present number, units by SHAK where the organisations know their SOR; children
    of a contact have its person and course. Retracted diagnoses (senere afkræftet) do not stand, and null is
    not retracted. Made anew at each call.
    """
    for event in PERSONS:
        _make(connection, event, _standing(event))
    _make(connection, "present_number", PRESENT_NUMBER)
    for event in (event for event in EVENT_TABLES if event not in (*PERSONS, *CHILDREN)):
        standing = _standing(event)
        _make(connection, event, _by_present_number(_at_shak(standing) if event in SOMEWHERE else standing))
    _make(connection, "of_course", OF_COURSE)
    for event in CHILDREN:
        _make(connection, event, _by_present_number(_child(event)))
    _make(connection, "person", _with_present_number())


def _make(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    connection.execute(f"create or replace table {name} as {query}")


def _standing(event: str) -> str:
    """The latest rows of every entity that is not deleted.

    Later is: known later (the row's report time, else the delivery's content date), then of a later content
    date; a deletion wins over what was known at the same time. Without its key an entity is never replaced.

    Most entities are said once: a hash of the key finds those (two keys of one hash only mean that more rows
    are looked at), and only the others are ranked.
    """
    columns = ", ".join(f'"{name}"' for name in history_columns(event) if name != "deleted")
    return f"""
        with own as (from {event}_history where {_own_register(event)}),
        again as (select {_mark(event)} as mark from own group by mark having {_said_again(event)})
        select {columns} from own where not deleted and {_mark(event)} not in (select mark from again)
        union all
        select {columns} from (
            from own where {_mark(event)} in (select mark from again) {_latest(event)}
        ) where not deleted {_once(event)}
        """


def _mark(event: str) -> str:
    return f"hash({', '.join(EVENT_TABLES[event].entity)})"


def _said_again(event: str) -> str:
    """Whether an entity has several rows, of which some may give way to others."""
    table = EVENT_TABLES[event]
    if table.row:
        return "count(*) > 1"
    reported = " or min(reported) is distinct from max(reported)" if "reported" in table.columns else ""
    return f"min(receipt_id) <> max(receipt_id){reported}"


def _latest(event: str) -> str:
    table = EVENT_TABLES[event]
    known = "coalesce(reported, content_date)" if "reported" in table.columns else "content_date"
    order = f"{known} desc nulls last, content_date desc nulls last, deleted desc, receipt_id desc"
    keyed = f"{table.entity[0]} is not null"
    return f"qualify not {keyed} or rank() over (partition by {', '.join(table.entity)} order by {order}) = 1"


def _own_register(event: str) -> str:
    """LPR_A and LPR_F repeat contacts of LPR2 (registers-guide, pitfall 5): for those LPR2's own tables count.

    MiniPAS (private providers) is not called LPR3 and stays; so does a row that does not say its system.
    """
    if "system" not in EVENT_TABLES[event].columns:
        return "true"
    return "(variant = 'lpr_2' or coalesce(system, 'LPR3') not in ('LPR1', 'LPR2'))"


def _once(event: str) -> str:
    """A row said twice in one delivery stands once, where the event's rows can be told apart."""
    row = EVENT_TABLES[event].row
    if not row:
        return ""
    keyed = f"{EVENT_TABLES[event].entity[0]} is not null"
    return f"qualify not {keyed} or row_number() over (partition by {', '.join(row)} order by line) = 1"


def _at_shak(standing: str) -> str:
    """Units by SHAK and regions by the organisation list, on the day in question; else as they were said."""
    return f"""
        select said.* replace (coalesce(place.shak, said.unit) as unit, coalesce(said.region, place.region) as region)
        from ({standing}) said left join organisations place on place.sor = said.unit
            and coalesce(said.starts::date between place.valid_from and place.valid_until, false)
        """


def _by_present_number(rows: str) -> str:
    return (
        "select said.* replace (coalesce(number.current_person, said.person) as person) "
        f"from ({rows}) said left join present_number number on number.person = said.person"
    )


def _child(event: str) -> str:
    """A child of a contact: its own person, else the contact's, else the course's; likewise its course.

    Children of a contact that was said and does not stand (deleted, or LPR2's) do not stand either; those of a
    contact that was never said do, without one.
    """
    course = "said.course_id" if "course_id" in EVENT_TABLES[event].columns else "null::varchar"
    known = (
        "said.* exclude (person, course_id)"
        if "course_id" in EVENT_TABLES[event].columns
        else "said.* exclude (person)"
    )
    retracted = "not coalesce(said.retracted, false)" if event == "diagnosis" else "true"
    return f"""
        select {known},
            coalesce(said.person, contact.person, of_course.person) as person,
            coalesce({course}, contact.course_id) as course_id
        from ({_standing(event)}) said
        left join contact on contact.contact_id = said.contact_id
        left join of_course on of_course.course_id = {course}
        where {retracted} and (contact.contact_id is not null or not exists (
            from contact_history gone where gone.contact_id = said.contact_id))
        """


def _with_present_number() -> str:
    """Every number with the present one of its person, also where that is itself."""
    return (
        "select said.* replace (coalesce(number.current_person, said.person) as current_person) "
        "from person said left join present_number number on number.person = said.person"
    )
