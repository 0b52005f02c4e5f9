"""DatabaseSpec → DuckDB: the tables and the casts. Pure functions that return SQL text.

Three layers: *raw* holds what arrived, as text, with receipt and line; *typed* holds for each variable the
value `v`, the missing code `v_missing` and `v_uncast` (a text that was neither); what will not cast is
null there and a finding in `findings`, so that no row is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from pipelines.spec.constraint_kinds import quoted
from pipelines.spec.model import DatabaseSpec, Field_, SourceSchema, Variable
from pipelines.spec.person_number import birth_date_sql

TYPES = {"decimal": "double", "integer": "bigint", "date": "date", "timestamp": "timestamp"}
LINE = ("receipt_id", "line", "action", "sequence")

Notation = Literal["iso", "danish"]
# At most twenty digits on either side: some hundreds of them would be read as infinity.
DECIMAL = {"iso": r"^-?[0-9]{1,20}(\.[0-9]{1,20})?$", "danish": r"^-?[0-9]{1,20}(,[0-9]{1,20})?$"}
DATE = {"iso": "%Y-%m-%d", "danish": "%d-%m-%Y"}
# A year has four digits that count: DuckDB would read 0024 as the year 24, and 0000 as 1 BC.
DATE_FORM = {"iso": "^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$", "danish": "^[0-9]{2}-[0-9]{2}-[1-9][0-9]{3}$"}
TIME = {
    "iso": [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S.%f",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S.%f",
    ],
    "danish": ["%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S"],
}
TIME_FORM = {
    "iso": r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?$",
    "danish": "^[0-9]{2}-[0-9]{2}-[1-9][0-9]{3} [0-9]{2}:[0-9]{2}(:[0-9]{2})?$",
}


def dated_variables(spec: DatabaseSpec) -> dict[str, str]:
    """Every variable with its type; the event date is a date where it is not declared itself."""
    return {spec.event_date: "date", **{name: v.type for name, v in spec.variables.items()}}


def raw_columns(spec: DatabaseSpec) -> list[str]:
    """The text columns of the raw layer, by the specification's names."""
    return ["record_id", "person", "unit", "region", *spec.attributes, *dated_variables(spec)]


def create_raw(spec: DatabaseSpec, source: str) -> str:
    """One table per source: every column as text, with the receipt and the line it came from."""
    texts = ", ".join(f'"{name}" varchar' for name in raw_columns(spec))
    return (
        f"create table if not exists raw_{source} "
        f"(receipt_id varchar not null, line bigint not null, action varchar, sequence bigint, {texts})"
    )


def conform(
    spec: DatabaseSpec,
    relation: str,
    columns: Mapping[str, str],
    notation: Notation = "iso",
    schema: SourceSchema | None = None,
    as_it_stands: Collection[str] = ("text",),
) -> str:
    """A query that makes typed rows of `relation`.

    `columns` are the relation's columns with their DuckDB types (upper case); one that is not there is
    null in the answer. A column that is typed already (Parquet) keeps its type. `schema` translates the
    source's own words for values and missing. What follows from the unit is added by `with_units`. Values of the types
    `as_it_stands` keep the blanks around them.
    """
    fields = {f.variable: f for f in schema.fields.values()} if schema else {}
    named = (*LINE, "channel_region", "record_id", "person", "unit", "region")
    parts = [_passed(name, columns) for name in named]
    parts += [_attribute(name, columns) for name in spec.attributes]
    for name, variable_type in dated_variables(spec).items():
        variable = spec.variables.get(name)
        words = fields.get(name)
        is_kept = variable_type in as_it_stands and not (words and words.values)
        parts += _variable(name, variable_type, variable, columns, notation, words, is_kept)
    return f"select {', '.join(parts)} from {relation}"


def _passed(name: str, columns: Mapping[str, str]) -> str:
    if name not in columns:
        return f'null::{"bigint" if name in ("line", "sequence") else "varchar"} as "{name}"'
    if name in ("line", "sequence"):
        return f'"{name}"'
    return f'{_text(name)} as "{name}"'


def _attribute(name: str, columns: Mapping[str, str]) -> str:
    kind = "boolean" if name == "retracted" else "varchar"
    if name not in columns:
        return f'null::{kind} as "{name}"'
    return f'try_cast({_text(name)} as {kind}) as "{name}"'


def _text(name: str) -> str:
    """A cell as text without blanks around it; an empty cell is null."""
    return f"nullif(trim(cast(\"{name}\" as varchar)), '')"


