"""The event tables seen in one shape, so that one way of choosing and picking fits them all. Pure SQL text.

Every view has: table, id, person, contact_id, course_id, unit, region, starts, ends, code, type, parent,
number, text, receipt_id, line. The meaning of code, number and text is told in `derivation`. A person has the
number in force: the event tables carry it, and the register of persons says it (current_person).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.derivation import Events, Table, range_of

# A value code carries a whole number behind its three letters (VPH0025 is 25): domain fact of SKS chapter V.
VALUE_OF_CODE = "try_cast(regexp_extract(code, '^V[A-Z]{2}([0-9]+)$', 1) as double)"


# What is read of each event table; its codes stand in the column that CODE names, in `code` where it names none.
COLUMNS: dict[Table, tuple[str, ...]] = {
    "contact": ("contact_id", "course_id", "person", "unit", "region", "starts", "ends", "contact_type", "priority"),
    "diagnosis": ("contact_id", "person", "code", "type", "parent_code", "retracted"),
    "procedure": (
        "procedure_id", "contact_id", "course_id", "person", "code", "type", "parent_code", "starts", "unit",
    ),
    "result": ("contact_id", "person", "trigger_code", "code", "number", "text", "taken"),
    "lab": ("person", "code", "operator", "number", "text", "taken"),
    "medicine": ("person", "atc", "dispensed", "packages"),
    "person": ("person", "current_person", "birth_date", "sex", "died", "emigrated"),
    "death": ("person", "died", "cause"),
    "municipal": ("person", "kind", "code", "starts", "ends"),
}  # fmt: skip
CODE: dict[Table, str] = {"contact": "contact_type", "medicine": "atc", "death": "cause"}
OF_CONTACT: tuple[Table, ...] = ("diagnosis", "procedure", "result")  # may leave their person to their contact


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


def views(standing: Mapping[Table, str] = MappingProxyType({})) -> dict[Table, str]:
    """Every event table in the common shape; `standing` names the relations that are read instead of some tables."""
    at = {table: standing.get(table, table) for table in COLUMNS}
    return {
        "contact": _view(
            "contact", at["contact"], id="contact_id", person="person", contact_id="contact_id", course_id="course_id",
            unit="unit", region="region", starts="starts", ends="ends", code="contact_type",
            number="date_diff('microsecond', starts, ends) / 3.6e9", text="priority",
        ),
        "diagnosis": _view(
            "diagnosis",
            f"{at['diagnosis']} r join {at['contact']} c on c.contact_id = r.contact_id where r.retracted is not true",
            **_OF_CONTACT, course_id="c.course_id", unit="c.unit", region="c.region", starts="c.starts",
            ends="c.ends", code="r.code", type="r.type", parent="r.parent_code",
        ),
        "procedure": _view(
            "procedure", f"{at['procedure']} r left join {at['contact']} c on c.contact_id = r.contact_id",
            **_OF_CONTACT, id="r.procedure_id", course_id="coalesce(r.course_id, c.course_id)",
            unit="coalesce(r.unit, c.unit)", region="c.region", starts="r.starts", code="r.code", type="r.type",
            parent="r.parent_code", number=VALUE_OF_CODE.replace("code", "r.code"),
        ),
        "result": _view(
            "result", f"{at['result']} r left join {at['contact']} c on c.contact_id = r.contact_id",
            **_OF_CONTACT, course_id="c.course_id", unit="c.unit", region="c.region", starts="r.taken",
            code="r.code", parent="r.trigger_code", number="r.number", text="r.text",
        ),
        "lab": _view(
            "lab", at["lab"], person="person", starts="taken", code="code", type="operator", number="number",
            text="text",
        ),
        "medicine": _view(
            "medicine", at["medicine"], person="person", starts="dispensed", code="atc", number="packages",
        ),
        "person": " union all ".join(
            _view(
                "person", at["person"], person="coalesce(current_person, person)", starts=day, code=f"'{code}'",
                text="sex",
            )
            for code, day in (("born", "birth_date"), ("died", "died"), ("emigrated", "emigrated"))
        ),
        "death": _view("death", at["death"], person="person", starts="died", code="cause"),
        "municipal": _view(
            "municipal", at["municipal"], person="person", starts="starts", ends="ends", code="code", type="kind"
        ),
    }  # fmt: skip


def own_event() -> str:
    """The record's own event, which stands in the population, in the common shape."""
    own = _view(
        "event", "derived_population", id="record_id", person="person", contact_id="contact_id",
        course_id="course_id", unit="unit", region="region", starts="starts", ends="ends", code="included_as",
        number="number", text="code",
    )  # fmt: skip
    return own.replace(" from derived_population", ", evidence as own_evidence from derived_population")


def narrowed(table: Table, patterns: Iterable[str], source: str, persons: str | None = None) -> str:
    """The rows of one event table (standing in `source`) that may be needed, with the columns that views read.

    By code, and by person where `persons` names a relation of them. A row without a person is kept: its contact
    may say whose it is.
    """
    columns = ", ".join((*COLUMNS[table], "receipt_id", "line"))
    parts = ["true" if table == "person" else matches(CODE.get(table, "code"), patterns)]
    if persons:
        whose = "coalesce(current_person, person)" if table == "person" else "person"
        parts.append(f"({whose} is null or {whose} in (select person from {persons}))")
    return f"select {columns} from {source} where {' and '.join(parts)}"


def whose(events: Events, rows: str) -> str:
    """The persons of those of the rows that are chosen by their code and type, by the row or by its contact."""
    chosen = [matches(f"r.{CODE.get(events.table, 'code')}", events.codes)]
    if events.type and "type" in COLUMNS[events.table]:
        chosen.append(f"r.type in ({', '.join(quoted(kind) for kind in events.type)})")
    where = " and ".join(chosen)
    own = f"select r.person from {rows} r where {where} and r.person is not null"
    if events.table not in OF_CONTACT:
        return own
    return (
        f"{own} union select c.person from {rows} r join contact c on c.contact_id = r.contact_id "
        f"where {where} and r.person is null"
    )


def contacts_of(persons: str | None, rows: Iterable[str]) -> str:
    """The contacts of these persons (of nobody where none are named), and those that the rows were reported under,
    whosever they are."""
    columns = ", ".join((*COLUMNS["contact"], "receipt_id", "line"))
    named = " union all ".join(f"select contact_id from {one}" for one in rows)
    parts = [f"person in (select person from {persons})"] if persons else []
    parts += [f"contact_id in ({named})"] if named else []
    return f"select {columns} from contact where {' or '.join(parts) or 'false'}"


def matches(column: str, patterns: Iterable[str]) -> str:
    """Whether a code is one of the patterns: itself, everything below `DJ44*`, a range `DJ13..DJ18`, or any."""
    patterns = sorted(set(patterns))
    if "*" in patterns:
        return "true"
    whole = [p for p in patterns if not p.endswith("*") and not range_of(p)]
    begun = [p[:-1] for p in patterns if p.endswith("*")]
    # DuckDB asks one function of the few different codes while it reads, where `in` and `or` are asked of every row.
    if len(begun) + bool(whole) > 1:
        ends = [*map(re.escape, begun), *(f"{re.escape(code)}$" for code in whole)]
        parts = [f"regexp_matches({column}, {quoted('^(?:' + '|'.join(ends) + ')')})"]
    else:
        parts = [f"list_contains([{', '.join(quoted(code) for code in whole)}], {column})"] if whole else []
        parts += [f"starts_with({column}, {quoted(head)})" for head in begun]
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
