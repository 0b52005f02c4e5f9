"""Which rows of the event tables a derivation reads: each table once, by code, then only what its persons have.

A year of the national registers is read in one pass a table. Where everything that makes a record has a named code
beside it, the rows with those codes name the persons who may have a record, and of contacts and persons only theirs
are read. What is kept may be more than is needed, never less: the conditions themselves stand in `derivation_sql`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from pipelines.spec.derivation import Derivation, Population, Table
from pipelines.spec.derivation_sql import people_sql
from pipelines.spec.event_views import OF_CONTACT, contacts_of, narrowed, needed, own_event, views, whose
from pipelines.spec.model import DatabaseSpec

Keep = Callable[[str, str], str]  # a temporary table by its name and the query that fills it; gives the name
NEVER_BY_CODE = ("contact", "person")  # others lean on their rows: whose they are, and when


@dataclass(frozen=True)
class Near:
    """Where the population's rows stand: `kept` event tables, for which `codes`; `tables` in the common shape."""

    kept: Mapping[Table, str]
    codes: Mapping[Table, frozenset[str]]
    tables: Mapping[Table, str]


@contextmanager
def working_tables(connection: duckdb.DuckDBPyConnection) -> Iterator[Keep]:
    """A function that keeps a query's answer as a temporary table until the end."""
    kept: list[str] = []

    def keep(name: str, query: str) -> str:
        connection.execute(f'create temp table "{name}" as {query}')
        kept.append(name)
        return name

    try:
        yield keep
    finally:
        for name in kept:
            connection.execute(f'drop table "{name}"')


def rows_of_population(spec: DatabaseSpec, ways: Iterable[Derivation], keep: Keep) -> Near:
    """Keeps what the population is made of, and `derived_people`: birth and sex.

    What the variables ask of the same tables is kept too, so that no table need be read again for them.
    """
    of_variables = needed(ways)
    asked = _with_variables(needed((*spec.population.include, *spec.population.exclude)), of_variables)
    by_code = {table: codes for table, codes in asked.items() if table not in NEVER_BY_CODE and "*" not in codes}
    kept = {table: keep(f"coded_{table}", narrowed(table, codes, table)) for table, codes in by_code.items()}
    gathered = dict(asked)
    if named := persons_named(spec.population, kept):
        gathered |= _leaning(asked, of_variables)
        kept = _near(keep("near_persons", named), gathered, kept, keep, "contact" in {*asked, *of_variables})
    keep("derived_people", people_sql(kept.get("person", "person")))
    tables = {table: _shaped(table, kept, "candidate", keep) for table in OF_CONTACT if table in {*asked} & {*kept}}
    return Near(kept, {table: frozenset(codes) for table, codes in gathered.items()}, _relations(kept) | tables)


def _leaning(asked: Mapping[Table, list[str]], of_variables: Mapping[Table, list[str]]) -> dict[Table, list[str]]:
    """What only variables ask of tables that lean on contacts, where nothing asks for contacts themselves: those rows
    then say which few contacts have to be read."""
    if "contact" in {*asked, *of_variables}:
        return {}
    return {table: codes for table, codes in of_variables.items() if table in OF_CONTACT and table not in asked}


def _with_variables(asked: Mapping[Table, list[str]], more: Mapping[Table, list[str]]) -> dict[Table, list[str]]:
    """What is asked of each table with the codes that the variables ask of it, where these are named."""
    return {
        table: codes if "*" in more.get(table, ()) or table in NEVER_BY_CODE else [*codes, *more.get(table, ())]
        for table, codes in asked.items()
    }


def persons_named(population: Population, coded: Mapping[Table, str]) -> str | None:
    """The persons who have everything that is chosen by code of some part of `include`; None where a part has none."""
    parts = [
        [whose(events, coded[events.table]) for events in (part, *part.companions) if events.table in coded]
        for part in population.include
    ]
    if not all(parts):
        return None
    return " union ".join(
        "(" + " intersect ".join(f"(select person from ({one}))" for one in part) + ")" for part in parts
    )


def _near(
    persons: str, asked: Mapping[Table, list[str]], coded: Mapping[Table, str], keep: Keep, contacts: bool
) -> dict[Table, str]:
    """Of every table that the population is made of, and of persons, the rows of these persons; of contacts theirs
    where `contacts` are asked for, else only those that the rows were reported under."""
    tables = sorted({*asked, "person"} - {"contact"})
    near = {
        table: keep(f"near_{table}", narrowed(table, asked.get(table, ("*",)), coded.get(table, table), persons))
        for table in tables
    }
    reported = [near[table] for table in OF_CONTACT if table in near]
    return near | {"contact": keep("near_contact", contacts_of(persons if contacts else None, reported))}


def rows_of_variables(ways: Iterable[Derivation], near: Near, keep: Keep) -> dict[Table, str]:
    """Keeps what the variables of the population are read from; the relations to read then, in the common shape."""
    persons, asked = "derived_population", needed(ways)
    kept = {table: near.kept.get(table) or keep(f"own_{table}", narrowed(table, ("*",), table, persons))
            for table in NEVER_BY_CODE}  # fmt: skip
    for table in sorted(set(asked) - set(kept)):
        known = near.kept.get(table) if near.codes.get(table, frozenset()) >= set(asked[table]) else None
        kept[table] = keep(f"own_{table}", narrowed(table, asked[table], known or table, persons))
    return _relations(kept) | {t: _shaped(t, kept, "gathered", keep) for t in OF_CONTACT if t in asked}


def _shaped(table: Table, kept: Mapping[Table, str], name: str, keep: Keep) -> str:
    """Rows joined with their contacts, once for all that ask for them."""
    return keep(f"{name}_{table}", views(kept)[table])


def _relations(kept: Mapping[Table, str]) -> dict[Table, str]:
    """Every event table as a relation to select from, wherever its rows stand."""
    return {**{table: f"({view})" for table, view in views(kept).items()}, "event": f"({own_event()})"}
