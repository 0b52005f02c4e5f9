"""The event tables seen in one shape, so that one way of choosing and picking fits them all. Pure SQL text.

Every view has: table, id, person, contact_id, course_id, unit, region, starts, ends, code, type, parent,
number, text, receipt_id, line. The meaning of code, number and text is told in `derivation`. A person has the
number in force: the event tables carry it, and the register of persons says it (current_person).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.derivation import Events, Table, range_of

# A value code carries a whole number behind its three letters (VPH0025 is 25): domain fact of SKS chapter V.
VALUE_OF_CODE = "try_cast(regexp_extract(code, '^V[A-Z]{2}([0-9]+)$', 1) as double)"


def _view(table: str, source: str, **columns: str) -> str:
    """One view; a column that the register does not have is null."""
    kinds = {"starts": "timestamp", "ends": "timestamp", "number": "double"}
    names = ("id", "person", "contact_id", "course_id", "unit", "region", "starts", "ends")
    named = [
        f"({columns.get(name, 'null')})::{kinds.get(name, 'varchar')} as {name}"
        for name in (*names, "code", "type", "parent", "number", "text")
    ]
    receipt = columns.get("receipt", "")
    return (
        f"select '{table}' as \"table\", {', '.join(named)}, {receipt}receipt_id as receipt_id, {receipt}line as line "
        f"from {source}"
    )


# Reported under a contact: person, course and place are the contact's where the row says none.
_OF_CONTACT = {
    "person": "coalesce(r.person, c.person)", "contact_id": "r.contact_id", "receipt": "r.",
}  # fmt: skip


def views(contacts: str = "contact") -> dict[Table, str]:
    """Every event table in the common shape; what is reported under a contact is joined with `contacts`."""
    return {
        "contact": _view(
            "contact", contacts, id="contact_id", person="person", contact_id="contact_id", course_id="course_id",
            unit="unit", region="region", starts="starts", ends="ends", code="contact_type",
            number="date_diff('microsecond', starts, ends) / 3.6e9", text="priority",
        ),
        "diagnosis": _view(
            "diagnosis", f"diagnosis r join {contacts} c on c.contact_id = r.contact_id where r.retracted is not true",
            **_OF_CONTACT, course_id="c.course_id", unit="c.unit", region="c.region", starts="c.starts",
            ends="c.ends", code="r.code", type="r.type", parent="r.parent_code",
        ),
        "procedure": _view(
            "procedure", f"procedure r left join {contacts} c on c.contact_id = r.contact_id",
            **_OF_CONTACT, id="r.procedure_id", course_id="coalesce(r.course_id, c.course_id)",
            unit="coalesce(r.unit, c.unit)", region="c.region", starts="r.starts", code="r.code", type="r.type",
            parent="r.parent_code", number=VALUE_OF_CODE.replace("code", "r.code"),
        ),
        "result": _view(
            "result", f"result r left join {contacts} c on c.contact_id = r.contact_id",
            **_OF_CONTACT, course_id="c.course_id", unit="c.unit", region="c.region", starts="r.taken",
            code="r.code", parent="r.trigger_code", number="r.number", text="r.text",
        ),
        "lab": _view(
            "lab", "lab", person="person", starts="taken", code="code", type="operator", number="number", text="text"
        ),
        "medicine": _view("medicine", "medicine", person="person", starts="dispensed", code="atc", number="packages"),
        "person": " union all ".join(
            _view(
                "person", "person", person="coalesce(current_person, person)", starts=day, code=f"'{code}'", text="sex"
            )
            for code, day in (("born", "birth_date"), ("died", "died"), ("emigrated", "emigrated"))
        ),
        "death": _view("death", "death", person="person", starts="died", code="cause"),
        "municipal": _view(
            "municipal", "municipal", person="person", starts="starts", ends="ends", code="code", type="kind"
        ),
    }  # fmt: skip


def relations() -> dict[Table, str]:
    """Every event table as a relation to select from; the record's own event stands in the population."""
    own = _view(
        "event", "derived_population", id="record_id", person="person", contact_id="contact_id",
        course_id="course_id", unit="unit", region="region", starts="starts", ends="ends", code="included_as",
        number="number", text="code",
    )  # fmt: skip
    own = own.replace(" from derived_population", ", evidence as own_evidence from derived_population")
    return {**{table: f"({view})" for table, view in views().items()}, "event": f"({own})"}


OWN_CONTACTS = "select * from contact where person in (select person from derived_population)"


def gather(table: Table, patterns: Iterable[str], of_population: bool) -> str:
    """The rows of one event table that may be needed, in one pass: all persons', or those of the population,
    whose contacts then stand in `own_contact` (OWN_CONTACTS)."""
    if not of_population:
        return f"select * from ({views()[table]}) where {matches('code', patterns)}"
    return (
        f"select * from ({views('own_contact')[table]}) where {matches('code', patterns)} "
        f"and person in (select person from derived_population)"
    )


def matches(column: str, patterns: Iterable[str]) -> str:
    """Whether a code is one of the patterns: itself, everything below `DJ44*`, a range `DJ13..DJ18`, or any."""
    patterns = sorted(set(patterns))
    if "*" in patterns:
        return "true"
    whole = [p for p in patterns if not p.endswith("*") and not range_of(p)]
    parts = [f"{column} in ({', '.join(quoted(code) for code in whole)})"] if whole else []
    parts += [f"starts_with({column}, {quoted(p[:-1])})" for p in patterns if p.endswith("*")]
    for low, high in filter(None, map(range_of, patterns)):
        parts.append(f"substr({column}, 1, {len(low)}) between {quoted(low)} and {quoted(high)}")
    return f"({' or '.join(parts)})"


def needed(chosen: Iterable[Events]) -> Mapping[Table, list[str]]:
    """Every event table that is read, with all the patterns that are asked of it."""
    found: dict[Table, list[str]] = {}
    for events in chosen:
        for part in events.all_events():
            if part.table != "event":
                found.setdefault(part.table, []).extend(part.codes)
    return dict(sorted(found.items()))
