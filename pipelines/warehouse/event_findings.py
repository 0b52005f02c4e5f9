"""What is wrong with the events: cells that did not cast, children without a parent, codes outside their rules.

Every finding names receipt, line and rule, never a value; the row itself stays among the events.
"""

from __future__ import annotations

import duckdb
import polars as pl

from pipelines.spec.event_tables import EVENT_TABLES
from pipelines.spec.sor import is_sor, looks_like_sor

REASONS = {
    "event.no_contact": "Rækkens kontakt findes ikke blandt kontakterne; den er med uden kontakt.",
    "event.no_person": "Rækken kan ikke føres til en person, hverken gennem kontakt eller forløb.",
    "event.no_parent": "Tillægskoden har ingen overordnet kode i sin procedure.",
    "event.no_end": "Kontakten er meldt afsluttet, men har intet sluttidspunkt.",
    "code.unknown": "Koden findes ikke i SKS.",
    "code.not_valid": "Koden er ikke gyldig på kontaktens eller procedurens dato.",
    "code.sex": "Koden bruges ikke til personer af dette køn.",
    "code.age": "Koden bruges ikke til personer i denne alder.",
    "unit.unknown": "SOR-koden findes ikke blandt organisationerne.",
    "unit.check_digit": "SOR-koden har forkert kontrolciffer.",
    "person.changed_twice": "Personnummeret er meldt ændret til flere forskellige numre; det er ikke ændret her.",
}
ERRORS = ("event.no_person", "unit.check_digit", "person.changed_twice")
CODED = {"diagnosis": "contact.starts", "procedure": "coalesce(said.starts, contact.starts)"}


def event_findings(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The findings about all that stands and all cells that arrived, with the columns of findings.parquet.

    Codes are held against `sks_codes` where that list has been loaded (events.load_codes), on the day of
    the contact or procedure; an empty list judges nothing. Likewise units against `organisations`.
    """
    connection.register("wrong_units", _wrong_units(connection))
    queries = [_complaints(), *_lost(), *_codes(), _open_but_closed(), *_units(), _changed_twice()]
    found = connection.execute(" union all ".join(queries) + " order by receipt_id, line, rule, variable").pl()
    connection.unregister("wrong_units")
    reasons = pl.col("rule").replace_strict(REASONS, default=None, return_dtype=pl.String)
    error = pl.when(pl.col("rule").is_in(ERRORS)).then(pl.lit("error")).otherwise(pl.lit("warning"))
    return found.with_columns(severity=pl.col("severity").fill_null(error), reason=pl.col("reason").fill_null(reasons))


def _found(rule: str, variable: str, record: str, rows: str) -> str:
    """A query of findings of one rule; severity and reason are filled in by the rule's name."""
    return (
        f"select said.receipt_id, said.line, {record} as record_id, '{variable}' as variable, '{rule}' as rule, "
        f"null::varchar as severity, null::varchar as reason from {rows}"
    )


def _complaints() -> str:
    return "select receipt_id, line, null::varchar as record_id, variable, rule, severity, reason from event_complaints"


def _lost() -> list[str]:
    """Children without a contact, a person or a parent code."""
    orphan = "said anti join contact on contact.contact_id = said.contact_id"
    parents = (
        "from procedure parent where parent.procedure_id = said.procedure_id and parent.code = said.parent_code"
        " and parent.type <> '+'"
    )
    return [
        *(_found("event.no_contact", "contact_id", _record(e), f"{e} {orphan}") for e in ("diagnosis", "procedure")),
        *(
            _found("event.no_person", "person", _record(e), f"{e} said where person is null")
            for e in ("diagnosis", "procedure", "result")
        ),
        _found("event.no_parent", "parent_code", _record("procedure"),
               f"procedure said where type = '+' and not exists ({parents})"),
    ]  # fmt: skip


def _codes() -> list[str]:
    """Codes that SKS does not have, or not on that day, for that sex or at that age."""
    return [query for event in CODED for query in _codes_of(event)]


def _codes_of(event: str) -> list[str]:
    sks = "code in (select code from sks_codes)"
    valid = "(from sks_codes c where c.code = said.code and said.day between c.valid_from and c.valid_until)"
    years = "date_sub('year', person.birth_date, day)"
    broken = {
        "code.unknown": f"{_dated(event)} where exists (from sks_codes) and not {sks}",
        "code.not_valid": f"{_dated(event)} where {sks} and day is not null and not exists {valid}",
        "code.sex": f"{_limited(event)} where code.sex <> person.sex",
        "code.age": f"{_limited(event)} where {years} < code.min_age or {years} > code.max_age",
    }
    return [_found(rule, "code", _record(event), rows) for rule, rows in broken.items()]


def _dated(event: str) -> str:
    """An event's coded rows with the day on which the code must be valid."""
    return (
        f"(select said.*, ({CODED[event]})::date as day from {event} said "
        f"left join contact on contact.contact_id = said.contact_id) said"
    )


def _limited(event: str) -> str:
    """The same with the code's limits on that day, and the person."""
    return (
        f"{_dated(event)} join sks_codes code on code.code = said.code "
        "and said.day between code.valid_from and code.valid_until join person on person.person = said.person"
    )


def _open_but_closed() -> str:
    """An open contact has no end; one that is said to be closed must have."""
    return _found("event.no_end", "ends", _record("contact"), "contact said where closed and ends is null")


def _units() -> list[str]:
    return [
        _found(rule, "unit", _record("contact"),
               f"contact said join wrong_units on wrong_units.unit = said.unit and wrong_units.rule = '{rule}'")
        for rule in ("unit.check_digit", "unit.unknown")
    ]  # fmt: skip


def _changed_twice() -> str:
    rows = (
        "person_number said semi join (select person from person_number group by person "
        "having count(distinct current_person) > 1) twice on twice.person = said.person"
    )
    return _found("person.changed_twice", "current_person", "null::varchar", rows)


def _wrong_units(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Units meant as SOR ids whose check digit is wrong, or which the organisation list does not have.

    A unit without its place in that list has neither SHAK nor region. An empty list judges nothing.
    """
    units = connection.execute("select distinct unit from contact where unit is not null").fetchall()
    known = {sor for (sor,) in connection.execute("select sor from organisations").fetchall()}
    meant = sorted(unit for (unit,) in units if looks_like_sor(unit))
    rules = [(unit, None if is_sor(unit) else "unit.check_digit") for unit in meant]
    told = [(unit, rule or "unit.unknown") for unit, rule in rules if rule or (known and unit not in known)]
    return pl.DataFrame(told, schema={"unit": pl.String, "rule": pl.String}, orient="row")


def _record(event: str) -> str:
    """The event's own id, which is no person's; laboratory and medicine rows have none."""
    return f"said.{EVENT_TABLES[event].entity[0]}"