def _variable(
    name: str,
    variable_type: str,
    variable: Variable | None,
    columns: Mapping[str, str],
    notation: Notation,
    words: Field_ | None,
    is_kept: bool,
) -> list[str]:
    """The three columns of a variable: value, missing code, and whether a text could not be read."""
    if name not in columns:
        nothing = TYPES.get(variable_type, "varchar")
        return [
            f'null::{nothing} as "{name}"',
            f'null::varchar as "{name}_missing"',
            f'false as "{name}_uncast"',
        ]
    if columns[name] not in ("VARCHAR", "JSON"):
        return _typed_variable(name, variable_type, columns)
    text, missing = _text(name), _missing(name, variable, columns, words)
    value = _as_it_stands(name) if is_kept else _value(text, variable_type, notation, words)
    return [
        f'case when {missing} is null then {value} end as "{name}"',
        f'{missing} as "{name}_missing"',
        f'({text} is not null and {missing} is null and {value} is null) as "{name}_uncast"',
    ]


def _as_it_stands(name: str) -> str:
    """A text with the blanks around it: whether they count is for the comparison to say (`normalise`)."""
    return f'case when {_text(name)} is not null then cast("{name}" as varchar) end'


def _typed_variable(name: str, variable_type: str, columns: Mapping[str, str]) -> list[str]:
    """A column that arrived typed: a Boolean is yes/no, a whole number may stand in a decimal column."""
    value = _of_type(f'"{name}"', columns[name], variable_type)
    missing = _text(f"{name}_missing") if f"{name}_missing" in columns else "null::varchar"
    return [
        f'{value} as "{name}"',
        f'case when "{name}" is null then {missing} end as "{name}_missing"',
        f'("{name}" is not null and {value} is null) as "{name}_uncast"',
    ]


def _of_type(cell: str, arrived: str, variable_type: str) -> str:
    kind = TYPES.get(variable_type, "varchar")
    if arrived == "BOOLEAN" and kind == "varchar":
        return f"case when {cell} then 'yes' when not {cell} then 'no' end"
    whole = f"case when {cell} = round({cell}) then try_cast({cell} as bigint) end"
    if kind == "bigint":
        return whole
    if kind == "varchar" and arrived in ("DOUBLE", "FLOAT"):  # code 2 beside empty cells becomes 2.0
        return f"coalesce(cast({whole} as varchar), cast({cell} as varchar))"
    return f"try_cast({cell} as {kind})"


def _missing(name: str, variable: Variable | None, columns: Mapping[str, str], words: Field_ | None) -> str:
    """The specification's missing code that the text is, or that stands beside an empty cell."""
    if f"{name}_missing" in columns:
        return f"case when {_text(name)} is null then {_text(f'{name}_missing')} end"
    known = words.missing if words else {code: code for code in (variable.missing if variable else {})}
    return _translated(_text(name), known, otherwise="null") if known else "null::varchar"


def _value(text: str, variable_type: str, notation: Notation, words: Field_ | None) -> str:
    if variable_type == "decimal":
        number = f"replace({text}, ',', '.')" if notation == "danish" else text
        cast = f"case when regexp_matches({text}, '{DECIMAL[notation]}') then try_cast({number} as double) end"
        return cast if not words or words.factor == 1 else f"({cast}) * {words.factor!r}"
    if variable_type == "integer":
        cast = f"case when regexp_matches({text}, '^-?[0-9]+$') then try_cast({text} as bigint) end"
        return (
            cast
            if not words or words.factor == 1
            else f"try_cast(cast(({cast}) as double) * {words.factor!r} as bigint)"
        )
    if variable_type == "date":
        return (
            f"case when regexp_matches({text}, '{DATE_FORM[notation]}') "
            f"then cast(try_strptime({text}, '{DATE[notation]}') as date) end"
        )
    if variable_type == "timestamp":
        formats = ", ".join(quoted(form) for form in TIME[notation])
        readable = f"regexp_matches({text}, '{TIME_FORM[notation]}')"
        return f"case when {readable} then try_strptime({text}, [{formats}]) end"
    return _translated(text, words.values, otherwise=text) if words and words.values else text


def _translated(text: str, words: Mapping[str, str], otherwise: str) -> str:
    branches = " ".join(f"when {quoted(word)} then {quoted(code)}" for word, code in words.items())
    return f"case {text} {branches} else {otherwise} end"


