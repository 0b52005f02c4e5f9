"""Register events → the records of a side: population first, then each variable, each with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import duckdb
import polars as pl

from pipelines.project import InputError
from pipelines.reconciliation.conditions import flags
from pipelines.reconciliation.gathering import rows_of_population, rows_of_variables, working_tables
from pipelines.reconciliation.shape import column_types, shaped
from pipelines.spec.derivation import TABLES, Derivation
from pipelines.spec.derivation_sql import age, population_sql, variable_sql
from pipelines.spec.model import DatabaseSpec
from pipelines.spec.person_number import birth_date_sql
from pipelines.spec.to_duckdb import SEX

REGISTERS = tuple(TABLES)
EVIDENCE = {
    "record_id": pl.String, "variable": pl.String, "table": pl.String, "receipt_id": pl.String, "line": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Derived:
    """A side made of register events.

    `records` is the canonical frame, with the receipt and line of the event that made each record.
    `evidence` has one row per event row that a value came from: record_id, variable (null: the record
    itself), table, receipt_id, line. A value by `if_none` has none.
    """

    records: pl.DataFrame
    evidence: pl.DataFrame

    def trace(self, record_id: str, variable: str | None = None) -> pl.DataFrame:
        """The event rows behind a record, or behind one of its variables."""
        same = pl.col("variable").is_null() if variable is None else pl.col("variable") == variable
        return self.evidence.filter((pl.col("record_id") == record_id) & same)


def derive(connection: duckdb.DuckDBPyConnection, spec: DatabaseSpec, registers: Sequence[str] = REGISTERS) -> Derived:
    """The records that a specification makes of the event tables on `connection`.

    Each variable comes from those of its own sources that are among `registers`, in the order in which they are
    said: the first that finds an event counts. One without any is empty. The event tables are read, never
    changed; the work stands in temporary tables that are gone afterwards.
    """
    ways = ways_of(spec, registers)
    with working_tables(connection) as keep:
        every_way = [way for found in ways.values() for way in found]
        near = rows_of_population(spec, every_way, keep)
        keep("derived_population", population_sql(spec, near.tables))
        tables = rows_of_variables(every_way, near, keep)
        found = {}
        for name in in_order(spec, ways):
            keep(f"derived_{name}", variable_sql(spec, name, ways[name], tables))
            found[name] = _in_id_order(connection, f"derived_{name}")
        population = _in_id_order(connection, "derived_population")
        attributes = _attributes(connection, spec)
    return _of_relevant(spec, Derived(_records(spec, population, found, attributes), _evidence(population, found)))


def _of_relevant(spec: DatabaseSpec, derived: Derived) -> Derived:
    """Without the values of variables that their own `only_if` says do not belong to the record (a date of
    discharge of an outpatient); where the condition cannot be said yet, the value stays."""
    conditional = {name: v.only_if for name, v in spec.variables.items() if v.only_if and name != spec.event_date}
    if not conditional:
        return derived
    strange = flags(spec, derived.records, conditional).select(~pl.all())
    emptied = [pl.when(strange[name].fill_null(False)).then(None).otherwise(pl.col(column)).alias(column)
               for name in conditional for column in (name, f"{name}_missing")]  # fmt: skip
    gone = strange.with_columns(derived.records["record_id"]).unpivot(index="record_id").filter(pl.col("value"))
    evidence = derived.evidence.join(gone, on=["record_id", "variable"], how="anti", maintain_order="left")
    return Derived(derived.records.with_columns(emptied), evidence)


def registers_of(spec: DatabaseSpec) -> list[str]:
    """The registers that a derived side is read from: those that its population and its variables name."""
    said = (*spec.population.include, *spec.population.exclude)
    made_of = {part.table for chosen in said for part in chosen.all_events()}
    of_population = {register for register, tables in TABLES.items() if made_of & set(tables)}
    of_variables = {source for name, variable in spec.variables.items() if name != spec.event_date
                    for source in variable.from_ if source in TABLES}  # fmt: skip
    return sorted(of_population | of_variables)


def ways_of(spec: DatabaseSpec, registers: Sequence[str]) -> dict[str, tuple[Derivation, ...]]:
    """The ways, of these registers, in which each derived variable may be found."""
    variables = {name: v for name, v in spec.variables.items() if name != spec.event_date}
    found = {name: ways for name, v in variables.items() if (ways := v.ways_from(registers))}
    for name in found:
        if absent := spec.anchors_of(name) - set(found):
            raise InputError(
                f"{name} is derived around {min(absent)}, which these registers do not give: add its register."
            )
    return found


def in_order(spec: DatabaseSpec, names: Iterable[str]) -> list[str]:
    """The derived variables, each after the dates that its windows are anchored at."""
    return list(TopologicalSorter({name: spec.anchors_of(name) for name in names}).static_order())


def _in_id_order(connection: duckdb.DuckDBPyConnection, table: str) -> pl.DataFrame:
    return connection.execute(f'select * from "{table}" order by record_id').pl()


def _attributes(connection: duckdb.DuckDBPyConnection, spec: DatabaseSpec) -> pl.DataFrame:
    """Sex and ten-year age band on the event date, by the register of persons, else by the CPR number."""
    cpr = spec.person_number == "cpr"
    born = f"coalesce(people.birth_date, {birth_date_sql('t.person')})" if cpr else "people.birth_date"
    decade = f"({age(born, f't.{chr(34)}{spec.event_date}{chr(34)}')} // 10 * 10)::integer"
    return connection.execute(
        f"select coalesce(people.sex, {SEX if cpr else 'null'}) as sex, "
        f"case when {decade} between 0 and 120 then {decade} || '-' || ({decade} + 9) end as age_band "
        f"from derived_population t left join derived_people people on people.person = t.person order by t.record_id"
    ).pl()


def _records(
    spec: DatabaseSpec, population: pl.DataFrame, found: Mapping[str, pl.DataFrame], attributes: pl.DataFrame
) -> pl.DataFrame:
    """The canonical frame; every frame has one row per record, in order of record id."""
    columns = population.select("record_id", "person", "unit", "region", spec.event_date, "receipt_id", "line")
    values = [
        column
        for name, frame in found.items()
        for column in (frame["value"].alias(name), frame["missing"].alias(f"{name}_missing"))
    ]
    columns = columns.with_columns(*values, *attributes.get_columns(), retracted=pl.lit(False))
    absent = [
        pl.lit(None, kind).alias(name) for name, kind in column_types(spec).items() if name not in columns.columns
    ]
    side = shaped(spec, columns.with_columns(absent), "derived")
    return side.read(list(side.types)).sort("record_id")


def _evidence(population: pl.DataFrame, found: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    frames = [_rows_of(None, population), *(_rows_of(name, frame) for name, frame in found.items())]
    return pl.concat(frames).unique().sort(list(EVIDENCE), nulls_last=False)


def _rows_of(variable: str | None, frame: pl.DataFrame) -> pl.DataFrame:
    rows = frame.select("record_id", "evidence").explode("evidence").drop_nulls("evidence").unnest("evidence")
    return rows.select("record_id", pl.lit(variable, pl.String).alias("variable"), "table", "receipt_id", "line")