def typed_columns(spec: DatabaseSpec) -> dict[str, str]:
    """Every column of the typed layer with its DuckDB type."""
    columns = {"receipt_id": "varchar", "line": "bigint", "action": "varchar", "sequence": "bigint"}
    columns |= dict.fromkeys(("record_id", "person", "unit", "region"), "varchar")
    columns |= {name: "boolean" if name == "retracted" else "varchar" for name in spec.attributes}
    for name, variable_type in dated_variables(spec).items():
        columns |= {
            name: TYPES.get(variable_type, "varchar"),
            f"{name}_missing": "varchar",
            f"{name}_uncast": "boolean",
        }
    return columns | dict.fromkeys(("channel_region", "unit_region"), "varchar") | {"same_id": "bigint"}


def create_typed(spec: DatabaseSpec, source: str) -> str:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in typed_columns(spec).items())
    return f"create table if not exists typed_{source} ({columns}, quarantined boolean default false)"


LAST_DAY = "date '9999-12-31'"  # stands for an event date that is not known

# Digit 10 of a CPR number is odd for men (cpr.dk, opbygning af CPR-nummeret).
SEX = (
    "case when regexp_matches(t.person, '^[0-9]{10}$') then "
    "case when substr(t.person, 10, 1) in ('1', '3', '5', '7', '9') then 'male' else 'female' end end"
)


def _age_band(spec: DatabaseSpec) -> str:
    """Ten-year age band on the event date, such as 60-69; null where the birth date is not known."""
    age = f"date_sub('year', {birth_date_sql('t.person')}, cast(t.\"{spec.event_date}\" as date))"
    decade = f"({age} // 10 * 10)::integer"
    return f"case when {age} between 0 and 120 then {decade} || '-' || ({decade} + 9) end"


def with_units(spec: DatabaseSpec, typed: str, units: str | None = None, copies: bool = True) -> str:
    """The typed rows with what follows from unit and person: region, hospital, sex, age band.

    `units` names a relation (unit, region, hospital, valid_from, valid_until; both dates filled in): a unit
    belongs to the region it had on the event date, its last one where that date is not known. Where there
    is none, region is the row's own, else that of the channel.
    `same_id` is how many rows of its receipt a row gives way to (record_kinds.OncePerFile); rows that
    a sequence number sets in order are versions of one record, not copies. Counting them costs most of the
    time; `copies=False` leaves it null.
    """
    age_band, sex = _age_band(spec), SEX
    if spec.person_number != "cpr":
        age_band = sex = "null::varchar"
    unit_region = hospital = "null::varchar"
    join = ""
    if units:
        day = f'coalesce(cast(t."{spec.event_date}" as date), {LAST_DAY})'
        unit_region, hospital = "u.region", "u.hospital"
        join = f"left join ({_places(typed, units, day)}) u on u.unit = t.unit and u.day = {day}"
    names = [name for name in typed_columns(spec) if name not in ("channel_region", "unit_region", "same_id")]
    typed_content = [name for name in names if name not in ("line", "source_file")]
    derived = {
        "region": f"coalesce(t.region, {unit_region}, t.channel_region)",
        "hospital": f"coalesce(t.hospital, {hospital})",
        "sex": f"coalesce(t.sex, {sex})",
        "age_band": f"coalesce(t.age_band, {age_band})",
    }
    parts = [f'{derived.get(name, f"t.{chr(34)}{name}{chr(34)}")} as "{name}"' for name in names]
    parts += ["t.channel_region", f"{unit_region} as unit_region"]
    parts.append(f"{_same_id(typed_content) if copies else 'null::bigint'} as same_id")
    return f"select {', '.join(parts)} from ({typed}) t {join}"


def _places(typed: str, units: str, day: str) -> str:
    """Each unit and day that occur with the region and hospital in force then: one row per place."""
    return (
        f"select p.unit, p.day, u.region, u.hospital "
        f"from (select distinct t.unit, {day} as day from ({typed}) t) p "
        f"asof join {units} u on p.unit = u.unit and p.day >= u.valid_from "
        f"where p.day <= u.valid_until or p.day = {LAST_DAY}"
    )


def _same_id(content: list[str]) -> str:
    """Rows of the same receipt, id and sequence that differ, and earlier ones that say the same."""
    same_id = "t.receipt_id, t.record_id, t.sequence"
    said = f"hash({', '.join(f't.{chr(34)}{name}{chr(34)}' for name in content)})"
    return (
        f"case when t.record_id is null then 0 else count(*) over (partition by {same_id}) "
        f"- count(*) over (partition by {same_id}, {said}) "
        f"+ row_number() over (partition by {same_id}, {said} order by t.line) - 1 end"
    )
